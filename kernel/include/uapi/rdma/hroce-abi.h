/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR BSD-2-Clause */
/*
 * What hroce.ko and its rdma-core provider agree on: the layout of the shared
 * rings and the driver's part of the uverbs commands. The one copy of it.
 *
 * Rule of growth: structures only ever get longer, at the end; either side
 * takes what the other does not know as zero.
 */
#ifndef HROCE_ABI_H
#define HROCE_ABI_H

#include <linux/types.h>

#define HROCE_UVERBS_ABI_VERSION	1
#define HROCE_DRIVER_ID			0x484f4450	/* "HODP" */

/*
 * A ring: this header, then @entries entries of @stride bytes, at byte
 * HROCE_RING_ENTRIES of the mapping. Both indices run freely modulo 2^32; entry
 * i is at i & (entries - 1), entries being a power of two. The ring is empty
 * when they are equal and full when producer - consumer == entries. Each side
 * writes its own index with release and reads the other's with acquire
 * semantics. The kernel trusts none of it.
 *
 * A receive queue is not announced to the kernel, unless the kernel has set
 * doorbell (the QP is in error, and what is posted must be flushed): after
 * writing the producer index and a full barrier the provider reads it, and if
 * it is not zero rings the QP's doorbell. An SRQ never asks for one.
 *
 *	ring			producer	consumer
 *	send queue		provider	kernel, when the request is complete
 *	receive queue, SRQ	provider	kernel, when the request is taken
 *	completion queue	kernel		provider
 */
struct hroce_ring {
	__u32 producer;
	__u32 reserved0[15];
	__u32 consumer;
	__u32 doorbell;
	__u32 reserved1[14];
};

#define HROCE_RING_ENTRIES	128

/**
 * struct hroce_ring_info - how to map a ring
 * @offset: for mmap() of the uverbs command file
 * @length: bytes to map, whole pages
 * @entries: a power of two
 * @stride: bytes from one entry to the next, a multiple of 16
 * @max_sge: scatter/gather entries that fit
 * @max_inline: bytes of inline data that fit, send queue only
 * A queue that the object does not have (the receive queue of a QP with an SRQ)
 * has entries 0.
 */
struct hroce_ring_info {
	__aligned_u64 offset;
	__u32 length;
	__u32 entries;
	__u32 stride;
	__u32 max_sge;
	__u32 max_inline;
	__u32 reserved;
};

struct hroce_sge {
	__aligned_u64 addr;
	__u32 length;
	__u32 lkey;
};

/**
 * struct hroce_bind - a memory window, and what it shall be a window to
 * @addr: first byte, in the address space of the region
 * @length: bytes; 0: nothing, type 1 only
 * @key: the window's; but for its 8-bit tag, which may be out of date
 * @rkey: of the binding; the tag counts
 * @lkey: of the region
 * @access: IB_ACCESS_REMOTE_* and IB_ZERO_BASED
 */
struct hroce_bind {
	__aligned_u64 addr;
	__aligned_u64 length;
	__u32 key;
	__u32 rkey;
	__u32 lkey;
	__u32 access;
};

/**
 * struct hroce_send_wqe - entry of a send queue
 * @wr_id: returned in the completion
 * @opcode: IB_UVERBS_WR_*
 * @flags: IB_SEND_* values (enum ib_send_flags): fence, signaled, solicited, inline
 * @num_sge: entries of @sge; 0 where @flags has inline
 * @inline_length: bytes of @inline_data; 0 unless @flags has inline
 * @imm: immediate data, big endian, or the key to invalidate, CPU order
 * @bind: of a memory window; @lkey, @access and @addr do not matter where @length is 0
 * @ah: address handle number (hroce_create_ah_resp), UD only
 * @srqn: remote shared receive queue, XRC only
 */
struct hroce_send_wqe {
	__aligned_u64 wr_id;
	__u8 opcode;
	__u8 flags;
	__u16 num_sge;
	__u32 inline_length;
	__u32 imm;
	__u32 ah;
	union {
		struct {
			__aligned_u64 remote_addr;
			__u32 rkey;
		} rdma;
		struct {
			__aligned_u64 remote_addr;
			__u32 rkey;
			__u32 reserved;
			__aligned_u64 compare_add;
			__aligned_u64 swap;
		} atomic;
		struct {
			__u32 remote_qpn;
			__u32 remote_qkey;
		} ud;
		struct hroce_bind bind;
		struct {
			__aligned_u64 remote_addr;
			__u32 rkey;
			__u32 length;
			__u8 type;	/* IB_FLUSH_GLOBAL, IB_FLUSH_PERSISTENT */
			__u8 level;	/* IB_FLUSH_RANGE or IB_FLUSH_MR */
		} flush;
		__u8 room[32];
	};
	__u32 srqn;
	__u32 reserved;
	/* 64 bytes up to here */
	union {
		__DECLARE_FLEX_ARRAY(struct hroce_sge, sge);
		__DECLARE_FLEX_ARRAY(__u8, inline_data);
	};
};

