// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The extended CQ: ibv_start_poll() takes the lock and ibv_end_poll() drops it;
 * in between cq->cqe is the current entry, which stays in the ring until then.
 */
#include <stdlib.h>
#include "cmd.h"
#include "compat.h"
#include "hroce.h"

enum {
	HROCE_WC_EX_FLAGS = IBV_WC_STANDARD_FLAGS |
			    IBV_WC_EX_WITH_COMPLETION_TIMESTAMP,
};

static struct hroce_cq *to_hcqx(struct ibv_cq_ex *cqx)
{
	return container_of(cqx, struct hroce_cq, vcq.cq_ex);
}

static int hroce_next_poll(struct ibv_cq_ex *cqx)
{
	struct hroce_cq *cq = to_hcqx(cqx);
	const struct hroce_cqe *cqe = hroce_queue_peek(&cq->queue);

	if (!cqe)
		return ENOENT;
	cq->queue.own++;
	cq->cqe = cqe;
	cqx->wr_id = cqe->wr_id;
	cqx->status = cqe->status;
	return 0;
}

static void hroce_end_poll(struct ibv_cq_ex *cqx)
{
	struct hroce_cq *cq = to_hcqx(cqx);

	hroce_queue_release(&cq->queue);
	if (!cq->single_threaded)
		pthread_spin_unlock(&cq->lock);
}

/* Without a completion the lock is not kept, and ibv_end_poll() not called. */
static int hroce_start_poll(struct ibv_cq_ex *cqx,
			    struct ibv_poll_cq_attr *attr)
{
	struct hroce_cq *cq = to_hcqx(cqx);
	int err;

	if (attr->comp_mask)
		return EINVAL;
	if (!cq->single_threaded)
		pthread_spin_lock(&cq->lock);
	err = hroce_next_poll(cqx);
	if (err && !cq->single_threaded)
		pthread_spin_unlock(&cq->lock);
	return err;
}

static enum ibv_wc_opcode hroce_read_opcode(struct ibv_cq_ex *cqx)
{
	return to_hcqx(cqx)->cqe->opcode;
}

static uint32_t hroce_read_vendor_err(struct ibv_cq_ex *cqx)
{
	return to_hcqx(cqx)->cqe->vendor_err;
}

static uint32_t hroce_read_byte_len(struct ibv_cq_ex *cqx)
{
	return to_hcqx(cqx)->cqe->byte_len;
}

static __be32 hroce_read_imm_data(struct ibv_cq_ex *cqx)
{
	return to_hcqx(cqx)->cqe->imm;
}

static uint32_t hroce_read_qp_num(struct ibv_cq_ex *cqx)
{
	return to_hcqx(cqx)->cqe->qp_num;
}

static uint32_t hroce_read_src_qp(struct ibv_cq_ex *cqx)
{
	return to_hcqx(cqx)->cqe->src_qp;
}

static uint8_t hroce_read_sl(struct ibv_cq_ex *cqx)
{
	return to_hcqx(cqx)->cqe->sl;
}

static unsigned int hroce_read_wc_flags(struct ibv_cq_ex *cqx)
{
	return to_hcqx(cqx)->cqe->flags;
}

static uint64_t hroce_read_completion_ts(struct ibv_cq_ex *cqx)
{
	return to_hcqx(cqx)->cqe->timestamp_ns;
}

/* What InfiniBand has and RoCE does not. */

static uint32_t hroce_read_slid(struct ibv_cq_ex *cqx)
{
	(void)cqx;
	return 0;
}

static uint8_t hroce_read_dlid_path_bits(struct ibv_cq_ex *cqx)
{
	(void)cqx;
	return 0;
}

void hroce_cq_ex_setup(struct ibv_cq_ex *cqx, uint64_t wc_flags)
{
	cqx->start_poll = hroce_start_poll;
	cqx->next_poll = hroce_next_poll;
	cqx->end_poll = hroce_end_poll;
	cqx->read_opcode = hroce_read_opcode;
	cqx->read_vendor_err = hroce_read_vendor_err;
	cqx->read_wc_flags = hroce_read_wc_flags;

	if (wc_flags & IBV_WC_EX_WITH_BYTE_LEN)
		cqx->read_byte_len = hroce_read_byte_len;
	if (wc_flags & IBV_WC_EX_WITH_IMM)
		cqx->read_imm_data = hroce_read_imm_data;
	if (wc_flags & IBV_WC_EX_WITH_QP_NUM)
		cqx->read_qp_num = hroce_read_qp_num;
	if (wc_flags & IBV_WC_EX_WITH_SRC_QP)
		cqx->read_src_qp = hroce_read_src_qp;
	if (wc_flags & IBV_WC_EX_WITH_SLID)
		cqx->read_slid = hroce_read_slid;
	if (wc_flags & IBV_WC_EX_WITH_SL)
		cqx->read_sl = hroce_read_sl;
	if (wc_flags & IBV_WC_EX_WITH_DLID_PATH_BITS)
		cqx->read_dlid_path_bits = hroce_read_dlid_path_bits;
	if (wc_flags & IBV_WC_EX_WITH_COMPLETION_TIMESTAMP)
		cqx->read_completion_ts = hroce_read_completion_ts;
}

struct ibv_cq_ex *hroce_create_cq_ex(struct ibv_context *context,
				     struct ibv_cq_init_attr_ex *attr)
{
	struct hroce_cmd_create_cq_ex_resp resp = {};
	struct hroce_cmd_create_cq_ex cmd = {};
	struct ibv_cq_init_attr_ex kernel_attr = *attr;
	uint32_t flags = 0;
	struct hroce_cq *cq;
	int err;

	if (attr->comp_mask & IBV_CQ_INIT_ATTR_MASK_FLAGS)
		flags = attr->flags;
	/* a parent domain has nothing that a completion queue needs */
	if (!check_comp_mask(attr->comp_mask, IBV_CQ_INIT_ATTR_MASK_FLAGS |
					      IBV_CQ_INIT_ATTR_MASK_PD) ||
	    !check_comp_mask(flags, IBV_CREATE_CQ_ATTR_SINGLE_THREADED) ||
	    !check_comp_mask(attr->wc_flags, HROCE_WC_EX_FLAGS)) {
		errno = EOPNOTSUPP;
		return NULL;
	}

	cq = calloc(1, sizeof(*cq));
	if (!cq)
		return NULL;

	/* every completion has a time stamp: nothing to ask of the kernel */
	kernel_attr.wc_flags &= ~IBV_WC_EX_WITH_COMPLETION_TIMESTAMP;
	kernel_attr.comp_mask &= ~IBV_CQ_INIT_ATTR_MASK_PD;
	err = hroce_compat_create_cq_ex(context, &kernel_attr, &cq->vcq,
					&cmd.ibv_cmd, sizeof(cmd),
					&resp.ibv_resp, sizeof(resp));
	if (!err)
		err = hroce_cq_setup(cq, context, &resp.drv_payload.ring);
	if (err) {
		free(cq);
		errno = err;
		return NULL;
	}
	cq->single_threaded = flags & IBV_CREATE_CQ_ATTR_SINGLE_THREADED;
	hroce_cq_ex_setup(&cq->vcq.cq_ex, attr->wc_flags);
	return &cq->vcq.cq_ex;
}
