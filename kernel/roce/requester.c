// SPDX-License-Identifier: GPL-2.0
/*
 * The requester: requests in the send queue become packets.
 *
 *	step: responses, timers -> stalled? -> next request -> burst -> network
 *
 * Nothing here sleeps. It stops when the window is full, a page is absent, the
 * peer is not ready, or the queue is empty; whatever ends that kicks it.
 */
#include <linux/jiffies.h>

#include "burst.h"
#include "qp.h"

static const struct hroce_opcodes hroce_send_ops = {
	IB_OPCODE_RC_SEND_FIRST, IB_OPCODE_RC_SEND_MIDDLE,
	IB_OPCODE_RC_SEND_LAST, IB_OPCODE_RC_SEND_ONLY,
};

static const struct hroce_opcodes hroce_send_imm_ops = {
	IB_OPCODE_RC_SEND_FIRST, IB_OPCODE_RC_SEND_MIDDLE,
	IB_OPCODE_RC_SEND_LAST_WITH_IMMEDIATE, IB_OPCODE_RC_SEND_ONLY_WITH_IMMEDIATE,
};

static const struct hroce_opcodes hroce_send_inv_ops = {
	IB_OPCODE_RC_SEND_FIRST, IB_OPCODE_RC_SEND_MIDDLE,
	IB_OPCODE_RC_SEND_LAST_WITH_INVALIDATE, IB_OPCODE_RC_SEND_ONLY_WITH_INVALIDATE,
};

static const struct hroce_opcodes hroce_write_ops = {
	IB_OPCODE_RC_RDMA_WRITE_FIRST, IB_OPCODE_RC_RDMA_WRITE_MIDDLE,
	IB_OPCODE_RC_RDMA_WRITE_LAST, IB_OPCODE_RC_RDMA_WRITE_ONLY,
};

static const struct hroce_opcodes hroce_write_imm_ops = {
	IB_OPCODE_RC_RDMA_WRITE_FIRST, IB_OPCODE_RC_RDMA_WRITE_MIDDLE,
	IB_OPCODE_RC_RDMA_WRITE_LAST_WITH_IMMEDIATE,
	IB_OPCODE_RC_RDMA_WRITE_ONLY_WITH_IMMEDIATE,
};

static const struct hroce_opcodes hroce_atomic_write_ops = {
	.only = IB_OPCODE_RC_ATOMIC_WRITE,
};

static const struct hroce_opcodes *hroce_wr_opcodes(u8 opcode)
{
	switch (opcode) {
	case IB_UVERBS_WR_SEND:
		return &hroce_send_ops;
	case IB_UVERBS_WR_SEND_WITH_IMM:
		return &hroce_send_imm_ops;
	case IB_UVERBS_WR_SEND_WITH_INV:
		return &hroce_send_inv_ops;
	case IB_UVERBS_WR_RDMA_WRITE:
		return &hroce_write_ops;
	case IB_UVERBS_WR_ATOMIC_WRITE:
		return &hroce_atomic_write_ops;
	default:
		return &hroce_write_imm_ops;
	}
}

/* Is all of a request before this PSN, so that nothing of it is left to do? */
static bool hroce_swr_is_behind(const struct hroce_swr *swr, u32 psn)
{
	return hroce_psn_before(swr->last_psn, psn) &&
	       (swr->executed || !hroce_wr_is_local(swr->wqe.opcode));
}

/* Go on from this PSN, which has been assigned to a request or is the next. */
void hroce_requester_seek(struct hroce_qp *qp, u32 psn)
{
	struct hroce_sq *sq = &qp->sq;
	u32 i = sq->ring.index;

	while (i != sq->fetched && hroce_swr_is_behind(hroce_sq_slot(sq, i), psn))
		i++;
	sq->send = i;
	sq->psn = psn;
}

/*
 * Send everything again from the oldest packet that is not acknowledged; if @probe, that
 * one first, and more with each that is acknowledged then.
 */
void hroce_requester_rewind(struct hroce_qp *qp, bool probe)
{
	struct hroce_sq *sq = &qp->sq;

	hroce_requester_seek(qp, sq->una);
	sq->rd_out = 0;
	sq->unasked = 0;
	sq->anxious = true;
	sq->word.valid = false;
	if (probe)
		sq->window = 1;
	hroce_count(qp->dev->stats, HROCE_RETRANSMIT);
}

