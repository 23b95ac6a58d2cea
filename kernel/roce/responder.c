// SPDX-License-Identifier: GPL-2.0
/*
 * The responder: requests from the wire are checked, executed and acknowledged
 * (IBTA 9.7.4). Runs in softirq when the memory is there. When a page is absent
 * the packet stays at the head of the inbox, the fault runs on a work queue, and
 * later packets queue up behind: nothing is dropped, nothing refused.
 */
#include <linux/jiffies.h>

#include "qp.h"
#include "walk.h"

/* What a handler says of its packet. */
enum {
	HROCE_DONE = 0,
	HROCE_STAY = -EAGAIN,	/* stalled: same packet again, later */
};

/* ACKs held back while further packets wait in the inbox. */
#define HROCE_ACKS_HELD	16

static void hroce_send_aeth(struct hroce_qp *qp, u32 psn, u8 syndrome, u32 msn)
{
	struct hroce_hdr h = {
		.opcode = IB_OPCODE_RC_ACKNOWLEDGE,
		.psn = psn,
		.syndrome = syndrome,
		.msn = msn,
	};

	/* no memory: as if it were lost, the requester will ask again */
	hroce_send_control(qp, &h);
}

/* Any context: sends, but touches nothing that belongs to the owner. */
void hroce_responder_nak(struct hroce_qp *qp, u32 psn, u8 syndrome)
{
	hroce_count(qp->dev->stats, HROCE_AETH_TYPE(syndrome) == HROCE_AETH_RNR ?
		    HROCE_RNR_NAK_SENT : HROCE_NAK_SENT);
	hroce_send_aeth(qp, psn, syndrome, READ_ONCE(qp->rq.msn));
}

void hroce_responder_flush_ack(struct hroce_qp *qp)
{
	struct hroce_rq *rq = &qp->rq;

	if (!rq->ack_due)
		return;
	rq->ack_due = false;
	rq->acks_held = 0;
	rq->unacked = false;
	rq->told_at = jiffies;
	hroce_send_aeth(qp, rq->ack_psn, HROCE_AETH_ACK | HROCE_AETH_NO_CREDITS, rq->msn);
}

static void hroce_ack(struct hroce_rq *rq, u32 psn)
{
	rq->ack_due = true;
	rq->ack_psn = psn;
	rq->acks_held++;
}

/*
 * A request that must not be executed: NAK, the receive request that is being
 * filled completes in error, the QP is in error. IB_WC_SUCCESS: it is flushed.
 * UC has no NAK, and for the peer's mistakes no more than the message is lost.
 */
void hroce_responder_fail(struct hroce_qp *qp, u32 psn, u8 nak, enum ib_wc_status status)
{
	struct hroce_cqe cqe = { .status = status, .opcode = IB_WC_RECV };

	if (hroce_qp_is_reliable(qp)) {
		hroce_responder_flush_ack(qp);
		hroce_responder_nak(qp, psn, HROCE_AETH_NAK | nak);
	} else if (nak != HROCE_NAK_REM_OP) {
		hroce_uc_drop(qp, psn);
		return;
	}
	if (qp->rq.have_wr && status != IB_WC_SUCCESS)
		hroce_rq_complete(qp, &cqe, true);
	hroce_qp_event(qp, nak == HROCE_NAK_REM_ACCESS ? IB_EVENT_QP_ACCESS_ERR :
							 IB_EVENT_QP_REQ_ERR);
	hroce_qp_error(qp);
}

/* No receive request is posted: the requester shall come again. */
static int hroce_not_ready(struct hroce_qp *qp, u32 psn)
{
	if (!hroce_qp_is_reliable(qp)) {
		hroce_uc_drop(qp, psn);
		return HROCE_DONE;
	}
	hroce_responder_flush_ack(qp);
	hroce_responder_nak(qp, psn, HROCE_AETH_RNR | qp->attr.min_rnr_timer);
	qp->rq.silent = true;
	return HROCE_DONE;
}

