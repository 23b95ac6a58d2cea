/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Building work queue entries: a request is checked completely against its
 * queue before the entry counts. Returns are errno values.
 *
 * Left to the kernel, which has to look anyway: keys, addresses, alignment of
 * atomics, and the total length.
 */
#ifndef HROCE_WQE_H
#define HROCE_WQE_H

#include <string.h>
#include <infiniband/verbs.h>
#include "queue.h"

_Static_assert(sizeof(struct hroce_send_wqe) == 64, "send WQE header");
_Static_assert(sizeof(struct hroce_recv_wqe) == 16, "receive WQE header");
_Static_assert(sizeof(struct hroce_sge) == sizeof(struct ibv_sge) &&
	       offsetof(struct hroce_sge, addr) == offsetof(struct ibv_sge, addr) &&
	       offsetof(struct hroce_sge, length) == offsetof(struct ibv_sge, length) &&
	       offsetof(struct hroce_sge, lkey) == offsetof(struct ibv_sge, lkey),
	       "elements are copied as they are");

/**
 * struct hroce_ah - an address handle
 * @ibv_ah: what the application holds
 * @number: what the kernel knows it by
 */
struct hroce_ah {
	struct ibv_ah ibv_ah;
	uint32_t number;
};

static inline const struct hroce_ah *to_hroce_ah(const struct ibv_ah *ibah)
{
	return (const struct hroce_ah *)((const char *)ibah -
					 offsetof(struct hroce_ah, ibv_ah));
}

#define HROCE_BIT(n)	(1u << (n))

/* enum ibv_wr_opcode; older rdma-core lacks them. FLUSH is ibv_wr_flush()'s alone. */
enum {
	HROCE_WR_FLUSH = 14,
	HROCE_WR_ATOMIC_WRITE = 15,
};

enum {
	HROCE_SEND_OPCODES = HROCE_BIT(IBV_WR_SEND) |
			     HROCE_BIT(IBV_WR_SEND_WITH_IMM),
	HROCE_INV_OPCODES = HROCE_BIT(IBV_WR_SEND_WITH_INV) |
			    HROCE_BIT(IBV_WR_LOCAL_INV) |
			    HROCE_BIT(IBV_WR_BIND_MW),
	HROCE_WRITE_OPCODES = HROCE_BIT(IBV_WR_RDMA_WRITE) |
			      HROCE_BIT(IBV_WR_RDMA_WRITE_WITH_IMM),
	HROCE_FETCH_OPCODES = HROCE_BIT(IBV_WR_RDMA_READ) |
			      HROCE_BIT(IBV_WR_ATOMIC_CMP_AND_SWP) |
			      HROCE_BIT(IBV_WR_ATOMIC_FETCH_AND_ADD),

	HROCE_INLINE_OPCODES = HROCE_SEND_OPCODES | HROCE_WRITE_OPCODES |
			       HROCE_BIT(IBV_WR_SEND_WITH_INV) |
			       HROCE_BIT(HROCE_WR_ATOMIC_WRITE),
	/* without data, whatever the request says */
	HROCE_BARE_OPCODES = HROCE_BIT(IBV_WR_LOCAL_INV) |
			     HROCE_BIT(IBV_WR_BIND_MW),

	HROCE_SEND_FLAGS = IBV_SEND_FENCE | IBV_SEND_SIGNALED |
			   IBV_SEND_SOLICITED | IBV_SEND_INLINE,
};

/* Opcodes that a QP of this type takes, as a set of HROCE_BIT(opcode). */
static inline uint32_t hroce_opcodes(enum ibv_qp_type type)
{
	switch (type) {
	case IBV_QPT_RC:
		return HROCE_SEND_OPCODES | HROCE_WRITE_OPCODES |
		       HROCE_FETCH_OPCODES | HROCE_INV_OPCODES |
		       HROCE_BIT(HROCE_WR_ATOMIC_WRITE);
	case IBV_QPT_XRC_SEND:
		return HROCE_SEND_OPCODES | HROCE_WRITE_OPCODES |
		       HROCE_FETCH_OPCODES;
	case IBV_QPT_UC:
		return HROCE_SEND_OPCODES | HROCE_WRITE_OPCODES;
	case IBV_QPT_UD:
		return HROCE_SEND_OPCODES;
	default:
		return 0;
	}
}

