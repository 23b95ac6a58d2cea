// SPDX-License-Identifier: GPL-2.0
/*
 * Aging: the kernel wants to know which pages are in use before it swaps some
 * out. What the device uses leaves no trace in the page tables, so it is asked
 * here, by a notifier of the classic kind; the interval notifiers of the spans
 * are not asked.
 */
#include <linux/mm.h>
#include <linux/mmu_notifier.h>

#include "mm.h"
#include "core.h"
#include "span.h"

/*
 * Called under page table locks: takes chunk locks for read, which are innermost.
 * @end may be more than a page after @start (a huge page), hardly more than two
 * chunks.
 */
static bool young(struct hmmodp_mirror *mirror, unsigned long start,
		  unsigned long end, bool clear)
{
	struct hmmodp_chunk *chunk;
	struct hmmodp_span *span;
	unsigned long base, va;
	bool is = false;

	rcu_read_lock();
	for (va = start; va < end; va = base + HMMODP_CHUNK_SIZE) {
		base = va & ~(HMMODP_CHUNK_SIZE - 1);
		span = hmmodp_span_lookup(mirror, va);
		if (!span)
			continue;
		chunk = hmmodp_span_chunk(span, va);
		if (!READ_ONCE(chunk->populated))
			continue;
		read_lock_bh(&chunk->lock);
		is |= hmmodp_chunk_young_locked(chunk, (va - base) >> PAGE_SHIFT,
						PAGE_ALIGN(min(end - base, HMMODP_CHUNK_SIZE)) >>
							PAGE_SHIFT, clear);
		read_unlock_bh(&chunk->lock);
	}
	rcu_read_unlock();
	return is;
}

static struct hmmodp_mirror *to_mirror(struct mmu_notifier *aging)
{
	return container_of(aging, struct hmmodp_mirror, aging);
}

static hmmodp_young_t clear_young(struct mmu_notifier *aging, struct mm_struct *mm,
				  unsigned long start, unsigned long end)
{
	return young(to_mirror(aging), start, end, true);
}

static hmmodp_young_t test_young(struct mmu_notifier *aging, struct mm_struct *mm,
				 unsigned long va)
{
	return young(to_mirror(aging), va, va + PAGE_SIZE, false);
}

const struct mmu_notifier_ops hmmodp_aging_ops = {
	.clear_flush_young = clear_young,
	.clear_young = clear_young,
	.test_young = test_young,
};
