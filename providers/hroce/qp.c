// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Queue pairs: creation, states, destruction. */
#include <stdlib.h>
#include "cmd.h"
#include "compat.h"
#include "hroce.h"

/* After the kernel's part of creation; undoes that on failure. */
static int hroce_qp_setup(struct hroce_qp *qp, int cmd_fd,
			  const struct hroce_create_qp_resp *resp)
{
	int err;

	err = hroce_queue_map(&qp->sq, cmd_fd, &resp->sq,
			      sizeof(struct hroce_send_wqe));
	/* an XRC target sends nothing */
	if (!err && !qp->sq.ring && qp->vqp.qp.qp_type != IBV_QPT_XRC_RECV)
		err = EPROTO;
	if (err)
		goto err_destroy;

	err = hroce_queue_map(&qp->rq, cmd_fd, &resp->rq,
			      sizeof(struct hroce_recv_wqe));
	if (err)
		goto err_sq;

	pthread_spin_init(&qp->sq_lock, PTHREAD_PROCESS_PRIVATE);
	pthread_spin_init(&qp->rq_lock, PTHREAD_PROCESS_PRIVATE);
	return 0;

err_sq:
	hroce_queue_unmap(&qp->sq);
err_destroy:
	ibv_cmd_destroy_qp(&qp->vqp.qp);
	return err;
}

struct ibv_qp *hroce_create_qp(struct ibv_pd *pd,
			       struct ibv_qp_init_attr *attr)
{
	struct hroce_cmd_create_qp_resp resp = {};
	struct hroce_cmd_create_qp cmd = {};
	struct hroce_qp *qp;
	int err;

	qp = hroce_object_alloc(pd, sizeof(*qp));
	if (!qp)
		return NULL;

	err = ibv_cmd_create_qp(pd, &qp->vqp.qp, attr, &cmd.ibv_cmd,
				sizeof(cmd), &resp.ibv_resp, sizeof(resp));
	if (!err)
		err = hroce_qp_setup(qp, pd->context->cmd_fd,
				     &resp.drv_payload);
	if (err) {
		hroce_object_free(pd, qp);
		errno = err;
		return NULL;
	}
	return &qp->vqp.qp;
}

struct ibv_qp *hroce_create_qp_ex(struct ibv_context *context,
				  struct ibv_qp_init_attr_ex *attr)
{
	struct hroce_cmd_create_qp_ex_resp resp = {};
	struct hroce_cmd_create_qp_ex cmd = {};
	/* an XRC target has none */
	struct ibv_pd *pd = attr->comp_mask & IBV_QP_INIT_ATTR_PD ? attr->pd : NULL;
	struct hroce_qp *qp;
	bool send_ops = attr->comp_mask & IBV_QP_INIT_ATTR_SEND_OPS_FLAGS;
	int err;

	if (!check_comp_mask(attr->comp_mask, IBV_QP_INIT_ATTR_PD |
			     IBV_QP_INIT_ATTR_XRCD |
			     IBV_QP_INIT_ATTR_CREATE_FLAGS |
			     IBV_QP_INIT_ATTR_SEND_OPS_FLAGS) ||
	    ((attr->comp_mask & IBV_QP_INIT_ATTR_CREATE_FLAGS) &&
	     attr->create_flags) ||
	    (send_ops && !hroce_wr_supported(attr->qp_type,
					     attr->send_ops_flags))) {
		errno = EOPNOTSUPP;
		return NULL;
	}

	qp = hroce_object_alloc(pd, sizeof(*qp));
	if (!qp)
		return NULL;

	err = hroce_compat_create_qp_ex(context, &qp->vqp, attr, &cmd.ibv_cmd,
					sizeof(cmd), &resp.ibv_resp,
					sizeof(resp));
	if (!err)
		err = hroce_qp_setup(qp, context->cmd_fd, &resp.drv_payload);
	if (err) {
		hroce_object_free(pd, qp);
		errno = err;
		return NULL;
	}
	if (!send_ops)
		return &qp->vqp.qp;

	/*
	 * struct verbs_qp grew within one private ABI. Where the libibverbs in
	 * use looks for our mark elsewhere, it would give the application NULL.
	 */
	qp->vqp.comp_mask |= VERBS_QP_EX;
	if (!ibv_qp_to_qp_ex(&qp->vqp.qp)) {
		hroce_destroy_qp(&qp->vqp.qp);
		errno = EOPNOTSUPP;
		return NULL;
	}
	hroce_wr_setup(&qp->vqp.qp_ex, attr->send_ops_flags);
	return &qp->vqp.qp;
}

static void hroce_drop_queued(struct hroce_queue *q, pthread_spinlock_t *lock)
{
	pthread_spin_lock(lock);
	if (q->ring)
		hroce_queue_drop(q);
	pthread_spin_unlock(lock);
}

static void hroce_drop_completions(struct ibv_qp *ibqp)
{
	if (ibqp->recv_cq)
		hroce_cq_clean(ibqp->recv_cq, ibqp->qp_num);
	if (ibqp->send_cq && ibqp->send_cq != ibqp->recv_cq)
		hroce_cq_clean(ibqp->send_cq, ibqp->qp_num);
}

int hroce_modify_qp(struct ibv_qp *ibqp, struct ibv_qp_attr *attr, int mask)
{
	struct hroce_qp *qp = to_hqp(ibqp);
	struct ibv_modify_qp cmd = {};
	int err;

	err = ibv_cmd_modify_qp(ibqp, attr, mask, &cmd, sizeof(cmd));
	if (err)
		return err;

	if ((mask & IBV_QP_STATE) && attr->qp_state == IBV_QPS_RESET) {
		hroce_drop_queued(&qp->sq, &qp->sq_lock);
		hroce_drop_queued(&qp->rq, &qp->rq_lock);
		hroce_drop_completions(ibqp);
	}
	return 0;
}

int hroce_query_qp(struct ibv_qp *ibqp, struct ibv_qp_attr *attr, int mask,
		   struct ibv_qp_init_attr *init)
{
	struct ibv_query_qp cmd;

	return ibv_cmd_query_qp(ibqp, attr, mask, init, &cmd, sizeof(cmd));
}

int hroce_destroy_qp(struct ibv_qp *ibqp)
{
	struct hroce_qp *qp = to_hqp(ibqp);
	int err = ibv_cmd_destroy_qp(ibqp);

	if (err)
		return err;
	hroce_drop_completions(ibqp);
	hroce_queue_unmap(&qp->sq);
	hroce_queue_unmap(&qp->rq);
	pthread_spin_destroy(&qp->sq_lock);
	pthread_spin_destroy(&qp->rq_lock);
	hroce_object_free(ibqp->pd, qp);
	return 0;
}
