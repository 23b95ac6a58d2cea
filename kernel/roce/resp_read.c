// SPDX-License-Identifier: GPL-2.0
/* The responder's READs and atomics: requests that are answered with data. */
#include <linux/jiffies.h>

#include "burst.h"
#include "qp.h"
#include "walk.h"

static const struct hroce_opcodes hroce_read_resp_ops = {
	IB_OPCODE_RC_RDMA_READ_RESPONSE_FIRST, IB_OPCODE_RC_RDMA_READ_RESPONSE_MIDDLE,
	IB_OPCODE_RC_RDMA_READ_RESPONSE_LAST, IB_OPCODE_RC_RDMA_READ_RESPONSE_ONLY,
};

static bool hroce_read_allowed(struct hroce_qp *qp, const struct hroce_hdr *h)
{
	struct hroce_mr *mr;

	if (!h->length)
		return true;
	mr = hroce_mr_get(qp->dev, h->rkey, hroce_rq_remote_pd(qp), qp->ibqp.qp_num,
			  IB_ACCESS_REMOTE_READ, h->va, h->length, false);
	if (IS_ERR(mr))
		return false;
	hroce_mr_put(mr);
	return true;
}

/*
 * A READ that cannot be answered. Of a duplicate nobody hears: its answer may have
 * arrived long ago, and its region be gone with good reason.
 */
static void hroce_read_fail(struct hroce_qp *qp, u32 psn, u8 nak, bool duplicate)
{
	if (!duplicate)
		hroce_responder_fail(qp, psn, nak, IB_WC_SUCCESS);
	qp->rq.bad_address = 0;
}

/*
 * A duplicate is answered from memory again, whatever part of an earlier READ it
 * asks for; its rights are checked like any request's. It may not reach past
 * what has been requested before.
 */
int hroce_respond_read(struct hroce_qp *qp, const struct hroce_hdr *h, bool duplicate)
{
	struct hroce_rq *rq = &qp->rq;
	u32 packets = hroce_psn_count(h->length, qp->mtu);

	if (duplicate && hroce_psn_diff(hroce_psn_add(h->psn, packets), rq->epsn) > 0)
		return 0;
	if (h->length > HROCE_MAX_MSG_BYTES || !qp->attr.max_dest_rd_atomic) {
		hroce_read_fail(qp, h->psn, HROCE_NAK_INVALID_REQ, duplicate);
		return 0;
	}
	if (!hroce_read_allowed(qp, h)) {
		hroce_read_fail(qp, h->psn, HROCE_NAK_REM_ACCESS, duplicate);
		return 0;
	}
	rq->emit = (struct hroce_emit) {
		.active = true,
		.duplicate = duplicate,
		.va = h->va,
		.rkey = h->rkey,
		.length = h->length,
		.srqn = h->srqn,
		.first_psn = h->psn,
		.total = packets,
	};
	if (!duplicate) {
		hroce_responder_accept(rq, packets);
		rq->msn++;
	}
	hroce_responder_flush_ack(qp);
	return 0;
}

static bool hroce_emit_trouble(struct hroce_qp *qp, struct hroce_walk *walk, int err)
{
	struct hroce_rq *rq = &qp->rq;
	u32 psn = hroce_psn_add(rq->emit.first_psn, rq->emit.pkt);

	if (err == -EAGAIN)
		err = hroce_responder_stall(qp, walk, psn);
	switch (err) {
	case -EAGAIN:
		return true;
	case -ENOMEM:
		rq->again = true;
		rq->again_at = jiffies + 1;
		return true;
	default:
		rq->emit.active = false;
		hroce_read_fail(qp, psn, HROCE_NAK_REM_ACCESS, rq->emit.duplicate);
		return true;
	}
}

/* Send the next buffer of responses. True: call again. */
bool hroce_emit_step(struct hroce_qp *qp)
{
	struct hroce_rq *rq = &qp->rq;
	struct hroce_emit *e = &rq->emit;
	u32 off = e->pkt * qp->mtu;
	struct hroce_burst b = {
		.op = &hroce_read_resp_ops,
		.service = hroce_qp_service(qp),
		.length = e->length,
		.total = e->total,
		.pkt = e->pkt,
		.count = hroce_stall_packets(&rq->stall, hroce_psn_add(e->first_psn, e->pkt),
					     qp->mtu),
		.hdr = {
			.syndrome = HROCE_AETH_ACK | HROCE_AETH_NO_CREDITS,
			.msn = rq->msn,
		},
	};
	struct hroce_walk walk;
	struct sk_buff *skb;
	bool more;

	if (!hroce_xrc_begin(qp, e->srqn)) {	/* the SRQ has gone meanwhile */
		e->active = false;
		hroce_read_fail(qp, hroce_psn_add(e->first_psn, e->pkt),
				HROCE_NAK_INVALID_REQ, e->duplicate);
		return true;
	}
	hroce_burst_plan(&b, qp->mtu);
	hroce_walk_remote(&walk, qp, e->rkey, e->va + off, e->length - off, b.payload,
			  IB_ACCESS_REMOTE_READ, HMMODP_READ);
	skb = hroce_burst_build(&b, qp, &walk, e->first_psn);
	if (IS_ERR(skb)) {
		more = hroce_emit_trouble(qp, &walk, PTR_ERR(skb));
		hroce_walk_end(&walk);
		hroce_xrc_end(qp);
		return more;
	}
	hroce_walk_end(&walk);
	hroce_xrc_end(qp);
	rq->bad_address = 0;
	e->pkt += b.count;
	e->active = e->pkt < e->total;
	hroce_count_n(qp->dev->stats, HROCE_SENT_BYTES, b.payload);
	hroce_net_xmit(qp->dev, &qp->av, &qp->dst, skb, b.count > 1 ? b.seg : skb->len);
	return true;
}

