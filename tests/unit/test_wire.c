// SPDX-License-Identifier: GPL-2.0
/*
 * Transport headers: against captured packets of rdma_rxe, against the table of
 * the specification, and against hostile bytes.
 */
#include "roce/check.h"
#include "wire.c"

#define N(a)	(sizeof(a) / sizeof((a)[0]))

/* From the BTH on, with the ICRC; captured from rdma_rxe of Linux 7.3. */
static const char send_only[] =
	"0430ffff0000001180e667437b7b7b7b7b7b7b7b7b7b7b7b7b0000004b7c3062";
static const char ack[] = "1100ffff0000001100e667431f0000015037383e";
static const char read_request[] =
	"0c00ffff0000001380941ee2000055fec883b0000000042a00000046585b45fa";
static const char fetch_add[] =
	"1400ffff0000001280ec3ba300005587035cf0000000031d00000000000000010000000000000000c86f5495";
static const char atomic_ack[] =
	"1200ffff0000001200ec3ba31f00000162ef166af9b4367d7bd84e5a";
static const char ud_send[] =
	"6430ffff00000015001efd731111111100000015a130c3fe560000004831617f";

/* Opcodes of the specification, and bytes of their headers from the BTH on. */
static const struct {
	u8 opcode, bytes;
	bool payload;
} spec[] = {
	{ 0x00, 12, true }, { 0x01, 12, true }, { 0x02, 12, true },	/* RC SEND */
	{ 0x03, 16, true }, { 0x04, 12, true }, { 0x05, 16, true },
	{ 0x06, 28, true }, { 0x07, 12, true }, { 0x08, 12, true },	/* RC WRITE */
	{ 0x09, 16, true }, { 0x0a, 28, true }, { 0x0b, 32, true },
	{ 0x0c, 28, false },						/* RC READ */
	{ 0x0d, 16, true }, { 0x0e, 12, true }, { 0x0f, 16, true }, { 0x10, 16, true },
	{ 0x11, 16, false }, { 0x12, 24, false },			/* acknowledge */
	{ 0x13, 40, false }, { 0x14, 40, false },			/* atomics */
	{ 0x16, 16, true }, { 0x17, 16, true },				/* invalidate */
	{ 0x1c, 32, false }, { 0x1d, 28, true },			/* FLUSH, ATOMIC WRITE */
	{ 0x20, 12, true }, { 0x21, 12, true }, { 0x22, 12, true },	/* UC */
	{ 0x23, 16, true }, { 0x24, 12, true }, { 0x25, 16, true },
	{ 0x26, 28, true }, { 0x27, 12, true }, { 0x28, 12, true },
	{ 0x29, 16, true }, { 0x2a, 28, true }, { 0x2b, 32, true },
	{ 0x64, 20, true }, { 0x65, 24, true },				/* UD */
	{ 0xa0, 16, true }, { 0xa1, 16, true }, { 0xa2, 16, true },	/* XRC SEND */
	{ 0xa3, 20, true }, { 0xa4, 16, true }, { 0xa5, 20, true },
	{ 0xa6, 32, true }, { 0xa7, 16, true }, { 0xa8, 16, true },	/* XRC WRITE */
	{ 0xa9, 20, true }, { 0xaa, 32, true }, { 0xab, 36, true },
	{ 0xac, 32, false },						/* XRC READ */
	{ 0xad, 16, true }, { 0xae, 12, true }, { 0xaf, 16, true }, { 0xb0, 16, true },
	{ 0xb1, 16, false }, { 0xb2, 24, false },			/* acknowledge */
	{ 0xb3, 44, false }, { 0xb4, 44, false },			/* atomics */
	{ 0xb6, 20, true }, { 0xb7, 20, true },				/* invalidate */
};

static int parse(struct hroce_hdr *h, const u8 *pkt, size_t len)
{
	size_t head = len < HROCE_MAX_HDR_BYTES ? len : HROCE_MAX_HDR_BYTES;
	u8 *exact = test_exact(pkt, head);
	int bytes;

	memset(h, 0xa5, sizeof(*h));
	h->solicited = false;
	h->ack_req = false;
	bytes = hroce_hdr_parse(h, exact, len);
	free(exact);
	return bytes;
}

