// SPDX-License-Identifier: GPL-2.0
/* SENDs, WRITEs and READs without end between two processes. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <unistd.h>

#include "crossfire.h"

enum { SOURCE, WRITTEN, RECEIVED, READ_TO };

/* wr_id: opcode or RECEIVE, length, offset or slot */
#define RECEIVE		0xff
#define WR_ID(what, len, at)	((uint64_t)(what) << 56 | (uint64_t)(len) << 32 | (at))

static uint8_t pattern(int whose, uint32_t off)
{
	return off * 167 + (off >> 8) * 91 + (off >> 16) * 13 + (whose ? 0x55 : 0xa6);
}

static uint8_t *place(struct rc_cross *c, int quarter, uint32_t off)
{
	return c->mem.addr + (size_t)quarter * c->quarter + off;
}

/* @len bytes at @p are those at @off of the other's source; or 0, if @maybe. */
static void check(struct rc_cross *c, const uint8_t *p, uint32_t off, uint32_t len,
		  bool maybe, const char *what)
{
	uint32_t i;

	for (i = 0; i < len; i++)
		if (p[i] != pattern(!c->me, off + i) && !(maybe && !p[i]))
			rc_die("%s: byte %u of %u from offset %u: expected %02x, got %02x",
			       what, i, len, off, pattern(!c->me, off + i), p[i]);
}

static void post_recv(struct rc_cross *c, uint32_t slot)
{
	struct ibv_sge sge = {
		.addr = (uintptr_t)place(c, RECEIVED, slot * RC_CROSS_MAX),
		.length = RC_CROSS_MAX, .lkey = c->mr->lkey,
	};
	struct ibv_recv_wr wr = {
		.wr_id = WR_ID(RECEIVE, 0, slot), .sg_list = &sge, .num_sge = 1,
	}, *bad;

	if (ibv_post_recv(c->qp, &wr, &bad))
		rc_die_errno("ibv_post_recv");
	c->receives++;
}

static void post_send(struct rc_cross *c)
{
	static const enum ibv_wr_opcode codes[] = {
		IBV_WR_SEND_WITH_IMM, IBV_WR_RDMA_WRITE, IBV_WR_RDMA_READ,
	};
	enum ibv_wr_opcode code = codes[rc_below(&c->rng, RC_ARRAY_SIZE(codes))];
	uint32_t len = 1 + rc_below(&c->rng, RC_CROSS_MAX);
	uint32_t off = rc_below(&c->rng, c->quarter - len + 1);
	bool reads = code == IBV_WR_RDMA_READ;
	struct ibv_sge sge = {
		.addr = (uintptr_t)place(c, reads ? READ_TO : SOURCE, off),
		.length = len, .lkey = c->mr->lkey,
	};
	struct ibv_send_wr wr = {
		.wr_id = WR_ID(code, len, off), .sg_list = &sge, .num_sge = 1, .opcode = code,
		.send_flags = IBV_SEND_SIGNALED, .imm_data = htonl(off),
	}, *bad;

	if (code != IBV_WR_SEND_WITH_IMM) {
		wr.wr.rdma.remote_addr = c->theirs.addr + off + (reads ? 0 : c->quarter);
		wr.wr.rdma.rkey = c->theirs.rkey;
	}
	if (ibv_post_send(c->qp, &wr, &bad))
		rc_die_errno("ibv_post_send");
	c->sends++;
}

void rc_cross_post(struct rc_cross *c)
{
	while (!c->status && c->sends < RC_CROSS_DEPTH)
		post_send(c);
}