static u32 hroce_window_left(const struct hroce_sq *sq)
{
	s32 out = hroce_psn_diff(sq->psn, sq->una);

	return out < (s32)sq->window ? sq->window - out : 0;
}

/* May a piece of a READ, of so many packets, be asked for? */
static bool hroce_window_has(const struct hroce_sq *sq, u32 count)
{
	return hroce_window_left(sq) >= count || sq->psn == sq->una;
}

/* No memory just now, or somebody else has to finish first. */
bool hroce_requester_again(struct hroce_sq *sq)
{
	sq->again = true;
	sq->again_at = jiffies + 1;
	return false;
}

/* The packets up to there are about to leave. */
static void hroce_requester_advance(struct hroce_qp *qp, struct hroce_swr *swr, u32 packets)
{
	struct hroce_sq *sq = &qp->sq;

	if (sq->psn == sq->una && !sq->lost)
		sq->retry_at = jiffies + qp->timeout;
	sq->psn = hroce_psn_add(sq->psn, packets);
	if (hroce_psn_before(sq->max_psn, sq->psn))
		sq->max_psn = sq->psn;
	if (hroce_psn_before(swr->last_psn, sq->psn))
		sq->send++;
}

/*
 * An ACK was to be asked for by what follows, from this PSN on, but that does not get
 * away for now: the last packet before it asks, once more. True: send that.
 */
static bool hroce_requester_ask(struct hroce_qp *qp, u32 psn)
{
	struct hroce_sq *sq = &qp->sq;
	u32 back = sq->psn;

	if (!sq->unasked || !hroce_psn_before(sq->una, psn))
		return false;
	sq->unasked = 0;
	hroce_requester_seek(qp, hroce_psn_add(psn, HROCE_PSN_MASK));
	if (hroce_wr_is_answered(hroce_sq_slot(sq, sq->send)->wqe.opcode)) {
		hroce_requester_seek(qp, back);	/* the answer is an ACK as well */
		return false;
	}
	sq->anxious = true;
	return true;
}

/*
 * The request at sq->send cannot be executed. It fails when it has become the
 * oldest, so that those before it complete first. True: done, go on.
 */
bool hroce_requester_fail(struct hroce_qp *qp, struct hroce_swr *swr,
			  enum ib_wc_status status)
{
	swr->status = status;
	if (qp->sq.ring.index != qp->sq.send)
		return hroce_requester_ask(qp, swr->first_psn);
	hroce_sq_fail(qp, status);
	return true;
}

/* A burst could not be made, or a walk not be finished. */
bool hroce_requester_trouble(struct hroce_qp *qp, struct hroce_swr *swr,
			     struct hroce_walk *walk, int err, u32 rest)
{
	switch (err) {
	case -EAGAIN:
		/* a fault may take long */
		if (qp->sq.psn == swr->first_psn && hroce_requester_ask(qp, swr->first_psn))
			return true;
		if (qp->sq.send_stall.fault)	/* one at a time */
			return hroce_requester_again(&qp->sq);
		hroce_count(qp->dev->stats, HROCE_REQ_FAULTS);
		qp->sq.stall_index = qp->sq.send;
		err = hroce_walk_stall(walk, &qp->sq.send_stall, qp->sq.psn, rest);
		return err ? hroce_requester_again(&qp->sq) : true;
	case -ENOMEM:
		return hroce_requester_again(&qp->sq);
	default:
		return hroce_requester_fail(qp, swr, IB_WC_LOC_PROT_ERR);
	}
}

/*
 * Does another message follow at once? Those that make no packet may wait for this
 * one's ACK. A hint: user space can change its ring.
 */
static bool hroce_message_follows(const struct hroce_sq *sq)
{
	const struct hroce_send_wqe *next = hroce_ring_at(&sq->ring, sq->send + 1);

	return hroce_ring_producer(&sq->ring) != sq->send + 1 &&
	       !hroce_wr_is_local(READ_ONCE(next->opcode));
}

/*
 * An ACK is wanted at the end of a message. It can wait a little when another
 * message follows at once; should that one not get away after all,
 * hroce_requester_ask() or the timeout makes up for it, from then on without that
 * economy.
 */