static void hroce_send_atomic_ack(struct hroce_qp *qp, u32 psn, u64 orig)
{
	struct hroce_hdr h = {
		.opcode = IB_OPCODE_RC_ATOMIC_ACKNOWLEDGE,
		.psn = psn,
		.syndrome = HROCE_AETH_ACK | HROCE_AETH_NO_CREDITS,
		.msn = qp->rq.msn,
		.orig = orig,
	};

	hroce_responder_flush_ack(qp);
	hroce_send_control(qp, &h);
}

/* Compare-and-swap or fetch-and-add right on the page: coherent with CPUs. */
struct hroce_atomic {
	const struct hroce_hdr *h;
	u64 orig;
	bool misaligned;
};

static void hroce_do_atomic(void *ctx, void *kaddr, size_t len)
{
	struct hroce_atomic *a = ctx;

	if (!hroce_is_word(kaddr, len)) {
		a->misaligned = true;
		return;
	}
	/* of RC or XRC: the service is in the upper bits */
	if ((a->h->opcode & 0x1f) == IB_OPCODE_COMPARE_SWAP)
		a->orig = cmpxchg64((u64 *)kaddr, a->h->compare, a->h->swap_add);
	else
		a->orig = atomic64_fetch_add(a->h->swap_add, (atomic64_t *)kaddr);
}

/* One of 2^24 packets ago, should it still be there. */
static void hroce_forget_atomic(struct hroce_qp *qp, u32 psn)
{
	u32 i;

	for (i = 0; i < qp->attr.max_dest_rd_atomic; i++)
		if (qp->rq.atomics[i].psn == psn)
			qp->rq.atomics[i].valid = false;
}

static int hroce_duplicate_atomic(struct hroce_qp *qp, u32 psn)
{
	struct hroce_rq *rq = &qp->rq;
	u32 i;

	for (i = 0; i < qp->attr.max_dest_rd_atomic; i++) {
		if (rq->atomics[i].valid && rq->atomics[i].psn == psn) {
			hroce_send_atomic_ack(qp, psn, rq->atomics[i].orig);
			break;
		}
	}
	return 0;
}

int hroce_respond_atomic(struct hroce_qp *qp, const struct hroce_hdr *h, bool duplicate)
{
	struct hroce_atomic a = { h };
	struct hroce_rq *rq = &qp->rq;
	struct hroce_walk walk;
	int err;

	if (duplicate)
		return hroce_duplicate_atomic(qp, h->psn);
	if (h->va % sizeof(u64) || !qp->attr.max_dest_rd_atomic) {
		hroce_responder_fail(qp, h->psn, HROCE_NAK_INVALID_REQ, IB_WC_SUCCESS);
		return 0;
	}
	hroce_walk_remote(&walk, qp, h->rkey, h->va, sizeof(u64), sizeof(u64),
			  IB_ACCESS_REMOTE_ATOMIC, HMMODP_WRITE);
	err = hroce_walk_move(&walk, sizeof(u64), hroce_do_atomic, &a);
	if (err == -EAGAIN)
		err = hroce_responder_stall(qp, &walk, h->psn);
	hroce_walk_end(&walk);
	if (err == -EAGAIN)
		return err;
	if (err || a.misaligned) {
		hroce_responder_fail(qp, h->psn, err ? HROCE_NAK_REM_ACCESS :
						       HROCE_NAK_INVALID_REQ, IB_WC_SUCCESS);
		return 0;
	}
	hroce_forget_atomic(qp, h->psn);
	rq->atomics[rq->atomics_next] = (struct hroce_atomic_result) {
		.psn = h->psn,
		.orig = a.orig,
		.valid = true,
	};
	rq->atomics_next = (rq->atomics_next + 1) % qp->attr.max_dest_rd_atomic;
	hroce_responder_accept(rq, 1);
	rq->msn++;
	hroce_send_atomic_ack(qp, h->psn, a.orig);
	return 0;
}