/* That many PSNs have been dealt with. */
void hroce_responder_accept(struct hroce_rq *rq, u32 packets)
{
	rq->epsn = hroce_psn_add(rq->epsn, packets);
	rq->bad_address = 0;
	rq->unacked = false;
}

/* Less than any timeout that is worth setting. */
#define HROCE_TELL_JIFFIES	2

/*
 * A requester asks for an ACK now and then. If each page of what comes before that is
 * late, its retries may be used up, although things go on: it is told, unasked. Not
 * while a READ is repeated: to a requester that waits for that, an ACK of what comes
 * behind it means that it was lost.
 */
static void hroce_responder_tell(struct hroce_rq *rq)
{
	if (!rq->unacked || rq->emit.active)
		rq->told_at = jiffies;
	else if (time_after(jiffies, rq->told_at + HROCE_TELL_JIFFIES))
		hroce_ack(rq, hroce_psn_add(rq->epsn, HROCE_PSN_MASK));
}

/*
 * What the receive path must know of a stall, to tell a requester that has lost its
 * patience. The one that @psn is owed to repeats that one or one before it. Behind a READ
 * that is answered @again, that is anything up to the next packet, new or waiting: the
 * requester may have its answer already, be past it, and hear nothing as long as we are
 * at it.
 */
static void hroce_responder_owes(struct hroce_rq *rq, u32 psn, bool again)
{
	if (rq->stall_psn != psn)
		WRITE_ONCE(rq->stall_at, jiffies);
	WRITE_ONCE(rq->stall_psn, psn);
	if (!again)
		WRITE_ONCE(rq->parked_psn, hroce_psn_add(psn, 1));
	else if (hroce_psn_before(READ_ONCE(rq->parked_psn), psn))
		WRITE_ONCE(rq->parked_psn, psn);
	WRITE_ONCE(rq->stalled, true);
}

/*
 * Memory was absent: fault it, and come again. First all that the request may
 * touch; if there is a bad address in that, just what this packet touches; and
 * only if there is one in that it is the packet's failure, -EFAULT.
 */
int hroce_responder_stall(struct hroce_qp *qp, struct hroce_walk *walk, u32 psn)
{
	struct hroce_rq *rq = &qp->rq;
	bool again = rq->emit.active && rq->emit.duplicate;

	if (rq->bad_address > 1)
		return -EFAULT;
	hroce_count(qp->dev->stats, HROCE_RESP_FAULTS);
	hroce_count_n(qp->dev->stats, HROCE_PARKED_PKTS, skb_queue_len(&rq->inbox.skbs));
	hroce_responder_tell(rq);
	hroce_responder_flush_ack(qp);
	if (hroce_walk_stall(walk, &rq->stall, psn, rq->bad_address ? walk->need : U32_MAX)) {
		rq->again = true;
		rq->again_at = jiffies + 1;
	}
	hroce_responder_owes(rq, again ? rq->epsn : psn, again);
	return HROCE_STAY;
}

static int hroce_recv_done(struct hroce_qp *qp, const struct hroce_hdr *h, u32 bytes,
			   u32 opcode)
{
	struct hroce_cqe cqe = {
		.status = IB_WC_SUCCESS,
		.opcode = opcode,
		.byte_len = bytes,
		.src_qp = qp->remote_qpn,
	};

	if (h->flags & HROCE_PKT_IMM) {
		cqe.flags |= HROCE_CQE_IMM;
		cqe.imm = (__force u32)h->imm;
	}
	if (h->flags & HROCE_PKT_IETH) {
		cqe.flags |= HROCE_CQE_INV;
		cqe.imm = h->ieth;
	}
	hroce_rq_complete(qp, &cqe, h->solicited);
	return 0;
}

/*
 * The sender wants a key of ours to end. As long as others still copy by it, the packet
 * stays, and is executed once more.
 */
static int hroce_respond_invalidate(struct hroce_qp *qp, const struct hroce_hdr *h)
{
	struct hroce_rq *rq = &qp->rq;
	int err = 0;

	if (!rq->ended)
		err = hroce_mr_invalidate(qp->dev, hroce_rq_remote_pd(qp),
					  qp->ibqp.qp_num, h->ieth, &rq->ended);
	if (err || hroce_window_ended(&rq->ended))
		return err;
	rq->again = true;
	rq->again_at = jiffies + 1;
	return -EAGAIN;
}

