// SPDX-License-Identifier: GPL-2.0
/* Writes and reads the transport headers of RoCEv2 packets, see wire.h. */
#include <linux/errno.h>
#include <linux/types.h>
#include <asm/byteorder.h>

#include "wire.h"

/* The headers as they lie on the wire, big-endian and without gaps. */
struct hroce_bth {
	u8 opcode;
	u8 bits;		/* solicited:1 migrated:1 pad:2 version:4 */
	__be16 pkey;
	__be32 qpn;		/* fecn:1 becn:1 reserved:6 qpn:24 */
	__be32 psn;		/* ack_req:1 reserved:7 psn:24 */
} __packed;

struct hroce_deth {
	__be32 qkey;
	__be32 src_qpn;		/* reserved:8 qpn:24 */
} __packed;

struct hroce_xrceth {
	__be32 srqn;		/* reserved:8 srqn:24 */
} __packed;

struct hroce_reth {
	__be64 va;
	__be32 rkey;
	__be32 length;
} __packed;

struct hroce_feth {
	__be32 bits;		/* reserved:26 level:2 type:4 */
} __packed;

struct hroce_atomiceth {
	__be64 va;
	__be32 rkey;
	__be64 swap_add;
	__be64 compare;
} __packed;

struct hroce_aeth {
	__be32 word;		/* syndrome:8 msn:24 */
} __packed;

struct hroce_atomicack {
	__be64 orig;
} __packed;

struct hroce_word {		/* immediate data, or the key to invalidate */
	__be32 word;
} __packed;

#define BTH_SOLICITED	0x80
#define BTH_PAD_SHIFT	4
#define BTH_PAD_MASK	0x3
#define BTH_VER_MASK	0x0f

#define FETH_TYPE_MASK	0xfu
#define FETH_LEVEL_SHIFT	4
#define FETH_LEVEL_MASK	0x3u

/* Transport services: the upper 3 bits of an opcode. */
enum {
	SERVICE_RC = 0,
	SERVICE_UC = 1,
	SERVICE_UD = 3,
	SERVICE_XRC = 5,
};

#define OP_MASK			0x1f
#define OP_SEND_ONLY		0x04
#define OP_SEND_ONLY_IMM	0x05
#define OP_WRITE_ONLY_IMM	0x0b
#define OP_SEND_ONLY_INV	0x17

#define FIRST		HROCE_PKT_FIRST
#define LAST		HROCE_PKT_LAST
#define ONLY		(FIRST | LAST)
#define SEND		(HROCE_PKT_KNOWN | HROCE_PKT_SEND | HROCE_PKT_PAYLOAD)
#define WRITES		(HROCE_PKT_KNOWN | HROCE_PKT_WRITE | HROCE_PKT_PAYLOAD)
#define RESPONSE	(HROCE_PKT_KNOWN | HROCE_PKT_RESPONSE)
#define READ_RESP	(RESPONSE | HROCE_PKT_READ_RESP | HROCE_PKT_PAYLOAD)
#define ATOMIC		(HROCE_PKT_KNOWN | HROCE_PKT_ATOMIC | HROCE_PKT_ATOMICETH)

/* By the lower 5 bits of an opcode, for RC (IBTA table 38). */
static const u32 hroce_op_flags[OP_MASK + 1] = {
	[0x00] = SEND | FIRST,
	[0x01] = SEND,
	[0x02] = SEND | LAST,
	[0x03] = SEND | LAST | HROCE_PKT_IMM,
	[0x04] = SEND | ONLY,
	[0x05] = SEND | ONLY | HROCE_PKT_IMM,
	[0x06] = WRITES | FIRST | HROCE_PKT_RETH,
	[0x07] = WRITES,
	[0x08] = WRITES | LAST,
	[0x09] = WRITES | LAST | HROCE_PKT_IMM,
	[0x0a] = WRITES | ONLY | HROCE_PKT_RETH,
	[0x0b] = WRITES | ONLY | HROCE_PKT_RETH | HROCE_PKT_IMM,
	[0x0c] = HROCE_PKT_KNOWN | HROCE_PKT_READ | ONLY | HROCE_PKT_RETH,
	[0x0d] = READ_RESP | FIRST | HROCE_PKT_AETH,
	[0x0e] = READ_RESP,
	[0x0f] = READ_RESP | LAST | HROCE_PKT_AETH,
	[0x10] = READ_RESP | ONLY | HROCE_PKT_AETH,
	[0x11] = RESPONSE | HROCE_PKT_AETH,
	[0x12] = RESPONSE | HROCE_PKT_AETH | HROCE_PKT_ATOMICACK,
	[0x13] = ATOMIC | ONLY,
	[0x14] = ATOMIC | ONLY,
	[0x16] = SEND | LAST | HROCE_PKT_IETH,
	[0x17] = SEND | ONLY | HROCE_PKT_IETH,
	[0x1c] = HROCE_PKT_KNOWN | HROCE_PKT_FLUSH | ONLY | HROCE_PKT_FETH | HROCE_PKT_RETH,
	[0x1d] = HROCE_PKT_KNOWN | HROCE_PKT_ATOMIC_WRITE | ONLY | HROCE_PKT_RETH |
		 HROCE_PKT_PAYLOAD,
};

