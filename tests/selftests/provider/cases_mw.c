// SPDX-License-Identifier: GPL-2.0
/* Memory windows, over regions of all kinds, and invalidation. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "loop.h"

enum {
	PAGE = 4096,
	BYTES = 16 * PAGE,		/* of the region */
	FROM = 3 * PAGE + 5,		/* the window, in it */
	WIDE = 5 * PAGE + 100,
	LOCAL = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_MW_BIND,
	ALL = IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC,
};

static void anew(struct loop *l)
{
	loop_to(l->qp[0], IBV_QPS_RESET);
	loop_to(l->qp[1], IBV_QPS_RESET);
	loop_connect(l);
}

static struct ibv_mw_bind_info part(struct ibv_mr *mr, const void *at, size_t len, int access)
{
	return (struct ibv_mw_bind_info) {
		.mr = mr, .addr = (uintptr_t)at, .length = len, .mw_access_flags = access,
	};
}

/* By the receiving QP, as the owner of the memory. */
static enum ibv_wc_status post(struct loop *l, struct ibv_send_wr *wr)
{
	struct ibv_send_wr *bad;
	struct ibv_wc wc;

	wr->wr_id = 77;
	wr->send_flags = IBV_SEND_SIGNALED;
	EXPECT_EQ(ibv_post_send(l->qp[1], wr, &bad), 0);
	wc = loop_wait(l->scq);
	EXPECT_EQ(wc.wr_id, 77);
	if (wc.status)
		anew(l);
	else
		EXPECT_EQ(wc.opcode, wr->opcode == IBV_WR_BIND_MW ? IBV_WC_BIND_MW : IBV_WC_LOCAL_INV);
	return wc.status;
}

static enum ibv_wc_status bind1(struct loop *l, struct ibv_mw *mw, struct ibv_mw_bind_info info)
{
	struct ibv_mw_bind b = {
		.wr_id = 78, .send_flags = IBV_SEND_SIGNALED, .bind_info = info,
	};
	struct ibv_wc wc;

	EXPECT_EQ(ibv_bind_mw(l->qp[1], mw, &b), 0);
	wc = loop_wait(l->scq);
	EXPECT_EQ(wc.wr_id, 78);
	if (wc.status)
		anew(l);
	return wc.status;
}

static enum ibv_wc_status bind2(struct loop *l, struct ibv_mw *mw, struct ibv_mw_bind_info info)
{
	struct ibv_send_wr wr = {
		.opcode = IBV_WR_BIND_MW,
		.bind_mw = { .mw = mw, .rkey = ibv_inc_rkey(mw->rkey), .bind_info = info },
	};
	enum ibv_wc_status status = post(l, &wr);

	if (!status)
		mw->rkey = wr.bind_mw.rkey;
	return status;
}

static enum ibv_wc_status local_inv(struct loop *l, uint32_t rkey)
{
	struct ibv_send_wr wr = { .opcode = IBV_WR_LOCAL_INV, .invalidate_rkey = rkey };

	return post(l, &wr);
}

/* The peer's access of @len bytes at @at by this key. */
static enum ibv_wc_status reach(struct loop *l, enum ibv_wr_opcode op, uint32_t rkey,
				uint64_t at, uint32_t len)
{
	enum ibv_wc_status status;

	status = loop_move(l, op, l->mr->lkey, (uintptr_t)l->buf, len, rkey, at);
	if (status)
		anew(l);
	return status;
}

/* All of the window, and nothing but it; @base: of m in the peer's addresses. */
static void window_opens(struct loop *l, uint8_t *m, uint32_t rkey, uint64_t base)
{
	const enum ibv_wr_opcode ops[] = { IBV_WR_RDMA_WRITE, IBV_WR_RDMA_READ };
	unsigned int i;

	memset(m, 0, BYTES);
	rc_fill(rkey, l->buf, WIDE);
	EXPECT_EQ(reach(l, IBV_WR_RDMA_WRITE, rkey, base + FROM, WIDE), IBV_WC_SUCCESS);
	EXPECT_EQ(rc_differ(m + FROM, l->buf, WIDE), WIDE);
	EXPECT(!m[FROM - 1] && !m[FROM + WIDE]);
	memset(l->buf, 0, WIDE);
	EXPECT_EQ(reach(l, IBV_WR_RDMA_READ, rkey, base + FROM + 9, WIDE - 9), IBV_WC_SUCCESS);
	EXPECT_EQ(rc_differ(m + FROM + 9, l->buf, WIDE - 9), WIDE - 9);
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(reach(l, ops[i], rkey, base + FROM - 1, 100), IBV_WC_REM_ACCESS_ERR);
		EXPECT_EQ(reach(l, ops[i], rkey, base + FROM + WIDE - 99, 100),
			  IBV_WC_REM_ACCESS_ERR);
		EXPECT_EQ(reach(l, ops[i], rkey, base + BYTES, 1), IBV_WC_REM_ACCESS_ERR);
		EXPECT_EQ(reach(l, ops[i], rkey, UINT64_MAX - 10, 100), IBV_WC_REM_ACCESS_ERR);
	}
	EXPECT(!m[FROM - 1] && !m[FROM + WIDE]);
}