static int parse_hex(struct hroce_hdr *h, const char *hex)
{
	u8 pkt[256];
	size_t len = test_unhex(hex, pkt);

	return parse(h, pkt, len);
}

static void test_captured(void)
{
	struct hroce_hdr h;

	EXPECT_EQ(parse_hex(&h, send_only), 12);
	EXPECT_EQ(h.opcode, 0x04);
	EXPECT_EQ(h.pad, 3);
	EXPECT_EQ(h.payload, 13);
	EXPECT_EQ(h.qpn, 0x11);
	EXPECT_EQ(h.psn, 0xe66743);
	EXPECT(h.ack_req && !h.solicited);
	EXPECT_EQ(h.pkey, HROCE_PKEY);

	EXPECT_EQ(parse_hex(&h, ack), 16);
	EXPECT_EQ(h.syndrome, 0x1f);
	EXPECT_EQ(h.msn, 1);
	EXPECT_EQ(h.payload, 0);
	EXPECT(!h.ack_req);

	EXPECT_EQ(parse_hex(&h, read_request), 28);
	EXPECT_EQ(h.va, 0x55fec883b000);
	EXPECT_EQ(h.rkey, 0x42a);
	EXPECT_EQ(h.length, 70);

	EXPECT_EQ(parse_hex(&h, fetch_add), 40);
	EXPECT_EQ(h.va, 0x5587035cf000);
	EXPECT_EQ(h.rkey, 0x31d);
	EXPECT_EQ(h.swap_add, 1);
	EXPECT_EQ(h.compare, 0);

	EXPECT_EQ(parse_hex(&h, atomic_ack), 24);
	EXPECT_EQ(h.orig, 0x62ef166af9b4367d);

	EXPECT_EQ(parse_hex(&h, ud_send), 20);
	EXPECT_EQ(h.qkey, 0x11111111);
	EXPECT_EQ(h.src_qpn, 0x15);
	EXPECT_EQ(h.payload, 5);
}

static void test_rebuild_captured(void)
{
	static const char * const all[] = {
		send_only, ack, read_request, fetch_add, atomic_ack, ud_send,
	};
	u8 pkt[256], out[HROCE_MAX_HDR_BYTES];
	struct hroce_hdr h;
	unsigned int i, bytes;

	for (i = 0; i < N(all); i++) {
		test_unhex(all[i], pkt);
		bytes = parse_hex(&h, all[i]);
		memset(out, 0xee, sizeof(out));
		EXPECT_EQ(hroce_hdr_build(&h, out), bytes);
		EXPECT(!memcmp(out, pkt, bytes));
	}
}

static void test_opcodes(void)
{
	unsigned int op, i, known = 0;
	u32 flags;

	for (op = 0; op < 256; op++) {
		flags = hroce_opcode_flags(op);
		for (i = 0; i < N(spec) && spec[i].opcode != op; i++)
			;
		EXPECT_EQ(!!flags, i < N(spec));
		EXPECT_EQ(!!(flags & HROCE_PKT_KNOWN), i < N(spec));
		if (i == N(spec))
			continue;
		known++;
		EXPECT_EQ(hroce_hdr_bytes(flags), spec[i].bytes);
		EXPECT_EQ(!!(flags & HROCE_PKT_PAYLOAD), spec[i].payload);
	}
	EXPECT_EQ(known, N(spec));
}

static u64 random64(void)
{
	return (u64)test_random() << 32 | test_random();
}

static void fill(struct hroce_hdr *h, u8 opcode)
{
	memset(h, 0, sizeof(*h));
	h->opcode = opcode;
	h->pad = test_random() & 3;
	h->syndrome = test_random();
	h->solicited = test_random() & 1;
	h->ack_req = test_random() & 1;
	h->pkey = test_random();
	h->qpn = test_random() & HROCE_QPN_MASK;
	h->psn = test_random() & HROCE_QPN_MASK;
	h->rkey = test_random();
	h->length = test_random();
	h->msn = test_random() & HROCE_QPN_MASK;
	h->ieth = test_random();
	h->flush_type = test_random() & 0xf;
	h->flush_level = test_random() & 3;
	h->qkey = test_random();
	h->src_qpn = test_random() & HROCE_QPN_MASK;
	h->srqn = test_random() & HROCE_QPN_MASK;
	h->imm = (__be32)test_random();
	h->va = random64();
	h->swap_add = random64();
	h->compare = random64();
	h->orig = random64();
}

