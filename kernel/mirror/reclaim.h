/* SPDX-License-Identifier: GPL-2.0 */
/* Giving memory of mirrors back. */
#ifndef HMMODP_RECLAIM_H
#define HMMODP_RECLAIM_H

#include <linux/atomic.h>

#include "chunk.h"

struct hmmodp_mirror;

#define HMMODP_TABLE_BYTES	(HMMODP_CHUNK_PAGES * sizeof(unsigned long))

extern atomic_long_t hmmodp_tables;	/* of all mirrors */

/* Context of all: process, may sleep, no lock of the memory manager held. */

/*
 * Before each step of a fault, which is one of mirror->faults: where all of them would
 * take the mirror over its limit, give back what is not in use.
 */
void hmmodp_reclaim_make_room(struct hmmodp_mirror *mirror);

/* Bytes of small pages that the limit on a mirror has room for. */
unsigned long hmmodp_reclaim_room(void);

/* There was no memory, for the (tries + 1)th time in a row: give back some perhaps. */
void hmmodp_reclaim_some(struct hmmodp_mirror *mirror, unsigned int tries);

/* There are spans: look after them now and then. */
void hmmodp_reclaim_arm(struct hmmodp_mirror *mirror);
/* No more of that; the mirror has no owner any more. */
void hmmodp_reclaim_disarm(struct hmmodp_mirror *mirror);

void hmmodp_reclaim_work(struct work_struct *work);

int hmmodp_reclaim_init(void);
void hmmodp_reclaim_exit(void);

#endif