static void closed(struct loop *l, uint32_t rkey, const uint8_t *m)
{
	EXPECT_EQ(reach(l, IBV_WR_RDMA_WRITE, rkey, (uintptr_t)m + FROM, 8),
		  IBV_WC_REM_ACCESS_ERR);
	EXPECT_EQ(reach(l, IBV_WR_RDMA_READ, rkey, (uintptr_t)m + FROM, 8),
		  IBV_WC_REM_ACCESS_ERR);
}

/* A region to bind to: pinned, on demand, or all of memory on demand. */
static struct ibv_mr *region(struct rc_dev *d, uint8_t *m, int kind)
{
	struct ibv_mr *mr = kind == 2 ?
		ibv_reg_mr(d->pd, NULL, SIZE_MAX, LOCAL | IBV_ACCESS_ON_DEMAND) :
		ibv_reg_mr(d->pd, m, BYTES, LOCAL | (kind ? IBV_ACCESS_ON_DEMAND : 0));

	if (!mr)
		rc_die_errno("region of kind %d", kind);
	return mr;
}

/* Type 1: bound by ibv_bind_mw(), bound anew, unbound by a length of 0. */
void case_mw1(struct rc_dev *d)
{
	struct ibv_mw *mw = ibv_alloc_mw(d->pd, IBV_MW_TYPE_1);
	uint8_t *m = loop_map(BYTES);
	uint32_t old;
	struct ibv_mr *mr;
	struct loop l;
	int kind;

	EXPECT(mw);
	loop_open(&l, d, false);
	for (kind = 0; kind < 3; kind++) {
		mr = region(d, m, kind);
		closed(&l, mw->rkey, m);
		closed(&l, mr->rkey, m);	/* the region itself is not for the peer */
		EXPECT_EQ(bind1(&l, mw, part(mr, m + FROM, WIDE, ALL)), IBV_WC_SUCCESS);
		window_opens(&l, m, mw->rkey, (uintptr_t)m);
		/* nobody takes the region away now */
		EXPECT_EQ(ibv_dereg_mr(mr), EBUSY);
		EXPECT(ibv_rereg_mr(mr, IBV_REREG_MR_CHANGE_ACCESS, NULL, NULL, 0, LOCAL));
		window_opens(&l, m, mw->rkey, (uintptr_t)m);
		/* elsewhere, to read only: the old key ends */
		old = mw->rkey;
		EXPECT_EQ(bind1(&l, mw, part(mr, m, PAGE, IBV_ACCESS_REMOTE_READ)),
			  IBV_WC_SUCCESS);
		EXPECT(mw->rkey != old);
		closed(&l, old, m);
		rc_fill(5, m, PAGE);
		EXPECT_EQ(reach(&l, IBV_WR_RDMA_READ, mw->rkey, (uintptr_t)m, PAGE),
			  IBV_WC_SUCCESS);
		EXPECT_EQ(rc_differ(m, l.buf, PAGE), PAGE);
		EXPECT_EQ(reach(&l, IBV_WR_RDMA_WRITE, mw->rkey, (uintptr_t)m, PAGE),
			  IBV_WC_REM_ACCESS_ERR);
		/* neither of type 1: invalidation, nor local use */
		EXPECT_EQ(local_inv(&l, mw->rkey), IBV_WC_MW_BIND_ERR);
		EXPECT_EQ(loop_move(&l, IBV_WR_RDMA_WRITE, mw->rkey, (uintptr_t)m, 8,
				    l.mr->rkey, (uintptr_t)l.buf), IBV_WC_LOC_PROT_ERR);
		anew(&l);
		old = mw->rkey;
		EXPECT_EQ(bind1(&l, mw, part(kind ? mr : NULL, NULL, 0, 0)), IBV_WC_SUCCESS);
		closed(&l, old, m);
		closed(&l, mw->rkey, m);
		EXPECT(!ibv_dereg_mr(mr));
	}
	EXPECT(!ibv_dealloc_mw(mw));
	loop_close(&l);
	munmap(m, BYTES);
}