static bool hroce_ask_ack(const struct hroce_qp *qp, const struct hroce_burst *b)
{
	const struct hroce_sq *sq = &qp->sq;
	bool end = b->pkt + b->count == b->total;
	u32 unasked = sq->unasked + b->count;

	if (!hroce_qp_is_reliable(qp))
		return false;
	if (hroce_window_left(sq) <= b->count || unasked >= HROCE_ACK_EVERY)
		return true;
	return end && !(hroce_message_follows(sq) && qp->timeout && !sq->anxious &&
			unasked < HROCE_ACK_MESSAGES);
}

static bool hroce_send_data(struct hroce_qp *qp, struct hroce_swr *swr)
{
	struct hroce_sq *sq = &qp->sq;
	const struct hroce_send_wqe *wqe = &swr->wqe;
	struct hroce_burst b = {
		.op = hroce_wr_opcodes(wqe->opcode),
		.service = hroce_qp_service(qp),
		.length = swr->length,
		.total = hroce_psn_diff(swr->last_psn, swr->first_psn) + 1,
		.pkt = hroce_psn_diff(sq->psn, swr->first_psn),
		.count = min(hroce_window_left(sq),
			     hroce_stall_packets(&sq->send_stall, sq->psn, qp->mtu)),
		.hdr = {
			.imm = (__force __be32)wqe->imm,
			.ieth = wqe->imm,
			.va = wqe->rdma.remote_addr,
			.rkey = wqe->rdma.rkey,
			.length = swr->length,
			.srqn = wqe->srqn,
		},
		.solicited = wqe->flags & IB_SEND_SOLICITED,
	};
	struct hroce_walk walk;
	struct sk_buff *skb;

	if (!b.count)
		return false;
	hroce_burst_plan(&b, qp->mtu);
	if (wqe->flags & IB_SEND_INLINE)
		hroce_walk_inline(&walk, wqe->inline_data, b.pkt * qp->mtu, b.payload);
	else
		hroce_walk_sges(&walk, qp, wqe->sge, wqe->num_sge, b.pkt * qp->mtu,
				b.payload, HMMODP_READ);
	b.ack_req = hroce_ask_ack(qp, &b);
	skb = hroce_burst_build(&b, qp, &walk, swr->first_psn);
	if (IS_ERR(skb)) {
		bool more = hroce_requester_trouble(qp, swr, &walk, PTR_ERR(skb),
						    swr->length - b.pkt * qp->mtu);

		hroce_walk_end(&walk);
		return more;
	}
	hroce_walk_end(&walk);
	/* only what leaves counts, or asks */
	if (hroce_qp_is_reliable(qp))
		sq->unasked = b.ack_req ? 0 : sq->unasked + b.count;
	hroce_requester_advance(qp, swr, b.count);
	hroce_count_n(qp->dev->stats, HROCE_SENT_BYTES, b.payload);
	hroce_net_xmit(qp->dev, &qp->av, &qp->dst, skb, b.count > 1 ? b.seg : skb->len);
	if (!hroce_qp_is_reliable(qp))
		hroce_uc_sent(qp);
	return true;
}

/*
 * A READ goes out piece by piece, each a request of its own to the responder:
 * a long one cannot flood the wire, and a lost response costs its piece only.
 * Pieces end at fixed places, so that one sent again, from where a response was
 * lost, is of the one before: no other is a duplicate to the responder.
 */
static u32 hroce_piece_left(const struct hroce_swr *swr, u32 psn)
{
	u32 pkt = hroce_psn_diff(psn, swr->first_psn);
	u32 total = hroce_psn_diff(swr->last_psn, swr->first_psn) + 1;

	return min_t(u32, total - pkt, HROCE_READ_PKTS - pkt % HROCE_READ_PKTS);
}

/* Ask for so many packets of it, within a piece. */
static int hroce_ask_read(struct hroce_qp *qp, const struct hroce_swr *swr, u32 psn,
			  u32 count)
{
	u32 off = hroce_psn_diff(psn, swr->first_psn) * qp->mtu;
	struct hroce_hdr h = {
		.opcode = IB_OPCODE_RC_RDMA_READ_REQUEST,
		.psn = psn,
		.va = swr->wqe.rdma.remote_addr + off,
		.rkey = swr->wqe.rdma.rkey,
		.srqn = swr->wqe.srqn,
		.length = min_t(u32, swr->length - off, count * qp->mtu),
	};

	return hroce_send_control(qp, &h);
}

