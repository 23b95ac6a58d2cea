// SPDX-License-Identifier: GPL-2.0
/* The receive queue: taking requests, completing and flushing them. */
#include "qp.h"
#include "srq.h"

/*
 * Copy the next receive request out of a ring that the caller has for himself.
 * Return: 0; -ENOENT: none posted; -EINVAL: it is malformed, but taken; -EIO: the
 * ring is none any more.
 */
int hroce_rwr_take(struct hroce_ringbuf *rb, u32 max_sge, struct hroce_rwr *wr)
{
	u32 producer = hroce_ring_producer(rb), num_sge;
	const struct hroce_recv_wqe *src;

	if (producer == rb->index)
		return -ENOENT;
	if (producer - rb->index > rb->entries)
		return -EIO;
	src = hroce_ring_at(rb, rb->index);
	wr->wr_id = READ_ONCE(src->wr_id);
	num_sge = READ_ONCE(src->num_sge);
	wr->num_sge = num_sge <= max_sge ? num_sge : 0;
	memcpy(wr->sge, src->sge, wr->num_sge * sizeof(wr->sge[0]));
	rb->index++;
	/* the entry has been copied before it may be overwritten */
	smp_store_release(&rb->ring->consumer, rb->index);
	return num_sge <= max_sge ? 0 : -EINVAL;
}

static int hroce_rq_take_own(struct hroce_qp *qp)
{
	struct hroce_rq *rq = &qp->rq;
	int err;

	err = hroce_rwr_take(&rq->ring, rq->max_sge, &rq->wr);
	if (err == -EIO) {
		WRITE_ONCE(rq->ring.ring->producer, rq->ring.index);
		hroce_qp_broken(qp);
		return -ENOENT;
	}
	return err;
}

/*
 * Take the next receive request into rq->wr, unless one is there already.
 * Return: 0; -ENOENT: none posted; -EINVAL: it is malformed, but taken; -EIO: the
 * SRQ is in error.
 */
int hroce_rq_take(struct hroce_qp *qp)
{
	struct hroce_rq *rq = &qp->rq;
	int err;

	if (rq->have_wr)
		return 0;
	err = rq->srq ? hroce_srq_take(rq->srq, &rq->wr) : hroce_rq_take_own(qp);
	rq->have_wr = !err || err == -EINVAL;
	return err;
}

struct ib_pd *hroce_rq_pd(const struct hroce_qp *qp)
{
	return qp->rq.srq ? qp->rq.srq->ibsrq.pd : qp->ibqp.pd;
}

struct ib_pd *hroce_rq_remote_pd(const struct hroce_qp *qp)
{
	return hroce_qp_is_target(qp) ? qp->rq.srq->ibsrq.pd : qp->ibqp.pd;
}

static struct hroce_cq *hroce_rq_cq(const struct hroce_qp *qp)
{
	return to_hcq(hroce_qp_is_target(qp) ? qp->rq.srq->ibsrq.ext.cq : qp->ibqp.recv_cq);
}

/* Complete the request taken; wr_id and qp_num are filled in here. */
void hroce_rq_complete(struct hroce_qp *qp, const struct hroce_cqe *cqe, bool solicited)
{
	struct hroce_cqe c = *cqe;

	c.wr_id = qp->rq.wr.wr_id;
	hroce_cqe_set_qp(&c, &qp->ibqp);
	qp->rq.have_wr = false;
	if (hroce_cq_post(hroce_rq_cq(qp), &c, solicited))
		hroce_qp_error(qp);
}

/* In error a QP takes nothing more from its SRQ, which the owner may wait for. */
static void hroce_rq_last_wqe(struct hroce_qp *qp)
{
	if (qp->rq.last_wqe || !hroce_qp_has_rq(qp))
		return;
	qp->rq.last_wqe = true;
	hroce_qp_event(qp, IB_EVENT_QP_LAST_WQE_REACHED);
}

/* Error state; as hroce_sq_flush(). What is left in an SRQ is others'. */
bool hroce_rq_flush(struct hroce_qp *qp)
{
	static const struct hroce_cqe flushed = {
		.status = IB_WC_WR_FLUSH_ERR,
		.opcode = IB_WC_RECV,
	};
	u32 n = 0;

	hroce_window_drop(&qp->rq.ended);
	if (!qp->rq.ring.ring) {
		if (qp->rq.have_wr && hroce_xrc_begin(qp, qp->rq.msg_srqn))
			hroce_rq_complete(qp, &flushed, false);
		hroce_xrc_end(qp);
		qp->rq.have_wr = false;	/* its SRQ is gone, and who may want to know */
		hroce_rq_last_wqe(qp);
		return false;
	}
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
