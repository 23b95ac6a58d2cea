// SPDX-License-Identifier: GPL-2.0
/* The receive queue: taking requests, completing and flushing them. */
#include "qp.h"

/*
 * Take the next receive request into rq->wr, unless one is there already.
 * Return: 0; -ENOENT: none posted; -EINVAL: it is malformed, but taken.
 */
int hroce_rq_take(struct hroce_qp *qp)
{
	struct hroce_rq *rq = &qp->rq;
	const struct hroce_recv_wqe *src;
	u32 producer, num_sge;

	if (rq->have_wr)
		return 0;
	if (!rq->ring.ring)
		return -ENOENT;
	producer = hroce_ring_producer(&rq->ring);
	if (producer == rq->ring.index)
		return -ENOENT;
	if (producer - rq->ring.index > rq->ring.entries) {
		WRITE_ONCE(rq->ring.ring->producer, rq->ring.index);
		hroce_qp_event(qp, IB_EVENT_QP_FATAL);
		hroce_qp_error(qp);
		return -ENOENT;
	}
	src = hroce_ring_at(&rq->ring, rq->ring.index);
	rq->wr.wr_id = READ_ONCE(src->wr_id);
	num_sge = READ_ONCE(src->num_sge);
	rq->wr.num_sge = num_sge <= rq->max_sge ? num_sge : 0;
	memcpy(rq->wr.sge, src->sge, rq->wr.num_sge * sizeof(rq->wr.sge[0]));
	rq->have_wr = true;
	rq->ring.index++;
	/* the entry has been copied before it may be overwritten */
	smp_store_release(&rq->ring.ring->consumer, rq->ring.index);
	return num_sge <= rq->max_sge ? 0 : -EINVAL;
}

/* Complete the request taken; wr_id and qp_num are filled in here. */
void hroce_rq_complete(struct hroce_qp *qp, const struct hroce_cqe *cqe, bool solicited)
{
	struct hroce_cqe c = *cqe;

	c.wr_id = qp->rq.wr.wr_id;
	hroce_cqe_set_qp(&c, &qp->ibqp);
	qp->rq.have_wr = false;
	if (hroce_cq_post(to_hcq(qp->ibqp.recv_cq), &c, solicited))
		hroce_qp_error(qp);
}

/* Error state; as hroce_sq_flush(). */
bool hroce_rq_flush(struct hroce_qp *qp)
{
	static const struct hroce_cqe flushed = {
		.status = IB_WC_WR_FLUSH_ERR,
		.opcode = IB_WC_RECV,
	};
	u32 n = 0;

	/* from now on, what is posted is announced; see hroce-abi.h */
	WRITE_ONCE(qp->rq.ring.ring->doorbell, 1);
	smp_mb();	/* then look; the provider posts, then looks at doorbell */
	while (hroce_rq_take(qp) != -ENOENT) {
		hroce_rq_complete(qp, &flushed, false);
		if (n++ == qp->rq.ring.entries)
			return true;
	}
	return false;
}
