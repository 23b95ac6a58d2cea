// SPDX-License-Identifier: GPL-2.0
/*
 * Garbage in the rings that the process shares with the kernel. Two queue pairs
 * of this process are connected to each other; a region lies amid guard bytes,
 * and whatever the work requests say, nothing but the region may change.
 *
 * Needs a device with rings as in rdma/hroce-abi.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <rdma/hroce-abi.h>

#include "hostile.h"

#define MAX_RINGS	8
#define DEPTH		16
#define PAGES		24
#define REGION		8	/* in pages */
#define REGION_PAGES	8
#define MAGIC		0x686f7374696c6500ull
#define RENEW_ROUNDS	24

struct ring {
	struct hroce_ring *at;
	size_t len;
	uint32_t stride;	/* 0: not known, all of it is garbled */
};

struct prey {
	struct rc_dev *dev;
	struct rc_rng *r;
	struct rc_mem mem;
	uint8_t *model;
	struct ibv_mr *mr;
	struct ibv_mw *mw[2];
	struct ibv_cq *cq;
	struct ibv_qp *qp[2];
	struct ibv_srq *srq;	/* of qp[1], in every other life */
	struct ring ring[MAX_RINGS];
	int rings;
	uint64_t attacks, renewals, resized;
};

/* --- finding the rings -------------------------------------------------------- */

/* Shared mappings of the device file, by /proc/self/maps. */
static int find_maps(struct ring *out, int max)
{
	FILE *f = fopen("/proc/self/maps", "r");
	unsigned long from, to;
	char line[512], perms[8];
	int n = 0;

	if (!f)
		rc_die_errno("/proc/self/maps");
	while (fgets(line, sizeof(line), f) && n < max)
		if (strstr(line, "/dev/infiniband/uverbs") &&
		    sscanf(line, "%lx-%lx %7s", &from, &to, perms) == 3 && perms[1] == 'w')
			out[n++] = (struct ring){ (void *)from, to - from, 0 };
	fclose(f);
	return n;
}

/* A work request has left its wr_id in some ring: where, and where the next? */
static void learn_stride(struct ring *ring, uint64_t first, uint64_t second)
{
	uint32_t i, at = 0;

	for (i = HROCE_RING_ENTRIES; i + 8 <= ring->len; i += 16) {
		uint64_t v;

		memcpy(&v, (uint8_t *)ring->at + i, 8);
		if (v == first)
			at = i;
		else if (v == second && at)
			ring->stride = i - at;
	}
}

static void find_rings(struct prey *p)
{
	int i, k;

	p->rings = find_maps(p->ring, MAX_RINGS);
	for (i = 0; i < p->rings; i++)
		for (k = 0; k < 4; k++)
			learn_stride(&p->ring[i], MAGIC + 16 * k, MAGIC + 16 * k + 1);
}

/* --- the prey ------------------------------------------------------------------ */

static void make_memory(struct prey *p)
{
	rc_mem_get(&p->mem, RC_MEM_PLAIN, PAGES * RC_PAGE);
	p->model = malloc(p->mem.len);
	rc_fill(1, p->model, p->mem.len);
	memcpy(p->mem.addr, p->model, p->mem.len);
	p->mr = ibv_reg_mr(p->dev->pd, p->mem.addr + REGION * RC_PAGE + 16,
			   REGION_PAGES * RC_PAGE - 32,
			   IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE |
			   IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC |
			   IBV_ACCESS_MW_BIND |
			   (rc_once_in(p->r, 2) ? IBV_ACCESS_ON_DEMAND : 0));
	p->mw[0] = ibv_alloc_mw(p->dev->pd, IBV_MW_TYPE_1);
	p->mw[1] = ibv_alloc_mw(p->dev->pd, IBV_MW_TYPE_2);
	if (!p->mr || !p->mw[0] || !p->mw[1])
		rc_die_errno("ibv_reg_mr");
}

static void check_guards(const struct prey *p)
{
	size_t end = (REGION + REGION_PAGES) * RC_PAGE - 16, at;

	at = rc_differ(p->mem.addr, p->model, REGION * RC_PAGE + 16);
	if (at < REGION * RC_PAGE + 16)
		rc_die("a byte before the region changed, at %zu", at);
	at = rc_differ(p->mem.addr + end, p->model + end, p->mem.len - end);
	if (at < p->mem.len - end)
		rc_die("a byte behind the region changed, at %zu", end + at);
}

static void make_srq(struct prey *p)
{
	struct ibv_srq_init_attr a = { .attr = { .max_wr = DEPTH, .max_sge = 4 } };

	p->srq = NULL;
	if (rc_once_in(p->r, 2))
		return;
	p->srq = ibv_create_srq(p->dev->pd, &a);
	if (!p->srq)
		rc_die_errno("ibv_create_srq");
}

