// SPDX-License-Identifier: GPL-2.0
/*
 * Memory windows: keys that open a part of a region, bound and invalidated by send
 * requests (IBTA 10.6.7).
 *
 * A window's entry in the table of keys is a region without memory, or while it is
 * bound, one that stands for the binding. A binding never changes; it is put in the
 * place of another at once, by whoever sees the entry as he checked it. So whoever
 * finds a key finds a whole binding, and keeps that, and by it the region, as long as
 * he copies.
 */
#include <linux/delay.h>
#include <linux/slab.h>

#include "dev.h"
#include "mr.h"
#include "udata.h"

#define HROCE_KEY_TAG	0xffu

#define HROCE_ACCESS_WINDOW	(IB_ACCESS_REMOTE_WRITE | IB_ACCESS_REMOTE_READ | \
				 IB_ACCESS_REMOTE_ATOMIC)

/* Programs name the local right as well, which a window cannot give. */
#define HROCE_ACCESS_BIND	(HROCE_ACCESS_WINDOW | IB_ACCESS_LOCAL_WRITE)

/* The last one has let go of a binding. */
void hroce_window_free(struct hroce_mr *mr)
{
	hroce_mr_put(mr->window.target);
	kfree_rcu(mr, rcu);
}

/*
 * Once nobody else has it, nobody can get it any more: a reference is only taken of
 * what has one.
 */
bool hroce_window_ended(struct hroce_mr **ended)
{
	struct hroce_mr *mr = *ended;

	if (!mr)
		return true;
	if (!refcount_dec_if_one(&mr->refs))
		return false;
	/* what they copied, before what follows */
	smp_acquire__after_ctrl_dep();
	hroce_window_free(mr);
	*ended = NULL;
	return true;
}

void hroce_window_drop(struct hroce_mr **ended)
{
	if (*ended)
		hroce_mr_put(*ended);
	*ended = NULL;
}

/*
 * Out of the table: the region has a window less, the caller its reference. Of a list of
 * pages they are not counted.
 */
static struct hroce_mr *hroce_window_unbound(struct hroce_mr *mr)
{
	if (mr->window.target->kind != HROCE_MR_FAST)
		atomic_dec(&mr->window.target->windows);
	return mr;
}

/* The region that a window shall be bound to, with a reference, and counted there. */
static struct hroce_mr *hroce_bind_target(struct hroce_dev *dev, struct ib_pd *pd,
					  const struct hroce_bind *b)
{
	const int writes = IB_ACCESS_REMOTE_WRITE | IB_ACCESS_REMOTE_ATOMIC;
	struct hroce_mr *mr = hroce_mr_find(dev, b->lkey);

	if (!mr)
		return NULL;
	if ((mr->kind == HROCE_MR_PINNED || mr->kind == HROCE_MR_MOVING ||
	     mr->kind == HROCE_MR_ODP) &&
	    mr->ibmr.pd == pd && (mr->access & IB_ACCESS_MW_BIND) &&
	    (!(b->access & writes) || (mr->access & IB_ACCESS_LOCAL_WRITE)) &&
	    hroce_mr_covers(mr, b->addr, b->length) &&
	    atomic_inc_unless_negative(&mr->windows))
		return mr;
	hroce_mr_put(mr);
	return NULL;
}

struct hroce_mr *hroce_window_make(struct hroce_mr *target, struct hroce_mr *unbound,
				   const struct hroce_bind *b, u64 start, int access)
{
	u64 iova = b->access & IB_ZERO_BASED ? 0 : b->addr;
	struct hroce_mr *mr;

	mr = hroce_mr_alloc(unbound->ibmr.pd, b->length, iova, access,
			    GFP_ATOMIC | __GFP_ACCOUNT);
	if (!mr)
		return ERR_PTR(-ENOMEM);
	refcount_inc(&target->refs);
	mr->kind = HROCE_MR_WINDOW;
	mr->start = start;
	mr->window.target = target;
	mr->window.unbound = unbound;
	mr->ibmr.lkey = (unbound->ibmr.lkey & ~HROCE_KEY_TAG) | (b->rkey & HROCE_KEY_TAG);
	mr->ibmr.rkey = mr->ibmr.lkey;
	return mr;
}

/* The new binding; the old one stays as it is. */
static struct hroce_mr *hroce_bind_make(struct hroce_dev *dev, struct ib_pd *pd, u32 qpn,
					const struct hroce_bind *b,
					struct hroce_mr *unbound)
{
	struct hroce_mr *target, *mr;

	target = hroce_bind_target(dev, pd, b);
	if (!target)
		return ERR_PTR(-EINVAL);
	mr = hroce_window_make(target, unbound, b, b->addr, b->access & HROCE_ACCESS_WINDOW);
	if (IS_ERR(mr))
		atomic_dec(&target->windows);
	else if (unbound->mw_type == IB_MW_TYPE_2)
		mr->window.qpn = qpn;
	hroce_mr_put(target);
	return mr;
}

