// SPDX-License-Identifier: GPL-2.0
/* Spans: looked up, made on the first fault, taken away when they hold nothing. */
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "mm.h"
#include "core.h"
#include "inject.h"
#include "reclaim.h"
#include "span.h"

static struct kmem_cache *span_cache;

/* The long way of hmmodp_span_lookup(). */
struct hmmodp_span *hmmodp_span_find(struct hmmodp_mirror *mirror, unsigned long index)
{
	struct hmmodp_span *span = xa_load(&mirror->spans, index);

	if (span)	/* made before it is found there */
		smp_store_release(&mirror->hint[index % HMMODP_SPAN_HINTS], span);
	return span;
}

/*
 * The notifier is called in reclaim, so no lock that it takes may be held while
 * memory is allocated. Teach lockdep so before it happens.
 */
static void teach_lockdep(struct hmmodp_span *span)
{
	if (!IS_ENABLED(CONFIG_PROVE_LOCKING))
		return;
	fs_reclaim_acquire(GFP_KERNEL);
	might_lock(&span->clear_lock);
	fs_reclaim_release(GFP_KERNEL);
}

static void span_free(struct hmmodp_span *span)
{
	atomic_long_sub(sizeof(*span), &span->mirror->bytes);
	kmem_cache_free(span_cache, span);
}

/*
 * Where the control group of the process has no room, the mirror shall give back some
 * of its own (hmmodp_reclaim_some()), and not have the process killed.
 */
#define GFP_MIRROR	(GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

static struct hmmodp_span *span_alloc(struct hmmodp_mirror *mirror,
				      unsigned long base)
{
	struct hmmodp_span *span;
	unsigned int i;

	if (hmmodp_inject(HMMODP_INJECT_NO_MEMORY))
		return NULL;
	span = kmem_cache_zalloc(span_cache, GFP_MIRROR);
	if (!span)
		return NULL;
	atomic_long_add(sizeof(*span), &mirror->bytes);
	span->mirror = mirror;
	span->base = base;
	refcount_set(&span->refs, 1);
	spin_lock_init(&span->clear_lock);
	teach_lockdep(span);
	for (i = 0; i < HMMODP_SPAN_CHUNKS; i++)
		hmmodp_chunk_init(&span->chunk[i]);
	return span;
}

static struct hmmodp_span *make(struct hmmodp_mirror *mirror, unsigned long base)
{
	struct hmmodp_span *span;
	int err;

	span = span_alloc(mirror, base);
	if (!span)
		return ERR_PTR(-ENOMEM);
	err = mmu_interval_notifier_insert(&span->notifier, mirror->mm, base,
					   HMMODP_SPAN_SIZE,
					   &hmmodp_span_notifier_ops);
	if (err)
		goto free;
	refcount_inc(&span->refs);	/* the caller's */
	err = xa_err(xa_store(&mirror->spans, base >> HMMODP_SPAN_SHIFT, span,
			      GFP_MIRROR));
	if (err)
		goto remove;
	return span;

remove:
	mmu_interval_notifier_remove(&span->notifier);
free:
	span_free(span);
	return ERR_PTR(err);
}

static struct hmmodp_span *find_get(struct hmmodp_mirror *mirror, unsigned long va)
{
	struct hmmodp_span *span;

	rcu_read_lock();
	span = hmmodp_span_lookup(mirror, va);
	if (span && !refcount_inc_not_zero(&span->refs))
		span = NULL;
	rcu_read_unlock();
	return span;
}

/**
 * hmmodp_span_get - the span of an address, made if need be
 * @mirror: with the caller's hold on its mm_users
 * @va: the address
 *
 * Context: process, may sleep, no lock of the memory manager held.
 * Return: the span with a reference, or ERR_PTR: -ENOMEM, -EINTR.
 */
struct hmmodp_span *hmmodp_span_get(struct hmmodp_mirror *mirror,
				    unsigned long va)
{
	struct hmmodp_span *span = find_get(mirror, va);
	struct mem_cgroup *memcg;

	if (span)
		return span;
	memcg = set_active_memcg(mirror->memcg);
	mutex_lock(&mirror->span_lock);
	/* with the lock held none is taken away, so what is found is alive */
	span = find_get(mirror, va);
	if (!span)
		span = make(mirror, va & ~(HMMODP_SPAN_SIZE - 1));
	mutex_unlock(&mirror->span_lock);
	set_active_memcg(memcg);
	if (!IS_ERR(span))
		hmmodp_reclaim_arm(mirror);
	return span;
}

