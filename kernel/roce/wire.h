/* SPDX-License-Identifier: GPL-2.0 */
/*
 * RoCEv2 packets: the layout of the transport headers and the two functions
 * that write and read them (IBTA chapter 9, annex A17). Pure; unit-tested in
 * user space.
 *
 *	Ethernet | IP | UDP 4791 | BTH | extended headers | payload | pad | ICRC
 */
#ifndef HROCE_WIRE_H
#define HROCE_WIRE_H

#include <linux/types.h>

#define HROCE_UDP_PORT		4791
#define HROCE_BTH_BYTES		12
#define HROCE_ICRC_BYTES	4
#define HROCE_MAX_HDR_BYTES	48	/* BTH and any legal extended headers */
#define HROCE_PKEY		0xffff
/* The same partition, be the sender a full member or a limited one. */
#define HROCE_PKEY_FITS(pkey)	(((pkey) & 0x7fff) == (HROCE_PKEY & 0x7fff))
#define HROCE_QPN_MASK		0xffffffu
#define HROCE_MCAST_QPN		0xffffffu	/* all QPs of a multicast group */

/* Extended headers and kinds of a packet, by opcode. */
enum hroce_pkt_flags {
	HROCE_PKT_DETH		= 1 << 0,
	HROCE_PKT_RETH		= 1 << 1,
	HROCE_PKT_ATOMICETH	= 1 << 2,
	HROCE_PKT_AETH		= 1 << 3,
	HROCE_PKT_ATOMICACK	= 1 << 4,
	HROCE_PKT_IMM		= 1 << 5,
	HROCE_PKT_IETH		= 1 << 6,
	HROCE_PKT_PAYLOAD	= 1 << 7,
	HROCE_PKT_FIRST		= 1 << 8,	/* begins a message */
	HROCE_PKT_LAST		= 1 << 9,	/* ends a message */
	HROCE_PKT_SEND		= 1 << 10,
	HROCE_PKT_WRITE		= 1 << 11,
	HROCE_PKT_READ		= 1 << 12,	/* READ request */
	HROCE_PKT_ATOMIC	= 1 << 13,	/* atomic request */
	HROCE_PKT_RESPONSE	= 1 << 14,	/* travels to the requester */
	HROCE_PKT_READ_RESP	= 1 << 15,
	HROCE_PKT_KNOWN		= 1 << 16,	/* an opcode that we handle */
	HROCE_PKT_XRCETH	= 1 << 17,
	HROCE_PKT_FETH		= 1 << 18,
	HROCE_PKT_FLUSH		= 1 << 19,	/* FLUSH request */
	HROCE_PKT_ATOMIC_WRITE	= 1 << 20,	/* request */
};

#define HROCE_OPCODE_XRC	0xa0	/* and what RC has in the lower five bits */

#define HROCE_BTH_ACK_REQ	0x80000000u	/* in the word of the PSN */

/* AETH syndrome, IBTA 9.7.5.1 */
#define HROCE_AETH_TYPE(s)	((s) & 0x60)
#define HROCE_AETH_VALUE(s)	((s) & 0x1f)
enum {
	HROCE_AETH_ACK		= 0x00,
	HROCE_AETH_RNR		= 0x20,
	HROCE_AETH_NAK		= 0x60,
	HROCE_AETH_NO_CREDITS	= 0x1f,	/* ACK without flow-control credits */
};

#define HROCE_RNR_10_MS		20	/* a timer code: 10.24 ms (IBTA table 45) */

enum {	/* NAK codes, in the value of the syndrome */
	HROCE_NAK_PSN		= 0,
	HROCE_NAK_INVALID_REQ	= 1,
	HROCE_NAK_REM_ACCESS	= 2,
	HROCE_NAK_REM_OP	= 3,
};

/* FETH, IBTA A19.4.1: what is wanted of the data, and of which */
enum {
	HROCE_FLUSH_GLOBAL	= 1 << 0,	/* all see it */
	HROCE_FLUSH_PERSISTENT	= 1 << 1,	/* it survives */
};

enum {
	HROCE_FLUSH_RANGE	= 0,
	HROCE_FLUSH_REGION	= 1,
};

/**
 * struct hroce_hdr - the transport headers of one packet in CPU byte order
 * @flags: HROCE_PKT_*, a function of @opcode
 * @payload: bytes of payload, without padding
 * Fields of headers that @flags does not name are not meaningful.
 */
struct hroce_hdr {
	u8 opcode;
	u8 pad;
	u8 syndrome;
	bool solicited;
	bool ack_req;
	u16 pkey;
	u32 flags;
	u32 qpn;
	u32 psn;
	u32 payload;
	u32 rkey;
	u32 length;		/* RETH: bytes of the whole message */
	u32 msn;
	u32 ieth;
	u8 flush_type;		/* HROCE_FLUSH_GLOBAL, _PERSISTENT; 4 bits */
	u8 flush_level;		/* HROCE_FLUSH_RANGE or _REGION; 2 bits */
	u32 qkey;
	u32 src_qpn;
	u32 srqn;		/* XRCETH */
	__be32 imm;
	u64 va;
	u64 swap_add;
	u64 compare;
	u64 orig;		/* atomic response */
};

/* HROCE_PKT_* of an opcode; 0 for one that we do not handle. */
u32 hroce_opcode_flags(u8 opcode);

/* Bytes of BTH and extended headers. */
unsigned int hroce_hdr_bytes(u32 flags);

/**
 * hroce_hdr_build - write BTH and extended headers
 * @h: all fields that h->opcode asks for; h->flags need not be set
 * @buf: HROCE_MAX_HDR_BYTES of room
 * Return: bytes written
 */
unsigned int hroce_hdr_build(const struct hroce_hdr *h, u8 *buf);

/**
 * hroce_hdr_parse - read and check the headers of a received packet
 * @h: filled in
 * @buf: the first min(len, HROCE_MAX_HDR_BYTES) bytes from the BTH on
 * @len: bytes from the BTH to the end of the ICRC
 * Return: bytes of headers, or -EINVAL: truncated, unknown opcode or version,
 *	impossible padding.
 */
int hroce_hdr_parse(struct hroce_hdr *h, const u8 *buf, size_t len);

#endif
