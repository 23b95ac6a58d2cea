/* SPDX-License-Identifier: GPL-2.0 */
/* A span: an aligned 64 MiB of a process's addresses, watched by one notifier. */
#ifndef HMMODP_SPAN_H
#define HMMODP_SPAN_H

#include <linux/mmu_notifier.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>

#include "core.h"
#include "chunk.h"

#define HMMODP_SPAN_SHIFT	26
#define HMMODP_SPAN_SIZE	BIT(HMMODP_SPAN_SHIFT)
#define HMMODP_SPAN_CHUNKS	(1U << (HMMODP_SPAN_SHIFT - HMMODP_CHUNK_SHIFT))

/*
 * Found under RCU. Whoever needs it longer takes a reference; one is the array's.
 * Only a span without other references is taken out of the array, and freed after
 * two grace periods.
 */
struct hmmodp_span {
	struct mmu_interval_notifier notifier;
	struct hmmodp_mirror *mirror;
	unsigned long base;		/* first address */
	refcount_t refs;
	/*
	 * Held from the clearing of entries until the pages that were dirty
	 * know it, so that who finds an entry cleared by another may rely on
	 * the page. Outside the chunks' locks; never taken in softirq.
	 */
	spinlock_t clear_lock;
	struct list_head dying;		/* out of the array, its freer's list */
	struct hmmodp_chunk chunk[HMMODP_SPAN_CHUNKS];
};

/* The chunk of an address. */
static inline struct hmmodp_chunk *hmmodp_span_chunk(struct hmmodp_span *span,
						     unsigned long va)
{
	return &span->chunk[(va - span->base) >> HMMODP_CHUNK_SHIFT];
}

struct hmmodp_span *hmmodp_span_find(struct hmmodp_mirror *mirror, unsigned long index);

/*
 * Context: any; under RCU, until whose end the span may be used, or given a
 * reference.
 */
static inline struct hmmodp_span *hmmodp_span_lookup(struct hmmodp_mirror *mirror,
						     unsigned long va)
{
	unsigned long index = va >> HMMODP_SPAN_SHIFT;
	struct hmmodp_span *span = READ_ONCE(mirror->hint[index % HMMODP_SPAN_HINTS]);

	/*
	 * Most accesses go where the last one went. A hint to a span that is
	 * being taken away must not hide the one that has come in its place.
	 */
	if (likely(span && span->base >> HMMODP_SPAN_SHIFT == index &&
		   refcount_read(&span->refs)))
		return span;
	return hmmodp_span_find(mirror, index);
}

struct hmmodp_span *hmmodp_span_get(struct hmmodp_mirror *mirror,
				    unsigned long va);
void hmmodp_span_put(struct hmmodp_span *span);
bool hmmodp_span_is_empty(const struct hmmodp_span *span);
bool hmmodp_span_unlink_locked(struct hmmodp_span *span, struct list_head *dying);
void hmmodp_spans_free(struct list_head *dying);
void hmmodp_spans_wait_and_free(struct hmmodp_mirror *mirror,
				struct list_head *dying);

unsigned long *hmmodp_table_alloc(struct hmmodp_mirror *mirror);
void hmmodp_table_free(struct hmmodp_mirror *mirror, unsigned long *table);
void hmmodp_table_discard(struct hmmodp_mirror *mirror, unsigned long *table);
void hmmodp_table_drop_spare(struct hmmodp_mirror *mirror);

int hmmodp_span_init(void);
void hmmodp_span_exit(void);

/* invalidate.c */
extern const struct mmu_interval_notifier_ops hmmodp_span_notifier_ops;
unsigned int hmmodp_span_clear(struct hmmodp_span *span, unsigned long start,
			       unsigned long end, enum hmmodp_change change);

#endif