/*
 * The response that is owed, and those behind it that have not come either: once more,
 * and no other. If that cannot be sent now, another response will tell again.
 */
void hroce_requester_reread(struct hroce_qp *qp, const struct hroce_swr *swr)
{
	struct hroce_sq *sq = &qp->sq;
	u32 count = hroce_piece_left(swr, sq->una);

	if (sq->early)
		count = min_t(u32, count, __ffs64(sq->early));
	hroce_count(qp->dev->stats, HROCE_RETRANSMIT);
	sq->asked = hroce_psn_add(sq->una, count);
	(void)hroce_ask_read(qp, swr, sq->una, count);
}

static bool hroce_send_read(struct hroce_qp *qp, struct hroce_swr *swr)
{
	struct hroce_sq *sq = &qp->sq;
	u32 count = hroce_piece_left(swr, sq->psn);

	if (sq->rd_out >= qp->attr.max_rd_atomic || !hroce_window_has(sq, count))
		return false;
	if (hroce_ask_read(qp, swr, sq->psn, count))
		return hroce_requester_again(sq);
	sq->rd_out++;
	hroce_requester_advance(qp, swr, count);
	return true;
}

/* One packet without data, that has a response of its own. */
static bool hroce_send_request(struct hroce_qp *qp, struct hroce_swr *swr,
			       struct hroce_hdr *h)
{
	struct hroce_sq *sq = &qp->sq;

	if (sq->rd_out >= qp->attr.max_rd_atomic || !hroce_window_left(sq))
		return false;
	if (hroce_send_control(qp, h))
		return hroce_requester_again(sq);
	sq->rd_out++;
	hroce_requester_advance(qp, swr, 1);
	return true;
}

static bool hroce_send_atomic(struct hroce_qp *qp, struct hroce_swr *swr)
{
	bool cas = swr->wqe.opcode == IB_UVERBS_WR_ATOMIC_CMP_AND_SWP;
	struct hroce_hdr h = {
		.opcode = cas ? IB_OPCODE_RC_COMPARE_SWAP : IB_OPCODE_RC_FETCH_ADD,
		.psn = qp->sq.psn,
		.va = swr->wqe.atomic.remote_addr,
		.rkey = swr->wqe.atomic.rkey,
		.srqn = swr->wqe.srqn,
		.compare = cas ? swr->wqe.atomic.compare_add : 0,
		.swap_add = cas ? swr->wqe.atomic.swap : swr->wqe.atomic.compare_add,
	};

	return hroce_send_request(qp, swr, &h);
}

static bool hroce_send_flush(struct hroce_qp *qp, struct hroce_swr *swr)
{
	struct hroce_hdr h = {
		.opcode = IB_OPCODE_RC_FLUSH,
		.psn = qp->sq.psn,
		.flush_type = swr->wqe.flush.type,
		.flush_level = swr->wqe.flush.level,
		.va = swr->wqe.flush.remote_addr,
		.rkey = swr->wqe.flush.rkey,
		.length = swr->wqe.flush.length,
	};

	return hroce_send_request(qp, swr, &h);
}

static bool hroce_send_atomic_write(struct hroce_qp *qp, struct hroce_swr *swr)
{
	struct hroce_sq *sq = &qp->sq;
	u32 psn = sq->psn;
	bool more;

	if (sq->rd_out >= qp->attr.max_rd_atomic)
		return false;
	more = hroce_send_data(qp, swr);
	if (sq->psn != psn)
		sq->rd_out++;
	return more;
}

/* Requests that are answered with more than an ACK, each of which takes a resource. */
static bool hroce_send_fetch(struct hroce_qp *qp, struct hroce_swr *swr)
{
	if (!qp->attr.max_rd_atomic)
		return hroce_requester_fail(qp, swr, IB_WC_LOC_QP_OP_ERR);
	switch (swr->wqe.opcode) {
	case IB_UVERBS_WR_RDMA_READ:
		return hroce_send_read(qp, swr);
	case IB_UVERBS_WR_ATOMIC_WRITE:
		return hroce_send_atomic_write(qp, swr);
	case IB_UVERBS_WR_FLUSH:
		return hroce_send_flush(qp, swr);
	default:
		return hroce_send_atomic(qp, swr);
	}
}

