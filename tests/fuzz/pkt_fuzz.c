// SPDX-License-Identifier: GPL-2.0
/*
 * Garbage, cut off and mutated RoCE packets, most of them with a correct ICRC so
 * that they get past it, sent from one host to a victim queue pair on another.
 *
 *	pkt_fuzz --dev A --gid N --peer ADDRESS-OF-B			the victim, on A
 *	pkt_fuzz --from B --to A [--seconds N] [--seed N] HOST	the fuzzer, on B
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "roce.h"
#include "util.h"
#include "victim.h"

#define VOLLEY		64	/* packets between two looks at the victim */
#define LANDING_MS	2000
#define QKEY_GSI	0x80010000u

struct fuzzer {
	struct roce_path path;
	struct rc_rng rng;
	int sock;
	struct fuzz_answer victim;
	uint32_t recv_psn;	/* a guess at what the victim expects next */
	uint64_t sent, renewals;
	uint8_t noise[ROCE_MAX];
};

static void ask(struct fuzzer *f, enum fuzz_ask what)
{
	uint32_t w = what;

	rc_send(f->sock, &w, sizeof(w));
	rc_recv(f->sock, &f->victim, sizeof(f->victim));
	if (what == FUZZ_RENEW) {
		f->recv_psn = f->victim.recv_psn;
		f->renewals++;
	}
}

/* --- does a packet of ours get through at all? ----------------------------- */

#define PKEY_FULL	0xffff
#define PKEY_LIMITED	0x7fff
#define PKEY_OTHER	0x9234

static void send_write(struct fuzzer *f, uint64_t value, uint16_t pkey, uint32_t spoil)
{
	struct roce_packet k;

	roce_begin(&k, &f->path, ROCE_WRITE_ONLY, f->victim.qpn, f->recv_psn, true);
	roce_put64(&k, f->victim.addr);
	roce_put32(&k, f->victim.rkey);
	roce_put32(&k, sizeof(value));
	roce_put(&k, &value, sizeof(value));
	k.bytes[ROCE_IP + ROCE_UDP + 2] = pkey >> 8;
	k.bytes[ROCE_IP + ROCE_UDP + 3] = pkey;
	roce_send(&k, &f->path, spoil);
}

static bool lands(struct fuzzer *f, uint64_t value)
{
	uint64_t end = rc_patience(LANDING_MS);

	do {
		ask(f, FUZZ_PEEK);
		if (f->victim.peek == value)
			return true;
		usleep(10000);
	} while (rc_now_ms() < end);
	return false;
}

static void prove_checks(struct fuzzer *f)
{
	send_write(f, 0x1111111111111111, PKEY_FULL, 0);
	if (!lands(f, 0x1111111111111111))
		rc_die("a correct WRITE does not arrive: addresses or ICRC are wrong");
	f->recv_psn++;
	send_write(f, 0x2222222222222222, PKEY_FULL, 1);
	if (lands(f, 0x2222222222222222))
		rc_die("a WRITE with a wrong ICRC was carried out");
	send_write(f, 0x3333333333333333, PKEY_OTHER, 0);
	if (lands(f, 0x3333333333333333))
		rc_die("a WRITE of another partition was carried out");
	send_write(f, 0x4444444444444444, PKEY_LIMITED, 0);
	if (!lands(f, 0x4444444444444444))
		rc_die("no WRITE arrives after those with a wrong ICRC and partition");
	f->recv_psn++;
}

/* --- mutations -------------------------------------------------------------- */

static uint32_t some_psn(struct fuzzer *f, bool response)
{
	uint32_t right = response ? f->victim.send_psn + rc_below(&f->rng, 8) : f->recv_psn;

	switch (rc_below(&f->rng, 8)) {
	case 0:
		return rc_rng(&f->rng);
	case 1:
		return right - 1 - rc_below(&f->rng, 16);
	case 2:
		return right + 1 + rc_below(&f->rng, 16);
	case 3:
		return right + 0x7ffff8 + rc_below(&f->rng, 16);
	default:
		return right;
	}
}

static uint32_t some_qpn(struct fuzzer *f)
{
	static const uint32_t odd[] = { 0, 1, 0xffffff, FUZZ_PEER_QPN };

	return rc_once_in(&f->rng, 8) ? odd[rc_below(&f->rng, RC_ARRAY_SIZE(odd))] : f->victim.qpn;
}

static uint64_t some_addr(struct fuzzer *f)
{
	switch (rc_below(&f->rng, 8)) {
	case 0:
		return rc_rng(&f->rng);
	case 1:
		return f->victim.addr - rc_below(&f->rng, 64);
	case 2:
		return f->victim.addr + f->victim.len - rc_below(&f->rng, 64);
	case 3:
		return -(uint64_t)rc_below(&f->rng, 4096);
	default:
		return f->victim.addr + rc_below(&f->rng, 4096);
	}
}

