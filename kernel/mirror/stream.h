/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Streams: faults that follow one another by a constant step, forward or back, and
 * what they will want next. Pure (tests/unit/test_stream.c). Addresses and lengths
 * are of whole pages.
 */
#ifndef HMMODP_STREAM_H
#define HMMODP_STREAM_H

#include "kapi.h"

/* Streams that a mirror follows at once; a new one takes the place of the oldest. */
#define HMMODP_STREAMS		16
/* Faults farther apart than this do not belong together. */
#define HMMODP_STREAM_REACH	BIT(25)
/* Steps in a row that are taken for a habit. */
#define HMMODP_STREAM_SURE	2
/* Most that is foreseen at once: bytes, and pieces where they do not touch. */
#define HMMODP_AHEAD_BYTES	BIT(21)
#define HMMODP_AHEAD_PIECES	16

/**
 * struct hmmodp_stream
 * @last: the last piece that was faulted or foreseen
 * @len: its bytes; 0: the stream is free
 * @step: from one piece to the next, may be negative; 0: not known yet
 * @streak: pieces that came as expected
 * @ahead: pieces foreseen last time, 0: none
 * @mark: the first of them; once it is touched, more is foreseen
 * @stamp: when it was used last
 * @write: the right wanted last
 */
struct hmmodp_stream {
	unsigned long last;
	unsigned long len;
	long step;
	unsigned int streak;
	unsigned int ahead;
	unsigned long mark;
	unsigned long stamp;
	bool write;
};

struct hmmodp_streams {
	struct hmmodp_stream stream[HMMODP_STREAMS];
	unsigned long clock;
};

/* What will be wanted: count pieces of len bytes, step apart. */
struct hmmodp_foreseen {
	unsigned long va;
	unsigned long len;
	long step;
	unsigned int count;
	bool write;
};

bool hmmodp_streams_fault(struct hmmodp_streams *s, unsigned long va, unsigned long len,
			  bool write, struct hmmodp_foreseen *next);
bool hmmodp_streams_used(struct hmmodp_streams *s, unsigned long va,
			 struct hmmodp_foreseen *next);

#endif