static int post_recv(struct prey *p, int i, struct ibv_recv_wr *wr)
{
	struct ibv_recv_wr *bad;

	return p->qp[i]->srq ? ibv_post_srq_recv(p->qp[i]->srq, wr, &bad) :
			       ibv_post_recv(p->qp[i], wr, &bad);
}

static void make_qps(struct prey *p)
{
	struct ibv_qp_init_attr a = {
		.qp_type = IBV_QPT_RC, .send_cq = p->cq, .recv_cq = p->cq,
		.cap = { .max_send_wr = DEPTH, .max_recv_wr = DEPTH, .max_send_sge = 4,
			 .max_recv_sge = 4, .max_inline_data = 64 },
	};
	struct rc_qp_param param = RC_QP_DEFAULTS;
	struct ibv_recv_wr recv = { 0 };
	struct ibv_send_wr send = { .opcode = IBV_WR_RDMA_WRITE }, *bad_send;
	struct rc_end to;
	int i, k;

	param.timeout = 12;
	param.retry = 2;
	param.rnr_retry = 1;
	make_srq(p);
	for (i = 0; i < 2; i++) {
		a.srq = i ? p->srq : NULL;
		p->qp[i] = ibv_create_qp(p->dev->pd, &a);
		if (!p->qp[i])
			rc_die_errno("ibv_create_qp");
	}
	for (i = 0; i < 2; i++) {
		to = (struct rc_end){ .qpn = p->qp[!i]->qp_num, .psn = 7, .gid = p->dev->gid };
		rc_qp_connect(p->dev, p->qp[i], &param, 7, &to);
		for (k = 0; k < 2; k++) {
			recv.wr_id = MAGIC + 32 * i + k;
			send.wr_id = MAGIC + 32 * i + 16 + k;
			if (post_recv(p, i, &recv) ||
			    ibv_post_send(p->qp[i], &send, &bad_send))
				rc_die_errno("cannot post");
		}
	}
	find_rings(p);
}

static void make_cq(struct prey *p)
{
	p->cq = ibv_create_cq(p->dev->ctx, DEPTH, NULL, NULL, 0);
	if (!p->cq)
		rc_die_errno("ibv_create_cq");
}

static void renew(struct prey *p)
{
	int i;

	for (i = 0; i < 2; i++)
		if (p->qp[i] && ibv_destroy_qp(p->qp[i]))
			rc_die_errno("ibv_destroy_qp");
	if (p->srq && ibv_destroy_srq(p->srq))
		rc_die_errno("ibv_destroy_srq");
	if (p->cq && ibv_destroy_cq(p->cq))
		rc_die_errno("ibv_destroy_cq");
	make_cq(p);
	make_qps(p);
	if (p->rings < 3)
		rc_die("only %d rings found in /proc/self/maps", p->rings);
	p->renewals++;
}

/* --- attacks ------------------------------------------------------------------- */

static void doorbell(struct prey *p, int i)
{
	int err = rc_doorbell(p->qp[i]);

	if (err && err != EINVAL && err != EAGAIN && err != ENOMEM && err != EIO)
		rc_die("doorbell: %s", strerror(err));
}

static uint64_t some_addr(struct prey *p)
{
	uint64_t start = (uintptr_t)p->mr->addr, len = p->mr->length;

	switch (rc_below(p->r, 8)) {
	case 0:
		return rc_rng(p->r);
	case 1:
		return start + len - rc_below(p->r, 64);
	case 2:
		return start - rc_below(p->r, 64);
	case 3:
		return 0xffffffff80000000ull + rc_below(p->r, 1 << 20);	/* the kernel's */
	default:
		return start + rc_below(p->r, len);
	}
}

static uint32_t some_len(struct prey *p)
{
	static const uint32_t odd[] = { 0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffff000 };

	return rc_once_in(p->r, 4) ? odd[rc_below(p->r, RC_ARRAY_SIZE(odd))] : rc_below(p->r, 5000);
}

static uint32_t some_key(struct prey *p)
{
	switch (rc_below(p->r, 6)) {
	case 0:
		return rc_rng(p->r);
	case 1:		/* one of the few tags, so that it is the bound one now and then */
		return (p->mw[rc_below(p->r, 2)]->rkey & ~0xffu) | rc_below(p->r, 4);
	default:
		return p->mr->lkey;
	}
}

static void forge_bind(struct prey *p, struct hroce_send_wqe *w)
{
	w->bind = (struct hroce_bind) {
		.addr = some_addr(p), .length = some_len(p), .key = some_key(p),
		.rkey = rc_below(p->r, 4), .lkey = some_key(p),
		.access = rc_once_in(p->r, 4) ? rc_rng(p->r) : rc_rng(p->r) & 0x2e,
	};
}

