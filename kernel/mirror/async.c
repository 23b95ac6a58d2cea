// SPDX-License-Identifier: GPL-2.0
/*
 * Faults on a work queue, and their cancellation: of a mirror, on its own, or of memory
 * that somebody else keeps track of.
 */
#include <linux/completion.h>
#include <linux/export.h>
#include <linux/kref.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "mm.h"
#include "core.h"
#include "reclaim.h"

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
	struct kref ref;		/* the caller's and the work's */
	struct hmmodp_mirror *mirror;	/* NULL: memory of somebody else */
	union {
		struct {
			unsigned long va;
			size_t len;
			unsigned int how;	/* HMMODP_FAULT_* */
		};
		struct {
			const struct hmmodp_other_ops *ops;
			void *other;
		};
	};
	hmmodp_fault_done_t done;
	void *ctx;
	spinlock_t lock;		/* protects state; softirq never takes it */
	enum fault_state state;
	bool stop;			/* is CANCELLED; read without the lock */
	struct completion called;	/* done has returned */
};

/*
 * A fault brings no more than this, so that what it has brought is used while it is
 * there; nor more than half of what the limit on a mirror has room for.
 */
#define MOST_BYTES	(16UL << 20)

size_t hmmodp_fault_most(void)
{
	return clamp(hmmodp_reclaim_room() / 2, HMMODP_CHUNK_SIZE, MOST_BYTES);
}
EXPORT_SYMBOL_GPL(hmmodp_fault_most);

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

/* The work's references. */
static void fault_end(struct hmmodp_fault *fault)
{
	if (fault->mirror)
		hmmodp_mirror_unref(fault->mirror);
	else
		fault->ops->put(fault->other);
	hmmodp_fault_put(fault);
}

static int fault_serve(struct hmmodp_fault *fault)
{
	if (!fault->mirror)
		return fault->ops->serve(fault->other, &fault->stop);
	return hmmodp_fault_how(fault->mirror, fault->va, fault->len, fault->how,
				&fault->stop);
}

static void fault_work(struct work_struct *work)
{
	struct hmmodp_fault *fault = container_of(work, struct hmmodp_fault, work);
	int err;

	err = fault_serve(fault);
	if (fault_leave_waiting(fault, FAULT_CALLING)) {
		fault->done(fault->ctx, err);
		spin_lock(&fault->lock);
		fault->state = FAULT_CALLED;
		spin_unlock(&fault->lock);
		complete_all(&fault->called);
	}
	if (!err && fault->mirror)
		hmmodp_ahead_fault(fault->mirror, fault->va, fault->len,
				   fault->how & HMMODP_FAULT_WRITE);
	fault_end(fault);
}

static struct hmmodp_fault *fault_new(hmmodp_fault_done_t done, void *ctx)
{
	struct hmmodp_fault *fault;

	fault = kmalloc_obj(*fault, GFP_ATOMIC);
	if (!fault)
		return NULL;
	INIT_WORK(&fault->work, fault_work);
	kref_init(&fault->ref);
	kref_get(&fault->ref);		/* the work's */
	fault->done = done;
	fault->ctx = ctx;
	spin_lock_init(&fault->lock);
	fault->state = FAULT_WAITING;
	fault->stop = false;
	init_completion(&fault->called);
	return fault;
}

struct hmmodp_fault *hmmodp_fault_async(struct hmmodp_mirror *mirror,
					unsigned long va, size_t len,
					enum hmmodp_dir dir,
					hmmodp_fault_done_t done, void *ctx)
{
	struct hmmodp_fault *fault = fault_new(done, ctx);

	if (!fault)
		return ERR_PTR(-ENOMEM);
	kref_get(&mirror->ref);
	fault->mirror = mirror;
	fault->va = va;
	fault->len = min(len, hmmodp_fault_most());
	fault->how = HMMODP_FAULT_FRONT | (dir == HMMODP_WRITE ? HMMODP_FAULT_WRITE : 0);
	queue_work(mirror->queue, &fault->work);
	return fault;
}
EXPORT_SYMBOL_GPL(hmmodp_fault_async);

struct hmmodp_fault *hmmodp_fault_other(struct workqueue_struct *queue,
					const struct hmmodp_other_ops *ops, void *other,
					hmmodp_fault_done_t done, void *ctx)
{
	struct hmmodp_fault *fault = fault_new(done, ctx);

	if (!fault)
		return ERR_PTR(-ENOMEM);
	fault->mirror = NULL;
	fault->ops = ops;
	fault->other = other;
	queue_work(queue, &fault->work);
	return fault;
}
EXPORT_SYMBOL_GPL(hmmodp_fault_other);

bool hmmodp_fault_cancel(struct hmmodp_fault *fault)
{
	if (fault_leave_waiting(fault, FAULT_CANCELLED)) {
		WRITE_ONCE(fault->stop, true);
		if (cancel_work(&fault->work))
			fault_end(fault);
		return true;
	}
	if (READ_ONCE(fault->state) != FAULT_CANCELLED)
		wait_for_completion(&fault->called);
	return false;
}
EXPORT_SYMBOL_GPL(hmmodp_fault_cancel);
