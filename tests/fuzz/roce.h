/* SPDX-License-Identifier: GPL-2.0 */
/* RoCEv2 packets over IPv4 made by hand, with their ICRC. */
#ifndef FUZZ_ROCE_H
#define FUZZ_ROCE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define ROCE_PORT	4791
#define ROCE_MAX	2048	/* bytes of a packet, IP header included */
#define ROCE_IP		20
#define ROCE_UDP	8
#define ROCE_BTH	12
#define ROCE_PAYLOAD	(ROCE_IP + ROCE_UDP + ROCE_BTH)

/* BTH opcodes of RC; UC is 0x20 more, RD 0x40, UD 0x60, XRC 0xa0 */
enum roce_opcode {
	ROCE_SEND_FIRST, ROCE_SEND_MIDDLE, ROCE_SEND_LAST, ROCE_SEND_LAST_IMM,
	ROCE_SEND_ONLY, ROCE_SEND_ONLY_IMM, ROCE_WRITE_FIRST, ROCE_WRITE_MIDDLE,
	ROCE_WRITE_LAST, ROCE_WRITE_LAST_IMM, ROCE_WRITE_ONLY, ROCE_WRITE_ONLY_IMM,
	ROCE_READ_REQUEST, ROCE_READ_FIRST, ROCE_READ_MIDDLE, ROCE_READ_LAST,
	ROCE_READ_ONLY, ROCE_ACK, ROCE_ATOMIC_ACK, ROCE_CAS, ROCE_FADD,
	ROCE_SEND_LAST_INV = 0x16, ROCE_SEND_ONLY_INV = 0x17,
	ROCE_FLUSH = 0x1c, ROCE_ATOMIC_WRITE = 0x1d,
	ROCE_UD_SEND = 0x64, ROCE_CNP = 0x81,
};

struct roce_path {
	struct in_addr from, to;
	int sock;		/* raw, the IP header is ours */
};

struct roce_packet {
	uint8_t bytes[ROCE_MAX];
	uint32_t len;		/* up to and without the ICRC */
	uint16_t udp_short;	/* the UDP length lies by so much */
};

void roce_open(struct roce_path *p);
/* IP, UDP and BTH; @pad bytes are declared, not added. */
void roce_begin(struct roce_packet *k, const struct roce_path *p, uint8_t opcode,
		uint32_t qpn, uint32_t psn, bool ack_request);
void roce_put32(struct roce_packet *k, uint32_t v);
void roce_put64(struct roce_packet *k, uint64_t v);
/* Payload, padded to 4 bytes, with the BTH's pad count to match. */
void roce_put(struct roce_packet *k, const void *data, uint32_t len);
/* Lengths, then the ICRC xor @spoil, then off it goes. */
void roce_send(struct roce_packet *k, const struct roce_path *p, uint32_t spoil);

#endif
