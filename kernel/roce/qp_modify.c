// SPDX-License-Identifier: GPL-2.0
/*
 * Changes of state and attributes (IBTA 10.3, 11.2.5.2). The transitions and the
 * attributes each needs or allows are ib core's table (ib_modify_qp_is_ok).
 */
#include "qp.h"
#include "qp_verbs.h"

#define HROCE_REMOTE_ACCESS (IB_ACCESS_REMOTE_WRITE | IB_ACCESS_REMOTE_READ | \
			     IB_ACCESS_REMOTE_ATOMIC | IB_ACCESS_FLUSH_GLOBAL)

/* IBTA 9.9.2: 4.096 us << code; a timer may take up to four times as long. */
static unsigned long hroce_timeout_jiffies(u8 code)
{
	return code ? nsecs_to_jiffies(2 * (4096ULL << code)) + 2 : 0;
}

/* The caller owns the send half. */
void hroce_sq_reset(struct hroce_qp *qp)
{
	struct hroce_sq *sq = &qp->sq;

	hroce_stall_cancel(&sq->send_stall);
	hroce_stall_cancel(&sq->resp_stall);
	hroce_inbox_purge(&sq->inbox);
	hroce_window_drop(&sq->ended);
	sq->ring.index = 0;
	sq->fetched = 0;
	sq->send = 0;
	sq->unasked = 0;
	sq->anxious = false;
	sq->lost = false;
	sq->early = 0;
	sq->word.valid = false;
	sq->rd_out = 0;
	sq->rnr_wait = false;
	sq->again = false;
	sq->drained_event = false;
	if (sq->ring.ring) {
		WRITE_ONCE(sq->ring.ring->producer, 0);
		WRITE_ONCE(sq->ring.ring->consumer, 0);
	}
}

/* The caller owns the receive half. */
void hroce_rq_reset(struct hroce_qp *qp)
{
	struct hroce_rq *rq = &qp->rq;

	hroce_stall_cancel(&rq->stall);
	hroce_inbox_purge(&rq->inbox);
	hroce_window_drop(&rq->ended);
	rq->ring.index = 0;
	if (rq->ring.ring) {
		WRITE_ONCE(rq->ring.ring->producer, 0);
		WRITE_ONCE(rq->ring.ring->consumer, 0);
		WRITE_ONCE(rq->ring.ring->doorbell, 0);
	}
	rq->msn = 0;
	rq->silent = false;
	rq->ack_due = false;
	rq->acks_held = 0;
	rq->unacked = false;
	rq->bad_address = 0;
	rq->again = false;
	WRITE_ONCE(rq->stalled, false);
	WRITE_ONCE(rq->asked, false);
	rq->msg = HROCE_MSG_NONE;
	rq->have_wr = false;
	rq->emit.active = false;
	rq->comm_est = false;
	rq->last_wqe = false;
}

