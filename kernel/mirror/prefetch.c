// SPDX-License-Identifier: GPL-2.0
/* Prefetch: faults that nobody waits for, or only because he asked to. */
#include <linux/export.h>
#include <linux/kref.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "mm.h"
#include "core.h"

/*
 * Asynchronous ones of a mirror, which leave room for its faults on the work queue;
 * those beyond are done at once, by the caller.
 */
#define PREFETCHES_AT_ONCE	16

struct prefetch {
	struct work_struct work;
	struct hmmodp_mirror *mirror;	/* with a reference */
	unsigned long va;
	size_t len;
	unsigned int how;
};

static unsigned int how_of(enum hmmodp_dir dir, bool may_fault)
{
	return HMMODP_FAULT_PREFETCH | (may_fault ? 0 : HMMODP_FAULT_LOOK) |
	       (dir == HMMODP_WRITE ? HMMODP_FAULT_WRITE : 0);
}

int hmmodp_prefetch(struct hmmodp_mirror *mirror, unsigned long va, size_t len,
		    enum hmmodp_dir dir, bool may_fault)
{
	return hmmodp_fault_how(mirror, va, len, how_of(dir, may_fault), NULL);
}
EXPORT_SYMBOL_GPL(hmmodp_prefetch);

static void prefetch_work(struct work_struct *work)
{
	struct prefetch *p = container_of(work, struct prefetch, work);

	hmmodp_fault_how(p->mirror, p->va, p->len, p->how, NULL);
	atomic_dec(&p->mirror->prefetches);
	hmmodp_mirror_unref(p->mirror);
	kfree(p);
}

void hmmodp_prefetch_async(struct hmmodp_mirror *mirror, unsigned long va, size_t len,
			   enum hmmodp_dir dir, bool may_fault)
{
	struct prefetch *p = NULL;

	if (atomic_add_unless(&mirror->prefetches, 1, PREFETCHES_AT_ONCE)) {
		p = kmalloc_obj(*p, GFP_KERNEL_ACCOUNT);
		if (!p)
			atomic_dec(&mirror->prefetches);
	}
	if (!p) {
		hmmodp_prefetch(mirror, va, len, dir, may_fault);
		return;
	}
	INIT_WORK(&p->work, prefetch_work);
	kref_get(&mirror->ref);
	p->mirror = mirror;
	p->va = va;
	p->len = len;
	p->how = how_of(dir, may_fault);
	queue_work(mirror->queue, &p->work);
}
EXPORT_SYMBOL_GPL(hmmodp_prefetch_async);