static int hroce_bind_check(const struct hroce_mr *cur, const struct hroce_mr *unbound,
			    struct ib_pd *pd, const struct hroce_bind *b)
{
	if (unbound->kind != HROCE_MR_UNBOUND || unbound->ibmr.pd != pd)
		return -EINVAL;
	if (unbound->mw_type == IB_MW_TYPE_1)
		return b->access & ~HROCE_ACCESS_BIND ? -EINVAL : 0;
	if (b->access & ~(HROCE_ACCESS_BIND | IB_ZERO_BASED))
		return -EINVAL;
	/* bound once, until it is invalidated */
	return cur == unbound && b->length ? 0 : -EINVAL;
}

/* @cur: what the window's key stands for. -EAGAIN: not any more. */
static int hroce_bind_over(struct hroce_dev *dev, struct ib_pd *pd, u32 qpn,
			   const struct hroce_bind *b, struct hroce_mr *cur,
			   struct hroce_mr **ended)
{
	struct hroce_mr *unbound = cur->kind == HROCE_MR_WINDOW ? cur->window.unbound : cur;
	struct hroce_mr *mr = unbound;
	int err;

	err = hroce_bind_check(cur, unbound, pd, b);
	if (err)
		return err;
	if (b->length) {
		mr = hroce_bind_make(dev, pd, qpn, b, unbound);
		if (IS_ERR(mr))
			return PTR_ERR(mr);
	}
	if (!hroce_mr_replace(dev, cur, mr)) {
		if (mr != unbound)
			hroce_mr_put(hroce_window_unbound(mr));
		return -EAGAIN;
	}
	if (cur != unbound)
		*ended = hroce_window_unbound(cur);
	return 0;
}

int hroce_mw_bind(struct hroce_dev *dev, struct ib_pd *pd, u32 qpn,
		  const struct hroce_bind *b, struct hroce_mr **ended)
{
	struct hroce_mr *cur;
	int err;

	do {
		/* a binding does not hold the window itself, which may be freed meanwhile */
		rcu_read_lock();
		cur = b->key ? hroce_mr_lookup(dev, b->key) : NULL;
		err = cur ? hroce_bind_over(dev, pd, qpn, b, cur, ended) : -EINVAL;
		if (cur)
			hroce_mr_put(cur);
		rcu_read_unlock();
	} while (err == -EAGAIN);	/* another was faster: see what he has made of it */
	return err;
}

/* What is bound to a QP, by that one; of type 1, by nobody this way. */
static bool hroce_window_can_end(const struct hroce_mr *mr, u32 qpn)
{
	return mr->window.target->kind == HROCE_MR_FAST || mr->window.qpn == qpn;
}

int hroce_mr_invalidate(struct hroce_dev *dev, struct ib_pd *pd, u32 qpn, u32 key,
			struct hroce_mr **ended)
{
	struct hroce_mr *mr = hroce_mr_find(dev, key);
	int err = -EINVAL;

	if (!mr)
		return -EINVAL;
	if (mr->kind == HROCE_MR_WINDOW && mr->ibmr.pd == pd &&
	    hroce_window_can_end(mr, qpn) &&
	    hroce_mr_replace(dev, mr, mr->window.unbound)) {
		*ended = hroce_window_unbound(mr);
		err = 0;
	}
	hroce_mr_put(mr);
	return err;
}

static struct hroce_mw *to_hmw(struct ib_mw *ibmw)
{
	return container_of(ibmw, struct hroce_mw, ibmw);
}

int hroce_alloc_mw(struct ib_mw *ibmw, struct ib_udata *udata)
{
	struct hroce_mr *mr;
	int err;

	err = hroce_respond(udata, NULL, 0);
	if (err)
		return err;
	mr = hroce_mr_alloc(ibmw->pd, 0, 0, 0, GFP_KERNEL_ACCOUNT);
	if (!mr)
		return -ENOMEM;
	mr->kind = HROCE_MR_UNBOUND;
	mr->mw_type = ibmw->type;
	err = hroce_mr_publish(to_hdev(ibmw->device), mr);
	if (err) {
		kfree(mr);
		return err;
	}
	to_hmw(ibmw)->unbound = mr;
	ibmw->rkey = mr->ibmr.rkey;
	return 0;
}

/* Bound or not; the binding's accesses are waited for, as those who look at it are. */
int hroce_dealloc_mw(struct ib_mw *ibmw)
{
	struct hroce_mr *unbound = to_hmw(ibmw)->unbound;
	struct hroce_mr *mr = hroce_mr_take(to_hdev(ibmw->device), unbound->ibmr.rkey);

	if (mr != unbound) {
		hroce_window_unbound(mr);
		while (!hroce_window_ended(&mr))
			usleep_range(20, 100);
	}
	hroce_mr_finish(unbound);
	kfree_rcu(unbound, rcu);
	return 0;
}