static uint32_t some_len(struct fuzzer *f)
{
	switch (rc_below(&f->rng, 6)) {
	case 0:
		return rc_rng(&f->rng);
	case 1:
		return 0x7ffffff0 + rc_below(&f->rng, 64);
	case 2:
		return f->victim.len - 8 + rc_below(&f->rng, 16);
	default:
		return rc_below(&f->rng, 2048);
	}
}

static uint32_t some_key(struct fuzzer *f)
{
	return rc_once_in(&f->rng, 6) ? f->victim.rkey ^ 1u << rc_below(&f->rng, 32) : f->victim.rkey;
}

static void put_payload(struct fuzzer *f, struct roce_packet *k)
{
	static const uint16_t usual[] = { 0, 1, 4, 255, 256, 1023, 1024, 1025 };
	uint32_t len = usual[rc_below(&f->rng, RC_ARRAY_SIZE(usual))];

	if (rc_once_in(&f->rng, 3))
		len = rc_below(&f->rng, 1400);
	roce_put(k, f->noise + rc_below(&f->rng, 64), len);
}

static void put_reth(struct fuzzer *f, struct roce_packet *k)
{
	uint32_t payload = 0;

	roce_put64(k, some_addr(f));
	roce_put32(k, some_key(f));
	payload = some_len(f);
	roce_put32(k, payload);
}

/* The headers that the opcode asks for; some are left out or doubled. */
static void put_headers(struct fuzzer *f, struct roce_packet *k, uint8_t opcode)
{
	switch (opcode & 0x1f) {
	case ROCE_WRITE_FIRST:
	case ROCE_WRITE_ONLY:
		put_reth(f, k);
		break;
	case ROCE_WRITE_ONLY_IMM:
		put_reth(f, k);
		roce_put32(k, rc_rng(&f->rng));
		break;
	case ROCE_READ_REQUEST:
		put_reth(f, k);
		return;
	case ROCE_FLUSH:
		roce_put32(k, rc_once_in(&f->rng, 4) ? rc_rng(&f->rng) : rc_below(&f->rng, 64));
		put_reth(f, k);
		return;
	case ROCE_ATOMIC_WRITE:
		put_reth(f, k);
		if (rc_once_in(&f->rng, 2)) {
			roce_put64(k, rc_rng(&f->rng));
			return;
		}
		break;
	case ROCE_SEND_LAST_IMM:
	case ROCE_SEND_ONLY_IMM:
	case ROCE_WRITE_LAST_IMM:
	case ROCE_SEND_LAST_INV:
	case ROCE_SEND_ONLY_INV:
		roce_put32(k, rc_once_in(&f->rng, 2) ? f->victim.rkey : rc_rng(&f->rng));
		break;
	case ROCE_CAS:
	case ROCE_FADD:
		roce_put64(k, some_addr(f) & ~(uint64_t)7);
		roce_put32(k, some_key(f));
		roce_put64(k, rc_rng(&f->rng));
		roce_put64(k, rc_rng(&f->rng));
		return;
	case ROCE_READ_FIRST:
	case ROCE_READ_LAST:
	case ROCE_READ_ONLY:
		roce_put32(k, rc_rng(&f->rng) >> (rc_once_in(&f->rng, 2) ? 40 : 32));
		break;
	case ROCE_ACK:
		roce_put32(k, rc_rng(&f->rng));
		return;
	case ROCE_ATOMIC_ACK:
		roce_put32(k, rc_rng(&f->rng) & 0x1fffffff);
		roce_put64(k, rc_rng(&f->rng));
		return;
	}
	put_payload(f, k);
}

/* Any opcode, more often the plausible ones. */
static uint8_t some_opcode(struct fuzzer *f)
{
	static const uint8_t service[] = { 0x20, 0x40, 0x60, 0xa0, 0x80 };

	if (rc_once_in(&f->rng, 16))
		return rc_rng(&f->rng);
	if (rc_once_in(&f->rng, 16))
		return service[rc_below(&f->rng, RC_ARRAY_SIZE(service))] + rc_below(&f->rng, 0x20);
	return rc_below(&f->rng, ROCE_ATOMIC_WRITE + 1);
}

static void flip_bits(struct fuzzer *f, struct roce_packet *k)
{
	int n = 1 + rc_below(&f->rng, 4);

	while (n--) {
		uint32_t at = ROCE_IP + ROCE_UDP + rc_below(&f->rng, k->len - ROCE_IP - ROCE_UDP);

		/* the QP number stays: others' traffic is not to be forged */
		if (at >= ROCE_IP + ROCE_UDP + 5 && at < ROCE_IP + ROCE_UDP + 8)
			continue;
		k->bytes[at] ^= 1 << rc_below(&f->rng, 8);
	}
}

static void cut_off(struct fuzzer *f, struct roce_packet *k)
{
	uint32_t most = k->len - ROCE_IP - ROCE_UDP;

	if (rc_once_in(&f->rng, 2) && most > 48)
		most = 48;
	k->len = ROCE_IP + ROCE_UDP + rc_below(&f->rng, most + 1);
}