u32 hroce_opcode_flags(u8 opcode)
{
	u8 op = opcode & OP_MASK;

	switch (opcode >> 5) {
	case SERVICE_RC:
		return hroce_op_flags[op];
	case SERVICE_UC:
		return op <= OP_WRITE_ONLY_IMM ? hroce_op_flags[op] : 0;
	case SERVICE_UD:
		if (op == OP_SEND_ONLY || op == OP_SEND_ONLY_IMM)
			return hroce_op_flags[op] | HROCE_PKT_DETH;
		return 0;
	case SERVICE_XRC:	/* as RC, and each request says which SRQ */
		if (op > OP_SEND_ONLY_INV)
			return 0;
		if (!hroce_op_flags[op] || hroce_op_flags[op] & HROCE_PKT_RESPONSE)
			return hroce_op_flags[op];
		return hroce_op_flags[op] | HROCE_PKT_XRCETH;
	default:
		return 0;
	}
}

unsigned int hroce_hdr_bytes(u32 flags)
{
	unsigned int bytes = sizeof(struct hroce_bth);

	if (flags & HROCE_PKT_DETH)
		bytes += sizeof(struct hroce_deth);
	if (flags & HROCE_PKT_XRCETH)
		bytes += sizeof(struct hroce_xrceth);
	if (flags & HROCE_PKT_FETH)
		bytes += sizeof(struct hroce_feth);
	if (flags & HROCE_PKT_RETH)
		bytes += sizeof(struct hroce_reth);
	if (flags & HROCE_PKT_ATOMICETH)
		bytes += sizeof(struct hroce_atomiceth);
	if (flags & HROCE_PKT_AETH)
		bytes += sizeof(struct hroce_aeth);
	if (flags & HROCE_PKT_ATOMICACK)
		bytes += sizeof(struct hroce_atomicack);
	if (flags & (HROCE_PKT_IMM | HROCE_PKT_IETH))
		bytes += sizeof(struct hroce_word);
	return bytes;
}

static void hroce_put_bth(const struct hroce_hdr *h, u8 *buf)
{
	struct hroce_bth *bth = (void *)buf;

	bth->opcode = h->opcode;
	bth->bits = (h->solicited ? BTH_SOLICITED : 0) | h->pad << BTH_PAD_SHIFT;
	bth->pkey = cpu_to_be16(h->pkey);
	bth->qpn = cpu_to_be32(h->qpn & HROCE_QPN_MASK);
	bth->psn = cpu_to_be32((h->ack_req ? HROCE_BTH_ACK_REQ : 0) |
			       (h->psn & HROCE_QPN_MASK));
}

unsigned int hroce_hdr_build(const struct hroce_hdr *h, u8 *buf)
{
	u32 flags = hroce_opcode_flags(h->opcode);
	u8 *at = buf + sizeof(struct hroce_bth);

	hroce_put_bth(h, buf);
	if (flags & HROCE_PKT_DETH) {
		struct hroce_deth *deth = (void *)at;

		deth->qkey = cpu_to_be32(h->qkey);
		deth->src_qpn = cpu_to_be32(h->src_qpn & HROCE_QPN_MASK);
		at += sizeof(*deth);
	}
	if (flags & HROCE_PKT_XRCETH) {
		struct hroce_xrceth *xrceth = (void *)at;

		xrceth->srqn = cpu_to_be32(h->srqn & HROCE_QPN_MASK);
		at += sizeof(*xrceth);
	}
	if (flags & HROCE_PKT_FETH) {
		struct hroce_feth *feth = (void *)at;

		feth->bits = cpu_to_be32((h->flush_type & FETH_TYPE_MASK) |
					 (h->flush_level & FETH_LEVEL_MASK) <<
					 FETH_LEVEL_SHIFT);
		at += sizeof(*feth);
	}
	if (flags & HROCE_PKT_RETH) {
		struct hroce_reth *reth = (void *)at;

		reth->va = cpu_to_be64(h->va);
		reth->rkey = cpu_to_be32(h->rkey);
		reth->length = cpu_to_be32(h->length);
		at += sizeof(*reth);
	}
	if (flags & HROCE_PKT_ATOMICETH) {
		struct hroce_atomiceth *atomic = (void *)at;

		atomic->va = cpu_to_be64(h->va);
		atomic->rkey = cpu_to_be32(h->rkey);
		atomic->swap_add = cpu_to_be64(h->swap_add);
		atomic->compare = cpu_to_be64(h->compare);
		at += sizeof(*atomic);
	}
	if (flags & HROCE_PKT_AETH) {
		struct hroce_aeth *aeth = (void *)at;

		aeth->word = cpu_to_be32((u32)h->syndrome << 24 |
					 (h->msn & HROCE_QPN_MASK));
		at += sizeof(*aeth);
	}
	if (flags & HROCE_PKT_ATOMICACK) {
		struct hroce_atomicack *ack = (void *)at;

		ack->orig = cpu_to_be64(h->orig);
		at += sizeof(*ack);
	}
	if (flags & (HROCE_PKT_IMM | HROCE_PKT_IETH)) {
		struct hroce_word *last = (void *)at;

		last->word = flags & HROCE_PKT_IMM ? h->imm : cpu_to_be32(h->ieth);
		at += sizeof(*last);
	}
	return at - buf;
}

