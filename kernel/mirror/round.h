/* SPDX-License-Identifier: GPL-2.0 */
/* One round of a fault: what HMM says of a chunk becomes its translation. */
#ifndef HMMODP_ROUND_H
#define HMMODP_ROUND_H

#include <linux/hmm.h>

#include "core.h"
#include "span.h"

/* Neighbours looked at around wanted pages that were there, once all has been seen. */
#define HMMODP_NEIGHBOUR_PAGES	16U
/* Looking at so many pages takes no allocation. */
#define HMMODP_FEW_PAGES	(2 * HMMODP_NEIGHBOUR_PAGES)

/* The fault of one chunk. Pages are counted from the start of the chunk. */
struct hmmodp_chunk_fault {
	struct hmmodp_mirror *mirror;
	struct hmmodp_span *span;
	struct hmmodp_chunk *chunk;
	unsigned long base;		/* address of the chunk */
	unsigned int first, last;	/* pages wanted: [first, last) */
	unsigned int how;		/* HMMODP_FAULT_* */
	const bool *stop;		/* give up when it turns true, or NULL */
	bool some;			/* chunks before this one have come */
	/* of the round under way */
	struct hmm_range range;
	unsigned int low, high;		/* pages looked at, the wanted among them */
	unsigned int missing;		/* the first wanted that has not come, or last */
	unsigned int secret;		/* the first wanted that no device may see, or last */
	unsigned long *pages;		/* HMM's words on them, then entries */
	unsigned long few[HMMODP_FEW_PAGES];	/* where pages points, or else */
	unsigned long *many;		/* a chunk's worth, or NULL */
};

/**
 * hmmodp_fault_round - bring the wanted pages, once
 * @f: the chunk; the caller frees @f->many in the end
 * @bad: set with -EFAULT to the page that HMM could not bring
 *
 * Context: process, may sleep; under the chunk's fault lock.
 * Return: 0: the wanted pages were present; with HMMODP_FAULT_LOOK, those that
 *	the process had mapped. -EFAULT: HMM could not bring page *@bad, but all
 *	before it were present. Else the reason will pass.
 */
int hmmodp_fault_round(struct hmmodp_chunk_fault *f, unsigned int *bad);

/* Has it ended, or become another program? For good. */
bool hmmodp_process_gone(const struct mm_struct *mm);

#endif
