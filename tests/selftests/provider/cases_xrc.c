// SPDX-License-Identifier: GPL-2.0
/*
 * XRC: one connection to several SRQs of a domain, each with its own protection domain
 * and completion queue, also to one of another process. All memory is on-demand and
 * thrown away before each message.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "loop.h"

enum { SRQS = 2, LEN = 9000, ROOM = 3 * 4096, ROUNDS = 40 };

/* What a process has of the domain. */
struct domain {
	struct rc_dev *d;
	struct ibv_xrcd *xrcd;
	int fd;
};

/* An SRQ, and memory that its peers may write to. */
struct target {
	struct ibv_pd *pd;
	struct ibv_cq *cq;
	struct ibv_srq *srq;
	struct ibv_mr *mr;
	uint8_t *m;
	uint32_t srqn;
};

struct xrc {
	struct domain domain;
	struct ibv_cq *scq;
	struct ibv_qp *from, *to;
	struct ibv_mr *mr;
	uint8_t *m;
};

static void domain_open(struct domain *x, struct rc_dev *d, const char *path)
{
	struct ibv_xrcd_init_attr attr = {
		.comp_mask = IBV_XRCD_INIT_ATTR_FD | IBV_XRCD_INIT_ATTR_OFLAGS,
		.oflags = O_CREAT,
	};

	x->d = d;
	x->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	EXPECT(x->fd >= 0);
	attr.fd = x->fd;
	x->xrcd = ibv_open_xrcd(d->ctx, &attr);
	if (!x->xrcd)
		rc_die_errno("ibv_open_xrcd");
}

static void domain_close(struct domain *x)
{
	EXPECT(!ibv_close_xrcd(x->xrcd) && !close(x->fd));
}

static void target_open(struct target *t, struct domain *x)
{
	struct ibv_srq_init_attr_ex attr = {
		.attr = { .max_wr = 16, .max_sge = 1 },
		.comp_mask = IBV_SRQ_INIT_ATTR_TYPE | IBV_SRQ_INIT_ATTR_XRCD |
			     IBV_SRQ_INIT_ATTR_CQ | IBV_SRQ_INIT_ATTR_PD,
		.srq_type = IBV_SRQT_XRC, .xrcd = x->xrcd,
	};

	t->pd = ibv_alloc_pd(x->d->ctx);
	t->cq = ibv_create_cq(x->d->ctx, 16, NULL, NULL, 0);
	t->m = loop_map(ROOM);
	EXPECT(t->pd && t->cq);
	t->mr = ibv_reg_mr(t->pd, t->m, ROOM, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE |
			   IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC | IBV_ACCESS_ON_DEMAND);
	attr.pd = t->pd;
	attr.cq = t->cq;
	t->srq = ibv_create_srq_ex(x->d->ctx, &attr);
	EXPECT(t->mr && t->srq && !ibv_get_srq_num(t->srq, &t->srqn) && t->srqn);
}

static void target_close(struct target *t)
{
	EXPECT(!ibv_destroy_srq(t->srq) && !ibv_destroy_cq(t->cq) && !ibv_dereg_mr(t->mr));
	EXPECT(!ibv_dealloc_pd(t->pd));
	munmap(t->m, ROOM);
}

static void target_post_key(struct target *t, uint64_t id, uint32_t lkey)
{
	struct ibv_sge sge = { (uintptr_t)t->m + 5, ROOM - 5, lkey };
	struct ibv_recv_wr wr = { .wr_id = id, .sg_list = &sge, .num_sge = 1 }, *bad;

	EXPECT(!madvise(t->m, ROOM, MADV_DONTNEED));
	EXPECT_EQ(ibv_post_srq_recv(t->srq, &wr, &bad), 0);
}

static void target_post(struct target *t, uint64_t id)
{
	target_post_key(t, id, t->mr->lkey);
}