static int hroce_check_attr(struct hroce_qp *qp, const struct ib_qp_attr *attr, int mask)
{
	enum ib_qp_state cur = mask & IB_QP_CUR_STATE ? attr->cur_qp_state :
							READ_ONCE(qp->state);
	enum ib_qp_state next = mask & IB_QP_STATE ? attr->qp_state : cur;

	if (!ib_modify_qp_is_ok(cur, next, qp->ibqp.qp_type, mask))
		return -EINVAL;
	if ((mask & IB_QP_CUR_STATE) && attr->cur_qp_state != READ_ONCE(qp->state))
		return -EINVAL;
	if ((mask & IB_QP_PORT) && attr->port_num != 1)
		return -EINVAL;
	if ((mask & IB_QP_PKEY_INDEX) && attr->pkey_index)
		return -EINVAL;
	if ((mask & IB_QP_PATH_MTU) &&
	    (attr->path_mtu < IB_MTU_256 || attr->path_mtu > IB_MTU_4096 ||
	     ib_mtu_enum_to_int(attr->path_mtu) > qp->dev->max_mtu))
		return -EINVAL;
	if ((mask & IB_QP_MAX_QP_RD_ATOMIC) && attr->max_rd_atomic > HROCE_MAX_RD_ATOMIC)
		return -EINVAL;
	if ((mask & IB_QP_MAX_DEST_RD_ATOMIC) &&
	    attr->max_dest_rd_atomic > HROCE_MAX_RD_ATOMIC)
		return -EINVAL;
	if ((mask & IB_QP_TIMEOUT) && attr->timeout > 31)
		return -EINVAL;
	if ((mask & (IB_QP_RETRY_CNT | IB_QP_RNR_RETRY)) &&
	    (attr->retry_cnt > 7 || attr->rnr_retry > 7))
		return -EINVAL;
	if ((mask & IB_QP_MIN_RNR_TIMER) && attr->min_rnr_timer > 31)
		return -EINVAL;
	if (mask & (IB_QP_ALT_PATH | IB_QP_PATH_MIG_STATE))
		return -EOPNOTSUPP;
	return 0;
}

/* What can fail, before anything is changed. */
struct hroce_modify {
	struct hroce_av av;
	struct hroce_atomic_result *atomics;
};

static int hroce_modify_prepare(struct hroce_qp *qp, const struct ib_qp_attr *attr,
				int mask, struct hroce_modify *m)
{
	int err;

	if (mask & IB_QP_AV) {
		err = hroce_net_av_init(qp->dev, &m->av, &attr->ah_attr);
		if (err)
			return err;
	}
	if ((mask & IB_QP_MAX_DEST_RD_ATOMIC) && attr->max_dest_rd_atomic) {
		m->atomics = kcalloc(attr->max_dest_rd_atomic, sizeof(*m->atomics),
				     GFP_KERNEL_ACCOUNT);
		if (!m->atomics)
			return -ENOMEM;
	}
	return 0;
}

static void hroce_modify_sq(struct hroce_qp *qp, const struct ib_qp_attr *attr, int mask)
{
	struct hroce_sq *sq = &qp->sq;

	if (mask & IB_QP_SQ_PSN) {
		sq->psn = attr->sq_psn & HROCE_PSN_MASK;
		sq->una = sq->psn;
		sq->max_psn = sq->psn;
		sq->next_psn = sq->psn;
		sq->window = HROCE_WINDOW_PKTS;
		qp->attr.sq_psn = sq->psn;
	}
	if (mask & IB_QP_TIMEOUT) {
		qp->attr.timeout = attr->timeout;
		qp->timeout = hroce_timeout_jiffies(attr->timeout);
	}
	if (mask & IB_QP_RETRY_CNT)
		qp->attr.retry_cnt = attr->retry_cnt;
	if (mask & IB_QP_RNR_RETRY)
		qp->attr.rnr_retry = attr->rnr_retry;
	if (mask & IB_QP_MAX_QP_RD_ATOMIC)
		qp->attr.max_rd_atomic = attr->max_rd_atomic;
	sq->retries_left = qp->attr.retry_cnt;
	sq->lost_at = jiffies;
	sq->lost_pause = 0;
	sq->rnr_left = qp->attr.rnr_retry;
}

static void hroce_modify_rq(struct hroce_qp *qp, const struct ib_qp_attr *attr, int mask,
			    struct hroce_modify *m)
{
	struct hroce_rq *rq = &qp->rq;

	if (mask & IB_QP_RQ_PSN) {
		rq->epsn = attr->rq_psn & HROCE_PSN_MASK;
		qp->attr.rq_psn = rq->epsn;
	}
	if (mask & IB_QP_MAX_DEST_RD_ATOMIC) {
		qp->attr.max_dest_rd_atomic = attr->max_dest_rd_atomic;
		swap(rq->atomics, m->atomics);
		rq->atomics_next = 0;
	}
	if (mask & IB_QP_MIN_RNR_TIMER)
		qp->attr.min_rnr_timer = attr->min_rnr_timer;
	if (mask & IB_QP_ACCESS_FLAGS) {
		qp->attr.qp_access_flags = attr->qp_access_flags;
		qp->access = attr->qp_access_flags & HROCE_REMOTE_ACCESS;
	}
}

