// SPDX-License-Identifier: GPL-2.0
/* Datagrams: UD and the GSI (QP 1), one packet a message, no ACK. */
#include <linux/if_vlan.h>
#include <rdma/ib_cache.h>

#include "burst.h"
#include "qp.h"

#define HROCE_GRH_BYTES		40
/* A Q_Key with this bit in a request stands for the QP's own (IBTA 10.2.5). */
#define HROCE_QKEY_OWN		0x80000000u

static const struct hroce_opcodes hroce_ud_ops = {
	.only = IB_OPCODE_UD_SEND_ONLY,
};

static const struct hroce_opcodes hroce_ud_imm_ops = {
	.only = IB_OPCODE_UD_SEND_ONLY_WITH_IMMEDIATE,
};

/* Send the request at sq->send. True: there may be more. */
bool hroce_ud_send(struct hroce_qp *qp, struct hroce_swr *swr)
{
	struct hroce_sq *sq = &qp->sq;
	const struct hroce_send_wqe *wqe = &swr->wqe;
	const struct hroce_av *av = &sq->avs[sq->send & (sq->ring.entries - 1)];
	bool imm = wqe->opcode == IB_UVERBS_WR_SEND_WITH_IMM;
	struct hroce_burst b = {
		.op = imm ? &hroce_ud_imm_ops : &hroce_ud_ops,
		.length = swr->length,
		.total = 1,
		.count = 1,
		.hdr = {
			.imm = (__force __be32)wqe->imm,
			.qkey = wqe->ud.remote_qkey & HROCE_QKEY_OWN ? qp->qkey :
									wqe->ud.remote_qkey,
			.src_qpn = qp->ibqp.qp_num,
		},
		.solicited = wqe->flags & IB_SEND_SOLICITED,
	};
	struct hroce_walk walk;
	struct sk_buff *skb;
	int err = 0;

	hroce_burst_plan(&b, qp->mtu);
	b.dest_qpn = wqe->ud.remote_qpn & HROCE_QPN_MASK;
	if (wqe->flags & IB_SEND_INLINE)
		hroce_walk_inline(&walk, wqe->inline_data, 0, b.payload);
	else
		hroce_walk_sges(&walk, qp, wqe->sge, wqe->num_sge, 0, b.payload,
				HMMODP_READ);
	skb = hroce_burst_build(&b, qp, &walk, swr->first_psn);
	if (IS_ERR(skb))
		err = hroce_requester_trouble(qp, swr, &walk, PTR_ERR(skb), b.payload);
	hroce_walk_end(&walk);
	if (IS_ERR(skb))
		return err;
	hroce_count_n(qp->dev->stats, HROCE_SENT_BYTES, b.payload);
	hroce_net_xmit(qp->dev, av, NULL, skb, skb->len);
	sq->send++;
	sq->psn = hroce_psn_add(sq->psn, 1);
	sq->una = sq->psn;
	sq->max_psn = sq->psn;
	hroce_sq_complete(qp, IB_WC_SUCCESS);
	return true;
}

/* First the GRH, then the payload, into the receive request's memory. */
static int hroce_ud_place(struct hroce_qp *qp, struct sk_buff *skb, u32 payload,
			  unsigned int hdr_bytes)
{
	struct hroce_from_skb from = { skb, HROCE_RX(skb)->off + hdr_bytes };
	const struct hroce_rwr *wr = &qp->rq.wr;
	u8 grh[HROCE_GRH_BYTES];
	struct hroce_walk walk;
	const u8 *src = grh;
	int err;

	hroce_rx_grh(skb, grh);
	hroce_walk_sges(&walk, qp, wr->sge, wr->num_sge, 0, HROCE_GRH_BYTES + payload,
			HMMODP_WRITE);
	walk.pd = hroce_rq_pd(qp);
	err = hroce_walk_move(&walk, HROCE_GRH_BYTES, hroce_copy_from_bytes, &src);
	if (!err)
		err = hroce_walk_move(&walk, payload, hroce_copy_from_skb, &from);
	if (err == -EAGAIN)
		err = hroce_responder_stall(qp, &walk, 0);
	hroce_walk_end(&walk);
	return err;
}

static u32 hroce_rwr_bytes(const struct hroce_rwr *wr)
{
	u64 sum = 0;
	u32 i;

	for (i = 0; i < wr->num_sge; i++)
		sum += wr->sge[i].length;
	return min_t(u64, sum, U32_MAX);
}

/*
 * Whoever answers a connection request looks for the GID that it came to, and takes it
 * for one of no VLAN unless he is told.
 */
static void hroce_ud_vlan(struct hroce_qp *qp, struct sk_buff *skb, struct hroce_cqe *cqe)
{
	const struct ib_gid_attr *attr;
	u16 vlan = VLAN_N_VID;
	union ib_gid gid;

	hroce_rx_dgid(skb, &gid);
	attr = rdma_find_gid_by_port(&qp->dev->ibdev, &gid, IB_GID_TYPE_ROCE_UDP_ENCAP, 1, NULL);
	if (IS_ERR(attr))
		return;
	if (!rdma_read_gid_l2_fields(attr, &vlan, NULL) && vlan < VLAN_N_VID) {
		cqe->flags |= HROCE_CQE_VLAN;
		cqe->vlan = vlan;
	}
	rdma_put_gid_attr(attr);
}

/*
 * A datagram that does not fit, has the wrong Q_Key or finds no receive request
 * is dropped without a word (C9-8.1, C9-13): nobody on the wire can use up
 * receive requests or stop a QP, the GSI's least of all.
 */
int hroce_ud_receive(struct hroce_qp *qp, struct sk_buff *skb,
		     const struct hroce_hdr *h, unsigned int hdr_bytes)
{
	struct hroce_cqe cqe = {
		.status = IB_WC_SUCCESS,
		.opcode = IB_WC_RECV,
		.byte_len = HROCE_GRH_BYTES + h->payload,
		.src_qp = h->src_qpn,
		.flags = HROCE_CQE_GRH,
		.sl = hroce_rx_sl(skb),
	};
	int err;

	if (h->qkey != qp->qkey || h->payload > qp->mtu)
		return 0;
	err = hroce_rq_take(qp);
	if (err == -ENOENT || (!err && hroce_rwr_bytes(&qp->rq.wr) < cqe.byte_len))
		return 0;
	if (!err)
		err = hroce_ud_place(qp, skb, h->payload, hdr_bytes);
	if (err == -EAGAIN)
		return err;
	qp->rq.bad_address = 0;
	if (err) {
		cqe.status = IB_WC_LOC_PROT_ERR;
		if (qp->rq.have_wr)
			hroce_rq_complete(qp, &cqe, true);
		hroce_qp_error(qp);
		return 0;
	}
	if (h->flags & HROCE_PKT_IMM) {
		cqe.flags |= HROCE_CQE_IMM;
		cqe.imm = (__force u32)h->imm;
	}
	if (qp->ibqp.qp_type == IB_QPT_GSI)
		hroce_ud_vlan(qp, skb, &cqe);
	hroce_count_n(qp->dev->stats, HROCE_RCVD_BYTES, h->payload);
	hroce_rq_complete(qp, &cqe, h->solicited);
	return 0;
}