/* A message of @len bytes is in the memory, 5 bytes into it, and nothing beside. */
static void target_expect(struct target *t, uint64_t id, uint32_t qpn, uint32_t seed, uint32_t len)
{
	static uint8_t want[ROOM];
	struct ibv_wc wc = loop_wait(t->cq);

	EXPECT_EQ(wc.status, IBV_WC_SUCCESS);
	EXPECT_EQ(wc.wr_id, id);
	EXPECT_EQ(wc.qp_num, qpn);
	EXPECT_EQ(ntohl(wc.imm_data), seed);
	EXPECT_EQ(wc.byte_len, len);
	memset(want, 0, sizeof(want));
	rc_fill(seed, want + 5, len);
	EXPECT_EQ(rc_differ(t->m, want, ROOM), ROOM);
}

static void connect_both(struct xrc *x)
{
	struct rc_qp_param p = RC_QP_DEFAULTS;
	struct rc_end a = { .qpn = x->from->qp_num, .psn = rc_psn(), .gid = x->domain.d->gid };
	struct rc_end b = { .qpn = x->to->qp_num, .psn = rc_psn(), .gid = x->domain.d->gid };

	p.timeout = LOOP_TIMEOUT;
	loop_to(x->from, IBV_QPS_RESET);
	loop_to(x->to, IBV_QPS_RESET);
	rc_qp_connect(x->domain.d, x->from, &p, a.psn, &b);
	rc_qp_connect(x->domain.d, x->to, &p, b.psn, &a);
}

static void xrc_open(struct xrc *x, struct rc_dev *d, const char *path)
{
	struct ibv_qp_init_attr_ex ini = {
		.qp_type = IBV_QPT_XRC_SEND, .comp_mask = IBV_QP_INIT_ATTR_PD, .pd = d->pd,
		.cap = { .max_send_wr = 16, .max_send_sge = 1 },
	}, tgt = {
		.qp_type = IBV_QPT_XRC_RECV, .comp_mask = IBV_QP_INIT_ATTR_XRCD,
	};

	domain_open(&x->domain, d, path);
	x->scq = ibv_create_cq(d->ctx, 16, NULL, NULL, 0);
	x->m = loop_map(ROOM);
	x->mr = ibv_reg_mr(d->pd, x->m, ROOM, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_ON_DEMAND);
	EXPECT(x->scq && x->mr);
	ini.send_cq = x->scq;
	tgt.xrcd = x->domain.xrcd;
	x->from = ibv_create_qp_ex(d->ctx, &ini);
	x->to = ibv_create_qp_ex(d->ctx, &tgt);
	if (!x->from || !x->to)
		rc_die_errno("no XRC QPs");
	connect_both(x);
}

static void xrc_close(struct xrc *x)
{
	EXPECT(!ibv_destroy_qp(x->from) && !ibv_destroy_qp(x->to) && !ibv_destroy_cq(x->scq));
	EXPECT(!ibv_dereg_mr(x->mr));
	munmap(x->m, ROOM);
	domain_close(&x->domain);
}

/* @seed: of the bytes, and the immediate data */
static enum ibv_wc_status request(struct xrc *x, enum ibv_wr_opcode op, uint32_t srqn,
				  uint32_t seed, uint32_t len, uint32_t rkey, uint8_t *there)
{
	struct ibv_sge sge = { (uintptr_t)x->m + 3, len, x->mr->lkey };
	struct ibv_send_wr wr = {
		.sg_list = &sge, .num_sge = 1, .opcode = op, .imm_data = htonl(seed),
		.send_flags = IBV_SEND_SIGNALED, .qp_type.xrc.remote_srqn = srqn,
		.wr.rdma = { (uintptr_t)there, rkey },
	}, *bad;

	EXPECT(!madvise(x->m, ROOM, MADV_DONTNEED));
	if (op == IBV_WR_ATOMIC_FETCH_AND_ADD) {
		wr.wr.atomic.remote_addr = (uintptr_t)there;
		wr.wr.atomic.rkey = rkey;
		wr.wr.atomic.compare_add = seed;
	} else if (op != IBV_WR_RDMA_READ) {
		rc_fill(seed, x->m + 3, len);
	}
	EXPECT_EQ(ibv_post_send(x->from, &wr, &bad), 0);
	return loop_wait(x->scq).status;
}

