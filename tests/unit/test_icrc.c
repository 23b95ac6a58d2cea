// SPDX-License-Identifier: GPL-2.0
/*
 * The invariant CRC: over packets that another implementation made (rdma_rxe of
 * Linux 7.3, captured on the wire, from the IP header on) and over what must and
 * must not change it.
 */
#include "roce/check.h"
#include <stdint.h>
#include "icrc.c"

#define N(a)	(sizeof(a) / sizeof((a)[0]))
#define MAX	256

static const char * const captured[] = {
	/* IPv4: SEND only, with 3 bytes of padding */
	"4500003c3bc640004011eae80a0000020a000001c12112b7002800000430ffff0000001180e667437b7b7b7b7b7b7b7b7b7b7b7b7b0000004b7c3062",
	/* acknowledge */
	"4500003097e9400040118ed10a0000010a000002c12112b7001c00001100ffff0000001100e667431f0000015037383e",
	/* fetch-and-add, and its answer */
	"4500003c420740004011e4a70a0000020a000001c16912b7002800000c00ffff0000001380941ee2000055fec883b0000000042a00000046585b45fa",
	"450000483d4040004011e9620a0000020a000001c14412b7003400001400ffff0000001280ec3ba300005587035cf0000000031d00000000000000010000000000000000c86f5495",
	"450000389a82400040118c300a0000010a000002c14412b7002400001200ffff0000001200ec3ba31f00000162ef166af9b4367d7bd84e5a",
	/* READ response */
	"450000789c63400040118a0f0a0000010a000002c16912b7006400001020ffff0000001300941ee21f000001973620661fafc182090ce1ff068f42c13a7e89e5ea7f5873d6c48aab982d082f63289582d75705e163e6e06975222aafa0b3958b32edfe08b188b449b5bc7818e40e9bbb65a000001a64c215",
	/* IPv6: SEND only, acknowledge, UD SEND only */
	"6000000000281140fd000000000000000000000000000002fd000000000000000000000000000001c19012b7002800000430ffff000000148083c4a27b7b7b7b7b7b7b7b7b7b7b7b7b00000007086fba",
	"60000000001c1140fd000000000000000000000000000001fd000000000000000000000000000002c19012b7001c00001100ffff000000140083c4a21f000001df3d016f",
	"6000000000281140fd000000000000000000000000000002fd000000000000000000000000000001c15c12b7002800006430ffff00000015001efd731111111100000015a130c3fe560000004831617f",
};

/* Bit by bit, as its definition says. */
u32 hroce_crc32(u32 crc, const void *data, size_t len)
{
	const u8 *at = data;
	int bit;

	for (; len; len--, at++) {
		crc ^= *at;
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return crc;
}

static unsigned int ip_bytes(const u8 *pkt)
{
	return pkt[0] >> 4 == 4 ? 20 : 40;
}

/* The ICRC of a packet that begins with its IP header, in CPU byte order. */
static u32 icrc(const u8 *pkt, size_t len, u16 id)
{
	const u8 *udp = pkt + ip_bytes(pkt), *bth = udp + 8;
	size_t udp_len = len - ip_bytes(pkt);
	u32 crc;

	crc = hroce_icrc_headers(pkt, udp, bth, id, udp_len);
	return ~hroce_crc32(crc, bth + HROCE_BTH_BYTES,
			    udp_len - 8 - HROCE_BTH_BYTES - HROCE_ICRC_BYTES);
}

static u16 ip_id(const u8 *pkt)
{
	return pkt[4] << 8 | pkt[5];
}

static u32 stored(const u8 *pkt, size_t len)
{
	const u8 *at = pkt + len - HROCE_ICRC_BYTES;

	return at[0] | at[1] << 8 | at[2] << 16 | (u32)at[3] << 24;
}

static void test_seed(void)
{
	EXPECT_EQ(hroce_crc32(~0u, "\xff\xff\xff\xff\xff\xff\xff\xff", 8), ICRC_SEED);
	EXPECT_EQ((u32)~hroce_crc32(~0u, "123456789", 9), 0xcbf43926u);
}

static void test_captured(void)
{
	u8 pkt[MAX], *exact;
	size_t i, len;

	for (i = 0; i < N(captured); i++) {
		len = test_unhex(captured[i], pkt);
		exact = test_exact(pkt, len);
		EXPECT_EQ(icrc(exact, len, ip_id(exact)), stored(exact, len));
		free(exact);
	}
}

/* Is a byte of the headers, counted from the IP header, left out of the CRC? */
static u8 masked_bits(const u8 *pkt, size_t at)
{
	size_t udp = ip_bytes(pkt);

	if (at == udp + 6 || at == udp + 7)	/* UDP checksum */
		return 0xff;
	if (at == udp + 8 + BTH_RESV8A)
		return 0xff;
	if (udp == 20)				/* TOS, TTL, checksum */
		return at == 1 || at == 8 || at == 10 || at == 11 ? 0xff : 0;
	if (at == 0)				/* traffic class, flow label, hop limit */
		return 0x0f;
	return at <= 3 || at == 7 ? 0xff : 0;
}

/* Lengths and the ID come as arguments, and are tested by themselves. */
static bool is_argument(const u8 *pkt, size_t at)
{
	size_t udp = ip_bytes(pkt);

	if (at == udp + 4 || at == udp + 5)
		return true;
	return udp == 20 ? at >= 2 && at <= 5 : at == 4 || at == 5;
}

static void flip_every_bit(const u8 *pkt, size_t len)
{
	u32 good = icrc(pkt, len, ip_id(pkt));
	u8 other[MAX], mask;
	size_t at;
	int bit;

	for (at = 0; at < len - HROCE_ICRC_BYTES; at++) {
		mask = masked_bits(pkt, at);
		for (bit = 0; bit < 8; bit++) {
			if (at == 0 && 1 << bit & 0xf0)
				continue;	/* another version */
			memcpy(other, pkt, len);
			other[at] ^= 1 << bit;
			if (is_argument(pkt, at) || mask & 1 << bit)
				EXPECT_EQ(icrc(other, len, ip_id(pkt)), good);
			else
				EXPECT(icrc(other, len, ip_id(pkt)) != good);
		}
	}
}

static void test_every_bit(void)
{
	u8 pkt[MAX];
	size_t i;

	for (i = 0; i < N(captured); i++)
		flip_every_bit(pkt, test_unhex(captured[i], pkt));
}

/* One IP header for many packets: ID and length come from the arguments. */
static void test_super_packet(void)
{
	u8 pkt[MAX], header[MAX];
	const u8 *udp;
	u32 crc;

	test_unhex(captured[0], pkt);
	memcpy(header, pkt, sizeof(header));
	header[2] = 0xf0;		/* its length */
	header[5] -= 7;			/* our packet is the eighth in it */
	header[24] = 0xef;
	udp = header + 20;
	crc = hroce_icrc_headers(header, udp, pkt + 28, ip_id(header) + 7, 0x28);
	EXPECT_EQ(crc, hroce_icrc_headers(pkt, pkt + 20, pkt + 28, ip_id(pkt), 0x28));
	EXPECT(crc != hroce_icrc_headers(header, udp, pkt + 28, ip_id(header), 0x28));
	EXPECT(crc != hroce_icrc_headers(header, udp, pkt + 28, ip_id(pkt), 0x2c));
}

int main(void)
{
	static const struct test tests[] = {
		{ "icrc_seed", test_seed },
		{ "icrc_captured", test_captured },
		{ "icrc_every_bit", test_every_bit },
		{ "icrc_super_packet", test_super_packet },
	};

	return test_main(tests, N(tests));
}
