/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Bursts: consecutive packets of one message in one buffer, all of one size but
 * for a shorter last one, so that they can leave as a UDP-GSO super-packet.
 */
#ifndef HROCE_BURST_H
#define HROCE_BURST_H

#include "walk.h"
#include "wire.h"

struct hroce_qp;

/* The opcodes of a message's packets. */
struct hroce_opcodes {
	u8 first, middle, last, only;
};

/**
 * struct hroce_burst
 * @op: of the message
 * @service: of the QP: the opcodes are in terms of RC
 * @length: bytes of the message
 * @total: its packets
 * @pkt: the first one to send here
 * @count: how many; in: at most, out: as planned
 * @seg: bytes of each packet with its ICRC, the last may be shorter
 * @bytes: of all packets
 * @payload: of all packets
 * @hdr: template; opcode, psn, pad, solicited and ack_req are set per packet
 * @dest_qpn: 0: the connected peer
 * @solicited: on the message's last packet
 * @ack_req: on the burst's last packet
 */
struct hroce_burst {
	const struct hroce_opcodes *op;
	u8 service;
	u32 length;
	u32 total;
	u32 pkt;
	u32 count;
	u32 seg;
	u32 bytes;
	u32 payload;
	struct hroce_hdr hdr;
	u32 dest_qpn;
	bool solicited;
	bool ack_req;
};

/* Cut @count down to what fits one buffer; compute seg, bytes and payload. */
void hroce_burst_plan(struct hroce_burst *b, u32 mtu);

/**
 * hroce_burst_build - make the buffer
 * @walk: at the burst's first byte of payload
 * @first_psn: of the message
 * Return: or ERR_PTR: -ENOMEM, or as hroce_walk_move().
 */
struct sk_buff *hroce_burst_build(struct hroce_burst *b, struct hroce_qp *qp,
				  struct hroce_walk *walk, u32 first_psn);

#endif
