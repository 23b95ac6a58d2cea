// SPDX-License-Identifier: GPL-2.0
/*
 * Unreliable connections: messages of many packets, but no ACK (IBTA 9.8). A message is
 * sent when its packets have been handed to the network. The receiver drops one that
 * does not arrive whole without a word, and begins anew with the next first packet.
 */
#include "qp.h"

/* A burst has left. What is not acknowledged never fills the window. */
void hroce_uc_sent(struct hroce_qp *qp)
{
	struct hroce_sq *sq = &qp->sq;

	sq->una = sq->psn;
	if (sq->ring.index != sq->send)
		hroce_sq_complete(qp, IB_WC_SUCCESS);
}

/*
 * The message of this packet is broken, or not to be executed. A receive request that
 * it has taken stays for the next.
 */
void hroce_uc_drop(struct hroce_qp *qp, u32 psn)
{
	struct hroce_rq *rq = &qp->rq;

	rq->msg = HROCE_MSG_NONE;
	rq->silent = true;
	rq->epsn = hroce_psn_add(psn, 1);
	rq->bad_address = 0;
}

/* As often as the packet has to wait for a page, all of this comes out the same. */
int hroce_uc_receive(struct hroce_qp *qp, struct sk_buff *skb,
		     const struct hroce_hdr *h, unsigned int hdr_bytes)
{
	struct hroce_rq *rq = &qp->rq;
	int ret;

	if (h->psn != rq->epsn) {
		hroce_count(qp->dev->stats, HROCE_OUT_OF_SEQUENCE);
		rq->msg = HROCE_MSG_NONE;
		rq->epsn = h->psn;
	}
	if (h->flags & HROCE_PKT_FIRST) {
		rq->msg = HROCE_MSG_NONE;
		rq->silent = false;
	}
	if (rq->silent || !hroce_in_sequence(qp, h) || !hroce_op_enabled(qp, h->flags)) {
		hroce_uc_drop(qp, h->psn);
		return 0;
	}
	ret = h->flags & HROCE_PKT_SEND ? hroce_respond_send(qp, skb, h, hdr_bytes) :
					  hroce_respond_write(qp, skb, h, hdr_bytes);
	if (!ret && !rq->silent)
		hroce_count_n(qp->dev->stats, HROCE_RCVD_BYTES, h->payload);
	return ret;
}
