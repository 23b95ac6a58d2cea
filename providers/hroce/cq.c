// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Completion queues. Arming them is a command; see hroce_ops. */
#include <stdlib.h>
#include <string.h>
#include "cmd.h"
#include "hroce.h"

_Static_assert(sizeof(struct hroce_cqe) == 64, "CQE");
_Static_assert(HROCE_CQE_GRH == IBV_WC_GRH &&
	       HROCE_CQE_IMM == IBV_WC_WITH_IMM &&
	       HROCE_CQE_INV == IBV_WC_WITH_INV,
	       "CQE flags are copied as they are");

/* After the kernel's part of creation; undoes that on failure. */
int hroce_cq_setup(struct hroce_cq *cq, struct ibv_context *context,
		   const struct hroce_ring_info *info)
{
	int err;

	err = hroce_queue_map(&cq->queue, context->cmd_fd, info,
			      sizeof(struct hroce_cqe));
	if (!err && !cq->queue.ring)
		err = EPROTO;
	if (err)
		ibv_cmd_destroy_cq(&cq->vcq.cq);
	else
		pthread_spin_init(&cq->lock, PTHREAD_PROCESS_PRIVATE);
	return err;
}

struct ibv_cq *hroce_create_cq(struct ibv_context *context, int cqe,
			       struct ibv_comp_channel *channel,
			       int comp_vector)
{
	struct hroce_cmd_create_cq_resp resp = {};
	struct hroce_cmd_create_cq cmd = {};
	struct hroce_cq *cq;
	int err;

	cq = calloc(1, sizeof(*cq));
	if (!cq)
		return NULL;

	err = ibv_cmd_create_cq(context, cqe, channel, comp_vector,
				&cq->vcq.cq, &cmd.ibv_cmd, sizeof(cmd),
				&resp.ibv_resp, sizeof(resp));
	if (!err)
		err = hroce_cq_setup(cq, context, &resp.drv_payload.ring);
	if (err) {
		free(cq);
		errno = err;
		return NULL;
	}
	return &cq->vcq.cq;
}

/*
 * The QP has been reset or destroyed: what it completed and nobody has polled goes,
 * so that no completion of its former life turns up in the next. The kernel adds
 * entries behind those looked at here, if at all.
 */
void hroce_cq_clean(struct ibv_cq *ibcq, uint32_t qp_num)
{
	struct hroce_cq *cq = to_hcq(ibcq);
	struct hroce_queue *q = &cq->queue;
	struct hroce_cqe *cqe;
	uint32_t removed = 0;
	uint32_t i, count;

	if (!cq->single_threaded)
		pthread_spin_lock(&cq->lock);
	q->peer = __atomic_load_n(&q->ring->producer, __ATOMIC_ACQUIRE);
	count = q->peer - q->own;
	/* more than there is room for: somebody has scribbled over the ring */
	if (count > q->mask + 1)
		count = 0;
	for (i = q->peer; count--; i--) {
		cqe = hroce_queue_entry(q, i - 1);
		if (cqe->qp_num == qp_num)
			removed++;
		else if (removed)
			memcpy(hroce_queue_entry(q, i - 1 + removed), cqe,
			       sizeof(*cqe));
	}
	if (removed) {
		q->own += removed;
		hroce_queue_release(q);
	}
	if (!cq->single_threaded)
		pthread_spin_unlock(&cq->lock);
}

/*
 * The kernel goes over to the new ring within the command; so nobody may look at
 * the old one until that is done. Entries not polled are in the new one, and both
 * indices are what they were. The old ring stays should the new one not be mapped:
 * it gets no more entries then, which the error says.
 */
int hroce_resize_cq(struct ibv_cq *ibcq, int cqe)
{
	struct hroce_cmd_resize_cq_resp resp = {};
	struct hroce_cmd_resize_cq cmd = {};
	struct hroce_cq *cq = to_hcq(ibcq);
	struct hroce_queue to;
	int err;

	if (!cq->single_threaded)
		pthread_spin_lock(&cq->lock);
	err = ibv_cmd_resize_cq(ibcq, cqe, &cmd.ibv_cmd, sizeof(cmd), &resp.ibv_resp,
				sizeof(resp));
	if (!err)
		err = hroce_queue_map(&to, ibcq->context->cmd_fd, &resp.drv_payload.ring,
				      sizeof(struct hroce_cqe));
	if (!err) {
		to.own = cq->queue.own;
		to.peer = to.own;
		hroce_queue_unmap(&cq->queue);
		cq->queue = to;
	}
	if (!cq->single_threaded)
		pthread_spin_unlock(&cq->lock);
	return err;
}

int hroce_modify_cq(struct ibv_cq *ibcq, struct ibv_modify_cq_attr *attr)
{
	struct ibv_modify_cq cmd = {};

	return ibv_cmd_modify_cq(ibcq, attr, &cmd, sizeof(cmd));
}

int hroce_destroy_cq(struct ibv_cq *ibcq)
{
	struct hroce_cq *cq = to_hcq(ibcq);
	int err = ibv_cmd_destroy_cq(ibcq);

	if (err)
		return err;
	hroce_queue_unmap(&cq->queue);
	pthread_spin_destroy(&cq->lock);
	free(cq);
	return 0;
}

static void hroce_cqe_to_wc(const struct hroce_cqe *cqe, struct ibv_wc *wc)
{
	*wc = (struct ibv_wc) {
		.wr_id = cqe->wr_id,
		.status = cqe->status,
		.opcode = cqe->opcode,
		.vendor_err = cqe->vendor_err,
		.byte_len = cqe->byte_len,
		.imm_data = cqe->imm,	/* or invalidated_rkey, its union */
		.qp_num = cqe->qp_num,
		.src_qp = cqe->src_qp,
		.wc_flags = cqe->flags,
		.pkey_index = cqe->pkey_index,
		.sl = cqe->sl,
	};
}

int hroce_poll_cq(struct ibv_cq *ibcq, int num_entries, struct ibv_wc *wc)
{
	struct hroce_cq *cq = to_hcq(ibcq);
	const struct hroce_cqe *cqe;
	int n;

	pthread_spin_lock(&cq->lock);
	for (n = 0; n < num_entries; n++) {
		cqe = hroce_queue_peek(&cq->queue);
		if (!cqe)
			break;
		hroce_cqe_to_wc(cqe, &wc[n]);
		cq->queue.own++;
	}
	if (n)
		hroce_queue_release(&cq->queue);
	pthread_spin_unlock(&cq->lock);
	return n;
}
