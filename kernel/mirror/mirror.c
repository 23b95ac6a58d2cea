// SPDX-License-Identifier: GPL-2.0
/* Mirrors: found, made, given back. */
#include <linux/export.h>
#include <linux/hash.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>
#include <linux/workqueue.h>

#include "mm.h"
#include "core.h"
#include "reclaim.h"
#include "span.h"

static DEFINE_MUTEX(mirrors_lock);	/* protects mirrors, and users in them */
static DEFINE_HASHTABLE(mirrors, 8);	/* by mm */

LIST_HEAD(hmmodp_mirrors);
static DEFINE_SPINLOCK(list_lock);	/* protects changes of hmmodp_mirrors */

static struct workqueue_struct *freeing;

/* Of one mirror. Each may hang on user space; where there is more, it waits for these. */
#define WORKS_AT_ONCE	64

static void mirror_free(struct work_struct *work);

static struct hmmodp_mirror *find_locked(struct mm_struct *mm,
					 struct hmmodp_owner *owner)
	__must_hold(&mirrors_lock)
{
	struct hmmodp_mirror *mirror;

	/* owner cannot change: it does so only when the mirror leaves the table */
	hash_for_each_possible(mirrors, mirror, node, (unsigned long)mm)
		if (mirror->mm == mm && mirror->owner == owner)
			return mirror;
	return NULL;
}

/*
 * Any signal interrupts it; then the system call begins anew. And once without a
 * notifier, which makes the process ready for those of spans; if that is interrupted,
 * a fault does it.
 */
static int register_notifiers(struct hmmodp_mirror *mirror, struct mm_struct *mm)
{
	int err;

	err = mmu_notifier_register(&mirror->aging, mm);
	if (!err)
		(void)mmu_notifier_register(NULL, mm);
	return err == -EINTR ? -ERESTARTNOINTR : err;
}

static void mirror_init(struct hmmodp_mirror *mirror, struct mm_struct *mm,
			struct hmmodp_owner *owner)
{
	unsigned int i;

	mirror->mm = mm;
	kref_init(&mirror->ref);
	INIT_WORK(&mirror->free, mirror_free);
	mirror->users = 1;
	spin_lock_init(&mirror->owner_lock);
	mirror->owner = owner;
	xa_init_flags(&mirror->spans, XA_FLAGS_ACCOUNT);
	mutex_init(&mirror->span_lock);
	mutex_init(&mirror->room_lock);
	hmmodp_ahead_init(&mirror->ahead);
	INIT_DELAYED_WORK(&mirror->idle, hmmodp_reclaim_work);
	spin_lock_init(&mirror->regions_lock);
	mirror->regions = RB_ROOT_CACHED;
	for (i = 0; i < HMMODP_FAULT_LOCKS; i++)
		mutex_init(&mirror->fault_lock[i]);
	mirror->aging.ops = &hmmodp_aging_ops;
}

static struct hmmodp_mirror *make(struct mm_struct *mm,
				  struct hmmodp_owner *owner)
{
	struct hmmodp_mirror *mirror;
	int err = -ENOMEM;

	mirror = kzalloc_obj(*mirror, GFP_KERNEL_ACCOUNT);
	if (!mirror)
		return ERR_PTR(-ENOMEM);
	mirror_init(mirror, mm, owner);
	mirror->queue = alloc_workqueue("hmmodp/%d", WQ_UNBOUND | WQ_HIGHPRI,
					WORKS_AT_ONCE, task_tgid_nr(current));
	if (!mirror->queue)
		goto free;
	err = register_notifiers(mirror, mm);
	if (err)
		goto queue;
	mmgrab(mm);
	mirror->memcg = get_mem_cgroup_from_mm(mm);
	spin_lock(&list_lock);
	list_add_rcu(&mirror->list, &hmmodp_mirrors);
	spin_unlock(&list_lock);
	return mirror;

queue:
	destroy_workqueue(mirror->queue);
free:
	kfree(mirror);
	return ERR_PTR(err);
}

/* The mirror with one user more; or @fresh, which has one, where there is none. */
static struct hmmodp_mirror *find_or_add(struct mm_struct *mm, struct hmmodp_owner *owner,
					 struct hmmodp_mirror *fresh)
{
	struct hmmodp_mirror *mirror;

	mutex_lock(&mirrors_lock);
	mirror = find_locked(mm, owner);
	if (mirror) {
		mirror->users++;
	} else if (fresh) {
		hash_add(mirrors, &fresh->node, (unsigned long)mm);
		mirror = fresh;
	}
	mutex_unlock(&mirrors_lock);
	return mirror;
}