/* Fields that the flags name, and no more. */
static void expect_same(const struct hroce_hdr *a, const struct hroce_hdr *b, u32 flags)
{
	EXPECT_EQ(a->opcode, b->opcode);
	EXPECT_EQ(a->solicited, b->solicited);
	EXPECT_EQ(a->ack_req, b->ack_req);
	EXPECT_EQ(a->pkey, b->pkey);
	EXPECT_EQ(a->qpn, b->qpn);
	EXPECT_EQ(a->psn, b->psn);
	if (flags & HROCE_PKT_DETH) {
		EXPECT_EQ(a->qkey, b->qkey);
		EXPECT_EQ(a->src_qpn, b->src_qpn);
	}
	if (flags & HROCE_PKT_XRCETH)
		EXPECT_EQ(a->srqn, b->srqn);
	if (flags & (HROCE_PKT_RETH | HROCE_PKT_ATOMICETH)) {
		EXPECT_EQ(a->va, b->va);
		EXPECT_EQ(a->rkey, b->rkey);
	}
	if (flags & HROCE_PKT_RETH)
		EXPECT_EQ(a->length, b->length);
	if (flags & HROCE_PKT_FETH) {
		EXPECT_EQ(a->flush_type, b->flush_type);
		EXPECT_EQ(a->flush_level, b->flush_level);
	}
	if (flags & HROCE_PKT_ATOMICETH) {
		EXPECT_EQ(a->swap_add, b->swap_add);
		EXPECT_EQ(a->compare, b->compare);
	}
	if (flags & HROCE_PKT_AETH) {
		EXPECT_EQ(a->syndrome, b->syndrome);
		EXPECT_EQ(a->msn, b->msn);
	}
	if (flags & HROCE_PKT_ATOMICACK)
		EXPECT_EQ(a->orig, b->orig);
	if (flags & HROCE_PKT_IMM)
		EXPECT_EQ(a->imm, b->imm);
	if (flags & HROCE_PKT_IETH)
		EXPECT_EQ(a->ieth, b->ieth);
}

static void test_round_trip(void)
{
	u8 buf[HROCE_MAX_HDR_BYTES + 64];
	struct hroce_hdr in, out;
	unsigned int i, run, bytes, words;

	for (i = 0; i < N(spec); i++)
		for (run = 0; run < 200; run++) {
			fill(&in, spec[i].opcode);
			words = spec[i].payload ? 1 + test_random() % 8 : 0;
			if (!words)
				in.pad = 0;
			memset(buf, 0, sizeof(buf));
			bytes = hroce_hdr_build(&in, buf);
			EXPECT_EQ(bytes, spec[i].bytes);
			EXPECT_EQ(parse(&out, buf, bytes + 4 * words + 4), bytes);
			EXPECT_EQ(out.flags, hroce_opcode_flags(in.opcode));
			EXPECT_EQ(out.pad, in.pad);
			EXPECT_EQ(out.payload, 4 * words - in.pad);
			expect_same(&in, &out, out.flags);
		}
}

/* The SRQ's number comes right behind the BTH. */
static void test_xrceth(void)
{
	struct hroce_hdr in = { .opcode = 0xac, .srqn = 0xff123456, .va = 0x1122334455667788 };
	static const u8 want[] = { 0, 0x12, 0x34, 0x56, 0x11, 0x22, 0x33, 0x44 };
	u8 buf[HROCE_MAX_HDR_BYTES];

	EXPECT_EQ(hroce_hdr_build(&in, buf), 32);
	EXPECT(!memcmp(buf + HROCE_BTH_BYTES, want, sizeof(want)));
}

