// SPDX-License-Identifier: GPL-2.0
/* Numbers of XRC SRQs, by which requests from the wire name them. */
#include <linux/completion.h>
#include <linux/refcount.h>
#include <linux/xarray.h>

#include "srq.h"
#include "wire.h"

/* What the table holds; apart from the SRQ, for the reason given in qp_table.c. */
struct hroce_srq_ref {
	struct hroce_srq *srq;
	const struct ib_xrcd *xrcd;
	refcount_t refs;
	struct completion idle;		/* refs came to 0 */
	struct rcu_head rcu;
};

/* SRQ number -> struct hroce_srq_ref of all devices' XRC SRQs; read under RCU. */
static DEFINE_XARRAY_ALLOC1(hroce_srqns);
static u32 hroce_next_srqn;

int hroce_srq_table_add(struct hroce_srq *srq)
{
	struct hroce_srq_ref *ref;
	u32 srqn;
	int err;

	ref = kzalloc(sizeof(*ref), GFP_KERNEL_ACCOUNT);
	if (!ref)
		return -ENOMEM;
	ref->srq = srq;
	ref->xrcd = srq->ibsrq.ext.xrc.xrcd;
	refcount_set(&ref->refs, 1);
	init_completion(&ref->idle);
	srq->ref = ref;
	/* not again soon, as QP numbers */
	err = xa_alloc_cyclic(&hroce_srqns, &srqn, ref, XA_LIMIT(1, HROCE_QPN_MASK - 1),
			      &hroce_next_srqn, GFP_KERNEL_ACCOUNT);
	if (err < 0) {
		srq->ref = NULL;
		kfree(ref);
		return err;
	}
	srq->ibsrq.ext.xrc.srq_num = srqn;
	return 0;
}

struct hroce_srq *hroce_srq_get(u32 srqn, const struct ib_xrcd *xrcd)
{
	struct hroce_srq *srq = NULL;
	struct hroce_srq_ref *ref;

	rcu_read_lock();
	ref = xa_load(&hroce_srqns, srqn);
	if (ref && ref->xrcd == xrcd && refcount_inc_not_zero(&ref->refs))
		srq = ref->srq;
	rcu_read_unlock();
	return srq;
}

void hroce_srq_put(struct hroce_srq *srq)
{
	struct hroce_srq_ref *ref = srq->ref;

	if (refcount_dec_and_test(&ref->refs))
		complete(&ref->idle);
}

/* Waits until no packet on its way in uses the SRQ. */
void hroce_srq_table_del(struct hroce_srq *srq)
{
	struct hroce_srq_ref *ref = srq->ref;

	xa_erase(&hroce_srqns, srq->ibsrq.ext.xrc.srq_num);
	hroce_srq_put(srq);
	wait_for_completion(&ref->idle);
	kfree_rcu(ref, rcu);
}