static void take(struct rc_cross *c, const struct ibv_wc *wc)
{
	uint32_t at = wc->wr_id, len = wc->wr_id >> 32 & 0xffffff;
	bool receive = wc->wr_id >> 56 == RECEIVE;

	if (receive)
		c->receives--;
	else
		c->sends--;
	if (wc->status) {
		if (!c->status)
			c->status = wc->status;
		return;
	}
	if (c->status)
		rc_die("a success after %s", ibv_wc_status_str(c->status));
	if (receive) {
		check(c, place(c, RECEIVED, at * RC_CROSS_MAX), ntohl(wc->imm_data),
		      wc->byte_len, false, "RECV");
		c->received++;
		post_recv(c, at);
		return;
	}
	if (wc->wr_id >> 56 == IBV_WR_RDMA_READ)
		check(c, place(c, READ_TO, at), at, len, false, "READ");
	if (wc->wr_id >> 56 == IBV_WR_SEND_WITH_IMM)
		c->delivered++;
	c->sent++;
}

int rc_cross_poll(struct rc_cross *c)
{
	struct ibv_wc wc[8];
	int n = ibv_poll_cq(c->cq, RC_ARRAY_SIZE(wc), wc), i;

	if (n < 0)
		rc_die("ibv_poll_cq failed");
	for (i = 0; i < n; i++)
		take(c, &wc[i]);
	return n;
}

void rc_cross_check_written(struct rc_cross *c)
{
	check(c, place(c, WRITTEN, 0), 0, c->quarter, true, "WRITE");
}

static void connect_qp(struct rc_cross *c)
{
	struct rc_qp_param p = RC_QP_DEFAULTS;

	p.mtu = IBV_MTU_4096;
	p.rd_atomic = 4;
	c->mine = (struct rc_end){
		.qpn = c->qp->qp_num, .psn = rc_psn(), .gid = c->dev.gid,
		.addr = (uintptr_t)c->mem.addr, .len = c->mem.len, .rkey = c->mr->rkey,
	};
	rc_exchange(c->sock, &c->mine, &c->theirs, sizeof(c->mine));
	if (c->mine.len != c->theirs.len)
		rc_die("the sides have different sizes");
	rc_qp_connect(&c->dev, c->qp, &p, c->mine.psn, &c->theirs);
}

void rc_cross_open(struct rc_cross *c, const struct rc_link_opts *o, enum rc_mem_kind kind,
		   size_t size)
{
	struct ibv_qp_init_attr a = {
		.qp_type = IBV_QPT_RC,
		.cap = {
			.max_send_wr = RC_CROSS_DEPTH, .max_recv_wr = RC_CROSS_DEPTH,
			.max_send_sge = 1, .max_recv_sge = 1,
		},
	};
	uint32_t i;

	c->me = !o->server;
	c->rng.state = rc_now_ns();
	rc_dev_open(&c->dev, o);
	c->sock = rc_tcp(o);
	rc_mem_get(&c->mem, kind, size);
	c->quarter = c->mem.len / 4;
	if (c->quarter < RC_CROSS_DEPTH * RC_CROSS_MAX)
		rc_die("too small");
	for (i = 0; i < c->quarter; i++)
		*place(c, SOURCE, i) = pattern(c->me, i);
	c->cq = ibv_create_cq(c->dev.ctx, 2 * RC_CROSS_DEPTH, NULL, NULL, 0);
	c->mr = ibv_reg_mr(c->dev.pd, c->mem.addr, c->mem.len, IBV_ACCESS_LOCAL_WRITE |
			   IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ |
			   IBV_ACCESS_ON_DEMAND);
	a.send_cq = c->cq;
	a.recv_cq = c->cq;
	c->qp = c->cq ? ibv_create_qp(c->dev.pd, &a) : NULL;
	if (!c->mr || !c->qp)
		rc_die_errno("cannot make CQ, MR or QP");
	connect_qp(c);
	for (i = 0; i < RC_CROSS_DEPTH; i++)
		post_recv(c, i);
	rc_barrier(c->sock, "connected");
}

void rc_cross_close(struct rc_cross *c)
{
	if (ibv_destroy_qp(c->qp) || ibv_dereg_mr(c->mr) || ibv_destroy_cq(c->cq))
		rc_die_errno("cannot destroy QP, MR or CQ");
	rc_mem_put(&c->mem);
	rc_dev_close(&c->dev);
	close(c->sock);
}