/* Never the last: the array has one. */
void hmmodp_span_put(struct hmmodp_span *span)
{
	refcount_dec(&span->refs);
}

/* Just now, as far as one can see without the locks. */
bool hmmodp_span_is_empty(const struct hmmodp_span *span)
{
	unsigned int i;

	for (i = 0; i < HMMODP_SPAN_CHUNKS; i++)
		if (READ_ONCE(span->chunk[i].populated))
			return false;
	return true;
}

/* Out of the array, unless somebody uses it. */
bool hmmodp_span_unlink_locked(struct hmmodp_span *span, struct list_head *dying)
	__must_hold(&span->mirror->span_lock)
{
	if (!refcount_dec_if_one(&span->refs))
		return false;
	xa_erase(&span->mirror->spans, span->base >> HMMODP_SPAN_SHIFT);
	list_add(&span->dying, dying);
	return true;
}

static void forget_hints(struct hmmodp_mirror *mirror, struct list_head *dying)
{
	struct hmmodp_span *span;

	list_for_each_entry(span, dying, dying)
		cmpxchg(&mirror->hint[(span->base >> HMMODP_SPAN_SHIFT) %
				      HMMODP_SPAN_HINTS], span, NULL);
}

/*
 * Nobody uses them any more. Entries go first: while the notifier is in place, a
 * page with an entry is still mapped, so it is safe to mark it dirty.
 *
 * Context: process, may sleep; not within an invalidation, nor in reclaim.
 */
void hmmodp_spans_free(struct list_head *dying)
{
	struct hmmodp_span *span, *next;

	list_for_each_entry_safe(span, next, dying, dying) {
		hmmodp_span_clear(span, span->base, span->base + HMMODP_SPAN_SIZE,
				  HMMODP_RECLAIMS);
		mmu_interval_notifier_remove(&span->notifier);
		span_free(span);
	}
}

/*
 * Those who found a span in the array may leave a hint to it until the first
 * grace period is over, and those who found it by the hint use it until the
 * second is.
 *
 * Context: as hmmodp_spans_free().
 */
void hmmodp_spans_wait_and_free(struct hmmodp_mirror *mirror,
				struct list_head *dying)
{
	if (list_empty(dying))
		return;
	synchronize_rcu();
	forget_hints(mirror, dying);
	synchronize_rcu();
	hmmodp_spans_free(dying);
}

static unsigned long *table_new(struct hmmodp_mirror *mirror)
{
	struct mem_cgroup *memcg = set_active_memcg(mirror->memcg);
	unsigned long *table;

	table = kcalloc(HMMODP_CHUNK_PAGES, sizeof(*table), GFP_MIRROR);
	set_active_memcg(memcg);
	if (table)
		atomic_long_add(HMMODP_TABLE_BYTES, &mirror->bytes);
	return table;
}

unsigned long *hmmodp_table_alloc(struct hmmodp_mirror *mirror)
{
	unsigned long *table;

	if (hmmodp_inject(HMMODP_INJECT_NO_MEMORY))
		return NULL;
	table = xchg(&mirror->spare, NULL) ?: table_new(mirror);
	if (table)
		atomic_long_inc(&hmmodp_tables);
	return table;
}

static void table_drop(struct hmmodp_mirror *mirror, unsigned long *table)
{
	if (!table)
		return;
	atomic_long_sub(HMMODP_TABLE_BYTES, &mirror->bytes);
	kfree(table);
}

/*
 * One is kept for the next chunk: an empty table has been cleared entry by entry.
 *
 * Context: any that may take a spinlock. @table is empty, or NULL.
 */
void hmmodp_table_free(struct hmmodp_mirror *mirror, unsigned long *table)
{
	if (!table)
		return;
	atomic_long_dec(&hmmodp_tables);
	table_drop(mirror, xchg(&mirror->spare, table));
}

/* The same, of a table that need not be empty. */
void hmmodp_table_discard(struct hmmodp_mirror *mirror, unsigned long *table)
{
	if (!table)
		return;
	atomic_long_dec(&hmmodp_tables);
	table_drop(mirror, table);
}

void hmmodp_table_drop_spare(struct hmmodp_mirror *mirror)
{
	table_drop(mirror, xchg(&mirror->spare, NULL));
}

int __init hmmodp_span_init(void)
{
	span_cache = KMEM_CACHE(hmmodp_span, 0);
	return span_cache ? 0 : -ENOMEM;
}

void hmmodp_span_exit(void)
{
	kmem_cache_destroy(span_cache);
}