/* Bytes of a SEND into the receive request's memory. */
int hroce_respond_send(struct hroce_qp *qp, struct sk_buff *skb,
		       const struct hroce_hdr *h, unsigned int hdr_bytes)
{
	struct hroce_from_skb from = { skb, HROCE_RX(skb)->off + hdr_bytes };
	struct hroce_rq *rq = &qp->rq;
	struct hroce_walk walk;
	int err = 0;

	if (h->flags & HROCE_PKT_FIRST) {
		err = hroce_rq_take(qp);
		if (err == -ENOENT)
			return hroce_not_ready(qp, h->psn);
		if (err) {
			hroce_responder_fail(qp, h->psn, HROCE_NAK_REM_OP,
					     IB_WC_LOC_QP_OP_ERR);
			return HROCE_DONE;
		}
		rq->msg_off = 0;
	}
	hroce_walk_sges(&walk, qp, rq->wr.sge, rq->wr.num_sge, rq->msg_off, h->payload,
			HMMODP_WRITE);
	walk.pd = hroce_rq_pd(qp);
	if (h->payload > HROCE_MAX_MSG_BYTES - rq->msg_off)
		err = -ENOSPC;
	else if (!rq->ended)	/* else its bytes are there */
		err = hroce_walk_move(&walk, h->payload, hroce_copy_from_skb, &from);
	if (err == -EAGAIN)
		err = hroce_responder_stall(qp, &walk, h->psn);
	hroce_walk_end(&walk);
	if (!err && (h->flags & HROCE_PKT_IETH)) {
		err = hroce_respond_invalidate(qp, h);
		if (err == -EINVAL) {
			hroce_responder_fail(qp, h->psn, HROCE_NAK_REM_ACCESS,
					     IB_WC_REM_INV_REQ_ERR);
			return HROCE_DONE;
		}
	}
	switch (err) {
	case 0:
		break;
	case -EAGAIN:
		return HROCE_STAY;
	case -ENOSPC:
		hroce_responder_fail(qp, h->psn, HROCE_NAK_INVALID_REQ, IB_WC_LOC_LEN_ERR);
		return HROCE_DONE;
	default:
		hroce_responder_fail(qp, h->psn, HROCE_NAK_REM_OP, IB_WC_LOC_PROT_ERR);
		return HROCE_DONE;
	}
	rq->msg_off += h->payload;
	rq->msg = h->flags & HROCE_PKT_LAST ? HROCE_MSG_NONE : HROCE_MSG_SEND;
	hroce_responder_accept(rq, 1);
	if (h->flags & HROCE_PKT_LAST) {
		rq->msn++;
		hroce_recv_done(qp, h, rq->msg_off, IB_WC_RECV);
	}
	return HROCE_DONE;
}

/* The rights and bounds of a whole WRITE, when its first packet comes. */
static bool hroce_write_begins(struct hroce_qp *qp, const struct hroce_hdr *h)
{
	struct hroce_rq *rq = &qp->rq;
	struct hroce_mr *mr;

	rq->msg_off = 0;
	rq->msg_va = h->va;
	rq->msg_rkey = h->rkey;
	rq->msg_length = h->length;
	if (!h->length)
		return true;
	mr = hroce_mr_get(qp->dev, h->rkey, hroce_rq_remote_pd(qp), qp->ibqp.qp_num,
			  IB_ACCESS_REMOTE_WRITE, h->va, h->length, false);
	if (IS_ERR(mr))
		return false;
	hroce_mr_put(mr);
	return true;
}

/* The length field of the first packet is a promise that the others keep. */
static bool hroce_write_length_ok(const struct hroce_rq *rq, const struct hroce_hdr *h)
{
	u32 rest = rq->msg_length - rq->msg_off;

	return h->flags & HROCE_PKT_LAST ? h->payload == rest : h->payload < rest;
}

