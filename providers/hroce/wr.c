// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The ibv_wr_* way of posting. ibv_wr_start() takes the send queue's lock and
 * ibv_wr_complete() or ibv_wr_abort() drops it; in between each builder opens a
 * new entry and the setters fill in its rest. The first error is kept, makes
 * all that follows do nothing, and takes the whole batch back.
 */
#include "compat.h"
#include "hroce.h"

static struct hroce_qp *to_hqpx(struct ibv_qp_ex *qpx)
{
	return container_of(qpx, struct hroce_qp, vqp.qp_ex);
}

/* A new entry, or NULL when the batch has failed. */
static struct hroce_send_wqe *hroce_wr_open(struct ibv_qp_ex *qpx,
					    unsigned int opcode)
{
	struct hroce_qp *qp = to_hqpx(qpx);

	if (qp->wr_err)
		return NULL;
	if (qpx->wr_flags & ~HROCE_SEND_FLAGS) {
		qp->wr_err = EINVAL;
		return NULL;
	}
	if (hroce_queue_full(&qp->sq)) {
		qp->wr_err = ENOMEM;
		return NULL;
	}

	/* whether there is inline data is up to the setter, not to the flag */
	qp->wr_wqe = hroce_queue_head(&qp->sq);
	hroce_wqe_begin(qp->wr_wqe, qpx->wr_id, opcode,
			qpx->wr_flags & ~IBV_SEND_INLINE);
	qp->sq.own++;
	return qp->wr_wqe;
}

static void hroce_wr_open_rdma(struct ibv_qp_ex *qpx, unsigned int opcode,
			       uint32_t rkey, uint64_t remote_addr, __be32 imm)
{
	struct hroce_send_wqe *wqe = hroce_wr_open(qpx, opcode);

	if (!wqe)
		return;
	hroce_wqe_rdma(wqe, remote_addr, rkey);
	wqe->imm = imm;
}

static void hroce_wr_open_atomic(struct ibv_qp_ex *qpx,
				 enum ibv_wr_opcode opcode, uint32_t rkey,
				 uint64_t remote_addr, uint64_t compare_add,
				 uint64_t swap)
{
	struct hroce_send_wqe *wqe = hroce_wr_open(qpx, opcode);

	if (wqe)
		hroce_wqe_atomic(wqe, remote_addr, rkey, compare_add, swap);
}

/* Builders */

static void hroce_wr_send(struct ibv_qp_ex *qpx)
{
	hroce_wr_open(qpx, IBV_WR_SEND);
}

static void hroce_wr_send_imm(struct ibv_qp_ex *qpx, __be32 imm)
{
	struct hroce_send_wqe *wqe = hroce_wr_open(qpx, IBV_WR_SEND_WITH_IMM);

	if (wqe)
		wqe->imm = imm;
}

static void hroce_wr_open_inv(struct ibv_qp_ex *qpx, enum ibv_wr_opcode opcode,
			      uint32_t rkey)
{
	struct hroce_send_wqe *wqe = hroce_wr_open(qpx, opcode);

	if (wqe)
		wqe->imm = rkey;
}

static void hroce_wr_send_inv(struct ibv_qp_ex *qpx, uint32_t rkey)
{
	hroce_wr_open_inv(qpx, IBV_WR_SEND_WITH_INV, rkey);
}

static void hroce_wr_local_inv(struct ibv_qp_ex *qpx, uint32_t rkey)
{
	hroce_wr_open_inv(qpx, IBV_WR_LOCAL_INV, rkey);
}

static void hroce_wr_bind_mw(struct ibv_qp_ex *qpx, struct ibv_mw *mw,
			     uint32_t rkey,
			     const struct ibv_mw_bind_info *info)
{
	struct hroce_send_wqe *wqe = hroce_wr_open(qpx, IBV_WR_BIND_MW);

	if (wqe)
		to_hqpx(qpx)->wr_err = hroce_wqe_bind(wqe, mw, rkey, info);
}

static void hroce_wr_rdma_write(struct ibv_qp_ex *qpx, uint32_t rkey,
				uint64_t remote_addr)
{
	hroce_wr_open_rdma(qpx, IBV_WR_RDMA_WRITE, rkey, remote_addr, 0);
}

static void hroce_wr_rdma_write_imm(struct ibv_qp_ex *qpx, uint32_t rkey,
				    uint64_t remote_addr, __be32 imm)
{
	hroce_wr_open_rdma(qpx, IBV_WR_RDMA_WRITE_WITH_IMM, rkey, remote_addr,
			   imm);
}

static void hroce_wr_rdma_read(struct ibv_qp_ex *qpx, uint32_t rkey,
			       uint64_t remote_addr)
{
	hroce_wr_open_rdma(qpx, IBV_WR_RDMA_READ, rkey, remote_addr, 0);
}

