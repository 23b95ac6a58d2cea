// SPDX-License-Identifier: GPL-2.0
/*
 * Regions: the ranges that a mirror's users have a name for, with counters of
 * what happened in each. They translate nothing and may overlap.
 */
#include <linux/export.h>
#include <linux/interval_tree.h>
#include <linux/overflow.h>

#include "core.h"
#include "chunk.h"

/*
 * Regions that an event is counted for. It may be one of reclaim, which must not wait
 * for a process that has a million regions over the same page.
 */
#define REGIONS_AT_ONCE	4096

void hmmodp_region_add(struct hmmodp_region *region, struct hmmodp_mirror *mirror,
		       unsigned long va, size_t len)
{
	unsigned int i;

	for (i = 0; i < HMMODP_CHANGES; i++) {
		atomic64_set(&region->pages[i], 0);
		atomic64_set(&region->events[i], 0);
	}
	region->mirror = mirror;
	region->range.start = va;
	if (check_add_overflow(va, len - 1, &region->range.last))
		region->range.last = ULONG_MAX;
	spin_lock(&mirror->regions_lock);
	interval_tree_insert(&region->range, &mirror->regions);
	spin_unlock(&mirror->regions_lock);
}
EXPORT_SYMBOL_GPL(hmmodp_region_add);

void hmmodp_region_del(struct hmmodp_region *region)
{
	struct hmmodp_mirror *mirror = region->mirror;

	spin_lock(&mirror->regions_lock);
	interval_tree_remove(&region->range, &mirror->regions);
	spin_unlock(&mirror->regions_lock);
}
EXPORT_SYMBOL_GPL(hmmodp_region_del);

/* Something was done, once, that concerns these addresses. */
void hmmodp_region_event(struct hmmodp_mirror *mirror, unsigned long start,
			 unsigned long last, enum hmmodp_change change)
{
	unsigned int left = REGIONS_AT_ONCE;
	struct interval_tree_node *n;

	spin_lock(&mirror->regions_lock);
	for (n = interval_tree_iter_first(&mirror->regions, start, last); n && left--;
	     n = interval_tree_iter_next(n, start, last))
		atomic64_inc(&container_of(n, struct hmmodp_region,
					   range)->events[change]);
	spin_unlock(&mirror->regions_lock);
}

size_t hmmodp_region_clip(struct hmmodp_mirror *mirror, unsigned long va, size_t len)
{
	struct interval_tree_node *n;
	size_t room = 0;

	spin_lock(&mirror->regions_lock);
	for (n = interval_tree_iter_first(&mirror->regions, va, va); n && room < len;
	     n = interval_tree_iter_next(n, va, va))
		room = max(room, min(len - 1, n->last - va) + 1);
	spin_unlock(&mirror->regions_lock);
	return room;
}

/* How many of the changed pages lie in the region, if only in part. */
static unsigned int pages_within(const struct hmmodp_region *region,
				 unsigned long base,
				 const struct hmmodp_changed *changed)
{
	unsigned long end = base + HMMODP_CHUNK_SIZE - 1;
	unsigned int first, last;

	if (region->range.start <= base && region->range.last >= end)
		return changed->count;
	first = (max(region->range.start, base) - base) >> PAGE_SHIFT;
	last = (min(region->range.last, end) - base) >> PAGE_SHIFT;
	return bitmap_weight(changed->pages, last + 1) -
	       bitmap_weight(changed->pages, first);
}

static void count_regions(struct hmmodp_mirror *mirror, unsigned long base,
			  const struct hmmodp_changed *changed,
			  enum hmmodp_change change)
{
	unsigned long last = base + HMMODP_CHUNK_SIZE - 1;
	unsigned int left = REGIONS_AT_ONCE;
	struct interval_tree_node *n;

	spin_lock(&mirror->regions_lock);
	for (n = interval_tree_iter_first(&mirror->regions, base, last); n && left--;
	     n = interval_tree_iter_next(n, base, last)) {
		struct hmmodp_region *region = container_of(n, struct hmmodp_region,
							    range);

		atomic64_add(pages_within(region, base, changed),
			     &region->pages[change]);
	}
	spin_unlock(&mirror->regions_lock);
}

void hmmodp_count_pages(struct hmmodp_mirror *mirror, unsigned long base,
			const struct hmmodp_changed *changed,
			enum hmmodp_change change)
{
	if (!changed->count)
		return;
	switch (change) {
	case HMMODP_FAULTS:
		hmmodp_count(mirror, page_faults, changed->count);
		break;
	case HMMODP_INVALIDATIONS:
		hmmodp_count(mirror, page_invalidations, changed->count);
		break;
	case HMMODP_PREFETCHES:
		hmmodp_count(mirror, page_prefetch, changed->count);
		break;
	case HMMODP_READAHEADS:
		hmmodp_count(mirror, page_readahead, changed->count);
		break;
	default:
		hmmodp_count(mirror, page_reclaims, changed->count);
		return;
	}
	count_regions(mirror, base, changed, change);
}