/* Send a message by @from that ends a key of the other side; its receiver's completion. */
static struct ibv_wc send_inv(struct loop *l, uint32_t rkey, uint32_t len)
{
	struct ibv_sge sge = loop_sge(l, 0, len);
	struct ibv_send_wr wr = {
		.wr_id = 5, .sg_list = &sge, .num_sge = 1, .opcode = IBV_WR_SEND_WITH_INV,
		.send_flags = IBV_SEND_SIGNALED, .invalidate_rkey = rkey,
	}, *bad;

	rc_fill(rkey, l->buf, len);
	memset(l->buf + LOOP_HALF, 0, len);
	EXPECT_EQ(loop_post_recv(l, 6, LOOP_HALF, len), 0);
	EXPECT_EQ(ibv_post_send(l->qp[0], &wr, &bad), 0);
	return loop_wait(l->rcq);
}

static void remote_inv(struct loop *l, uint32_t rkey, uint32_t len)
{
	struct ibv_wc wc = send_inv(l, rkey, len);

	EXPECT_EQ(wc.status, IBV_WC_SUCCESS);
	EXPECT_EQ(wc.opcode, IBV_WC_RECV);
	EXPECT(wc.wc_flags & IBV_WC_WITH_INV);
	EXPECT_EQ(wc.invalidated_rkey, rkey);
	EXPECT_EQ(wc.byte_len, len);
	loop_expect(l->scq, 5, IBV_WC_SUCCESS);
	EXPECT_EQ(rc_differ(l->buf, l->buf + LOOP_HALF, len), len);
}

/* Not this QP's, or no key of a window at all: refused, and nothing has changed. */
static void refused_inv(struct loop *l, uint32_t rkey)
{
	struct ibv_wc wc = send_inv(l, rkey, 100);

	EXPECT_EQ(wc.status, IBV_WC_REM_INV_REQ_ERR);
	loop_expect(l->scq, 5, IBV_WC_REM_ACCESS_ERR);
	anew(l);
	EXPECT_EQ(local_inv(l, rkey), IBV_WC_MW_BIND_ERR);
}

/* Type 2: bound to a QP by its send requests, until invalidated by either side. */
void case_mw2(struct rc_dev *d)
{
	struct ibv_mw *mw = ibv_alloc_mw(d->pd, IBV_MW_TYPE_2);
	uint8_t *m = loop_map(BYTES);
	struct loop l, other;
	struct ibv_mr *mr;
	int kind;

	EXPECT(mw);
	loop_open(&l, d, false);
	loop_open(&other, d, false);
	for (kind = 0; kind < 3; kind++) {
		mr = region(d, m, kind);
		EXPECT_EQ(bind2(&l, mw, part(mr, m + FROM, WIDE, ALL)), IBV_WC_SUCCESS);
		window_opens(&l, m, mw->rkey, (uintptr_t)m);
		/* bound once, and to one QP; a region's key is not invalidated */
		EXPECT_EQ(bind2(&l, mw, part(mr, m, PAGE, ALL)), IBV_WC_MW_BIND_ERR);
		closed(&other, mw->rkey, m);
		refused_inv(&other, mw->rkey);
		refused_inv(&l, mw->rkey ^ 1);
		refused_inv(&l, mr->rkey);
		refused_inv(&l, 0);
		refused_inv(&l, l.mr->rkey);
		window_opens(&l, m, mw->rkey, (uintptr_t)m);
		EXPECT_EQ(local_inv(&l, mw->rkey), IBV_WC_SUCCESS);
		closed(&l, mw->rkey, m);
		refused_inv(&l, mw->rkey);
		/* by the peer, in one packet and in several */
		EXPECT_EQ(bind2(&l, mw, part(mr, m + FROM, WIDE, ALL)), IBV_WC_SUCCESS);
		window_opens(&l, m, mw->rkey, (uintptr_t)m);
		remote_inv(&l, mw->rkey, kind ? 10000 : 16);
		closed(&l, mw->rkey, m);
		/* addresses from 0 */
		EXPECT_EQ(bind2(&l, mw, part(mr, m + FROM, WIDE, ALL | IBV_ACCESS_ZERO_BASED)),
			  IBV_WC_SUCCESS);
		window_opens(&l, m, mw->rkey, -(uint64_t)FROM);
		EXPECT_EQ(ibv_dereg_mr(mr), EBUSY);
		remote_inv(&l, mw->rkey, 0);
		EXPECT(!ibv_dereg_mr(mr));
	}
	mr = region(d, m, 1);
	EXPECT_EQ(bind2(&l, mw, part(mr, m + FROM, WIDE, ALL)), IBV_WC_SUCCESS);
	EXPECT(!ibv_dealloc_mw(mw));
	closed(&l, mw->rkey, m);
	EXPECT(!ibv_dereg_mr(mr));
	loop_close(&other);
	loop_close(&l);
	munmap(m, BYTES);
}