static inline bool hroce_opcode_in(uint32_t set, unsigned int opcode)
{
	return opcode < 32 && (set & HROCE_BIT(opcode));
}

/* The part that all requests have; no data yet. */
static inline void hroce_wqe_begin(struct hroce_send_wqe *wqe, uint64_t wr_id,
				   uint8_t opcode, uint8_t flags)
{
	memset(wqe, 0, sizeof(*wqe));
	wqe->wr_id = wr_id;
	wqe->opcode = opcode;
	wqe->flags = flags;
}

static inline int hroce_wqe_sges(struct hroce_send_wqe *wqe,
				 const struct hroce_queue *q,
				 const struct ibv_sge *sge, size_t num_sge)
{
	if (num_sge > q->max_sge)
		return EINVAL;
	if (num_sge)
		memcpy(wqe->sge, sge, num_sge * sizeof(*sge));
	wqe->num_sge = num_sge;
	return 0;
}

/* Append to the inline data. */
static inline int hroce_wqe_inline(struct hroce_send_wqe *wqe,
				   const struct hroce_queue *q,
				   const void *data, size_t length)
{
	if (!hroce_opcode_in(HROCE_INLINE_OPCODES, wqe->opcode) ||
	    length > q->max_inline - wqe->inline_length)
		return EINVAL;
	if (length)
		memcpy(wqe->inline_data + wqe->inline_length, data, length);
	wqe->inline_length += length;
	wqe->flags |= IBV_SEND_INLINE;
	return 0;
}

static inline int hroce_wqe_data(struct hroce_send_wqe *wqe,
				 const struct hroce_queue *q,
				 const struct ibv_send_wr *wr)
{
	int err = 0;
	int i;

	if (hroce_opcode_in(HROCE_BARE_OPCODES, wr->opcode))
		return 0;
	if ((uint32_t)wr->num_sge > q->max_sge)
		return EINVAL;
	if (!(wr->send_flags & IBV_SEND_INLINE))
		return hroce_wqe_sges(wqe, q, wr->sg_list, wr->num_sge);

	for (i = 0; i < wr->num_sge && !err; i++)
		err = hroce_wqe_inline(wqe, q,
				       (void *)(uintptr_t)wr->sg_list[i].addr,
				       wr->sg_list[i].length);
	/* a request with the flag but no bytes is not inline: nothing to copy */
	return err;
}

static inline void hroce_wqe_rdma(struct hroce_send_wqe *wqe,
				  uint64_t remote_addr, uint32_t rkey)
{
	wqe->rdma.remote_addr = remote_addr;
	wqe->rdma.rkey = rkey;
}

static inline void hroce_wqe_atomic(struct hroce_send_wqe *wqe,
				    uint64_t remote_addr, uint32_t rkey,
				    uint64_t compare_add, uint64_t swap)
{
	wqe->atomic.remote_addr = remote_addr;
	wqe->atomic.rkey = rkey;
	wqe->atomic.compare_add = compare_add;
	wqe->atomic.swap = swap;
}

static inline int hroce_wqe_bind(struct hroce_send_wqe *wqe,
				 const struct ibv_mw *mw, uint32_t rkey,
				 const struct ibv_mw_bind_info *info)
{
	if (info->length && !info->mr)
		return EINVAL;
	wqe->bind = (struct hroce_bind) {
		.addr = info->addr,
		.length = info->length,
		.key = mw->rkey,
		.rkey = rkey,
		.lkey = info->mr ? info->mr->lkey : 0,
		.access = info->mw_access_flags,
	};
	return 0;
}

