// SPDX-License-Identifier: GPL-2.0
/*
 * Posting: the doorbell of user space, and work requests of kernel users, which
 * become entries of the same rings.
 */
#include "cq.h"
#include "qp.h"
#include "qp_verbs.h"

static int hroce_build_inline(struct hroce_sq *sq, struct hroce_send_wqe *wqe,
			      const struct ib_send_wr *wr)
{
	const struct ib_sge *sge;

	for (sge = wr->sg_list; sge < wr->sg_list + wr->num_sge; sge++) {
		if (sge->length > sq->max_inline - wqe->inline_length)
			return -EINVAL;
		memcpy(wqe->inline_data + wqe->inline_length,
		       (void *)(uintptr_t)sge->addr, sge->length);
		wqe->inline_length += sge->length;
	}
	return 0;
}

static void hroce_build_reg(struct hroce_send_wqe *wqe, const struct ib_reg_wr *wr)
{
	wqe->bind = (struct hroce_bind) {
		.addr = wr->mr->iova,
		.length = wr->mr->length,
		.key = wr->mr->lkey,
		.rkey = wr->key,
		.access = wr->access & ~IB_ZERO_BASED,
	};
}

static int hroce_build_wqe(struct hroce_qp *qp, struct hroce_send_wqe *wqe,
			   const struct ib_send_wr *wr)
{
	struct hroce_sq *sq = &qp->sq;
	int i;

	if (wr->num_sge > sq->max_sge || wr->num_sge < 0)
		return -EINVAL;
	if (wr->send_flags & ~(IB_SEND_FENCE | IB_SEND_SIGNALED | IB_SEND_SOLICITED |
			       IB_SEND_INLINE))
		return -EINVAL;
	memset(wqe, 0, sizeof(*wqe));
	wqe->wr_id = wr->wr_id;
	wqe->opcode = wr->opcode;
	wqe->flags = wr->send_flags;
	wqe->num_sge = wr->num_sge;
	wqe->imm = (__force u32)wr->ex.imm_data;
	if (hroce_qp_is_ud(qp)) {
		/* what drains the queue is no datagram, and has no address */
		if (wr->opcode == IB_WR_SEND || wr->opcode == IB_WR_SEND_WITH_IMM) {
			wqe->ah = to_hah(ud_wr(wr)->ah)->number;
			wqe->ud.remote_qpn = ud_wr(wr)->remote_qpn;
			wqe->ud.remote_qkey = ud_wr(wr)->remote_qkey;
		}
	} else {
		switch (wr->opcode) {
		case IB_WR_SEND:
		case IB_WR_SEND_WITH_IMM:
		case IB_WR_SEND_WITH_INV:
		case IB_WR_LOCAL_INV:
			break;
		case IB_WR_REG_MR:
			hroce_build_reg(wqe, reg_wr(wr));
			break;
		case IB_WR_RDMA_WRITE:
		case IB_WR_RDMA_WRITE_WITH_IMM:
		case IB_WR_RDMA_READ:
			wqe->rdma.remote_addr = rdma_wr(wr)->remote_addr;
			wqe->rdma.rkey = rdma_wr(wr)->rkey;
			break;
		case IB_WR_ATOMIC_CMP_AND_SWP:
		case IB_WR_ATOMIC_FETCH_AND_ADD:
			wqe->atomic.remote_addr = atomic_wr(wr)->remote_addr;
			wqe->atomic.rkey = atomic_wr(wr)->rkey;
			wqe->atomic.compare_add = atomic_wr(wr)->compare_add;
			wqe->atomic.swap = atomic_wr(wr)->swap;
			break;
		default:
			return -EOPNOTSUPP;
		}
	}
	if (wr->send_flags & IB_SEND_INLINE) {
		wqe->num_sge = 0;
		return hroce_build_inline(sq, wqe, wr);
	}
	for (i = 0; i < wr->num_sge; i++) {
		wqe->sge[i].addr = wr->sg_list[i].addr;
		wqe->sge[i].length = wr->sg_list[i].length;
		wqe->sge[i].lkey = wr->sg_list[i].lkey;
	}
	return 0;
}

static int hroce_post_one_send(struct hroce_qp *qp, const struct ib_send_wr *wr)
{
	struct hroce_sq *sq = &qp->sq;
	u32 producer = sq->ring.ring->producer;
	int err;

	if (producer - hroce_ring_consumer(&sq->ring) >= sq->ring.entries)
		return -ENOMEM;
	err = hroce_build_wqe(qp, hroce_ring_at(&sq->ring, producer), wr);
	if (err)
		return err;
	/* the entry is complete before it is seen */
	smp_store_release(&sq->ring.ring->producer, producer + 1);
	return 0;
}

/* So many requests are posted, and waited for by nobody, before they count as a stream. */
#define HROCE_STREAM_POSTS	2

