// SPDX-License-Identifier: GPL-2.0
/* RoCEv2 packets over IPv4 made by hand, with their ICRC. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "roce.h"
#include "util.h"

#define DEFAULT_PKEY 0xffff

static void put16_at(struct roce_packet *k, uint32_t at, uint16_t v)
{
	v = htons(v);
	memcpy(k->bytes + at, &v, 2);
}

void roce_open(struct roce_path *p)
{
	p->sock = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (p->sock < 0)
		rc_die_errno("no raw socket");
}

void roce_begin(struct roce_packet *k, const struct roce_path *p, uint8_t opcode,
		uint32_t qpn, uint32_t psn, bool ack_request)
{
	static uint16_t id = 1;

	memset(k, 0, sizeof(*k));
	k->bytes[0] = 0x45;
	put16_at(k, 4, id);
	id = id % 0xffff + 1;	/* 0 would be replaced by the kernel */
	put16_at(k, 6, 0x4000);	/* don't fragment */
	k->bytes[8] = 64;
	k->bytes[9] = IPPROTO_UDP;
	memcpy(k->bytes + 12, &p->from, 4);
	memcpy(k->bytes + 16, &p->to, 4);
	put16_at(k, ROCE_IP, 0xc000 + (qpn & 0x3fff));
	put16_at(k, ROCE_IP + 2, ROCE_PORT);
	k->len = ROCE_IP + ROCE_UDP;
	roce_put32(k, (uint32_t)opcode << 24 | DEFAULT_PKEY);
	roce_put32(k, qpn & 0xffffff);
	roce_put32(k, (uint32_t)ack_request << 31 | (psn & 0xffffff));
}

void roce_put32(struct roce_packet *k, uint32_t v)
{
	v = htonl(v);
	memcpy(k->bytes + k->len, &v, 4);
	k->len += 4;
}

void roce_put64(struct roce_packet *k, uint64_t v)
{
	v = htobe64(v);
	memcpy(k->bytes + k->len, &v, 8);
	k->len += 8;
}

void roce_put(struct roce_packet *k, const void *data, uint32_t len)
{
	uint32_t pad = -len & 3;

	memcpy(k->bytes + k->len, data, len);
	k->len += len + pad;
	k->bytes[ROCE_IP + ROCE_UDP + 1] |= pad << 4;
}

static uint32_t crc32_le_bytes(uint32_t crc, const uint8_t *p, uint32_t len)
{
	int bit;

	while (len--) {
		crc ^= *p++;
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return crc;
}

/*
 * CRC-32 over what routers leave alone: 8 bytes of ones where an InfiniBand LRH
 * would be, and ones for type of service, time to live, both checksums and the
 * BTH's congestion bits.
 */
static uint32_t icrc(const struct roce_packet *k)
{
	static const uint8_t ones[8] = { 255, 255, 255, 255, 255, 255, 255, 255 };
	uint8_t head[ROCE_PAYLOAD];
	uint32_t crc = ~0u;

	memcpy(head, k->bytes, sizeof(head));
	head[1] = head[8] = 0xff;
	memset(head + 10, 0xff, 2);
	memset(head + ROCE_IP + 6, 0xff, 2);
	head[ROCE_IP + ROCE_UDP + 4] = 0xff;
	crc = crc32_le_bytes(crc, ones, sizeof(ones));
	crc = crc32_le_bytes(crc, head, sizeof(head));
	crc = crc32_le_bytes(crc, k->bytes + sizeof(head), k->len - sizeof(head));
	return ~crc;
}

void roce_send(struct roce_packet *k, const struct roce_path *p, uint32_t spoil)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr = p->to };
	uint32_t total = k->len + 4, sum;

	if (k->len < ROCE_PAYLOAD)
		total = k->len;	/* cut off in the BTH: no ICRC either */
	put16_at(k, 2, total);
	put16_at(k, ROCE_IP + 4, total - ROCE_IP - k->udp_short);
	if (k->len >= ROCE_PAYLOAD) {
		sum = htole32(icrc(k) ^ spoil);
		memcpy(k->bytes + k->len, &sum, 4);
	}
	if (sendto(p->sock, k->bytes, total, 0, (void *)&to, sizeof(to)) < 0 &&
	    errno != ENOBUFS && errno != EMSGSIZE && errno != EPERM)
		rc_die_errno("sendto of %u bytes", total);
}