static void memory_operations(struct xrc *x, struct target *t, uint32_t seed)
{
	static uint8_t want[LEN];
	uint64_t before, after;

	EXPECT(!madvise(t->m, ROOM, MADV_DONTNEED));
	EXPECT_EQ(request(x, IBV_WR_RDMA_WRITE, t->srqn, seed, LEN, t->mr->rkey, t->m + 11), 0);
	rc_fill(seed, want, LEN);
	EXPECT_EQ(rc_differ(t->m + 11, want, LEN), LEN);
	EXPECT(!t->m[10] && !t->m[11 + LEN]);
	EXPECT_EQ(request(x, IBV_WR_RDMA_READ, t->srqn, 0, LEN, t->mr->rkey, t->m + 11), 0);
	EXPECT_EQ(rc_differ(x->m + 3, want, LEN), LEN);
	memcpy(&before, t->m + 64, 8);
	EXPECT_EQ(request(x, IBV_WR_ATOMIC_FETCH_AND_ADD, t->srqn, seed, 8, t->mr->rkey, t->m + 64), 0);
	memcpy(&after, t->m + 64, 8);
	EXPECT(after == before + seed);
	EXPECT_EQ(rc_differ(x->m + 3, &before, 8), 8);
}

void case_xrc(struct rc_dev *d)
{
	struct target t[SRQS];
	struct rc_rng rng = { 3 };
	struct xrc x;
	int i;

	xrc_open(&x, d, "/tmp/xrc");
	for (i = 0; i < SRQS; i++)
		target_open(&t[i], &x.domain);
	for (i = 0; i < ROUNDS; i++) {
		struct target *to = &t[rc_below(&rng, SRQS)];
		uint32_t len = rc_below(&rng, LEN);

		target_post(to, i);
		EXPECT_EQ(request(&x, IBV_WR_SEND_WITH_IMM, to->srqn, i + 1, len, 0, NULL), 0);
		target_expect(to, i, x.to->qp_num, i + 1, len);
		/* with immediate data a WRITE takes a request, but not its memory */
		target_post(to, i);
		EXPECT_EQ(request(&x, IBV_WR_RDMA_WRITE_WITH_IMM, to->srqn, i + 1, len,
				  to->mr->rkey, to->m + 5), 0);
		target_expect(to, i, x.to->qp_num, i + 1, len);
		memory_operations(&x, to, i + 1);
	}
	for (i = 0; i < SRQS; i++)
		target_close(&t[i]);
	xrc_close(&x);
}

/* No such SRQ, one of another domain, another's memory, one that has gone. */
void case_xrc_errors(struct rc_dev *d)
{
	struct domain other;
	struct target t[SRQS], foreign;
	struct xrc x;
	uint32_t srqn;
	int i;

	xrc_open(&x, d, "/tmp/xrc");
	domain_open(&other, d, "/tmp/xrc.other");
	for (i = 0; i < SRQS; i++)
		target_open(&t[i], &x.domain);
	target_open(&foreign, &other);
	target_post(&foreign, 1);
	EXPECT_EQ(request(&x, IBV_WR_SEND_WITH_IMM, foreign.srqn, 1, 64, 0, NULL), IBV_WC_REM_INV_REQ_ERR);
	loop_expect_none(foreign.cq);
	connect_both(&x);
	EXPECT_EQ(request(&x, IBV_WR_SEND_WITH_IMM, 0, 1, 64, 0, NULL), IBV_WC_REM_INV_REQ_ERR);
	connect_both(&x);
	EXPECT_EQ(request(&x, IBV_WR_RDMA_WRITE, t[0].srqn, 1, 64, t[1].mr->rkey, t[1].m), IBV_WC_REM_ACCESS_ERR);
	EXPECT(!t[1].m[0]);
	connect_both(&x);
	EXPECT_EQ(request(&x, IBV_WR_RDMA_READ, t[1].srqn, 1, 64, t[0].mr->rkey, t[0].m), IBV_WC_REM_ACCESS_ERR);
	connect_both(&x);
	/* key 0, which is for the kernel's own users */
	target_post_key(&t[1], 9, 0);
	EXPECT_EQ(request(&x, IBV_WR_SEND_WITH_IMM, t[1].srqn, 1, 64, 0, NULL), IBV_WC_REM_OP_ERR);
	loop_expect(t[1].cq, 9, IBV_WC_LOC_PROT_ERR);
	EXPECT(!t[1].m[5]);
	connect_both(&x);
	target_post(&t[1], 1);
	EXPECT_EQ(request(&x, IBV_WR_SEND_WITH_IMM, t[1].srqn, 5, 64, 0, NULL), 0);
	target_expect(&t[1], 1, x.to->qp_num, 5, 64);
	srqn = t[1].srqn;
	target_close(&t[1]);
	EXPECT_EQ(request(&x, IBV_WR_SEND_WITH_IMM, srqn, 1, 64, 0, NULL), IBV_WC_REM_INV_REQ_ERR);
	connect_both(&x);
	target_post(&t[0], 2);
	EXPECT_EQ(request(&x, IBV_WR_SEND_WITH_IMM, t[0].srqn, 6, 64, 0, NULL), 0);
	target_expect(&t[0], 2, x.to->qp_num, 6, 64);
	target_close(&t[0]);
	target_close(&foreign);
	domain_close(&other);
	xrc_close(&x);
}

