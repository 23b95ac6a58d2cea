// SPDX-License-Identifier: GPL-2.0
/* The send queue: fetching requests, completing them, flushing them. */
#include "qp.h"

/* enum ib_wc_opcode of each IB_UVERBS_WR_* that we execute, by QP type; and IB_WR_REG_MR. */
static int hroce_wc_opcode(const struct hroce_qp *qp, u8 opcode)
{
	bool rc = hroce_qp_is_reliable(qp);
	bool connected = !hroce_qp_is_ud(qp);
	bool plain = qp->ibqp.qp_type == IB_QPT_RC;

	switch (opcode) {
	case IB_UVERBS_WR_SEND:
	case IB_UVERBS_WR_SEND_WITH_IMM:
		return IB_WC_SEND;
	case IB_UVERBS_WR_SEND_WITH_INV:
		return plain ? IB_WC_SEND : -EINVAL;
	case IB_UVERBS_WR_BIND_MW:
		return plain ? IB_WC_BIND_MW : -EINVAL;
	case IB_WR_REG_MR:
		return plain && !qp->is_user ? IB_WC_REG_MR : -EINVAL;
	case IB_UVERBS_WR_LOCAL_INV:
		return plain ? IB_WC_LOCAL_INV : -EINVAL;
	case IB_UVERBS_WR_RDMA_WRITE:
	case IB_UVERBS_WR_RDMA_WRITE_WITH_IMM:
		return connected ? IB_WC_RDMA_WRITE : -EINVAL;
	case IB_UVERBS_WR_RDMA_READ:
		return rc ? IB_WC_RDMA_READ : -EINVAL;
	case IB_UVERBS_WR_ATOMIC_CMP_AND_SWP:
		return rc ? IB_WC_COMP_SWAP : -EINVAL;
	case IB_UVERBS_WR_ATOMIC_FETCH_AND_ADD:
		return rc ? IB_WC_FETCH_ADD : -EINVAL;
	case IB_UVERBS_WR_ATOMIC_WRITE:
		return plain ? IB_UVERBS_WC_ATOMIC_WRITE : -EINVAL;
	case IB_UVERBS_WR_FLUSH:
		return plain && IB_ACCESS_FLUSH_GLOBAL ? IB_UVERBS_WC_FLUSH : -EINVAL;
	}
	return -EINVAL;
}

static bool hroce_wr_is_atomic(u8 opcode)
{
	return opcode == IB_UVERBS_WR_ATOMIC_CMP_AND_SWP ||
	       opcode == IB_UVERBS_WR_ATOMIC_FETCH_AND_ADD;
}

/*
 * Check a request that has been copied out of the ring, and add up its length.
 * User space may have written anything into it.
 */
static enum ib_wc_status hroce_swr_check(struct hroce_qp *qp, struct hroce_swr *swr)
{
	const struct hroce_send_wqe *wqe = &swr->wqe;
	u32 i, length = 0;

	if (hroce_wc_opcode(qp, wqe->opcode) < 0)
		return IB_WC_LOC_QP_OP_ERR;
	if (hroce_wr_is_local(wqe->opcode) || wqe->opcode == IB_UVERBS_WR_FLUSH)
		return IB_WC_SUCCESS;
	if (wqe->flags & IB_SEND_INLINE) {
		length = wqe->inline_length;
		if (wqe->opcode == IB_UVERBS_WR_RDMA_READ || hroce_wr_is_atomic(wqe->opcode))
			return IB_WC_LOC_QP_OP_ERR;
	} else {
		for (i = 0; i < wqe->num_sge; i++)
			if (check_add_overflow(length, wqe->sge[i].length, &length))
				return IB_WC_LOC_LEN_ERR;
	}
	if (length > HROCE_MAX_MSG_BYTES ||
	    (hroce_qp_is_ud(qp) && length > READ_ONCE(qp->dev->max_mtu)))
		return IB_WC_LOC_LEN_ERR;
	if ((hroce_wr_is_atomic(wqe->opcode) || wqe->opcode == IB_UVERBS_WR_ATOMIC_WRITE) &&
	    length != sizeof(u64))
		return IB_WC_LOC_LEN_ERR;
	swr->length = length;
	if (hroce_qp_is_ud(qp) &&
	    hroce_ah_copy_av(qp->dev, qp->ibqp.pd, wqe->ah,
			     &qp->sq.avs[qp->sq.fetched & (qp->sq.ring.entries - 1)]))
		return IB_WC_LOC_QP_OP_ERR;
	return IB_WC_SUCCESS;
}