static void hroce_wr_atomic_cmp_swp(struct ibv_qp_ex *qpx, uint32_t rkey,
				    uint64_t remote_addr, uint64_t compare,
				    uint64_t swap)
{
	hroce_wr_open_atomic(qpx, IBV_WR_ATOMIC_CMP_AND_SWP, rkey, remote_addr,
			     compare, swap);
}

static void hroce_wr_atomic_fetch_add(struct ibv_qp_ex *qpx, uint32_t rkey,
				      uint64_t remote_addr, uint64_t add)
{
	hroce_wr_open_atomic(qpx, IBV_WR_ATOMIC_FETCH_AND_ADD, rkey,
			     remote_addr, add, 0);
}

/* Eight bytes that come with the request. */
static void hroce_wr_atomic_write(struct ibv_qp_ex *qpx, uint32_t rkey,
				  uint64_t remote_addr, const void *value)
{
	struct hroce_qp *qp = to_hqpx(qpx);

	hroce_wr_open_rdma(qpx, HROCE_WR_ATOMIC_WRITE, rkey, remote_addr, 0);
	if (!qp->wr_err)
		qp->wr_err = hroce_wqe_inline(qp->wr_wqe, &qp->sq, value,
					      sizeof(uint64_t));
}

static void hroce_wr_flush(struct ibv_qp_ex *qpx, uint32_t rkey,
			   uint64_t remote_addr, size_t len, uint8_t type,
			   uint8_t level)
{
	struct hroce_send_wqe *wqe = hroce_wr_open(qpx, HROCE_WR_FLUSH);

	if (!wqe)
		return;
	wqe->flush.remote_addr = remote_addr;
	wqe->flush.rkey = rkey;
	wqe->flush.length = len;
	wqe->flush.type = type;
	wqe->flush.level = level;
	if (len > UINT32_MAX)
		to_hqpx(qpx)->wr_err = EINVAL;
}

/* Setters, of the entry opened last */

static void hroce_wr_set_ud_addr(struct ibv_qp_ex *qpx, struct ibv_ah *ah,
				 uint32_t remote_qpn, uint32_t remote_qkey)
{
	struct hroce_qp *qp = to_hqpx(qpx);

	if (!qp->wr_err)
		qp->wr_err = hroce_wqe_ud(qp->wr_wqe, ah, remote_qpn,
					  remote_qkey);
}

static void hroce_wr_set_xrc_srqn(struct ibv_qp_ex *qpx, uint32_t remote_srqn)
{
	struct hroce_qp *qp = to_hqpx(qpx);

	if (!qp->wr_err)
		qp->wr_wqe->srqn = remote_srqn;
}

static void hroce_wr_set_sge_list(struct ibv_qp_ex *qpx, size_t num_sge,
				  const struct ibv_sge *sge)
{
	struct hroce_qp *qp = to_hqpx(qpx);

	if (!qp->wr_err)
		qp->wr_err = hroce_wqe_sges(qp->wr_wqe, &qp->sq, sge, num_sge);
}

static void hroce_wr_set_sge(struct ibv_qp_ex *qpx, uint32_t lkey,
			     uint64_t addr, uint32_t length)
{
	const struct ibv_sge sge = {
		.addr = addr,
		.length = length,
		.lkey = lkey,
	};

	hroce_wr_set_sge_list(qpx, 1, &sge);
}

static void hroce_wr_set_inline_data_list(struct ibv_qp_ex *qpx, size_t num_buf,
					  const struct ibv_data_buf *buf)
{
	struct hroce_qp *qp = to_hqpx(qpx);

	for (; num_buf && !qp->wr_err; num_buf--, buf++)
		qp->wr_err = hroce_wqe_inline(qp->wr_wqe, &qp->sq, buf->addr,
					      buf->length);
}

static void hroce_wr_set_inline_data(struct ibv_qp_ex *qpx, void *addr,
				     size_t length)
{
	const struct ibv_data_buf buf = { .addr = addr, .length = length };

	hroce_wr_set_inline_data_list(qpx, 1, &buf);
}

/* Batches */

static void hroce_wr_start(struct ibv_qp_ex *qpx)
{
	struct hroce_qp *qp = to_hqpx(qpx);

	pthread_spin_lock(&qp->sq_lock);
	qp->wr_first = qp->sq.own;
	qp->wr_err = hroce_can_post_send(&qpx->qp_base) ? 0 : EINVAL;
}

static void hroce_wr_abort(struct ibv_qp_ex *qpx)
{
	struct hroce_qp *qp = to_hqpx(qpx);

	qp->sq.own = qp->wr_first;
	pthread_spin_unlock(&qp->sq_lock);
}