static void hroce_modify_path(struct hroce_qp *qp, const struct ib_qp_attr *attr, int mask,
			      const struct hroce_modify *m)
{
	if (mask & IB_QP_PKEY_INDEX)
		qp->attr.pkey_index = attr->pkey_index;
	if (mask & IB_QP_PORT)
		qp->attr.port_num = attr->port_num;
	if (mask & IB_QP_QKEY) {
		qp->attr.qkey = attr->qkey;
		if (qp->ibqp.qp_type != IB_QPT_GSI)
			qp->qkey = attr->qkey;
	}
	if (mask & IB_QP_AV) {
		qp->av = m->av;
		dst_cache_reset(&qp->dst);
	}
	if (mask & IB_QP_PATH_MTU) {
		qp->attr.path_mtu = attr->path_mtu;
		qp->mtu = ib_mtu_enum_to_int(attr->path_mtu);
	}
	if (mask & IB_QP_DEST_QPN) {
		qp->attr.dest_qp_num = attr->dest_qp_num;
		qp->remote_qpn = attr->dest_qp_num & HROCE_QPN_MASK;
	}
	/* flows of different QPs shall look different to whoever spreads them */
	if (mask & (IB_QP_AV | IB_QP_DEST_QPN))
		qp->av.sport = rdma_get_udp_sport(qp->av.flow_label, qp->ibqp.qp_num,
						  qp->remote_qpn);
}

static void hroce_modify_state(struct hroce_qp *qp, const struct ib_qp_attr *attr)
{
	spin_lock_irq(&qp->state_lock);
	WRITE_ONCE(qp->state, attr->qp_state);
	spin_unlock_irq(&qp->state_lock);
	if (attr->qp_state == IB_QPS_SQD)
		qp->sq.drained_event = attr->en_sqd_async_notify;
}

/* Both halves stand still while anything changes. */
int hroce_modify_qp(struct ib_qp *ibqp, struct ib_qp_attr *attr, int mask,
		    struct ib_udata *udata)
{
	struct hroce_qp *qp = to_hqp(ibqp);
	struct hroce_modify m = {};
	int err;

	if (mask & ~IB_QP_ATTR_STANDARD_BITS)
		return -EOPNOTSUPP;
	mutex_lock(&qp->mutex);
	hroce_runner_own(&qp->sq.runner);
	hroce_runner_own(&qp->rq.runner);
	/* the failed request may be out of the queue, and no more than that be done */
	if (qp->state == IB_QPS_SQE)
		hroce_sq_flush(qp);
	err = hroce_check_attr(qp, attr, mask);
	if (!err)
		err = hroce_modify_prepare(qp, attr, mask, &m);
	if (err)
		goto out;
	if ((mask & IB_QP_STATE) && attr->qp_state == IB_QPS_RESET) {
		hroce_sq_reset(qp);
		hroce_rq_reset(qp);
	}
	/* what came while RESET was not seen yet, from the last life's peer */
	if ((mask & IB_QP_STATE) && attr->qp_state == IB_QPS_RTR)
		hroce_inbox_purge(&qp->rq.inbox);
	hroce_modify_path(qp, attr, mask, &m);
	hroce_modify_rq(qp, attr, mask, &m);
	hroce_modify_sq(qp, attr, mask);
	if (mask & IB_QP_STATE)
		hroce_modify_state(qp, attr);
out:
	kfree(m.atomics);
	hroce_runner_disown(&qp->rq.runner);
	hroce_runner_disown(&qp->sq.runner);
	mutex_unlock(&qp->mutex);
	return err;
}