int hroce_respond_write(struct hroce_qp *qp, struct sk_buff *skb,
			const struct hroce_hdr *h, unsigned int hdr_bytes)
{
	struct hroce_from_skb from = { skb, HROCE_RX(skb)->off + hdr_bytes };
	struct hroce_rq *rq = &qp->rq;
	struct hroce_walk walk;
	int err;

	if ((h->flags & HROCE_PKT_FIRST) && !hroce_write_begins(qp, h)) {
		hroce_responder_fail(qp, h->psn, HROCE_NAK_REM_ACCESS, IB_WC_SUCCESS);
		return HROCE_DONE;
	}
	if (!hroce_write_length_ok(rq, h)) {
		hroce_responder_fail(qp, h->psn, HROCE_NAK_INVALID_REQ, IB_WC_SUCCESS);
		return HROCE_DONE;
	}
	if (h->flags & HROCE_PKT_IMM) {
		err = hroce_rq_take(qp);
		if (err == -ENOENT)
			return hroce_not_ready(qp, h->psn);
		if (err == -EIO) {
			hroce_responder_fail(qp, h->psn, HROCE_NAK_REM_OP,
					     IB_WC_SUCCESS);
			return HROCE_DONE;
		}
	}
	if (h->payload) {
		hroce_walk_remote(&walk, qp, rq->msg_rkey, rq->msg_va + rq->msg_off,
				  rq->msg_length - rq->msg_off, h->payload,
				  IB_ACCESS_REMOTE_WRITE, HMMODP_WRITE);
		err = hroce_walk_move(&walk, h->payload, hroce_copy_from_skb, &from);
		if (err == -EAGAIN)
			err = hroce_responder_stall(qp, &walk, h->psn);
		hroce_walk_end(&walk);
		if (err == -EAGAIN)
			return HROCE_STAY;
		if (err) {
			hroce_responder_fail(qp, h->psn, HROCE_NAK_REM_ACCESS,
					     IB_WC_SUCCESS);
			return HROCE_DONE;
		}
	}
	rq->msg_off += h->payload;
	rq->msg = h->flags & HROCE_PKT_LAST ? HROCE_MSG_NONE : HROCE_MSG_WRITE;
	hroce_responder_accept(rq, 1);
	if (h->flags & HROCE_PKT_LAST)
		rq->msn++;
	if (h->flags & HROCE_PKT_IMM)
		hroce_recv_done(qp, h, rq->msg_off, IB_WC_RECV_RDMA_WITH_IMM);
	return HROCE_DONE;
}

/* Operations that the QP has not been allowed are as good as unknown (C9-84). */
bool hroce_op_enabled(const struct hroce_qp *qp, u32 flags)
{
	u32 need = (flags & (HROCE_PKT_WRITE | HROCE_PKT_ATOMIC_WRITE) ?
		    IB_ACCESS_REMOTE_WRITE : 0) |
		   (flags & HROCE_PKT_FLUSH ? IB_ACCESS_FLUSH_GLOBAL : 0) |
		   (flags & HROCE_PKT_READ ? IB_ACCESS_REMOTE_READ : 0) |
		   (flags & HROCE_PKT_ATOMIC ? IB_ACCESS_REMOTE_ATOMIC : 0);

	if ((flags & HROCE_PKT_FLUSH) && !IB_ACCESS_FLUSH_GLOBAL)
		return false;
	return !(need & ~qp->access);
}

/* Does the packet fit the message under way, and the path MTU? (C9-87, C9-88) */
bool hroce_in_sequence(const struct hroce_qp *qp, const struct hroce_hdr *h)
{
	enum hroce_message kind = h->flags & HROCE_PKT_SEND ? HROCE_MSG_SEND :
				  h->flags & HROCE_PKT_WRITE ? HROCE_MSG_WRITE :
							       HROCE_MSG_NONE;

	if (qp->rq.msg != (h->flags & HROCE_PKT_FIRST ? HROCE_MSG_NONE : kind))
		return false;
	if (!(h->flags & HROCE_PKT_PAYLOAD))
		return !h->payload;
	if (!(h->flags & HROCE_PKT_LAST))
		return h->payload == qp->mtu;
	return h->payload <= qp->mtu &&
	       (h->payload || (h->flags & HROCE_PKT_FIRST));
}