/* Copy the entry once, no more of it than its own counts say and fits. */
static enum ib_wc_status hroce_swr_copy(struct hroce_sq *sq, struct hroce_swr *swr,
					const struct hroce_send_wqe *src)
{
	struct hroce_send_wqe *wqe = &swr->wqe;
	bool is_inline;

	memcpy(wqe, src, sizeof(*wqe));
	is_inline = wqe->flags & IB_SEND_INLINE;
	if (is_inline ? wqe->inline_length > sq->max_inline : wqe->num_sge > sq->max_sge) {
		wqe->num_sge = 0;
		wqe->inline_length = 0;
		return IB_WC_LOC_LEN_ERR;
	}
	if (is_inline)
		memcpy(wqe->inline_data, src->inline_data, wqe->inline_length);
	else
		memcpy(wqe->sge, src->sge, wqe->num_sge * sizeof(wqe->sge[0]));
	return IB_WC_SUCCESS;
}

/* PSNs that a request takes. */
static u32 hroce_swr_packets(const struct hroce_qp *qp, const struct hroce_swr *swr)
{
	if (hroce_wr_is_local(swr->wqe.opcode))
		return 0;
	if (hroce_wr_is_atomic(swr->wqe.opcode) || hroce_wr_is_noted(swr->wqe.opcode))
		return 1;
	return hroce_psn_count(swr->length, qp->mtu ?: 1);
}

/* Take the next request from the ring. False: there is none. */
bool hroce_sq_fetch(struct hroce_qp *qp)
{
	struct hroce_sq *sq = &qp->sq;
	u32 producer = hroce_ring_producer(&sq->ring);
	struct hroce_swr *swr;

	if (producer == sq->fetched)
		return false;
	/* further than there is room behind what has been fetched, or back */
	if (producer - sq->fetched > sq->ring.entries - (sq->fetched - sq->ring.index)) {
		/* not a ring any more; what is in flight can still be flushed */
		WRITE_ONCE(sq->ring.ring->producer, sq->fetched);
		hroce_qp_broken(qp);
		return false;
	}
	swr = hroce_sq_slot(sq, sq->fetched);
	swr->length = 0;
	swr->status = hroce_swr_copy(sq, swr, hroce_ring_at(&sq->ring, sq->fetched));
	if (swr->status == IB_WC_SUCCESS)
		swr->status = hroce_swr_check(qp, swr);
	swr->executed = false;
	swr->first_psn = sq->next_psn;
	sq->next_psn = hroce_psn_add(sq->next_psn, hroce_swr_packets(qp, swr));
	swr->last_psn = hroce_psn_add(sq->next_psn, HROCE_PSN_MASK);
	sq->fetched++;
	return true;
}

/* The oldest request is done. Its place is free before its completion shows. */
void hroce_sq_complete(struct hroce_qp *qp, enum ib_wc_status status)
{
	struct hroce_sq *sq = &qp->sq;
	struct hroce_swr *swr = hroce_sq_slot(sq, sq->ring.index);
	bool signaled = sq->sig_all || (swr->wqe.flags & IB_SEND_SIGNALED) ||
			status != IB_WC_SUCCESS;
	struct hroce_cqe cqe;

	if (signaled) {
		memset(&cqe, 0, sizeof(cqe));
		cqe.wr_id = swr->wqe.wr_id;
		cqe.status = status;
		cqe.opcode = max(hroce_wc_opcode(qp, swr->wqe.opcode), 0);
		cqe.byte_len = swr->length;
		hroce_cqe_set_qp(&cqe, &qp->ibqp);
	}
	sq->ring.index++;
	/* the entry has been copied before it may be overwritten */
	smp_store_release(&sq->ring.ring->consumer, sq->ring.index);
	if (signaled && hroce_cq_post(to_hcq(qp->ibqp.send_cq), &cqe, false))
		hroce_qp_error(qp);
}

/* The oldest request has failed, and with it the QP. */
void hroce_sq_fail(struct hroce_qp *qp, enum ib_wc_status status)
{
	if (qp->sq.ring.index != qp->sq.fetched)
		hroce_sq_complete(qp, status);
	hroce_qp_send_error(qp);
}

/*
 * Error state: what is in the queue completes as flushed. One queue's length at
 * a time, because user space can post as fast as this goes. True: there is more, which
 * could be sent as well.
 */
bool hroce_sq_flush(struct hroce_qp *qp)
{
	struct hroce_sq *sq = &qp->sq;
	u32 n = 0;
	bool more;

	hroce_window_drop(&sq->ended);
	while ((more = sq->ring.index != sq->fetched || hroce_sq_fetch(qp))) {
		if (n++ == sq->ring.entries)
			break;
		hroce_sq_complete(qp, IB_WC_WR_FLUSH_ERR);
	}
	sq->send = sq->ring.index;
	sq->psn = more ? hroce_sq_slot(sq, sq->send)->first_psn : sq->next_psn;
	sq->una = sq->psn;
	sq->max_psn = sq->psn;
	return more;
}
