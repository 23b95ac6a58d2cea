/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Everything that may happen to a process's memory beneath an on-demand-paged
 * region, done while a batch is in flight.
 *
 * Three sorts of pages: free ones, in no message, with which anything may be
 * done; those of messages, with which only that may be done which the process
 * would not notice; and those that a message will overwrite from end to end,
 * whose bytes may be thrown away before the batch begins.
 */
#ifndef RC_CHURN_H
#define RC_CHURN_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "engine.h"

enum rc_churn_action {
	RC_CHURN_REMAP,		/* free: munmap, mmap, read as zero */
	RC_CHURN_DONTNEED,	/* free: MADV_DONTNEED; shared memory: anywhere */
	RC_CHURN_MPROTECT,	/* free: PROT_NONE; sources of messages: PROT_READ */
	RC_CHURN_FORK,		/* both sides of the fork write */
	RC_CHURN_COLLAPSE,	/* MADV_COLLAPSE, and small holes to split again */
	RC_CHURN_COMPACT,	/* the whole machine's memory */
	RC_CHURN_MOVE,		/* move_pages to another NUMA node */
	RC_CHURN_PAGEOUT,	/* to swap */
	RC_CHURN_FREE,		/* before a batch: MADV_FREE what it overwrites */
	RC_CHURN_KSM,		/* mergeable and back */
	RC_CHURN_COLD,		/* MADV_COLD: first in line for reclaim */
	RC_CHURN_MREMAP,	/* free: moved away and back */
	RC_CHURN_PUNCH,		/* free, shared memory: a hole in the file */
	RC_CHURN_WRITEBACK,	/* shared memory: to the disk, and out of the cache */
	RC_CHURN_ACTIONS
};

struct rc_churn {
	struct rc_engine *e;
	uint32_t wanted;	/* 1 << RC_CHURN_... */
	uint64_t done[RC_CHURN_ACTIONS];
	uint64_t least;		/* more batches until one side has done so much */
	struct rc_rng rng;
	pthread_t thread;
	atomic_bool stop;
	/* a child forked before the batch, which looks at its copy after it */
	pid_t child;
	int child_pipe;
};

extern const char *const rc_churn_names[RC_CHURN_ACTIONS];
uint32_t rc_churn_parse(const char *list);
/* Hooks itself into the engine. */
void rc_churn_start(struct rc_churn *c, struct rc_engine *e);

#endif