static int hroce_execute(struct hroce_qp *qp, struct sk_buff *skb,
			 const struct hroce_hdr *h, unsigned int hdr_bytes)
{
	struct hroce_rq *rq = &qp->rq;
	int ret;

	rq->silent = false;
	if (!hroce_in_sequence(qp, h) || !hroce_op_enabled(qp, h->flags) ||
	    !hroce_xrc_in_message(qp, h)) {
		hroce_responder_fail(qp, h->psn, HROCE_NAK_INVALID_REQ, IB_WC_SUCCESS);
		return HROCE_DONE;
	}
	if (h->flags & HROCE_PKT_SEND)
		ret = hroce_respond_send(qp, skb, h, hdr_bytes);
	else if (h->flags & HROCE_PKT_WRITE)
		ret = hroce_respond_write(qp, skb, h, hdr_bytes);
	else if (h->flags & HROCE_PKT_READ)
		return hroce_respond_read(qp, h, false);
	else if (h->flags & HROCE_PKT_ATOMIC_WRITE)
		return hroce_respond_atomic_write(qp, skb, h, hdr_bytes);
	else if (h->flags & HROCE_PKT_FLUSH)
		return hroce_respond_flush(qp, h);
	else
		return hroce_respond_atomic(qp, h, false);
	/* silent: it was refused for want of a receive request */
	if (ret == HROCE_DONE && !rq->silent && READ_ONCE(qp->state) != IB_QPS_ERR) {
		hroce_count_n(qp->dev->stats, HROCE_RCVD_BYTES, h->payload);
		rq->unacked = true;
		if (h->ack_req)
			hroce_ack(rq, h->psn);
	}
	return ret;
}

/* A packet that has been seen before: the answer was lost, or is on its way. */
static int hroce_duplicate(struct hroce_qp *qp, const struct hroce_hdr *h)
{
	struct hroce_rq *rq = &qp->rq;

	hroce_count(qp->dev->stats, HROCE_DUPLICATE_REQUEST);
	if (!hroce_op_enabled(qp, h->flags))
		return HROCE_DONE;
	if (h->flags & HROCE_PKT_READ)	/* XRC: of an SRQ that is gone, to nobody */
		return hroce_qp_is_target(qp) && !rq->srq ? HROCE_DONE :
		       hroce_respond_read(qp, h, true);
	if (h->flags & HROCE_PKT_ATOMIC)
		return hroce_respond_atomic(qp, h, true);
	if (h->flags & (HROCE_PKT_ATOMIC_WRITE | HROCE_PKT_FLUSH)) {
		hroce_send_note(qp, h->psn);
		return HROCE_DONE;
	}
	if (h->ack_req || (h->flags & HROCE_PKT_LAST))
		hroce_ack(rq, hroce_psn_add(rq->epsn, HROCE_PSN_MASK));
	return HROCE_DONE;
}

static int hroce_out_of_order(struct hroce_qp *qp)
{
	struct hroce_rq *rq = &qp->rq;

	hroce_count(qp->dev->stats, HROCE_OUT_OF_SEQUENCE);
	if (rq->silent)
		return HROCE_DONE;
	rq->silent = true;
	hroce_responder_flush_ack(qp);
	hroce_responder_nak(qp, rq->epsn, HROCE_AETH_NAK | HROCE_NAK_PSN);
	return HROCE_DONE;
}

static int hroce_respond(struct hroce_qp *qp, struct sk_buff *skb,
			 const struct hroce_hdr *h, unsigned int hdr_bytes)
{
	struct hroce_rq *rq = &qp->rq;
	s32 ahead;

	if (hroce_qp_is_ud(qp))
		return hroce_ud_receive(qp, skb, h, hdr_bytes);
	if (unlikely(!rq->comm_est) && READ_ONCE(qp->state) == IB_QPS_RTR) {
		rq->comm_est = true;
		hroce_qp_event(qp, IB_EVENT_COMM_EST);
	}
	if (!hroce_qp_is_reliable(qp))
		return hroce_uc_receive(qp, skb, h, hdr_bytes);
	ahead = hroce_psn_diff(h->psn, rq->epsn);
	if (!ahead)
		return hroce_execute(qp, skb, h, hdr_bytes);
	return ahead < 0 ? hroce_duplicate(qp, h) : hroce_out_of_order(qp);
}