/* What must not be bound is not, and what was there stays (IBTA 10.6.7.2). */
void case_mw_rules(struct rc_dev *d)
{
	struct ibv_pd *pd = ibv_alloc_pd(d->ctx);
	uint8_t *m = loop_map(BYTES);
	struct ibv_mw *mw = ibv_alloc_mw(d->pd, IBV_MW_TYPE_1);
	struct ibv_mw *mw2 = ibv_alloc_mw(d->pd, IBV_MW_TYPE_2);
	struct ibv_mw *far = ibv_alloc_mw(pd, IBV_MW_TYPE_2);
	struct ibv_mr *mr = region(d, m, 1), *bad[5];
	struct loop l;
	unsigned int i;

	EXPECT(pd && mw && mw2 && far);
	bad[0] = ibv_reg_mr(d->pd, m, BYTES, IBV_ACCESS_LOCAL_WRITE);
	bad[1] = ibv_reg_mr(d->pd, m, BYTES, IBV_ACCESS_MW_BIND | IBV_ACCESS_ON_DEMAND);
	bad[2] = ibv_reg_mr(pd, m, BYTES, LOCAL);
	bad[3] = ibv_reg_mr(d->pd, m, FROM + WIDE - 1, LOCAL);
	bad[4] = ibv_reg_mr(d->pd, m + FROM + 1, WIDE, LOCAL);
	loop_open(&l, d, false);
	EXPECT_EQ(bind1(&l, mw, part(mr, m + FROM, WIDE, ALL)), IBV_WC_SUCCESS);
	for (i = 0; i < RC_ARRAY_SIZE(bad); i++) {
		uint32_t good = mw->rkey;

		EXPECT(bad[i]);
		if (i != 2)	/* libibverbs does not let that one pass */
			EXPECT_EQ(bind1(&l, mw, part(bad[i], m + FROM, WIDE, ALL)),
				  IBV_WC_MW_BIND_ERR);
		mw->rkey = good;
		EXPECT_EQ(bind2(&l, mw2, part(bad[i], m + FROM, WIDE, ALL)), IBV_WC_MW_BIND_ERR);
		window_opens(&l, m, mw->rkey, (uintptr_t)m);
		closed(&l, mw2->rkey, m);
	}
	EXPECT_EQ(bind2(&l, mw2, part(mr, m, 0, 0)), IBV_WC_MW_BIND_ERR);
	EXPECT_EQ(bind2(&l, mw2, part(mr, m, UINT64_MAX, ALL)), IBV_WC_MW_BIND_ERR);
	EXPECT_EQ(bind2(&l, mw2, part(mr, m, PAGE, ALL | IBV_ACCESS_ON_DEMAND)),
		  IBV_WC_MW_BIND_ERR);
	EXPECT_EQ(bind2(&l, far, part(mr, m, PAGE, ALL)), IBV_WC_MW_BIND_ERR);
	/* read-only memory may be read, no more */
	EXPECT_EQ(bind2(&l, mw2, part(bad[1], m, PAGE, IBV_ACCESS_REMOTE_READ)), IBV_WC_SUCCESS);
	EXPECT_EQ(reach(&l, IBV_WR_RDMA_READ, mw2->rkey, (uintptr_t)m, PAGE), IBV_WC_SUCCESS);
	EXPECT_EQ(reach(&l, IBV_WR_RDMA_WRITE, mw2->rkey, (uintptr_t)m, 8), IBV_WC_REM_ACCESS_ERR);
	EXPECT(!ibv_dealloc_mw(mw) && !ibv_dealloc_mw(mw2) && !ibv_dealloc_mw(far));
	for (i = 0; i < RC_ARRAY_SIZE(bad); i++)
		EXPECT(!ibv_dereg_mr(bad[i]));
	EXPECT(!ibv_dereg_mr(mr) && !ibv_dealloc_pd(pd));
	loop_close(&l);
	munmap(m, BYTES);
}