/**
 * struct hroce_recv_wqe - entry of a receive queue or SRQ
 * @wr_id: returned in the completion
 * @num_sge: entries of @sge
 */
struct hroce_recv_wqe {
	__aligned_u64 wr_id;
	__u32 num_sge;
	__u32 reserved;
	struct hroce_sge sge[];
};

/* struct hroce_cqe flags; the values of enum ibv_wc_flags */
#define HROCE_CQE_GRH		0x1u
#define HROCE_CQE_IMM		0x2u
#define HROCE_CQE_INV		0x8u
/* and one of the kernel's, for QP 1 alone */
#define HROCE_CQE_VLAN		0x80000000u

/*
 * IBTA A17.4.5.1 wants a UD completion to tell IPv4 from IPv6, and verbs have no
 * field for it. As mlx5 does, and UCX expects of every device, it is in the place of
 * the service level, which RoCE has not: bit 3 UDP, bits 2:0 the network header.
 */
enum hroce_sl {
	HROCE_SL_IPV6 = 0x9,
	HROCE_SL_IPV4 = 0xa,
};

/**
 * struct hroce_cqe - entry of a completion queue
 * @wr_id: of the request
 * @status: IB_WC_* as enum ibv_wc_status
 * @opcode: enum ibv_wc_opcode; of a failed request undefined
 * @vendor_err: 0, or detail for a person
 * @byte_len: bytes moved
 * @imm: immediate data, big endian, or the invalidated key, CPU order
 * @qp_num: the local QP
 * @src_qp: the sender, UD only
 * @flags: HROCE_CQE_*
 * @pkey_index: always 0
 * @sl: UD only, HROCE_SL_*: what the packet came in
 * @vlan: with HROCE_CQE_VLAN, of the GID that it came to
 * @timestamp_ns: when it was made, CLOCK_MONOTONIC
 */
struct hroce_cqe {
	__aligned_u64 wr_id;
	__u32 status;
	__u32 opcode;
	__u32 vendor_err;
	__u32 byte_len;
	__u32 imm;
	__u32 qp_num;
	__u32 src_qp;
	__u32 flags;
	__u16 pkey_index;
	__u8 sl;
	__u8 reserved0;
	__u16 vlan;
	__u16 reserved1;
	__aligned_u64 timestamp_ns;
	__aligned_u64 reserved2;
};

struct hroce_alloc_ucontext_resp {
	__u32 max_inline;	/* bytes */
	__u32 max_sge;
};

/* Also of RESIZE_CQ, which copies to a new ring what has not been consumed; both
 * indices go on from where they are.
 */
struct hroce_create_cq_resp {
	struct hroce_ring_info ring;
};

struct hroce_create_qp_resp {
	struct hroce_ring_info sq;
	struct hroce_ring_info rq;
};

struct hroce_create_srq_resp {
	struct hroce_ring_info ring;
	__u32 srqn;
	__u32 reserved;
};

/**
 * struct hroce_modify_srq_req - with IB_SRQ_MAX_WR: the SRQ moves to a new ring
 * @ring: user address of a struct hroce_ring_info, which is filled in; the verb has
 *	no response of its own
 * @room: bytes there
 * What was posted and has not been taken keeps its index in the new ring. User space
 * must not post while the command runs.
 */
struct hroce_modify_srq_req {
	__aligned_u64 ring;
	__u32 room;
	__u32 reserved;
};

#define HROCE_REG_NULL	0x1u

/**
 * struct hroce_reg_mr_req - REG_MR, where it is not about memory of the process
 * @flags: HROCE_REG_NULL: bytes written to it are thrown away, those read are 0, and
 *	it has no rkey; the address, the length and the rights of the verb are ignored
 */
struct hroce_reg_mr_req {
	__u32 flags;
	__u32 reserved;
};

struct hroce_create_ah_resp {
	__u32 ah;		/* for struct hroce_send_wqe */
	__u32 reserved;
};

/* Attributes and a method of device memory, in the driver's range of numbers
 * (UVERBS_ID_NS_SHIFT).
 */
enum hroce_alloc_dm_attrs {
	HROCE_ATTR_ALLOC_DM_OFFSET = 1u << 12,	/* out, __u64: for mmap() */
};

enum hroce_dm_methods {
	HROCE_METHOD_DM_QUERY = 1u << 12,
};

enum hroce_query_dm_attrs {
	HROCE_ATTR_QUERY_DM_HANDLE = 1u << 12,
	HROCE_ATTR_QUERY_DM_OFFSET,		/* out, __u64: for mmap() */
	HROCE_ATTR_QUERY_DM_LENGTH,		/* out, __u64: bytes */
};

/*
 * The doorbell is the uverbs POST_SEND command with no work request in it.
 */
#endif
