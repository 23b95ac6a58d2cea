// SPDX-License-Identifier: GPL-2.0
/*
 * The victim: a queue pair whose peer is the fuzzer, and memory of which only a
 * part may ever change.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "util.h"
#include "victim.h"

#define PAGES		24
/* in pages: what the peer may write, what receives may, what READs may */
#define REGION		4
#define REGION_PAGES	4
#define RECEIVE		12
#define READ		16
#define RECEIVE_LEN	300	/* in the middle of a region of one page */
#define DEPTH		8

struct victim {
	struct rc_dev dev;
	struct rc_mem mem;
	uint8_t *model;
	struct ibv_mr *region, *local;
	struct ibv_cq *cq;
	struct ibv_qp *qp;
	struct in_addr peer;
	struct fuzz_answer is;
};

static void make(struct victim *v, struct rc_link_opts *o)
{
	int all = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE |
		  IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC;
	uint8_t *p;

	rc_dev_open(&v->dev, o);
	rc_mem_get(&v->mem, RC_MEM_PLAIN, PAGES * RC_PAGE);
	v->model = malloc(v->mem.len);
	rc_fill(rc_now_ns(), v->model, v->mem.len);
	memcpy(v->mem.addr, v->model, v->mem.len);
	p = v->mem.addr;
	/* not on a page boundary, so that a step over it would show */
	v->region = ibv_reg_mr(v->dev.pd, p + REGION * RC_PAGE + 32,
			       REGION_PAGES * RC_PAGE - 64, all);
	v->local = ibv_reg_mr(v->dev.pd, p + RECEIVE * RC_PAGE,
			      (PAGES - RECEIVE) * RC_PAGE, IBV_ACCESS_LOCAL_WRITE);
	v->cq = ibv_create_cq(v->dev.ctx, 4 * DEPTH, NULL, NULL, 0);
	if (!v->region || !v->local || !v->cq)
		rc_die_errno("cannot make the victim");
	v->is.addr = (uintptr_t)v->region->addr;
	v->is.len = v->region->length;
	v->is.rkey = v->region->rkey;
	v->is.gid = v->dev.gid;
}

static struct ibv_sge sge(struct victim *v, int page, uint32_t len)
{
	return (struct ibv_sge){
		.addr = (uintptr_t)v->mem.addr + page * RC_PAGE + 100,
		.length = len, .lkey = v->local->lkey,
	};
}

/* Requests to a peer that the fuzzer will answer as it likes. */
static void post(struct victim *v)
{
	static const enum ibv_wr_opcode ops[] = {
		IBV_WR_RDMA_READ, IBV_WR_SEND, IBV_WR_ATOMIC_FETCH_AND_ADD, IBV_WR_RDMA_WRITE,
	};
	struct ibv_sge to = sge(v, RECEIVE, RECEIVE_LEN), from;
	struct ibv_recv_wr recv = { .sg_list = &to, .num_sge = 1 }, *bad_recv;
	struct ibv_send_wr send = { .sg_list = &from, .num_sge = 1 }, *bad_send;
	int i;

	for (i = 0; i < DEPTH; i++)
		if (ibv_post_recv(v->qp, &recv, &bad_recv))
			rc_die_errno("ibv_post_recv");
	for (i = 0; i < (int)RC_ARRAY_SIZE(ops); i++) {
		send.opcode = ops[i];
		send.send_flags = i & 1 ? 0 : IBV_SEND_SIGNALED;
		from = sge(v, READ, ops[i] == IBV_WR_ATOMIC_FETCH_AND_ADD ? 8 : 3000);
		if (ops[i] == IBV_WR_ATOMIC_FETCH_AND_ADD) {
			send.wr.atomic.remote_addr = 0x1000;
			send.wr.atomic.rkey = 1;
		} else {
			send.wr.rdma.remote_addr = 0x1000;
			send.wr.rdma.rkey = 1;
		}
		if (ibv_post_send(v->qp, &send, &bad_send))
			rc_die_errno("ibv_post_send");
	}
}

