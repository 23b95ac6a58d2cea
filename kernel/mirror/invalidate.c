// SPDX-License-Identifier: GPL-2.0
/* Invalidation: the kernel is about to change page tables; forget the pages. */
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/slab.h>

#include "core.h"
#include "inject.h"
#include "span.h"
#include "trace.h"

/*
 * Tells pages that they were written. Their mappings were announced as going
 * away but are still there, since whoever wants to take them away must go
 * through the notifier and then waits for clear_lock. A mapped page cannot be
 * freed or truncated, so this is as safe as it is for zap_pte_range(), which
 * does the same for the dirty bit of a page table entry, under a spinlock and
 * without the page's. A page of a file system was made dirty when it became
 * writable, and is made clean only after the notifier was called, so that it
 * is no news to the file system either.
 */
static void mark_dirty(struct hmmodp_dirty *dirty)
{
	struct folio *folio, *told = NULL;
	unsigned int i;

	for (i = 0; i < dirty->count; i++) {
		folio = page_folio(pfn_to_page(dirty->pfn[i]));
		if (folio != told && !hmmodp_inject(HMMODP_INJECT_NO_DIRTY))
			folio_mark_dirty(folio);
		told = folio;
	}
	dirty->count = 0;
}

static void clear_chunk(struct hmmodp_span *span, struct hmmodp_chunk *chunk,
			unsigned int next, unsigned int last,
			struct hmmodp_changed *gone)
{
	struct hmmodp_dirty dirty = { .count = 0 };
	unsigned long *freed;

	while (next < last) {
		spin_lock(&span->clear_lock);
		/*
		 * Not in softirq's way while the pages are told: that takes
		 * locks which others hold with bottom halves on.
		 */
		write_lock_bh(&chunk->lock);
		hmmodp_chunk_clear_locked(chunk, &next, last, &dirty, &freed,
					  gone);
		write_unlock_bh(&chunk->lock);
		mark_dirty(&dirty);
		spin_unlock(&span->clear_lock);
		hmmodp_table_free(span->mirror, freed);
	}
}

/**
 * hmmodp_span_clear - make a range absent, pages that were dirty know it
 * @span: the span
 * @start: first address, may lie before the span
 * @end: address after the last, may lie behind it
 * @change: why, for the counters
 *
 * Context: process; takes spinlocks only, allocates nothing. The notifier of
 * the span is in place.
 * Return: pages that became absent.
 */
unsigned int hmmodp_span_clear(struct hmmodp_span *span, unsigned long start,
			       unsigned long end, enum hmmodp_change change)
{
	struct hmmodp_changed gone;
	unsigned int total = 0;
	unsigned long base, va;

	start = max(start, span->base);
	end = min(end, span->base + HMMODP_SPAN_SIZE);
	for (va = start; va < end; va = base + HMMODP_CHUNK_SIZE) {
		base = va & ~(HMMODP_CHUNK_SIZE - 1);
		memset(&gone, 0, sizeof(gone));
		clear_chunk(span, hmmodp_span_chunk(span, va),
			    (va - base) >> PAGE_SHIFT,
			    PAGE_ALIGN(min(end - base, HMMODP_CHUNK_SIZE)) >>
				PAGE_SHIFT, &gone);
		hmmodp_count_pages(span->mirror, base, &gone, change);
		total += gone.count;
	}
	return total;
}

/*
 * The sequence number is set before any chunk is locked, outside the lock that
 * install checks it under. That is enough: an install either had the chunk
 * first, then its entries are cleared here; or it has it afterwards, then it
 * sees the number and gives up. This is also why the lock of every chunk in the
 * range is taken, be there entries or not.
 *
 * No event may be skipped: all of them change what the device may do, or who
 * else may. Nothing here has to sleep, so a caller that must not wait is no matter.
 */
static bool invalidate(struct mmu_interval_notifier *notifier,
		       const struct mmu_notifier_range *range,
		       unsigned long cur_seq)
{
	struct hmmodp_span *span = container_of(notifier, struct hmmodp_span,
						notifier);
	unsigned long start = max(range->start, span->base);
	unsigned long end = min(range->end, span->base + HMMODP_SPAN_SIZE);
	unsigned int gone;

	mmu_interval_set_seq(notifier, cur_seq);
	gone = hmmodp_span_clear(span, start, end, HMMODP_INVALIDATIONS);
	if (gone)
		hmmodp_region_event(span->mirror, start, end - 1, HMMODP_INVALIDATIONS);
	trace_hmmodp_invalidate(start, end, range->event, gone);
	/* the range may have thousands of spans */
	if (mmu_notifier_range_blockable(range))
		cond_resched();
	return true;
}

const struct mmu_interval_notifier_ops hmmodp_span_notifier_ops = {
	.invalidate = invalidate,
};