/* A failing doorbell leaves the entries in the ring: see hroce_post_send(). */
static int hroce_wr_complete(struct ibv_qp_ex *qpx)
{
	struct hroce_qp *qp = to_hqpx(qpx);
	int err = qp->wr_err;

	if (err || qp->sq.own == qp->wr_first) {
		hroce_wr_abort(qpx);
		return err;
	}
	hroce_queue_submit(&qp->sq);
	pthread_spin_unlock(&qp->sq_lock);
	return hroce_doorbell(&qpx->qp_base);
}

bool hroce_wr_supported(enum ibv_qp_type type, uint64_t send_ops)
{
	uint32_t opcodes = hroce_opcodes(type);
	uint64_t ops = 0;

	if (hroce_opcode_in(opcodes, IBV_WR_SEND))
		ops |= IBV_QP_EX_WITH_SEND | IBV_QP_EX_WITH_SEND_WITH_IMM;
	if (hroce_opcode_in(opcodes, IBV_WR_RDMA_WRITE))
		ops |= IBV_QP_EX_WITH_RDMA_WRITE |
		       IBV_QP_EX_WITH_RDMA_WRITE_WITH_IMM;
	if (hroce_opcode_in(opcodes, IBV_WR_BIND_MW))
		ops |= IBV_QP_EX_WITH_BIND_MW | IBV_QP_EX_WITH_LOCAL_INV |
		       IBV_QP_EX_WITH_SEND_WITH_INV;
	if (hroce_opcode_in(opcodes, IBV_WR_RDMA_READ))
		ops |= IBV_QP_EX_WITH_RDMA_READ |
		       IBV_QP_EX_WITH_ATOMIC_CMP_AND_SWP |
		       IBV_QP_EX_WITH_ATOMIC_FETCH_AND_ADD;
	if (hroce_opcode_in(opcodes, HROCE_WR_ATOMIC_WRITE))
		ops |= HROCE_QP_EX_WITH_ATOMIC_WRITE | HROCE_QP_EX_WITH_FLUSH;
	return !(send_ops & ~ops);
}

/* Only the builders that were asked for are there, as the API has it. */
void hroce_wr_setup(struct ibv_qp_ex *qpx, uint64_t send_ops)
{
	if (send_ops & IBV_QP_EX_WITH_SEND)
		qpx->wr_send = hroce_wr_send;
	if (send_ops & IBV_QP_EX_WITH_SEND_WITH_IMM)
		qpx->wr_send_imm = hroce_wr_send_imm;
	if (send_ops & IBV_QP_EX_WITH_RDMA_WRITE)
		qpx->wr_rdma_write = hroce_wr_rdma_write;
	if (send_ops & IBV_QP_EX_WITH_RDMA_WRITE_WITH_IMM)
		qpx->wr_rdma_write_imm = hroce_wr_rdma_write_imm;
	if (send_ops & IBV_QP_EX_WITH_RDMA_READ)
		qpx->wr_rdma_read = hroce_wr_rdma_read;
	if (send_ops & IBV_QP_EX_WITH_ATOMIC_CMP_AND_SWP)
		qpx->wr_atomic_cmp_swp = hroce_wr_atomic_cmp_swp;
	if (send_ops & IBV_QP_EX_WITH_ATOMIC_FETCH_AND_ADD)
		qpx->wr_atomic_fetch_add = hroce_wr_atomic_fetch_add;
	if (send_ops & HROCE_QP_EX_WITH_ATOMIC_WRITE)
		hroce_set_wr_atomic_write(qpx, hroce_wr_atomic_write);
	if (send_ops & HROCE_QP_EX_WITH_FLUSH)
		hroce_set_wr_flush(qpx, hroce_wr_flush);
	if (send_ops & IBV_QP_EX_WITH_BIND_MW)
		qpx->wr_bind_mw = hroce_wr_bind_mw;
	if (send_ops & IBV_QP_EX_WITH_LOCAL_INV)
		qpx->wr_local_inv = hroce_wr_local_inv;
	if (send_ops & IBV_QP_EX_WITH_SEND_WITH_INV)
		qpx->wr_send_inv = hroce_wr_send_inv;

	qpx->wr_set_ud_addr = hroce_wr_set_ud_addr;
	qpx->wr_set_xrc_srqn = hroce_wr_set_xrc_srqn;
	qpx->wr_set_sge = hroce_wr_set_sge;
	qpx->wr_set_sge_list = hroce_wr_set_sge_list;
	qpx->wr_set_inline_data = hroce_wr_set_inline_data;
	qpx->wr_set_inline_data_list = hroce_wr_set_inline_data_list;
	qpx->wr_start = hroce_wr_start;
	qpx->wr_complete = hroce_wr_complete;
	qpx->wr_abort = hroce_wr_abort;
}