/* A work request that could be one, with something wrong in it now and then. */
static void forge(struct prey *p, uint8_t *entry, uint32_t stride)
{
	struct hroce_send_wqe w = { .wr_id = rc_rng(p->r) };
	struct hroce_sge sge;
	uint32_t at;

	w.opcode = rc_once_in(p->r, 8) ? rc_rng(p->r) : rc_below(p->r, 10);
	w.flags = rc_rng(p->r);
	w.num_sge = rc_once_in(p->r, 6) ? rc_rng(p->r) : rc_below(p->r, 5);
	w.inline_length = rc_once_in(p->r, 4) ? some_len(p) : rc_below(p->r, 64);
	w.imm = rc_rng(p->r);
	w.ah = rc_rng(p->r);
	w.rdma.remote_addr = some_addr(p);
	w.rdma.rkey = some_key(p);
	w.atomic.compare_add = rc_rng(p->r);
	w.atomic.swap = rc_rng(p->r);
	if (w.opcode == IBV_WR_BIND_MW)
		forge_bind(p, &w);
	if (w.opcode == IBV_WR_LOCAL_INV || w.opcode == IBV_WR_SEND_WITH_INV)
		w.imm = some_key(p);
	memcpy(entry, &w, stride < sizeof(w) ? stride : sizeof(w));
	for (at = sizeof(w); at + sizeof(sge) <= stride; at += sizeof(sge)) {
		sge = (struct hroce_sge){ some_addr(p), some_len(p), some_key(p) };
		memcpy(entry + at, &sge, sizeof(sge));
	}
}

static void forge_recv(struct prey *p, uint8_t *entry, uint32_t stride)
{
	struct hroce_recv_wqe w = {
		.wr_id = rc_rng(p->r),
		.num_sge = rc_once_in(p->r, 6) ? rc_rng(p->r) : rc_below(p->r, 5),
	};
	struct hroce_sge sge;
	uint32_t at;

	memcpy(entry, &w, sizeof(w));
	for (at = sizeof(w); at + sizeof(sge) <= stride; at += sizeof(sge)) {
		sge = (struct hroce_sge){ some_addr(p), some_len(p), some_key(p) };
		memcpy(entry + at, &sge, sizeof(sge));
	}
}

static void garble_index(struct prey *p, struct ring *ring)
{
	volatile uint32_t *which = rc_once_in(p->r, 2) ? &ring->at->producer : &ring->at->consumer;

	switch (rc_below(p->r, 4)) {
	case 0:
		*which = rc_rng(p->r);
		break;
	case 1:
		*which += 0x80000000u;
		break;
	default:
		*which += rc_below(p->r, 3 * DEPTH);
		break;
	}
}

/* Another ring, or a limit; who reads the old one meanwhile must notice. */
static void modify_srq(struct prey *p)
{
	struct ibv_srq_attr attr = {
		.max_wr = 1 + rc_below(p->r, 4 * DEPTH), .srq_limit = rc_below(p->r, DEPTH),
	};
	int mask = 1 + rc_below(p->r, 3);

	if (ibv_modify_srq(p->srq, &attr, mask) || !(mask & IBV_SRQ_MAX_WR))
		return;
	p->resized++;
	find_rings(p);
}

static void attack(struct prey *p)
{
	struct ring *ring = &p->ring[rc_below(p->r, p->rings)];
	uint32_t room = ring->len - HROCE_RING_ENTRIES, at;

	switch (rc_below(p->r, 8)) {
	case 0:
		garble_index(p, ring);
		break;
	case 1:		/* noise anywhere, the header included */
		at = rc_below(p->r, ring->len - 64) & ~7u;
		rc_fill(rc_rng(p->r), (uint8_t *)ring->at + at, 64);
		break;
	case 2:
		rc_fill(rc_rng(p->r), ring->at, sizeof(*ring->at));
		break;
	default:
		if (!ring->stride || ring->stride > room)
			break;
		at = HROCE_RING_ENTRIES + rc_below(p->r, room / ring->stride) * ring->stride;
		if (rc_once_in(p->r, 4))
			forge_recv(p, (uint8_t *)ring->at + at, ring->stride);
		else
			forge(p, (uint8_t *)ring->at + at, ring->stride);
		if (rc_once_in(p->r, 3))
			ring->at->producer++;
		break;
	}
	if (p->srq && rc_once_in(p->r, 64))
		modify_srq(p);
	if (rc_once_in(p->r, 2))
		doorbell(p, rc_below(p->r, 2));
	p->attacks++;
}

void hostile_rings(struct rc_dev *d, struct rc_rng *r, uint64_t ms)
{
	struct prey p = { .dev = d, .r = r };
	uint64_t end = rc_now_ms() + ms;
	int i;

	make_memory(&p);
	while (rc_now_ms() < end) {
		renew(&p);
		for (i = 0; i < RENEW_ROUNDS * DEPTH; i++)
			attack(&p);
		usleep(1000 * rc_below(r, 20));
		check_guards(&p);
	}
	printf("rings: %llu attacks on %d rings, %llu times anew, %llu SRQs resized\n",
	       (unsigned long long)p.attacks, p.rings, (unsigned long long)p.renewals,
	       (unsigned long long)p.resized);
	/* all else is left to the kernel to clean up */
}
