// SPDX-License-Identifier: GPL-2.0
/* Details of objects for "rdma resource show", see res.h. */
#include <net/netlink.h>
#include <rdma/restrack.h>
#include <rdma/rdma_netlink.h>

#include "cq.h"
#include "mr.h"
#include "qp.h"
#include "res.h"

struct hroce_detail {
	const char *name;
	u32 value;
};

static int hroce_put_details(struct sk_buff *msg, const char *kind,
			     const struct hroce_detail *d, unsigned int num)
{
	struct nlattr *table = nla_nest_start(msg, RDMA_NLDEV_ATTR_DRIVER);

	if (!table)
		return -EMSGSIZE;
	if (kind && rdma_nl_put_driver_string(msg, "kind", kind))
		goto full;
	for (; num; num--, d++)
		if (rdma_nl_put_driver_u32(msg, d->name, d->value))
			goto full;
	nla_nest_end(msg, table);
	return 0;
full:
	nla_nest_cancel(msg, table);
	return -EMSGSIZE;
}

int hroce_fill_res_qp(struct sk_buff *msg, struct ib_qp *ibqp)
{
	const struct hroce_qp *qp = to_hqp(ibqp);
	const struct hroce_sq *sq = &qp->sq;
	const struct hroce_rq *rq = &qp->rq;
	const struct hroce_detail d[] = {
		{ "send_pending", READ_ONCE(sq->fetched) - READ_ONCE(sq->ring.index) },
		{ "unacked_pkts", (READ_ONCE(sq->psn) - READ_ONCE(sq->una)) & HROCE_PSN_MASK },
		{ "reads_out", READ_ONCE(sq->rd_out) },
		{ "send_stalled", READ_ONCE(sq->send_stall.fault) ||
				  READ_ONCE(sq->resp_stall.fault) },
		{ "expected_psn", READ_ONCE(rq->epsn) },
		{ "recv_stalled", READ_ONCE(rq->stalled) },
		{ "parked_bufs", skb_queue_len_lockless(&rq->inbox.skbs) },
	};

	return hroce_put_details(msg, NULL, d, ARRAY_SIZE(d));
}

int hroce_fill_res_cq(struct sk_buff *msg, struct ib_cq *ibcq)
{
	struct hroce_cq *cq = to_hcq(ibcq);
	struct hroce_detail d[2] = { { "unpolled" }, { "overflowed" } };

	spin_lock_irq(&cq->lock);
	if (cq->ring.ring)
		d[0].value = min(cq->ring.index - hroce_ring_consumer(&cq->ring),
				 cq->ring.entries);
	d[1].value = cq->overflowed;
	spin_unlock_irq(&cq->lock);
	return hroce_put_details(msg, NULL, d, ARRAY_SIZE(d));
}

int hroce_fill_res_mr(struct sk_buff *msg, struct ib_mr *ibmr)
{
	static const char *const kinds[] = {
		[HROCE_MR_PINNED] = "pinned",
		[HROCE_MR_MOVING] = "moving",
		[HROCE_MR_ODP] = "on-demand",
		[HROCE_MR_DMA] = "kernel",
		[HROCE_MR_NULL] = "null",
		[HROCE_MR_FAST] = "fast",
	};
	const struct hroce_mr *mr = to_hmr(ibmr);
	const struct hroce_detail d[] = { { "access", mr->access } };

	return hroce_put_details(msg, kinds[mr->kind], d, ARRAY_SIZE(d));
}
