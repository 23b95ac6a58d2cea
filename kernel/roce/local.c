// SPDX-License-Identifier: GPL-2.0
/*
 * Requests that never leave the device: windows are bound, lists of pages registered,
 * keys invalidated. They take no PSN. One is executed when it is the next to be sent, an
 * invalidation when all before it are complete, for until then they may have to be sent
 * again, from memory that is theirs by the key (IBTA 10.8.3.3). It completes in its turn.
 */
#include <linux/jiffies.h>

#include "qp.h"

static int hroce_local_execute(struct hroce_qp *qp, const struct hroce_send_wqe *wqe)
{
	struct ib_pd *pd = qp->ibqp.pd;
	u32 qpn = qp->ibqp.qp_num;

	if (wqe->opcode == IB_UVERBS_WR_BIND_MW)
		return hroce_mw_bind(qp->dev, pd, qpn, &wqe->bind, &qp->sq.ended);
	if (wqe->opcode == IB_WR_REG_MR)
		return hroce_mr_register(qp->dev, pd, &wqe->bind);
	return hroce_mr_invalidate(qp->dev, pd, qpn, wqe->imm, &qp->sq.ended);
}

/* Complete those executed that no other request is before. */
static void hroce_local_complete(struct hroce_qp *qp)
{
	struct hroce_sq *sq = &qp->sq;

	while (sq->ring.index != sq->fetched && hroce_sq_slot(sq, sq->ring.index)->executed)
		hroce_sq_complete(qp, IB_WC_SUCCESS);
}

/*
 * Whatever the queue waits for, which may be the peer for ever: a binding that is over
 * is given up, since deregistration waits for it.
 */
void hroce_local_poll(struct hroce_qp *qp)
{
	struct hroce_sq *sq = &qp->sq;

	if (sq->ended && hroce_window_ended(&sq->ended)) {
		hroce_sq_slot(sq, sq->ended_index)->executed = true;
		/* a retransmission may have gone back behind it */
		if (sq->send == sq->ended_index)
			sq->send++;
	}
	hroce_local_complete(qp);
}

/* The request at sq->send. True: there may be more. */
bool hroce_local_run(struct hroce_qp *qp, struct hroce_swr *swr)
{
	struct hroce_sq *sq = &qp->sq;
	int err = 0;

	if (swr->wqe.opcode == IB_UVERBS_WR_LOCAL_INV && sq->ring.index != sq->send)
		return false;
	/* not again: after a retransmission, or while accesses by the old key go on */
	if (!swr->executed && !sq->ended) {
		sq->ended_index = sq->send;
		err = hroce_local_execute(qp, &swr->wqe);
	}
	if (err == -ENOMEM || (!err && !hroce_window_ended(&sq->ended)))
		return hroce_requester_again(sq);
	if (err)
		return hroce_requester_fail(qp, swr, IB_WC_MW_BIND_ERR);
	swr->executed = true;
	sq->send++;
	hroce_local_complete(qp);
	return true;
}
