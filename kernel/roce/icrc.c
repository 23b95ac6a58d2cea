// SPDX-License-Identifier: GPL-2.0
/*
 * The part of the invariant CRC that covers the headers (IBTA A17.3.3). Pure;
 * tests/unit/test_icrc.c compiles it in user space.
 *
 * The CRC begins with 8 bytes of ones in the place of InfiniBand's local route
 * header. Fields that routers change are taken as ones.
 */
#include <linux/types.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <linux/string.h>
#include <asm/byteorder.h>

#include "icrc.h"
#include "wire.h"

/* CRC32 of 8 bytes of ones, begun with ones. */
#define ICRC_SEED	0xdebb20e3u

/* BTH: FECN, BECN and 6 reserved bits */
#define BTH_RESV8A	4

struct hroce_icrc4 {
	struct iphdr ip;
	struct udphdr udp;
	u8 bth[HROCE_BTH_BYTES];
} __packed;

struct hroce_icrc6 {
	struct ipv6hdr ip;
	struct udphdr udp;
	u8 bth[HROCE_BTH_BYTES];
} __packed;

static u32 hroce_icrc_ipv4(const void *l3, const void *udp, const void *bth, u16 id,
			   u16 udp_len)
{
	struct hroce_icrc4 h;

	memcpy(&h.ip, l3, sizeof(h.ip));
	h.ip.tos = 0xff;
	h.ip.tot_len = cpu_to_be16(sizeof(h.ip) + udp_len);
	h.ip.id = cpu_to_be16(id);
	h.ip.ttl = 0xff;
	memset(&h.ip.check, 0xff, sizeof(h.ip.check));
	memcpy(&h.udp, udp, sizeof(h.udp));
	h.udp.len = cpu_to_be16(udp_len);
	memset(&h.udp.check, 0xff, sizeof(h.udp.check));
	memcpy(h.bth, bth, sizeof(h.bth));
	h.bth[BTH_RESV8A] = 0xff;
	return hroce_crc32(ICRC_SEED, &h, sizeof(h));
}

static u32 hroce_icrc_ipv6(const void *l3, const void *udp, const void *bth,
			   u16 udp_len)
{
	struct hroce_icrc6 h;

	memcpy(&h.ip, l3, sizeof(h.ip));
	h.ip.priority = 0xf;	/* the traffic class's upper half */
	memset(h.ip.flow_lbl, 0xff, sizeof(h.ip.flow_lbl));
	h.ip.payload_len = cpu_to_be16(udp_len);
	h.ip.hop_limit = 0xff;
	memcpy(&h.udp, udp, sizeof(h.udp));
	h.udp.len = cpu_to_be16(udp_len);
	memset(&h.udp.check, 0xff, sizeof(h.udp.check));
	memcpy(h.bth, bth, sizeof(h.bth));
	h.bth[BTH_RESV8A] = 0xff;
	return hroce_crc32(ICRC_SEED, &h, sizeof(h));
}

u32 hroce_icrc_headers(const void *l3, const void *udp, const void *bth, u16 id,
		       u16 udp_len)
{
	const struct iphdr *ip = l3;

	return ip->version == 4 ? hroce_icrc_ipv4(l3, udp, bth, id, udp_len) :
				  hroce_icrc_ipv6(l3, udp, bth, udp_len);
}
