// SPDX-License-Identifier: GPL-2.0
/* Spans: looked up, made on the first fault, freed with their mirror. */
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "mm.h"
#include "core.h"
#include "span.h"

/*
 * Context: any. The span lives as long as the mirror, and the mirror as long as
 * the caller's reference; RCU is for the array.
 */
struct hmmodp_span *hmmodp_span_lookup(struct hmmodp_mirror *mirror,
				       unsigned long va)
{
	unsigned long index = va >> HMMODP_SPAN_SHIFT;
	struct hmmodp_span **hint = &mirror->hint[index % HMMODP_SPAN_HINTS];
	struct hmmodp_span *span = READ_ONCE(*hint);

	/* most accesses go where the last one went */
	if (likely(span && span->base >> HMMODP_SPAN_SHIFT == index))
		return span;
	span = xa_load(&mirror->spans, index);
	if (span)
		smp_store_release(hint, span);	/* made before it is found here */
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

static struct hmmodp_span *make(struct hmmodp_mirror *mirror, unsigned long base)
{
	struct hmmodp_span *span;
	unsigned int i;
	int err;

	span = kzalloc_obj(*span, GFP_KERNEL_ACCOUNT);
	if (!span)
		return ERR_PTR(-ENOMEM);
	span->mirror = mirror;
	span->base = base;
	spin_lock_init(&span->clear_lock);
	teach_lockdep(span);
	for (i = 0; i < HMMODP_SPAN_CHUNKS; i++)
		hmmodp_chunk_init(&span->chunk[i]);

	err = mmu_interval_notifier_insert(&span->notifier, mirror->mm, base,
					   HMMODP_SPAN_SIZE,
					   &hmmodp_span_notifier_ops);
	if (err)
		goto free;
	err = xa_err(xa_store(&mirror->spans, base >> HMMODP_SPAN_SHIFT, span,
			      GFP_KERNEL_ACCOUNT));
	if (err)
		goto remove;
	return span;

remove:
	mmu_interval_notifier_remove(&span->notifier);
free:
	kfree(span);
	return ERR_PTR(err);
}

/**
 * hmmodp_span_get - the span of an address, made if need be
 * @mirror: with the caller's hold on its mm_users
 * @va: the address
 *
 * Context: process, may sleep, no lock of the memory manager held.
 * Return: the span, or ERR_PTR: -ENOMEM, -EINTR.
 */
struct hmmodp_span *hmmodp_span_get(struct hmmodp_mirror *mirror,
				    unsigned long va)
{
	struct hmmodp_span *span = hmmodp_span_lookup(mirror, va);
	struct mem_cgroup *memcg;

	if (span)
		return span;
	memcg = set_active_memcg(mirror->memcg);
	mutex_lock(&mirror->span_lock);
	span = hmmodp_span_lookup(mirror, va);
	if (!span)
		span = make(mirror, va & ~(HMMODP_SPAN_SIZE - 1));
	mutex_unlock(&mirror->span_lock);
	set_active_memcg(memcg);
	return span;
}

/*
 * Entries first: while the notifier is in place, a page with an entry is still
 * mapped, so it is safe to mark it dirty.
 */
void hmmodp_span_free(struct hmmodp_span *span)
{
	hmmodp_span_clear(span, span->base, span->base + HMMODP_SPAN_SIZE);
	mmu_interval_notifier_remove(&span->notifier);
	kfree_rcu(span, rcu);
}