/* Send the next piece of work. True: there may be more. */
static bool hroce_requester_send(struct hroce_qp *qp)
{
	struct hroce_sq *sq = &qp->sq;
	struct hroce_swr *swr;

	if (sq->send == sq->fetched) {
		/* SQD: what has been begun goes on, nothing new begins */
		if (READ_ONCE(qp->state) == IB_QPS_SQD || !hroce_sq_fetch(qp))
			return hroce_requester_ask(qp, sq->psn);
	}
	swr = hroce_sq_slot(sq, sq->send);
	if (unlikely(swr->status != IB_WC_SUCCESS))
		return hroce_requester_fail(qp, swr, swr->status);
	if (hroce_qp_is_ud(qp))
		return hroce_ud_send(qp, swr);
	if ((swr->wqe.flags & IB_SEND_FENCE) && sq->rd_out &&
	    sq->psn == swr->first_psn)
		return false;
	if (hroce_wr_is_local(swr->wqe.opcode))
		return hroce_local_run(qp, swr);
	switch (swr->wqe.opcode) {
	case IB_UVERBS_WR_RDMA_READ:
	case IB_UVERBS_WR_ATOMIC_CMP_AND_SWP:
	case IB_UVERBS_WR_ATOMIC_FETCH_AND_ADD:
	case IB_UVERBS_WR_ATOMIC_WRITE:
	case IB_UVERBS_WR_FLUSH:
		return hroce_send_fetch(qp, swr);
	default:
		return hroce_send_data(qp, swr);
	}
}

/* Is there a reason to wait? Each is ended by a kick. */
static bool hroce_requester_waits(struct hroce_qp *qp)
{
	struct hroce_sq *sq = &qp->sq;

	if (sq->rnr_wait && time_before(jiffies, sq->rnr_at))
		return true;
	sq->rnr_wait = false;
	if (sq->again && time_before(jiffies, sq->again_at))
		return true;
	sq->again = false;
	switch (hroce_stall_check(&sq->send_stall)) {
	case -EINPROGRESS:
		/* but what comes before it may have to be sent again */
		return !hroce_psn_before(sq->psn, sq->send_stall.last.psn);
	case -EFAULT:
		/* a retransmission may have gone back behind it meanwhile */
		if (sq->stall_index - sq->ring.index < sq->fetched - sq->ring.index)
			hroce_sq_slot(sq, sq->stall_index)->status = IB_WC_LOC_PROT_ERR;
		return false;
	default:
		return false;
	}
}

/* See to it that the next deadline is kept. */
static void hroce_requester_arm(struct hroce_qp *qp)
{
	struct hroce_sq *sq = &qp->sq;

	if (sq->again)
		hroce_runner_at(&sq->runner, sq->again_at);
	if (sq->rnr_wait)
		hroce_runner_at(&sq->runner, sq->rnr_at);
	else if (sq->una != sq->psn && qp->timeout)
		hroce_runner_at(&sq->runner, sq->retry_at);
}

static void hroce_requester_drained(struct hroce_qp *qp)
{
	struct hroce_sq *sq = &qp->sq;

	if (!sq->drained_event || sq->ring.index != sq->fetched)
		return;
	sq->drained_event = false;
	hroce_qp_event(qp, IB_EVENT_SQ_DRAINED);
}

bool hroce_requester_step(struct hroce_runner *r)
{
	struct hroce_qp *qp = container_of(r, struct hroce_qp, sq.runner);
	struct hroce_sq *sq = &qp->sq;
	bool more;

	if (!hroce_qp_has_sq(qp))
		return false;
	more = hroce_completer_run(qp);
	switch (READ_ONCE(qp->state)) {
	case IB_QPS_RTS:
	case IB_QPS_SQD:
		break;
	case IB_QPS_SQE:
	case IB_QPS_ERR:
		hroce_inbox_purge(&sq->inbox);
		return hroce_sq_flush(qp);
	default:
		return more;
	}
	hroce_local_poll(qp);
	hroce_completer_timeout(qp);
	if (!hroce_qp_can_send(READ_ONCE(qp->state)))
		return true;
	if (!hroce_requester_waits(qp) && hroce_requester_send(qp))
		more = true;
	if (READ_ONCE(qp->state) == IB_QPS_SQD)
		hroce_requester_drained(qp);
	if (!more)
		hroce_requester_arm(qp);
	return more || READ_ONCE(qp->state) == IB_QPS_ERR;
}
