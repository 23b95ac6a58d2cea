// SPDX-License-Identifier: GPL-2.0
/* Queue pairs: creation, destruction, errors. */
#include <rdma/ib_mad.h>
#include <rdma/uverbs_ioctl.h>

#include "qp.h"
#include "qp_verbs.h"
#include "srq.h"
#include "udata.h"

static int hroce_check_init(struct hroce_dev *dev, const struct ib_qp_init_attr *init)
{
	const struct ib_qp_cap *cap = &init->cap;

	switch (init->qp_type) {
	case IB_QPT_RC:
	case IB_QPT_UC:
	case IB_QPT_UD:
	case IB_QPT_XRC_INI:
	case IB_QPT_XRC_TGT:
		break;
	case IB_QPT_GSI:
		if (init->port_num != 1)
			return -EINVAL;
		break;
	default:
		return -EOPNOTSUPP;
	}
	if (init->create_flags)
		return -EOPNOTSUPP;
	if (init->qp_type == IB_QPT_XRC_TGT)
		return init->xrcd ? 0 : -EINVAL;
	if (!init->send_cq || (!init->recv_cq && init->qp_type != IB_QPT_XRC_INI))
		return -EINVAL;
	if (cap->max_send_wr > HROCE_MAX_QP_WR || cap->max_recv_wr > HROCE_MAX_QP_WR ||
	    cap->max_send_sge > HROCE_MAX_SGE || cap->max_recv_sge > HROCE_MAX_SGE ||
	    cap->max_inline_data > HROCE_MAX_INLINE)
		return -EINVAL;
	return 0;
}

static int hroce_sq_create(struct hroce_qp *qp, struct ib_qp_init_attr *init,
			   struct ib_ucontext *uc, struct hroce_ring_info *info)
{
	struct hroce_sq *sq = &qp->sq;
	struct ib_qp_cap *cap = &init->cap;
	u32 room;
	int err;

	spin_lock_init(&sq->post_lock);
	if (!hroce_qp_has_sq(qp)) {
		cap->max_send_wr = 0;
		cap->max_send_sge = 0;
		cap->max_inline_data = 0;
		return 0;
	}
	/* scatter list and inline data share the entry's tail: offer all of it */
	room = max3(cap->max_send_sge * (u32)sizeof(struct hroce_sge),
		    ALIGN(cap->max_inline_data, 16), (u32)sizeof(struct hroce_sge));
	sq->max_sge = min_t(u32, room / sizeof(struct hroce_sge), HROCE_MAX_SGE);
	sq->max_inline = min_t(u32, room, HROCE_MAX_INLINE);
	sq->sig_all = init->sq_sig_type == IB_SIGNAL_ALL_WR;
	err = hroce_ring_create(uc, &sq->ring, max(cap->max_send_wr, 1u),
				sizeof(struct hroce_send_wqe) + room, info);
	if (err)
		return err;
	info->max_sge = sq->max_sge;
	info->max_inline = sq->max_inline;
	sq->slot_bytes = offsetof(struct hroce_swr, wqe) + sq->ring.stride;
	sq->slots = kvcalloc(sq->ring.entries, sq->slot_bytes, GFP_KERNEL_ACCOUNT);
	if (sq->slots && hroce_qp_is_ud(qp))
		sq->avs = kvcalloc(sq->ring.entries, sizeof(*sq->avs), GFP_KERNEL_ACCOUNT);
	if (!sq->slots || (hroce_qp_is_ud(qp) && !sq->avs))
		return -ENOMEM;
	cap->max_send_wr = sq->ring.entries;
	cap->max_send_sge = sq->max_sge;
	cap->max_inline_data = sq->max_inline;
	return 0;
}

static int hroce_rq_create(struct hroce_qp *qp, struct ib_qp_init_attr *init,
			   struct ib_ucontext *uc, struct hroce_ring_info *info)
{
	struct hroce_rq *rq = &qp->rq;
	struct ib_qp_cap *cap = &init->cap;
	int err;