struct hmmodp_mirror *hmmodp_mirror_get(struct hmmodp_owner *owner)
{
	struct mm_struct *mm = current->mm;
	struct hmmodp_mirror *mirror, *fresh;

	if (!mm)
		return ERR_PTR(-EINVAL);
	mirror = find_or_add(mm, owner, NULL);
	if (mirror)
		return mirror;
	/* waits for mmap_lock, which a process may keep for as long as it likes */
	fresh = make(mm, owner);
	if (IS_ERR(fresh))
		return fresh;
	mirror = find_or_add(mm, owner, fresh);
	if (mirror != fresh)	/* another thread was first */
		hmmodp_mirror_unref(fresh);
	return mirror;
}
EXPORT_SYMBOL_GPL(hmmodp_mirror_get);

void hmmodp_mirror_hold(struct hmmodp_mirror *mirror)
{
	mutex_lock(&mirrors_lock);
	mirror->users++;
	mutex_unlock(&mirrors_lock);
}
EXPORT_SYMBOL_GPL(hmmodp_mirror_hold);

/*
 * No user, no fault: nobody looks at the entries any more. The notifiers still
 * do, and must until the last dirty page has been told.
 */
static void mirror_free(struct work_struct *work)
{
	struct hmmodp_mirror *mirror = container_of(work, struct hmmodp_mirror, free);
	struct hmmodp_span *span;
	LIST_HEAD(dying);
	unsigned long i;

	spin_lock(&list_lock);
	list_del_rcu(&mirror->list);
	spin_unlock(&list_lock);
	/* either this sees who waits for the last one, or he sees that it has gone */
	smp_mb();
	wake_up_var(&hmmodp_mirrors);
	destroy_workqueue(mirror->queue);
	/* waits for those who ask for a page's age, then for those in the list */
	mmu_notifier_unregister(&mirror->aging, mirror->mm);
	synchronize_rcu();
	mutex_lock(&mirror->span_lock);
	xa_for_each(&mirror->spans, i, span)
		WARN_ON(!hmmodp_span_unlink_locked(span, &dying));
	mutex_unlock(&mirror->span_lock);
	hmmodp_spans_free(&dying);
	hmmodp_table_drop_spare(mirror);
	xa_destroy(&mirror->spans);
	mem_cgroup_put(mirror->memcg);
	mmdrop(mirror->mm);
	kfree(mirror);
}

/* The last one may be a work of the mirror's own queue, which ends with it. */
static void mirror_unused(struct kref *ref)
{
	queue_work(freeing, &container_of(ref, struct hmmodp_mirror, ref)->free);
}

void hmmodp_mirror_unref(struct hmmodp_mirror *mirror)
{
	kref_put(&mirror->ref, mirror_unused);
}

/* Without span_lock: whoever has it may be waiting for mmap_lock, in make(). */
static void clear_all(struct hmmodp_mirror *mirror)
{
	struct hmmodp_span *span;
	unsigned long index = 0;

	do {
		rcu_read_lock();
		span = xa_find(&mirror->spans, &index, ULONG_MAX, XA_PRESENT);
		if (span)
			hmmodp_span_clear(span, span->base, span->base + HMMODP_SPAN_SIZE,
					  HMMODP_RECLAIMS);
		rcu_read_unlock();
		cond_resched();
	} while (span && index++ < ULONG_MAX);
}

/* The owner goes when it has counted what its mirror gives up. */
static void mirror_abandon(struct hmmodp_mirror *mirror)
{
	clear_all(mirror);
	spin_lock_bh(&mirror->owner_lock);
	mirror->owner = NULL;
	spin_unlock_bh(&mirror->owner_lock);
	hmmodp_reclaim_disarm(mirror);
}

void hmmodp_mirror_put(struct hmmodp_mirror *mirror)
{
	bool last;

	mutex_lock(&mirrors_lock);
	last = !--mirror->users;
	if (last)
		hash_del(&mirror->node);
	mutex_unlock(&mirrors_lock);
	if (!last)
		return;
	mirror_abandon(mirror);
	hmmodp_mirror_unref(mirror);
}
EXPORT_SYMBOL_GPL(hmmodp_mirror_put);

int __init hmmodp_mirror_init(void)
{
	freeing = alloc_workqueue("hmmodp_free", WQ_UNBOUND, 0);
	return freeing ? 0 : -ENOMEM;
}

/* Cancelled faults may still be on their way out. */
void hmmodp_mirror_exit(void)
{
	wait_var_event(&hmmodp_mirrors, list_empty(&hmmodp_mirrors));
	destroy_workqueue(freeing);
}
