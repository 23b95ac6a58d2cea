// SPDX-License-Identifier: GPL-2.0
/* Faults on a work queue, and their cancellation. */
#include <linux/completion.h>
#include <linux/export.h>
#include <linux/kref.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "mm.h"
#include "core.h"

/*
 * WAITING -> CALLING -> CALLED	served, done is heard
 *	   -> CANCELLED		unheard; the fault gives up when it can
 */
enum fault_state {
	FAULT_WAITING,
	FAULT_CALLING,
	FAULT_CALLED,
	FAULT_CANCELLED,
};

struct hmmodp_fault {
	struct work_struct work;
	struct list_head waiting;	/* in mirror->waiting, or empty */
	struct kref ref;		/* the caller's and the work's */
	struct hmmodp_mirror *mirror;
	unsigned long va;
	size_t len;
	unsigned int how;		/* HMMODP_FAULT_* */
	hmmodp_fault_done_t done;
	void *ctx;
	spinlock_t lock;		/* protects state; softirq never takes it */
	enum fault_state state;
	bool stop;			/* is CANCELLED; read without the lock */
	struct completion called;	/* done has returned */
};

/*
 * Faults of a mirror that run at once; those beyond wait in the mirror. Each may hang
 * on user space, and the work queue, which all processes share, runs some hundreds.
 */
#define FAULTS_AT_ONCE	64

/* Protects waiting and running of all mirrors; softirq takes it too, none of ours inside. */
static DEFINE_SPINLOCK(waiting_lock);

struct workqueue_struct *hmmodp_queue;

static void fault_free(struct kref *ref)
{
	kfree(container_of(ref, struct hmmodp_fault, ref));
}

void hmmodp_fault_put(struct hmmodp_fault *fault)
{
	if (fault)
		kref_put(&fault->ref, fault_free);
}
EXPORT_SYMBOL_GPL(hmmodp_fault_put);

/* Moves on from WAITING, once. */
static bool fault_leave_waiting(struct hmmodp_fault *fault, enum fault_state to)
{
	bool ours;

	spin_lock(&fault->lock);
	ours = fault->state == FAULT_WAITING;
	if (ours)
		fault->state = to;
	spin_unlock(&fault->lock);
	return ours;
}

static void fault_start(struct hmmodp_fault *fault)
{
	struct hmmodp_mirror *mirror = fault->mirror;

	spin_lock_bh(&waiting_lock);
	if (mirror->running == FAULTS_AT_ONCE) {
		list_add_tail(&fault->waiting, &mirror->waiting);
	} else {
		mirror->running++;
		queue_work(hmmodp_queue, &fault->work);
	}
	spin_unlock_bh(&waiting_lock);
}

/* One has ended: the next takes its place. */
static void fault_start_next(struct hmmodp_mirror *mirror)
{
	struct hmmodp_fault *next;

	spin_lock_bh(&waiting_lock);
	next = list_first_entry_or_null(&mirror->waiting, struct hmmodp_fault, waiting);
	if (next) {
		list_del_init(&next->waiting);
		queue_work(hmmodp_queue, &next->work);
	} else {
		mirror->running--;
	}
	spin_unlock_bh(&waiting_lock);
}

/* Was it waiting? Its mirror may be gone if not. */
static bool fault_stop_waiting(struct hmmodp_fault *fault)
{
	bool waiting;

	spin_lock_bh(&waiting_lock);
	waiting = !list_empty(&fault->waiting);
	list_del_init(&fault->waiting);
	spin_unlock_bh(&waiting_lock);
	return waiting;
}

/* The work's references. */
static void fault_end(struct hmmodp_fault *fault)
{
	hmmodp_mirror_unref(fault->mirror);
	hmmodp_fault_put(fault);
}

static void fault_work(struct work_struct *work)
{
	struct hmmodp_fault *fault = container_of(work, struct hmmodp_fault, work);
	int err;

	err = hmmodp_fault_how(fault->mirror, fault->va, fault->len, fault->how,
			       &fault->stop);
	if (fault_leave_waiting(fault, FAULT_CALLING)) {
		fault->done(fault->ctx, err);
		spin_lock(&fault->lock);
		fault->state = FAULT_CALLED;
		spin_unlock(&fault->lock);
		complete_all(&fault->called);
	}
	if (!err)
		hmmodp_ahead_fault(fault->mirror, fault->va, fault->len,
				   fault->how & HMMODP_FAULT_WRITE);
	fault_start_next(fault->mirror);
	fault_end(fault);
}

struct hmmodp_fault *hmmodp_fault_async(struct hmmodp_mirror *mirror,
					unsigned long va, size_t len,
					enum hmmodp_dir dir,
					hmmodp_fault_done_t done, void *ctx)
{
	struct hmmodp_fault *fault;

	fault = kmalloc_obj(*fault, GFP_ATOMIC);
	if (!fault)
		return ERR_PTR(-ENOMEM);
	INIT_WORK(&fault->work, fault_work);
	INIT_LIST_HEAD(&fault->waiting);
	kref_init(&fault->ref);
	kref_get(&fault->ref);		/* the work's */
	kref_get(&mirror->ref);
	fault->mirror = mirror;
	fault->va = va;
	fault->len = len;
	fault->how = HMMODP_FAULT_FRONT | (dir == HMMODP_WRITE ? HMMODP_FAULT_WRITE : 0);
	fault->done = done;
	fault->ctx = ctx;
	spin_lock_init(&fault->lock);
	fault->state = FAULT_WAITING;
	fault->stop = false;
	init_completion(&fault->called);
	fault_start(fault);
	return fault;
}
EXPORT_SYMBOL_GPL(hmmodp_fault_async);

bool hmmodp_fault_cancel(struct hmmodp_fault *fault)
{
	if (fault_leave_waiting(fault, FAULT_CANCELLED)) {
		WRITE_ONCE(fault->stop, true);
		if (fault_stop_waiting(fault))
			fault_end(fault);
		return true;
	}
	if (READ_ONCE(fault->state) != FAULT_CANCELLED)
		wait_for_completion(&fault->called);
	return false;
}
EXPORT_SYMBOL_GPL(hmmodp_fault_cancel);

/* As many at once as may be. */
int __init hmmodp_async_init(void)
{
	hmmodp_queue = alloc_workqueue("hmmodp", WQ_UNBOUND | WQ_HIGHPRI,
				       WQ_MAX_ACTIVE);
	return hmmodp_queue ? 0 : -ENOMEM;
}

/* Waits for cancelled faults that are still on their way out. */
void hmmodp_async_exit(void)
{
	destroy_workqueue(hmmodp_queue);
}