	spin_lock_init(&rq->post_lock);
	if (init->srq || hroce_qp_is_target(qp) || !hroce_qp_has_rq(qp)) {
		rq->srq = init->srq ? to_hsrq(init->srq) : NULL;
		cap->max_recv_wr = 0;
		cap->max_recv_sge = 0;
		return 0;
	}
	rq->max_sge = max(cap->max_recv_sge, 1u);
	err = hroce_ring_create(uc, &rq->ring, max(cap->max_recv_wr, 1u),
				sizeof(struct hroce_recv_wqe) +
				rq->max_sge * sizeof(struct hroce_sge), info);
	if (err)
		return err;
	info->max_sge = rq->max_sge;
	cap->max_recv_wr = rq->ring.entries;
	cap->max_recv_sge = rq->max_sge;
	return 0;
}

static void hroce_qp_free(struct hroce_qp *qp)
{
	if (qp->sq.ring.ring)
		hroce_ring_destroy(&qp->sq.ring);
	if (qp->rq.ring.ring)
		hroce_ring_destroy(&qp->rq.ring);
	kvfree(qp->sq.slots);
	kvfree(qp->sq.avs);
	kfree(qp->rq.atomics);
	dst_cache_destroy(&qp->dst);
	atomic_dec(&qp->dev->num_qps);
}

static void hroce_qp_setup(struct hroce_qp *qp, struct ib_qp_init_attr *init)
{
	spin_lock_init(&qp->state_lock);
	mutex_init(&qp->mutex);
	qp->state = IB_QPS_RESET;
	hroce_inbox_init(&qp->sq.inbox);
	hroce_inbox_init(&qp->rq.inbox);
	hroce_runner_init(&qp->sq.runner, hroce_requester_step);
	hroce_runner_init(&qp->rq.runner, hroce_responder_step);
	qp->sq.send_stall.runner = &qp->sq.runner;
	qp->sq.resp_stall.runner = &qp->sq.runner;
	qp->rq.stall.runner = &qp->rq.runner;
	qp->sq.send_stall.stats = qp->dev->stats;
	qp->sq.resp_stall.stats = qp->dev->stats;
	qp->rq.stall.stats = qp->dev->stats;
	qp->sq.send_stall.most = U32_MAX;
	qp->sq.resp_stall.most = U32_MAX;
	qp->rq.stall.most = U32_MAX;
	if (init->qp_type == IB_QPT_GSI)
		qp->qkey = IB_QP1_QKEY;
	/* a datagram is one packet, of what the port takes when it is sent */
	if (hroce_qp_is_ud(qp))
		qp->mtu = ib_mtu_enum_to_int(IB_MTU_4096);
}

int hroce_create_qp(struct ib_qp *ibqp, struct ib_qp_init_attr *init,
		    struct ib_udata *udata)
{
	struct hroce_dev *dev = to_hdev(ibqp->device);
	struct hroce_create_qp_resp resp = {};
	struct hroce_qp *qp = to_hqp(ibqp);
	struct ib_ucontext *uc = NULL;
	int err;

	err = hroce_check_init(dev, init);
	if (err)
		return err;
	if (udata) {
		struct hroce_ucontext *huc;

		huc = rdma_udata_to_drv_context(udata, struct hroce_ucontext, ibuc);
		uc = &huc->ibuc;
	}
	if (!atomic_add_unless(&dev->num_qps, 1, HROCE_MAX_QP))
		return -ENOMEM;
	qp->dev = dev;
	/* ib core gives a target no udata: its memory is that of users' SRQs all the same */
	qp->is_user = uc || init->qp_type == IB_QPT_XRC_TGT;
	qp->xrcd = init->xrcd;
	hroce_qp_setup(qp, init);
	err = dst_cache_init(&qp->dst, GFP_KERNEL_ACCOUNT);
	if (!err)
		err = hroce_sq_create(qp, init, uc, &resp.sq);
	if (!err)
		err = hroce_rq_create(qp, init, uc, &resp.rq);
	if (err)
		goto free;
	qp->cap = init->cap;
	err = hroce_respond_all(udata, &resp, sizeof(resp));
	if (err)
		goto free;
	err = hroce_qp_table_add(qp);
	if (err)
		goto free;
	return 0;
free:
	hroce_qp_free(qp);
	return err;
}