static bool hroce_opcode_fits(const struct hroce_qp *qp, u8 opcode)
{
	return (opcode & 0xe0) == hroce_qp_service(qp);
}

static int hroce_respond_packet(struct hroce_qp *qp, struct sk_buff *skb)
{
	struct hroce_hdr h;
	int n;

	n = hroce_rx_parse(skb, &h);
	if (n < 0 || (h.flags & HROCE_PKT_RESPONSE) || !hroce_opcode_fits(qp, h.opcode) ||
	    !HROCE_PKEY_FITS(h.pkey)) {
		hroce_count(qp->dev->stats, HROCE_RX_MALFORMED);
		return HROCE_DONE;
	}
	if (!hroce_qp_admits(qp, skb))
		return HROCE_DONE;
	hroce_xrc_begin(qp, h.srqn);
	n = hroce_respond(qp, skb, &h, n);
	hroce_xrc_end(qp);
	return n;
}

static bool hroce_responder_waits(struct hroce_qp *qp)
{
	struct hroce_rq *rq = &qp->rq;

	if (rq->again && time_before(jiffies, rq->again_at)) {
		hroce_runner_at(&rq->runner, rq->again_at);
		return true;
	}
	rq->again = false;
	switch (hroce_stall_check(&rq->stall)) {
	case -EINPROGRESS:
		return true;
	case -EFAULT:
		rq->bad_address++;
		break;
	}
	WRITE_ONCE(rq->stalled, false);
	return false;
}

/* All that has come is done: what it asks for, also by packets that were dropped. */
static void hroce_responder_idle(struct hroce_qp *qp)
{
	struct hroce_rq *rq = &qp->rq;

	if (READ_ONCE(rq->asked)) {
		WRITE_ONCE(rq->asked, false);
		hroce_ack(rq, hroce_psn_add(rq->epsn, HROCE_PSN_MASK));
	}
	hroce_responder_flush_ack(qp);
}

bool hroce_responder_step(struct hroce_runner *r)
{
	struct hroce_qp *qp = container_of(r, struct hroce_qp, rq.runner);
	struct hroce_rq *rq = &qp->rq;
	struct sk_buff *skb;
	bool more;

	if (READ_ONCE(qp->state) == IB_QPS_ERR) {
		hroce_inbox_purge(&rq->inbox);
		rq->emit.active = false;
		return hroce_rq_flush(qp);
	}
	if (!hroce_qp_can_receive(READ_ONCE(qp->state))) {
		hroce_inbox_purge(&rq->inbox);
		return false;
	}
	if (hroce_responder_waits(qp))
		return false;
	if (rq->emit.active)
		return hroce_emit_step(qp);
	skb = skb_peek(&rq->inbox.skbs);
	if (!skb) {
		hroce_responder_idle(qp);
		return false;
	}
	while (hroce_rx_len(skb) && READ_ONCE(qp->state) != IB_QPS_ERR) {
		if (hroce_respond_packet(qp, skb) == HROCE_STAY) {
			HROCE_RX(skb)->known = true;
			/* once more, to see to it that it is woken in time */
			return rq->again;
		}
		hroce_rx_next(skb);
		if (rq->emit.active)
			return true;
	}
	hroce_inbox_drop_head(&rq->inbox);
	more = !skb_queue_empty_lockless(&rq->inbox.skbs);
	if (!more)
		hroce_responder_idle(qp);
	else if (rq->acks_held >= HROCE_ACKS_HELD)
		hroce_responder_flush_ack(qp);
	return more || READ_ONCE(qp->state) == IB_QPS_ERR;
}
