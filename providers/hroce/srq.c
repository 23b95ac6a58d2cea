// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Shared receive queues; posting to them is in recv.c. */
#include <stdlib.h>
#include "cmd.h"
#include "hroce.h"

/* After the kernel's part of creation; undoes that on failure. */
static int hroce_srq_setup(struct hroce_srq *srq, int cmd_fd,
			   const struct hroce_create_srq_resp *resp)
{
	int err;

	err = hroce_queue_map(&srq->queue, cmd_fd, &resp->ring,
			      sizeof(struct hroce_recv_wqe));
	if (!err && !srq->queue.ring)
		err = EPROTO;
	if (err) {
		ibv_cmd_destroy_srq(&srq->vsrq.srq);
		return err;
	}
	srq->vsrq.srq_num = resp->srqn;
	pthread_spin_init(&srq->lock, PTHREAD_PROCESS_PRIVATE);
	return 0;
}

struct ibv_srq *hroce_create_srq(struct ibv_pd *pd,
				 struct ibv_srq_init_attr *attr)
{
	struct hroce_cmd_create_srq_resp resp = {};
	struct hroce_cmd_create_srq cmd = {};
	struct hroce_srq *srq;
	int err;

	srq = calloc(1, sizeof(*srq));
	if (!srq)
		return NULL;

	err = ibv_cmd_create_srq(pd, &srq->vsrq.srq, attr, &cmd.ibv_cmd,
				 sizeof(cmd), &resp.ibv_resp, sizeof(resp));
	if (!err)
		err = hroce_srq_setup(srq, pd->context->cmd_fd,
				      &resp.drv_payload);
	if (err) {
		free(srq);
		errno = err;
		return NULL;
	}
	return &srq->vsrq.srq;
}

/* An XRC SRQ, or a basic one by the other door. */
struct ibv_srq *hroce_create_srq_ex(struct ibv_context *context,
				    struct ibv_srq_init_attr_ex *attr)
{
	struct hroce_cmd_create_srq_ex_resp resp = {};
	struct hroce_cmd_create_srq_ex cmd = {};
	struct hroce_srq *srq;
	int err;

	if ((attr->comp_mask & IBV_SRQ_INIT_ATTR_TYPE) &&
	    attr->srq_type != IBV_SRQT_BASIC && attr->srq_type != IBV_SRQT_XRC) {
		errno = EOPNOTSUPP;
		return NULL;
	}

	srq = calloc(1, sizeof(*srq));
	if (!srq)
		return NULL;

	err = ibv_cmd_create_srq_ex(context, &srq->vsrq, attr, &cmd.ibv_cmd,
				    sizeof(cmd), &resp.ibv_resp, sizeof(resp));
	if (!err)
		err = hroce_srq_setup(srq, context->cmd_fd, &resp.drv_payload);
	if (err) {
		free(srq);
		errno = err;
		return NULL;
	}
	return &srq->vsrq.srq;
}

int hroce_get_srq_num(struct ibv_srq *ibsrq, uint32_t *srq_num)
{
	/* only XRC SRQs have one */
	*srq_num = to_hsrq(ibsrq)->vsrq.srq_num;
	return *srq_num ? 0 : EINVAL;
}

/*
 * The kernel has moved to another ring and taken along what was queued, by the same
 * indices. Should it not be possible to map it, nothing can be posted any more.
 */
static int hroce_srq_follow(struct hroce_srq *srq, const struct hroce_ring_info *info)
{
	struct hroce_queue old = srq->queue;
	int err;

	err = hroce_queue_map(&srq->queue, srq->vsrq.srq.context->cmd_fd, info,
			      sizeof(struct hroce_recv_wqe));
	hroce_queue_unmap(&old);
	if (err || !srq->queue.ring)
		return err ? err : EPROTO;
	srq->queue.own = old.own;
	srq->queue.peer = __atomic_load_n(&srq->queue.ring->consumer,
					  __ATOMIC_ACQUIRE);
	return 0;
}

/* Nobody may post meanwhile: whoever wants to spins for as long as it takes. */
static int hroce_resize_srq(struct hroce_srq *srq, struct ibv_srq_attr *attr,
			    int mask)
{
	struct hroce_ring_info info = {};
	struct hroce_cmd_modify_srq cmd = {
		.drv_payload.ring = (uintptr_t)&info,
		.drv_payload.room = sizeof(info),
	};
	int err;

	pthread_spin_lock(&srq->lock);
	err = ibv_cmd_modify_srq(&srq->vsrq.srq, attr, mask, &cmd.ibv_cmd,
				 sizeof(cmd));
	if (!err)
		err = hroce_srq_follow(srq, &info);
	pthread_spin_unlock(&srq->lock);
	return err;
}

int hroce_modify_srq(struct ibv_srq *ibsrq, struct ibv_srq_attr *attr,
		     int mask)
{
	struct ibv_modify_srq cmd;

	if (mask & IBV_SRQ_MAX_WR)
		return hroce_resize_srq(to_hsrq(ibsrq), attr, mask);
	return ibv_cmd_modify_srq(ibsrq, attr, mask, &cmd, sizeof(cmd));
}

int hroce_query_srq(struct ibv_srq *ibsrq, struct ibv_srq_attr *attr)
{
	struct ibv_query_srq cmd;

	return ibv_cmd_query_srq(ibsrq, attr, &cmd, sizeof(cmd));
}

int hroce_destroy_srq(struct ibv_srq *ibsrq)
{
	struct hroce_srq *srq = to_hsrq(ibsrq);
	int err = ibv_cmd_destroy_srq(ibsrq);

	if (err)
		return err;
	hroce_queue_unmap(&srq->queue);
	pthread_spin_destroy(&srq->lock);
	free(srq);
	return 0;
}