/* A connection manager's datagram to QP 1, with more or less sense in it. */
static void mad(struct fuzzer *f, struct roce_packet *k)
{
	roce_begin(k, &f->path, ROCE_UD_SEND, 1, rc_rng(&f->rng), false);
	roce_put32(k, rc_once_in(&f->rng, 4) ? rc_rng(&f->rng) : QKEY_GSI);
	roce_put32(k, rc_rng(&f->rng) & 0xffffff);
	f->noise[0] = 1;		/* MAD version */
	f->noise[1] = rc_once_in(&f->rng, 4) ? rc_rng(&f->rng) : 7;	/* class: CM */
	f->noise[2] = 2;
	f->noise[3] = rc_once_in(&f->rng, 4) ? rc_rng(&f->rng) : 3;	/* send */
	f->noise[17] = rc_rng(&f->rng);	/* attribute: 0x10.. for CM */
	roce_put(k, f->noise, rc_once_in(&f->rng, 4) ? rc_below(&f->rng, 1400) : 256);
}

static void shoot(struct fuzzer *f)
{
	uint8_t opcode = some_opcode(f);
	bool response = (opcode & 0x1f) >= ROCE_READ_FIRST && (opcode & 0x1f) <= ROCE_ATOMIC_ACK;
	struct roce_packet k;
	uint32_t spoil = 0;

	if (rc_once_in(&f->rng, 12)) {
		mad(f, &k);
	} else {
		uint32_t psn = some_psn(f, response);

		roce_begin(&k, &f->path, opcode, some_qpn(f), psn, rc_once_in(&f->rng, 2));
		put_headers(f, &k, opcode);
		if (!response && psn == f->recv_psn)
			f->recv_psn++;
	}
	if (rc_once_in(&f->rng, 6))
		flip_bits(f, &k);
	if (rc_once_in(&f->rng, 10))
		cut_off(f, &k);
	if (rc_once_in(&f->rng, 20))
		k.udp_short = rc_below(&f->rng, k.len - ROCE_IP);
	if (rc_once_in(&f->rng, 20))
		spoil = rc_rng(&f->rng);
	if (rc_once_in(&f->rng, 20))	/* nothing but noise behind the UDP header */
		memcpy(k.bytes + ROCE_IP + ROCE_UDP, f->noise, k.len - ROCE_IP - ROCE_UDP);
	roce_send(&k, &f->path, spoil);
	f->sent++;
}

static void fuzz(struct fuzzer *f, uint64_t ms)
{
	uint64_t end = rc_now_ms() + ms;
	int i;

	ask(f, FUZZ_RENEW);
	prove_checks(f);
	while (rc_now_ms() < end) {
		rc_fill(rc_rng(&f->rng), f->noise, sizeof(f->noise));
		for (i = 0; i < VOLLEY; i++)
			shoot(f);
		ask(f, FUZZ_STATUS);
		if (f->victim.state != IBV_QPS_RTS || rc_once_in(&f->rng, 8))
			ask(f, FUZZ_RENEW);
	}
	/* and after all that, it still works */
	ask(f, FUZZ_RENEW);
	prove_checks(f);
	ask(f, FUZZ_END);
	printf("fuzzer: %llu packets, %llu queue pairs\n", (unsigned long long)f->sent,
	       (unsigned long long)f->renewals);
}

static struct in_addr address(const char *text)
{
	struct in_addr a;

	if (inet_pton(AF_INET, text, &a) != 1)
		rc_die("'%s' is not an IPv4 address", text);
	return a;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		RC_LINK_OPTIONS,
		{ "peer", required_argument, NULL, 'P' }, { "from", required_argument, NULL, 'f' },
		{ "to", required_argument, NULL, 't' }, { "seconds", required_argument, NULL, 'n' },
		{ "seed", required_argument, NULL, 'S' }, { }
	};
	struct rc_link_opts link = RC_LINK_DEFAULTS;
	struct fuzzer f = { .rng.state = rc_now_ns() };
	struct in_addr peer = { 0 };
	uint64_t seconds = 15;
	int c;

	link.tcp_port++;	/* beside the traffic */
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'P')
			peer = address(optarg);
		else if (c == 'f')
			f.path.from = address(optarg);
		else if (c == 't')
			f.path.to = address(optarg);
		else if (c == 'n')
			seconds = rc_number(optarg);
		else if (c == 'S')
			f.rng.state = rc_number(optarg);
		else if (!rc_link_option(&link, c, optarg))
			return 2;
	}
	link.server = argv[optind];
	if (!link.server) {
		fuzz_victim(&link, peer);
		return 0;
	}
	printf("seed %llu\n", (unsigned long long)f.rng.state);
	fflush(stdout);
	roce_open(&f.path);
	f.sock = rc_tcp(&link);
	fuzz(&f, seconds * 1000);
	return 0;
}
