// SPDX-License-Identifier: GPL-2.0
/*
 * Extended reliable connections (IBTA annex A14). A target QP belongs to a domain, not
 * to a process: each request names an SRQ of the domain, whose receive requests, whose
 * protection domain and whose completion queue it is about. The QP holds none of these:
 * an SRQ is looked up anew for each packet, so that it may go at any time.
 */
#include "qp.h"
#include "srq.h"
#include "xrc.h"

/* For the packet in hand, until hroce_xrc_end(). False: no such SRQ in the domain. */
bool hroce_xrc_begin(struct hroce_qp *qp, u32 srqn)
{
	if (!hroce_qp_is_target(qp))
		return true;
	qp->rq.srq = hroce_srq_get(srqn, qp->xrcd);
	return qp->rq.srq;
}

void hroce_xrc_end(struct hroce_qp *qp)
{
	if (!hroce_qp_is_target(qp) || !qp->rq.srq)
		return;
	hroce_srq_put(qp->rq.srq);
	qp->rq.srq = NULL;
}

/* All packets of a message name one SRQ. */
bool hroce_xrc_in_message(struct hroce_qp *qp, const struct hroce_hdr *h)
{
	if (!hroce_qp_is_target(qp))
		return true;
	if (h->flags & HROCE_PKT_FIRST)
		qp->rq.msg_srqn = h->srqn;
	return qp->rq.srq && qp->rq.msg_srqn == h->srqn;
}

/* A domain is what ib core knows of it. */
int hroce_alloc_xrcd(struct ib_xrcd *xrcd, struct ib_udata *udata)
{
	return 0;
}

int hroce_dealloc_xrcd(struct ib_xrcd *xrcd, struct ib_udata *udata)
{
	return 0;
}
