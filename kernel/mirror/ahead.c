// SPDX-License-Identifier: GPL-2.0
/*
 * Read-ahead: streams of faults (stream.c) are followed by bringing their next pages
 * before the device asks, on the work queue. A page brought so bears a mark until its
 * first use, which tells what read-ahead is good for, and makes it go on.
 *
 * It stays within regions, and is nobody's duty: what cannot be had at once is left.
 */
#include <linux/kref.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>

#include "ahead.h"
#include "core.h"

static bool read_ahead = true;
module_param(read_ahead, bool, 0644);
MODULE_PARM_DESC(read_ahead, "Bring the next pages of a stream of faults before they are used");

static void plan_locked(struct hmmodp_ahead *a, const struct hmmodp_foreseen *f)
	__must_hold(&a->lock)
{
	a->plan[(a->next + a->plans) % HMMODP_STREAMS] = *f;
	if (a->plans < HMMODP_STREAMS)
		a->plans++;
	else
		a->next = (a->next + 1) % HMMODP_STREAMS;
}

static bool take_plan(struct hmmodp_ahead *a, struct hmmodp_foreseen *f)
{
	bool any;

	spin_lock_bh(&a->lock);
	any = a->plans;
	if (any) {
		*f = a->plan[a->next];
		a->next = (a->next + 1) % HMMODP_STREAMS;
		a->plans--;
	}
	spin_unlock_bh(&a->lock);
	return any;
}

/*
 * Is there room in the control group for so many bytes, and as many for others? Where it
 * is full, pages come in the place of others, and where there are none to give up, the
 * process is killed. What nobody has asked for is a reason for neither.
 */
static bool has_room(struct mem_cgroup *memcg, size_t bytes)
{
#ifdef CONFIG_MEMCG
	unsigned long pages = 2 * bytes >> PAGE_SHIFT, used, most;

	for (; memcg; memcg = parent_mem_cgroup(memcg)) {
		used = page_counter_read(&memcg->memory);
		most = READ_ONCE(memcg->memory.max);
		if (used >= most || most - used < pages)
			return false;
	}
#endif
	return true;
}

static void bring(struct hmmodp_mirror *mirror, const struct hmmodp_foreseen *f)
{
	unsigned int how = HMMODP_FAULT_AHEAD | (f->write ? HMMODP_FAULT_WRITE : 0);
	unsigned long va = f->va;
	unsigned int i;
	size_t len;

	for (i = 0; i < f->count; i++, va += f->step) {
		len = hmmodp_region_clip(mirror, va, f->len);
		if (!has_room(mirror->memcg, len))
			how |= HMMODP_FAULT_LOOK;
		if (!len || hmmodp_fault_how(mirror, va, len, how, NULL))
			return;
	}
}

static void ahead_work(struct work_struct *work)
{
	struct hmmodp_mirror *mirror = container_of(work, struct hmmodp_mirror, ahead.work);
	struct hmmodp_foreseen f;

	while (take_plan(&mirror->ahead, &f))
		bring(mirror, &f);
	hmmodp_mirror_unref(mirror);
}

void hmmodp_ahead_init(struct hmmodp_ahead *ahead)
{
	spin_lock_init(&ahead->lock);
	INIT_WORK(&ahead->work, ahead_work);
}

/* The caller's reference, or use, outlives this: the put here is not the last. */
static void start(struct hmmodp_mirror *mirror)
{
	kref_get(&mirror->ref);
	if (!queue_work(mirror->queue, &mirror->ahead.work))
		hmmodp_mirror_unref(mirror);
}

void hmmodp_ahead_fault(struct hmmodp_mirror *mirror, unsigned long va, size_t len,
			bool write)
{
	struct hmmodp_ahead *a = &mirror->ahead;
	struct hmmodp_foreseen f;
	bool more;

	if (!READ_ONCE(read_ahead))
		return;
	len = PAGE_ALIGN(va + len) - (va & PAGE_MASK);
	spin_lock_bh(&a->lock);
	more = hmmodp_streams_fault(&a->streams, va & PAGE_MASK, len, write, &f);
	if (more)
		plan_locked(a, &f);
	spin_unlock_bh(&a->lock);
	if (more)
		start(mirror);
}

void hmmodp_ahead_used(struct hmmodp_mirror *mirror, unsigned long va,
		       unsigned int pages)
{
	struct hmmodp_ahead *a = &mirror->ahead;
	struct hmmodp_foreseen f;
	bool more;

	hmmodp_count(mirror, page_readahead_hits, pages);
	spin_lock(&a->lock);
	more = READ_ONCE(read_ahead) &&
	       hmmodp_streams_used(&a->streams, va & PAGE_MASK, &f);
	if (more)
		plan_locked(a, &f);
	spin_unlock(&a->lock);
	if (more)
		start(mirror);
}
