// SPDX-License-Identifier: GPL-2.0
/*
 * What faults will want next. A stream is followed once its step has come twice in
 * a row. From then on pieces are foreseen: as many as the stream has had, doubled
 * each time, up to a bound; the next as soon as one of those is used. So what is
 * brought in vain is never more than what was wanted.
 */
#include "kapi.h"
#include "stream.h"

/* The piece after the last, if the step is right. */
static unsigned long expected(const struct hmmodp_stream *st)
{
	return st->last + st->step;
}

static bool goes_on(const struct hmmodp_stream *st, unsigned long va)
{
	return (st->step && va == expected(st)) || va == st->last + st->len;
}

/* May the piece be the second of a stream that began with the last one here? */
static bool is_near(const struct hmmodp_stream *st, unsigned long va)
{
	unsigned long far = va > st->last ? va - st->last : st->last - va;

	return far <= HMMODP_STREAM_REACH;
}

/* Is it one of the pieces that were foreseen last? */
static bool foresaw(const struct hmmodp_stream *st, unsigned long va)
{
	unsigned long low = st->step > 0 ? st->mark : st->last;
	unsigned long high = st->step > 0 ? st->last : st->mark;

	return st->ahead && va >= low && va - low < high - low + st->len;
}

/* What a fault may be to the streams: of each the one used last. */
struct hmmodp_kin {
	struct hmmodp_stream *foreseen;	/* the fault is one of its pieces */
	struct hmmodp_stream *followed;	/* it is the next that it expects */
	struct hmmodp_stream *again;	/* it is its last */
	struct hmmodp_stream *near;	/* it may be its second */
	struct hmmodp_stream *oldest;	/* of all, to make room for a new one */
};

static void keep_newer(struct hmmodp_stream **best, struct hmmodp_stream *st)
{
	if (!*best || st->stamp > (*best)->stamp)
		*best = st;
}

static void find_kin(struct hmmodp_streams *s, unsigned long va, struct hmmodp_kin *kin)
{
	struct hmmodp_stream *st;

	*kin = (struct hmmodp_kin) { .oldest = s->stream };
	for (st = s->stream; st < s->stream + HMMODP_STREAMS; st++) {
		if (st->stamp < kin->oldest->stamp)
			kin->oldest = st;
		if (!st->len)	/* nor has any behind it been used */
			break;
		if (foresaw(st, va))
			keep_newer(&kin->foreseen, st);
		else if (va == st->last)
			keep_newer(&kin->again, st);
		else if (goes_on(st, va))
			keep_newer(&kin->followed, st);
		else if (is_near(st, va))
			keep_newer(&kin->near, st);
	}
}

static bool touching(const struct hmmodp_stream *st)
{
	return st->step == (long)st->len;
}

/* How many pieces to foresee; not beyond the ends of the address space. */
static unsigned int pieces(const struct hmmodp_stream *st)
{
	unsigned long most = HMMODP_AHEAD_BYTES / st->len;
	unsigned long room = st->step > 0 ? (LONG_MAX - st->last) / st->step :
					    st->last / -st->step;
	unsigned long n = st->ahead ? 2UL * st->ahead : st->streak;

	if (!touching(st) && most > HMMODP_AHEAD_PIECES)
		most = HMMODP_AHEAD_PIECES;
	n = n < most ? n : most;
	return n < room ? n : room;
}

static bool foresee(struct hmmodp_stream *st, struct hmmodp_foreseen *next)
{
	unsigned int n = pieces(st);

	st->ahead = n;
	if (!n)
		return false;
	st->mark = expected(st);
	st->last += n * st->step;
	*next = (struct hmmodp_foreseen) {
		.va = st->mark,
		.len = st->len,
		.step = st->step,
		.count = n,
		.write = st->write,
	};
	if (touching(st)) {
		next->len *= n;
		next->count = 1;
	}
	return true;
}

/* A piece that no stream expects begins one, with the step from the one before it. */
static void begin(struct hmmodp_streams *s, const struct hmmodp_kin *kin,
		  unsigned long va, unsigned long len, bool write)
{
	long step = kin->near ? va - kin->near->last : 0;

	*kin->oldest = (struct hmmodp_stream) {
		.last = va,
		.len = len,
		.step = step,
		.streak = step ? 1 : 0,
		.stamp = ++s->clock,
		.write = write,
	};
}

/* The same place once more is no step, and no reason to forget another stream. */
static void stay(struct hmmodp_streams *s, struct hmmodp_stream *st, unsigned long len,
		 bool write)
{
	st->len = len;
	st->write = write;
	st->stamp = ++s->clock;
}

static bool use(struct hmmodp_streams *s, struct hmmodp_stream *st,
		struct hmmodp_foreseen *next)
{
	st->stamp = ++s->clock;
	return foresee(st, next);
}

/**
 * hmmodp_streams_fault - a fault was served
 * @s: the streams
 * @va: its first page
 * @len: bytes > 0
 * @write: the right it wanted
 * @next: what to bring ahead
 *
 * Return: whether *@next was set.
 */
bool hmmodp_streams_fault(struct hmmodp_streams *s, unsigned long va, unsigned long len,
			  bool write, struct hmmodp_foreseen *next)
{
	struct hmmodp_stream *st;
	struct hmmodp_kin kin;

	find_kin(s, va, &kin);
	if (kin.foreseen)	/* but it did not come in time */
		return use(s, kin.foreseen, next);
	st = kin.followed;
	if (!st && kin.again) {
		stay(s, kin.again, len, write);
		return false;
	}
	if (!st) {
		begin(s, &kin, va, len, write);
		return false;
	}
	if (va == st->last + st->len) {
		st->streak = touching(st) ? st->streak : 0;
		st->step = len;
	}
	st->last = va;
	st->len = len;
	st->write = write;
	st->stamp = ++s->clock;
	if (st->streak < UINT_MAX)
		st->streak++;
	return st->streak >= HMMODP_STREAM_SURE && foresee(st, next);
}

/**
 * hmmodp_streams_used - a page that was brought ahead is used for the first time
 * @s: the streams
 * @va: the page
 * @next: what to bring ahead now
 *
 * Return: whether *@next was set.
 */
bool hmmodp_streams_used(struct hmmodp_streams *s, unsigned long va,
			 struct hmmodp_foreseen *next)
{
	struct hmmodp_kin kin;

	find_kin(s, va, &kin);
	return kin.foreseen && use(s, kin.foreseen, next);
}