static inline int hroce_wqe_ud(struct hroce_send_wqe *wqe,
			       const struct ibv_ah *ah, uint32_t remote_qpn,
			       uint32_t remote_qkey)
{
	if (!ah)
		return EINVAL;
	wqe->ah = to_hroce_ah(ah)->number;
	wqe->ud.remote_qpn = remote_qpn;
	wqe->ud.remote_qkey = remote_qkey;
	return 0;
}

/* Where the request goes, by opcode and QP type. */
static inline int hroce_wqe_target(struct hroce_send_wqe *wqe,
				   enum ibv_qp_type type,
				   const struct ibv_send_wr *wr)
{
	if (type == IBV_QPT_XRC_SEND)
		wqe->srqn = wr->qp_type.xrc.remote_srqn;
	switch ((unsigned int)wr->opcode) {
	case IBV_WR_SEND_WITH_IMM:
		wqe->imm = wr->imm_data;
		/* fallthrough */
	case IBV_WR_SEND:
		if (type != IBV_QPT_UD)
			return 0;
		return hroce_wqe_ud(wqe, wr->wr.ud.ah, wr->wr.ud.remote_qpn,
				    wr->wr.ud.remote_qkey);
	case IBV_WR_SEND_WITH_INV:
	case IBV_WR_LOCAL_INV:
		wqe->imm = wr->invalidate_rkey;
		return 0;
	case IBV_WR_BIND_MW:
		return hroce_wqe_bind(wqe, wr->bind_mw.mw, wr->bind_mw.rkey,
				      &wr->bind_mw.bind_info);
	case IBV_WR_RDMA_WRITE_WITH_IMM:
		wqe->imm = wr->imm_data;
		/* fallthrough */
	case IBV_WR_RDMA_WRITE:
	case IBV_WR_RDMA_READ:
	case HROCE_WR_ATOMIC_WRITE:
		hroce_wqe_rdma(wqe, wr->wr.rdma.remote_addr, wr->wr.rdma.rkey);
		return 0;
	case IBV_WR_ATOMIC_CMP_AND_SWP:
	case IBV_WR_ATOMIC_FETCH_AND_ADD:
		hroce_wqe_atomic(wqe, wr->wr.atomic.remote_addr,
				 wr->wr.atomic.rkey, wr->wr.atomic.compare_add,
				 wr->wr.atomic.swap);
		return 0;
	default:
		return EINVAL;
	}
}

/* Queue a send request; ENOMEM when there is no room. */
static inline int hroce_queue_send(struct hroce_queue *q, enum ibv_qp_type type,
				   const struct ibv_send_wr *wr)
{
	struct hroce_send_wqe *wqe;
	int err;

	if (!hroce_opcode_in(hroce_opcodes(type), wr->opcode) ||
	    (wr->send_flags & ~HROCE_SEND_FLAGS))
		return EINVAL;
	if (hroce_queue_full(q))
		return ENOMEM;

	wqe = hroce_queue_head(q);
	hroce_wqe_begin(wqe, wr->wr_id, wr->opcode,
			wr->send_flags & ~IBV_SEND_INLINE);
	err = hroce_wqe_data(wqe, q, wr);
	if (!err)
		err = hroce_wqe_target(wqe, type, wr);
	if (!err)
		q->own++;
	return err;
}

/* Queue a receive request; ENOMEM when there is no room. */
static inline int hroce_queue_recv(struct hroce_queue *q,
				   const struct ibv_recv_wr *wr)
{
	struct hroce_recv_wqe *wqe;

	if ((uint32_t)wr->num_sge > q->max_sge)
		return EINVAL;
	if (hroce_queue_full(q))
		return ENOMEM;

	wqe = hroce_queue_head(q);
	wqe->wr_id = wr->wr_id;
	wqe->num_sge = wr->num_sge;
	wqe->reserved = 0;
	if (wr->num_sge)
		memcpy(wqe->sge, wr->sg_list,
		       wr->num_sge * sizeof(*wr->sg_list));
	q->own++;
	return 0;
}

#endif
