// SPDX-License-Identifier: GPL-2.0
/*
 * The responder's ATOMIC WRITE and FLUSH (IBTA annex A19). Both are answered by a READ
 * response without data, a duplicate too: it was executed when it came first.
 */
#include "qp.h"
#include "walk.h"

void hroce_send_note(struct hroce_qp *qp, u32 psn)
{
	struct hroce_hdr h = {
		.opcode = IB_OPCODE_RC_RDMA_READ_RESPONSE_ONLY,
		.psn = psn,
		.syndrome = HROCE_AETH_ACK | HROCE_AETH_NO_CREDITS,
		.msn = qp->rq.msn,
	};

	hroce_responder_flush_ack(qp);
	hroce_send_control(qp, &h);
}

static void hroce_note_done(struct hroce_qp *qp, u32 psn)
{
	hroce_responder_accept(&qp->rq, 1);
	qp->rq.msn++;
	hroce_send_note(qp, psn);
}

struct hroce_atomic_write {
	u64 value;
	bool misaligned;
};

static void hroce_do_atomic_write(void *ctx, void *kaddr, size_t len)
{
	struct hroce_atomic_write *w = ctx;

	if (hroce_is_word(kaddr, len))
		WRITE_ONCE(*(u64 *)kaddr, w->value);
	else
		w->misaligned = true;
}

int hroce_respond_atomic_write(struct hroce_qp *qp, struct sk_buff *skb,
			       const struct hroce_hdr *h, unsigned int hdr_bytes)
{
	struct hroce_atomic_write w = { .misaligned = false };
	struct hroce_walk walk;
	int err;

	if (h->va % sizeof(u64) || h->payload != sizeof(u64) ||
	    h->length != sizeof(u64) || !qp->attr.max_dest_rd_atomic) {
		hroce_responder_fail(qp, h->psn, HROCE_NAK_INVALID_REQ, IB_WC_SUCCESS);
		return 0;
	}
	/* the bytes as they are: theirs is the order of the one who wrote them */
	hroce_rx_copy(skb, HROCE_RX(skb)->off + hdr_bytes, &w.value, sizeof(w.value));
	hroce_walk_remote(&walk, qp, h->rkey, h->va, sizeof(u64), sizeof(u64),
			  IB_ACCESS_REMOTE_WRITE, HMMODP_WRITE);
	err = hroce_walk_move(&walk, sizeof(u64), hroce_do_atomic_write, &w);
	if (err == -EAGAIN)
		err = hroce_responder_stall(qp, &walk, h->psn);
	hroce_walk_end(&walk);
	if (err == -EAGAIN)
		return err;
	if (err || w.misaligned)
		hroce_responder_fail(qp, h->psn, err ? HROCE_NAK_REM_ACCESS :
						       HROCE_NAK_INVALID_REQ, IB_WC_SUCCESS);
	else
		hroce_note_done(qp, h->psn);
	return 0;
}

/*
 * What has been written before is in memory, which all processors and devices see: it
 * is global. Nothing here is persistent, and no region says so (IB_ACCESS_FLUSH_*).
 */
int hroce_respond_flush(struct hroce_qp *qp, const struct hroce_hdr *h)
{
	u32 length = h->flush_level == HROCE_FLUSH_RANGE ? h->length : 0;
	struct hroce_mr *mr;

	if (h->flush_type != HROCE_FLUSH_GLOBAL || h->flush_level > HROCE_FLUSH_REGION ||
	    !qp->attr.max_dest_rd_atomic) {
		hroce_responder_fail(qp, h->psn, h->flush_type & HROCE_FLUSH_PERSISTENT ?
				     HROCE_NAK_REM_ACCESS : HROCE_NAK_INVALID_REQ,
				     IB_WC_SUCCESS);
		return 0;
	}
	mr = hroce_mr_get(qp->dev, h->rkey, hroce_rq_remote_pd(qp), qp->ibqp.qp_num,
			  IB_ACCESS_FLUSH_GLOBAL, h->va, length, false);
	if (IS_ERR(mr)) {
		hroce_responder_fail(qp, h->psn, HROCE_NAK_REM_ACCESS, IB_WC_SUCCESS);
		return 0;
	}
	hroce_mr_put(mr);
	smp_mb();	/* all written before, before the answer */
	hroce_note_done(qp, h->psn);
	return 0;
}