/* A field that is too wide for its place spoils no neighbour. */
static void test_wide_fields(void)
{
	struct hroce_hdr in = { .opcode = 0x11, .qpn = 0xff000001, .psn = 0xff000002,
				.msn = 0xff000003, .syndrome = 0x1f };
	u8 buf[HROCE_MAX_HDR_BYTES + 4];
	struct hroce_hdr out;

	memset(buf, 0, sizeof(buf));
	hroce_hdr_build(&in, buf);
	EXPECT_EQ(buf[4], 0);
	EXPECT_EQ(parse(&out, buf, 20), 16);
	EXPECT(!out.ack_req);
	EXPECT_EQ(out.syndrome, 0x1f);
	EXPECT_EQ(out.msn, 3);
}

static void test_lengths(void)
{
	struct hroce_hdr in, out;
	u8 buf[256];
	unsigned int i, len;
	bool good;

	for (i = 0; i < N(spec); i++) {
		fill(&in, spec[i].opcode);
		in.pad = 0;
		memset(buf, 0, sizeof(buf));
		hroce_hdr_build(&in, buf);
		for (len = 0; len < sizeof(buf); len++) {
			good = len % 4 == 0 && len >= spec[i].bytes + 4u &&
			       (spec[i].payload || len == spec[i].bytes + 4u);
			EXPECT_EQ(parse(&out, buf, len), good ? spec[i].bytes : -EINVAL);
		}
	}
}

static void test_refused(void)
{
	struct hroce_hdr h;
	u8 pkt[256], bad[256];
	size_t len = test_unhex(send_only, pkt);
	unsigned int i;

	for (i = 1; i < 16; i++) {		/* transport versions */
		memcpy(bad, pkt, len);
		bad[1] |= i;
		EXPECT_EQ(parse(&h, bad, len), -EINVAL);
	}
	memcpy(bad, pkt, len);
	for (i = 0; i < 4; i++) {		/* padding without payload */
		bad[1] = i << 4;
		EXPECT_EQ(parse(&h, bad, 16), i ? -EINVAL : 12);
	}
	len = test_unhex(ack, bad);
	bad[1] = 1 << 4;
	EXPECT_EQ(parse(&h, bad, len), -EINVAL);
}

static void test_reserved_ignored(void)
{
	struct hroce_hdr h, other;
	u8 pkt[256];
	size_t len = test_unhex(ud_send, pkt);

	EXPECT_EQ(parse(&h, pkt, len), 20);
	pkt[1] |= 0x40;		/* migrated */
	pkt[4] = 0xff;		/* FECN, BECN, reserved */
	pkt[8] |= 0x7f;		/* reserved beside the acknowledge request */
	pkt[16] = 0xff;		/* of the DETH */
	EXPECT_EQ(parse(&other, pkt, len), 20);
	expect_same(&h, &other, other.flags);
	EXPECT_EQ(other.payload, h.payload);
}

static void test_random_bytes(void)
{
	struct hroce_hdr h;
	unsigned int run, i, len;
	u8 buf[128];
	int bytes;

	for (run = 0; run < 200000; run++) {
		len = test_random() % sizeof(buf);
		for (i = 0; i < len; i++)
			buf[i] = test_random();
		if (len > 1 && run & 1)
			buf[1] &= 0xf0;
		bytes = parse(&h, buf, len);
		if (bytes < 0)
			continue;
		EXPECT_EQ(bytes + h.payload + h.pad + 4, len);
		EXPECT_EQ(bytes, hroce_hdr_bytes(hroce_opcode_flags(buf[0])));
	}
}

int main(void)
{
	static const struct test tests[] = {
		{ "wire_captured", test_captured },
		{ "wire_rebuild_captured", test_rebuild_captured },
		{ "wire_opcodes", test_opcodes },
		{ "wire_xrceth", test_xrceth },
		{ "wire_round_trip", test_round_trip },
		{ "wire_wide_fields", test_wide_fields },
		{ "wire_lengths", test_lengths },
		{ "wire_refused", test_refused },
		{ "wire_reserved_ignored", test_reserved_ignored },
		{ "wire_random_bytes", test_random_bytes },
	};

	return test_main(tests, N(tests));
}