/* What has come for the program on this QP: moves with each message, if not by one. */
static u32 hroce_posts_heard(const struct hroce_qp *qp)
{
	struct ib_cq *cq = qp->ibqp.recv_cq;

	return READ_ONCE(qp->rq.msn) + (cq ? hroce_cq_glance(to_hcq(cq)).index : 0);
}

/*
 * Does the program go on posting, without waiting for what it has posted? It does wait
 * if it has taken all completions, and there was one, or has been sent a message, which
 * may be an answer. And it will sleep when it has to, for its completion queue is armed:
 * so a worker gets its turn. A hint: doorbells may come at the same time.
 */
static bool hroce_posts_stream(struct hroce_qp *qp)
{
	struct hroce_cq_glance cq = hroce_cq_glance(to_hcq(qp->ibqp.send_cq));
	u32 heard = hroce_posts_heard(qp);
	struct hroce_sq *sq = &qp->sq;
	u32 posts = READ_ONCE(sq->posts) + 1;

	if (!cq.armed || heard != READ_ONCE(sq->posts_heard) ||
	    (cq.all_taken && cq.index != READ_ONCE(sq->posts_done)))
		posts = 0;
	WRITE_ONCE(sq->posts_heard, heard);
	WRITE_ONCE(sq->posts_done, cq.index);
	WRITE_ONCE(sq->posts, min_t(u32, posts, HROCE_STREAM_POSTS));
	return posts >= HROCE_STREAM_POSTS;
}

/*
 * A request is executed by who posts it, at once. But the requests of a stream are left
 * to a worker, which finds several: they cost less together, and wake the peer once.
 */
static void hroce_doorbell(struct hroce_qp *qp)
{
	if (hroce_qp_has_sq(qp) && hroce_posts_stream(qp))
		hroce_runner_kick_batch(&qp->sq.runner);
	else
		hroce_runner_kick(&qp->sq.runner);
}

int hroce_post_send(struct ib_qp *ibqp, const struct ib_send_wr *wr,
		    const struct ib_send_wr **bad_wr)
{
	struct hroce_qp *qp = to_hqp(ibqp);
	enum ib_qp_state state = READ_ONCE(qp->state);
	unsigned long flags;
	int err = 0;

	if (qp->is_user) {
		if (state == IB_QPS_ERR)
			hroce_runner_kick_later(&qp->rq.runner);
		if (state >= IB_QPS_RTS)
			hroce_doorbell(qp);
		return 0;
	}
	if (state < IB_QPS_RTS || !hroce_qp_has_sq(qp)) {
		*bad_wr = wr;
		return -EINVAL;
	}
	spin_lock_irqsave(&qp->sq.post_lock, flags);
	for (; wr; wr = wr->next) {
		err = hroce_post_one_send(qp, wr);
		if (err) {
			*bad_wr = wr;
			break;
		}
	}
	spin_unlock_irqrestore(&qp->sq.post_lock, flags);
	hroce_runner_kick_later(&qp->sq.runner);
	return err;
}

/* Into a kernel ring; the caller holds the lock of its producer end. */
int hroce_rwr_post(struct hroce_ringbuf *rb, u32 max_sge, const struct ib_recv_wr *wr)
{
	u32 producer = rb->ring->producer;
	struct hroce_recv_wqe *wqe;
	int i;

	if (wr->num_sge > max_sge || wr->num_sge < 0)
		return -EINVAL;
	if (producer - hroce_ring_consumer(rb) >= rb->entries)
		return -ENOMEM;
	wqe = hroce_ring_at(rb, producer);
	wqe->wr_id = wr->wr_id;
	wqe->num_sge = wr->num_sge;
	for (i = 0; i < wr->num_sge; i++) {
		wqe->sge[i].addr = wr->sg_list[i].addr;
		wqe->sge[i].length = wr->sg_list[i].length;
		wqe->sge[i].lkey = wr->sg_list[i].lkey;
	}
	/* likewise */
	smp_store_release(&rb->ring->producer, producer + 1);
	return 0;
}

/*
 * Kernel users only; a user's provider writes the ring itself. In the error
 * state the runner is needed, to flush what comes late.
 */
int hroce_post_recv(struct ib_qp *ibqp, const struct ib_recv_wr *wr,
		    const struct ib_recv_wr **bad_wr)
{
	struct hroce_qp *qp = to_hqp(ibqp);
	unsigned long flags;
	int err = 0;

	if (qp->is_user || !qp->rq.ring.ring || READ_ONCE(qp->state) == IB_QPS_RESET) {
		*bad_wr = wr;
		return -EINVAL;
	}
	spin_lock_irqsave(&qp->rq.post_lock, flags);
	for (; wr; wr = wr->next) {
		err = hroce_rwr_post(&qp->rq.ring, qp->rq.max_sge, wr);
		if (err) {
			*bad_wr = wr;
			break;
		}
	}
	spin_unlock_irqrestore(&qp->rq.post_lock, flags);
	if (READ_ONCE(qp->state) == IB_QPS_ERR)
		hroce_runner_kick_later(&qp->rq.runner);
	return err;
}