/* The child shares the domain by its file, opens the QP and receives what is for it. */
static void child(int from_parent, int to_parent, const char *dev, int gid)
{
	struct rc_link_opts o = RC_LINK_DEFAULTS;
	struct ibv_qp_open_attr open = {
		.comp_mask = IBV_QP_OPEN_ATTR_NUM | IBV_QP_OPEN_ATTR_XRCD | IBV_QP_OPEN_ATTR_TYPE,
		.qp_type = IBV_QPT_XRC_RECV,
	};
	struct domain domain;
	struct target t;
	struct rc_dev d;
	struct ibv_qp *qp;
	uint32_t i;

	o.dev = dev;
	o.gid = gid;
	EXPECT(read(from_parent, &open.qp_num, 4) == 4);
	rc_dev_open(&d, &o);
	domain_open(&domain, &d, "/tmp/xrc");
	open.xrcd = domain.xrcd;
	qp = ibv_open_qp(d.ctx, &open);
	if (!qp)
		rc_die_errno("ibv_open_qp");
	EXPECT_EQ(qp->qp_num, open.qp_num);
	EXPECT_EQ(rc_qp_state(qp), IBV_QPS_RTS);
	target_open(&t, &domain);
	for (i = 1; i <= ROUNDS; i++) {
		target_post(&t, i);
		EXPECT(write(to_parent, &t.srqn, 4) == 4);
		target_expect(&t, i, qp->qp_num, i, LEN - i);
	}
	target_close(&t);
	EXPECT(!ibv_destroy_qp(qp));
	domain_close(&domain);
	rc_dev_close(&d);
	exit(0);
}

void case_xrc_shared(struct rc_dev *d)
{
	int down[2], up[2], status;
	struct xrc x;
	uint32_t srqn, i;
	pid_t pid;

	EXPECT(!pipe(down) && !pipe(up));
	pid = fork();
	EXPECT(pid >= 0);
	if (!pid)
		child(down[0], up[1], ibv_get_device_name(d->ctx->device), d->gid_index);
	close(up[1]);
	xrc_open(&x, d, "/tmp/xrc");
	EXPECT(write(down[1], &x.to->qp_num, 4) == 4);
	for (i = 1; i <= ROUNDS && read(up[0], &srqn, 4) == 4; i++)
		EXPECT_EQ(request(&x, IBV_WR_SEND_WITH_IMM, srqn, i, LEN - i, 0, NULL), 0);
	EXPECT(waitpid(pid, &status, 0) == pid && !status);
	EXPECT_EQ(i, ROUNDS + 1);
	xrc_close(&x);
}
