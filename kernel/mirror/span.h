/* SPDX-License-Identifier: GPL-2.0 */
/* A span: an aligned 64 MiB of a process's addresses, watched by one notifier. */
#ifndef HMMODP_SPAN_H
#define HMMODP_SPAN_H

#include <linux/mmu_notifier.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>

#include "chunk.h"

#define HMMODP_SPAN_SHIFT	26
#define HMMODP_SPAN_SIZE	BIT(HMMODP_SPAN_SHIFT)
#define HMMODP_SPAN_CHUNKS	(1U << (HMMODP_SPAN_SHIFT - HMMODP_CHUNK_SHIFT))

struct hmmodp_mirror;

struct hmmodp_span {
	struct mmu_interval_notifier notifier;
	struct hmmodp_mirror *mirror;
	unsigned long base;		/* first address */
	/*
	 * Held from the clearing of entries until the pages that were dirty
	 * know it, so that who finds an entry cleared by another may rely on
	 * the page. Outside the chunks' locks; never taken in softirq.
	 */
	spinlock_t clear_lock;
	struct rcu_head rcu;
	struct hmmodp_chunk chunk[HMMODP_SPAN_CHUNKS];
};

/* The chunk of an address. */
static inline struct hmmodp_chunk *hmmodp_span_chunk(struct hmmodp_span *span,
						     unsigned long va)
{
	return &span->chunk[(va - span->base) >> HMMODP_CHUNK_SHIFT];
}

struct hmmodp_span *hmmodp_span_lookup(struct hmmodp_mirror *mirror,
				       unsigned long va);
struct hmmodp_span *hmmodp_span_get(struct hmmodp_mirror *mirror,
				    unsigned long va);
void hmmodp_span_free(struct hmmodp_span *span);

/* invalidate.c */
extern const struct mmu_interval_notifier_ops hmmodp_span_notifier_ops;
unsigned int hmmodp_span_clear(struct hmmodp_span *span, unsigned long start,
			       unsigned long end);

#endif