int hroce_destroy_qp(struct ib_qp *ibqp, struct ib_udata *udata)
{
	struct hroce_qp *qp = to_hqp(ibqp);

	hroce_qp_table_del(qp);
	hroce_runner_own(&qp->sq.runner);
	hroce_runner_stop(&qp->sq.runner);
	hroce_sq_reset(qp);
	hroce_runner_own(&qp->rq.runner);
	hroce_runner_stop(&qp->rq.runner);
	hroce_rq_reset(qp);
	hroce_qp_free(qp);
	return 0;
}

int hroce_query_qp(struct ib_qp *ibqp, struct ib_qp_attr *attr, int mask,
		   struct ib_qp_init_attr *init)
{
	struct hroce_qp *qp = to_hqp(ibqp);

	memset(attr, 0, sizeof(*attr));
	memset(init, 0, sizeof(*init));
	mutex_lock(&qp->mutex);
	*attr = qp->attr;
	attr->qp_state = READ_ONCE(qp->state);
	attr->cur_qp_state = attr->qp_state;
	attr->rq_psn = READ_ONCE(qp->rq.epsn);
	attr->sq_psn = READ_ONCE(qp->sq.psn);
	attr->sq_draining = attr->qp_state == IB_QPS_SQD &&
			    READ_ONCE(qp->sq.ring.index) != READ_ONCE(qp->sq.fetched);
	attr->cap = qp->cap;
	if (!hroce_qp_is_ud(qp) && qp->attr.dest_qp_num)
		hroce_net_av_to_attr(&qp->av, &attr->ah_attr);
	mutex_unlock(&qp->mutex);
	init->event_handler = ibqp->event_handler;
	init->qp_context = ibqp->qp_context;
	init->send_cq = ibqp->send_cq;
	init->recv_cq = ibqp->recv_cq;
	init->srq = ibqp->srq;
	init->cap = qp->cap;
	init->qp_type = ibqp->qp_type;
	init->sq_sig_type = qp->sq.sig_all ? IB_SIGNAL_ALL_WR : IB_SIGNAL_REQ_WR;
	init->port_num = 1;
	return 0;
}

void hroce_qp_event(struct hroce_qp *qp, enum ib_event_type type)
{
	struct ib_event event = {
		.device = qp->ibqp.device,
		.element.qp = &qp->ibqp,
		.event = type,
	};

	if (qp->ibqp.event_handler)
		qp->ibqp.event_handler(&event, qp->ibqp.qp_context);
}

/* From one of the states in @from, a mask. Both halves flush what they must. */
static void hroce_qp_fall(struct hroce_qp *qp, unsigned long from, enum ib_qp_state to)
{
	unsigned long flags;
	bool changed;

	spin_lock_irqsave(&qp->state_lock, flags);
	changed = BIT(qp->state) & from;
	if (changed)
		WRITE_ONCE(qp->state, to);
	spin_unlock_irqrestore(&qp->state_lock, flags);
	if (!changed)
		return;
	hroce_runner_kick_later(&qp->sq.runner);
	hroce_runner_kick_later(&qp->rq.runner);
}

void hroce_qp_error(struct hroce_qp *qp)
{
	hroce_qp_fall(qp, ~(BIT(IB_QPS_RESET) | BIT(IB_QPS_ERR)), IB_QPS_ERR);
}

void hroce_qp_broken(struct hroce_qp *qp)
{
	if (READ_ONCE(qp->state) != IB_QPS_ERR)
		hroce_qp_event(qp, IB_EVENT_QP_FATAL);
	hroce_qp_error(qp);
}

void hroce_qp_send_error(struct hroce_qp *qp)
{
	if (!hroce_qp_is_reliable(qp))
		hroce_qp_fall(qp, BIT(IB_QPS_RTS) | BIT(IB_QPS_SQD), IB_QPS_SQE);
	else
		hroce_qp_error(qp);
}