struct storm {
	struct loop *l;
	_Atomic uint32_t rkey;	/* 0: none */
	atomic_bool over;
	uint8_t *m;
	atomic_long written;
};

/* The peer: writes by the key of the day until it is refused. */
static void *storm_writes(void *arg)
{
	struct storm *s = arg;
	struct ibv_sge sge = loop_sge(s->l, 0, BYTES);
	struct ibv_send_wr wr = {
		.sg_list = &sge, .num_sge = 1, .opcode = IBV_WR_RDMA_WRITE,
		.send_flags = IBV_SEND_SIGNALED,
		.wr.rdma = { .remote_addr = (uintptr_t)s->m },
	}, *bad;
	struct ibv_wc wc;

	while (!(wr.wr.rdma.rkey = s->rkey))
		sched_yield();
	while (!s->over) {
		EXPECT_EQ(ibv_post_send(s->l->qp[0], &wr, &bad), 0);
		wc = loop_wait(s->l->scq);
		if (wc.status) {
			EXPECT(wc.status == IBV_WC_REM_ACCESS_ERR ||
			       wc.status == IBV_WC_WR_FLUSH_ERR);
			break;
		}
		s->written++;
	}
	return NULL;
}

/* Once the end of a key is complete, not a byte is written by it any more. */
static void storm(struct loop *l, struct loop *owner, struct ibv_mw *mw, struct ibv_mr *mr,
		  uint8_t *m, unsigned int pause)
{
	struct storm s = { .l = l, .m = m };
	pthread_t t;

	EXPECT(!pthread_create(&t, NULL, storm_writes, &s));
	EXPECT_EQ(bind1(owner, mw, part(mr, m, BYTES, ALL)), IBV_WC_SUCCESS);
	s.rkey = mw->rkey;
	while (!s.written)
		sched_yield();
	usleep(pause);
	EXPECT_EQ(bind1(owner, mw, part(mr, m, pause % 2 ? 0 : 1, ALL)), IBV_WC_SUCCESS);
	memset(m, 0xee, BYTES);
	usleep(3000);
	EXPECT_EQ(m[0], 0xee);
	EXPECT_EQ(rc_differ(m, m + 1, BYTES - 1), BYTES - 1);
	s.over = true;
	EXPECT(!pthread_join(t, NULL));
	anew(l);
}

void case_mw_storm(struct rc_dev *d)
{
	struct ibv_mw *mw = ibv_alloc_mw(d->pd, IBV_MW_TYPE_1);
	uint8_t *m = loop_map(BYTES);
	struct loop l, owner;
	int i;

	EXPECT(mw);
	loop_open(&l, d, false);
	loop_open(&owner, d, false);
	for (i = 0; i < 60; i++) {
		struct ibv_mr *mr = region(d, m, i % 3);

		storm(&l, &owner, mw, mr, m, i * 37 % 2000);
		EXPECT_EQ(bind1(&owner, mw, part(NULL, NULL, 0, 0)), IBV_WC_SUCCESS);
		EXPECT(!ibv_dereg_mr(mr));
	}
	EXPECT(!ibv_dealloc_mw(mw));
	loop_close(&owner);
	loop_close(&l);
	munmap(m, BYTES);
}

/* Whatever the order that the kernel takes things away in, it succeeds. */
void case_mw_exit(struct rc_dev *d)
{
	struct ibv_mw *mw = ibv_alloc_mw(d->pd, IBV_MW_TYPE_1);
	struct ibv_mw *mw2 = ibv_alloc_mw(d->pd, IBV_MW_TYPE_2);
	uint8_t *m = loop_map(BYTES);
	struct loop l;

	EXPECT(mw && mw2);
	loop_open(&l, d, false);
	EXPECT_EQ(bind1(&l, mw, part(region(d, m, 0), m, BYTES, ALL)), IBV_WC_SUCCESS);
	EXPECT_EQ(bind2(&l, mw2, part(region(d, m, 2), m, BYTES, ALL)), IBV_WC_SUCCESS);
	EXPECT_EQ(reach(&l, IBV_WR_RDMA_READ, mw->rkey, (uintptr_t)m, PAGE), IBV_WC_SUCCESS);
	exit(0);
}