static void drain(struct victim *v)
{
	struct ibv_wc wc[DEPTH];
	int n;

	while ((n = ibv_poll_cq(v->cq, DEPTH, wc)) > 0)
		v->is.completions += n;
	if (n < 0)
		rc_die("ibv_poll_cq failed");
}

static void renew(struct victim *v)
{
	struct ibv_qp_init_attr a = {
		.qp_type = IBV_QPT_RC, .send_cq = v->cq, .recv_cq = v->cq,
		.cap = { .max_send_wr = DEPTH, .max_recv_wr = DEPTH,
			 .max_send_sge = 1, .max_recv_sge = 1 },
	};
	struct rc_qp_param p = RC_QP_DEFAULTS;
	struct rc_end peer = { .qpn = FUZZ_PEER_QPN };

	if (v->qp && ibv_destroy_qp(v->qp))
		rc_die_errno("ibv_destroy_qp");
	drain(v);
	v->qp = ibv_create_qp(v->dev.pd, &a);
	if (!v->qp)
		rc_die_errno("ibv_create_qp");
	/* never gives up by itself */
	p.timeout = 0;
	p.rd_atomic = 4;
	peer.psn = v->is.recv_psn = rc_psn();
	v->is.send_psn = rc_psn();
	v->is.qpn = v->qp->qp_num;
	/* ::ffff:a.b.c.d of the fuzzer's host */
	peer.gid.raw[10] = peer.gid.raw[11] = 0xff;
	memcpy(peer.gid.raw + 12, &v->peer, 4);
	rc_qp_connect(&v->dev, v->qp, &p, v->is.send_psn, &peer);
	post(v);
}

/* Nothing but what requests may write can have changed. */
static void look(struct victim *v)
{
	static const struct {
		uint32_t from, len;
	} guards[] = {
		{ 0, REGION * RC_PAGE + 32 },
		{ (REGION + REGION_PAGES) * RC_PAGE - 32, (RECEIVE - REGION - REGION_PAGES) * RC_PAGE + 132 },
		{ RECEIVE * RC_PAGE + 100 + RECEIVE_LEN, (READ - RECEIVE) * RC_PAGE - RECEIVE_LEN },
		{ READ * RC_PAGE + 3100, (PAGES - READ) * RC_PAGE - 3100 },
	};
	size_t i, at;

	for (i = 0; i < RC_ARRAY_SIZE(guards); i++) {
		at = rc_differ(v->mem.addr + guards[i].from, v->model + guards[i].from, guards[i].len);
		if (at < guards[i].len)
			rc_die("a packet changed byte %zu of guard %zu: expected %02x, got %02x",
			       at, i, v->model[guards[i].from + at], v->mem.addr[guards[i].from + at]);
	}
}

void fuzz_victim(struct rc_link_opts *o, struct in_addr peer)
{
	struct victim v = { .peer = peer };
	uint32_t ask, renewals = 0;
	int sock;

	make(&v, o);
	renew(&v);
	sock = rc_tcp(o);
	do {
		rc_recv(sock, &ask, sizeof(ask));
		drain(&v);
		look(&v);
		if (ask == FUZZ_RENEW) {
			renew(&v);
			renewals++;
		}
		v.is.state = rc_qp_state(v.qp);
		memcpy(&v.is.peek, v.region->addr, sizeof(v.is.peek));
		rc_send(sock, &v.is, sizeof(v.is));
	} while (ask != FUZZ_END);
	printf("victim: %u queue pairs, %u completions, no byte out of place\n",
	       renewals + 1, v.is.completions);
	if (ibv_destroy_qp(v.qp) || ibv_destroy_cq(v.cq) || ibv_dereg_mr(v.region) ||
	    ibv_dereg_mr(v.local))
		rc_die_errno("cannot destroy the victim");
	rc_dev_close(&v.dev);
}
