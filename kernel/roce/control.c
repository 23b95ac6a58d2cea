// SPDX-License-Identifier: GPL-2.0
/* Packets without payload: requests for READs and atomics, ACKs, NAKs. */
#include "qp.h"

/* Any context. Return: 0 or -ENOMEM; what the network does with it is not said. */
int hroce_send_control(struct hroce_qp *qp, struct hroce_hdr *h)
{
	u8 buf[HROCE_MAX_HDR_BYTES];
	struct hroce_cursor cur;
	struct sk_buff *skb;
	unsigned int n;

	h->opcode |= hroce_qp_service(qp);	/* it was in terms of RC */
	h->qpn = qp->remote_qpn;
	h->pkey = HROCE_PKEY;
	n = hroce_hdr_build(h, buf);
	skb = hroce_net_alloc(qp->dev, n + HROCE_ICRC_BYTES, GFP_ATOMIC);
	if (!skb)
		return -ENOMEM;
	hroce_net_cursor_init(&cur, skb);
	hroce_net_write(&cur, buf, n);
	hroce_net_write(&cur, NULL, HROCE_ICRC_BYTES);
	hroce_net_xmit(qp->dev, &qp->av, &qp->dst, skb, skb->len);
	return 0;
}