/* Fields of the extended headers that h->flags names; all lie within buf. */
static void hroce_get_extended(struct hroce_hdr *h, const u8 *at)
{
	u32 flags = h->flags;

	if (flags & HROCE_PKT_DETH) {
		const struct hroce_deth *deth = (const void *)at;

		h->qkey = be32_to_cpu(deth->qkey);
		h->src_qpn = be32_to_cpu(deth->src_qpn) & HROCE_QPN_MASK;
		at += sizeof(*deth);
	}
	if (flags & HROCE_PKT_XRCETH) {
		const struct hroce_xrceth *xrceth = (const void *)at;

		h->srqn = be32_to_cpu(xrceth->srqn) & HROCE_QPN_MASK;
		at += sizeof(*xrceth);
	}
	if (flags & HROCE_PKT_FETH) {
		const struct hroce_feth *feth = (const void *)at;
		u32 bits = be32_to_cpu(feth->bits);

		h->flush_type = bits & FETH_TYPE_MASK;
		h->flush_level = bits >> FETH_LEVEL_SHIFT & FETH_LEVEL_MASK;
		at += sizeof(*feth);
	}
	if (flags & HROCE_PKT_RETH) {
		const struct hroce_reth *reth = (const void *)at;

		h->va = be64_to_cpu(reth->va);
		h->rkey = be32_to_cpu(reth->rkey);
		h->length = be32_to_cpu(reth->length);
		at += sizeof(*reth);
	}
	if (flags & HROCE_PKT_ATOMICETH) {
		const struct hroce_atomiceth *atomic = (const void *)at;

		h->va = be64_to_cpu(atomic->va);
		h->rkey = be32_to_cpu(atomic->rkey);
		h->swap_add = be64_to_cpu(atomic->swap_add);
		h->compare = be64_to_cpu(atomic->compare);
		at += sizeof(*atomic);
	}
	if (flags & HROCE_PKT_AETH) {
		const struct hroce_aeth *aeth = (const void *)at;

		h->syndrome = be32_to_cpu(aeth->word) >> 24;
		h->msn = be32_to_cpu(aeth->word) & HROCE_QPN_MASK;
		at += sizeof(*aeth);
	}
	if (flags & HROCE_PKT_ATOMICACK) {
		const struct hroce_atomicack *ack = (const void *)at;

		h->orig = be64_to_cpu(ack->orig);
		at += sizeof(*ack);
	}
	if (flags & HROCE_PKT_IMM)
		h->imm = ((const struct hroce_word *)at)->word;
	if (flags & HROCE_PKT_IETH)
		h->ieth = be32_to_cpu(((const struct hroce_word *)at)->word);
}

int hroce_hdr_parse(struct hroce_hdr *h, const u8 *buf, size_t len)
{
	const struct hroce_bth *bth = (const void *)buf;
	unsigned int bytes;
	size_t rest;

	if (len < HROCE_BTH_BYTES + HROCE_ICRC_BYTES || len % 4)
		return -EINVAL;
	h->opcode = bth->opcode;
	h->flags = hroce_opcode_flags(bth->opcode);
	if (!h->flags || bth->bits & BTH_VER_MASK)
		return -EINVAL;
	bytes = hroce_hdr_bytes(h->flags);
	if (len < bytes + HROCE_ICRC_BYTES)
		return -EINVAL;
	rest = len - bytes - HROCE_ICRC_BYTES;
	h->pad = bth->bits >> BTH_PAD_SHIFT & BTH_PAD_MASK;
	if (h->pad > rest || (rest && !(h->flags & HROCE_PKT_PAYLOAD)))
		return -EINVAL;
	h->payload = rest - h->pad;
	h->solicited = bth->bits & BTH_SOLICITED;
	h->pkey = be16_to_cpu(bth->pkey);
	h->qpn = be32_to_cpu(bth->qpn) & HROCE_QPN_MASK;
	h->ack_req = be32_to_cpu(bth->psn) & HROCE_BTH_ACK_REQ;
	h->psn = be32_to_cpu(bth->psn) & HROCE_QPN_MASK;
	hroce_get_extended(h, buf + HROCE_BTH_BYTES);
	return bytes;
}
