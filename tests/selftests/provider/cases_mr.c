// SPDX-License-Identifier: GPL-2.0
/* On-demand regions: implicit ones, others' addresses, reregistration, advice. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "loop.h"

enum {
	LOCAL = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_ON_DEMAND,
	REMOTE = LOCAL | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ |
		 IBV_ACCESS_REMOTE_ATOMIC,
	PAGE = 4096,
};

static void anew(struct loop *l)
{
	loop_to(l->qp[0], IBV_QPS_RESET);
	loop_to(l->qp[1], IBV_QPS_RESET);
	loop_connect(l);
}

/* All of memory by one key, local and remote, also what is mapped later. */
void case_implicit(struct rc_dev *d)
{
	struct ibv_mr *mr = ibv_reg_mr(d->pd, NULL, SIZE_MAX, REMOTE);
	static uint8_t here[3 * PAGE];
	uint8_t *later;
	struct loop l;

	if (!mr)
		rc_die_errno("implicit region");
	loop_open(&l, d, false);
	later = loop_map(16 * PAGE);
	rc_fill(7, here, sizeof(here));
	EXPECT_EQ(loop_move(&l, IBV_WR_RDMA_WRITE, mr->lkey, (uintptr_t)here + 3, 9001, mr->rkey,
		       (uintptr_t)later + 77), IBV_WC_SUCCESS);
	EXPECT_EQ(rc_differ(here + 3, later + 77, 9001), 9001);
	EXPECT(!later[76] && !later[77 + 9001]);
	memset(here, 0, sizeof(here));
	EXPECT_EQ(loop_move(&l, IBV_WR_RDMA_READ, mr->lkey, (uintptr_t)here + 3, 9001, mr->rkey,
		       (uintptr_t)later + 77), IBV_WC_SUCCESS);
	EXPECT_EQ(rc_differ(here + 3, later + 77, 9001), 9001);
	/* what is not mapped is no memory, nor is what lies beyond all addresses */
	munmap(later, 16 * PAGE);
	EXPECT_EQ(loop_move(&l, IBV_WR_RDMA_WRITE, mr->lkey, (uintptr_t)here, 100, mr->rkey,
		       (uintptr_t)later), IBV_WC_REM_ACCESS_ERR);
	anew(&l);
	EXPECT_EQ(loop_move(&l, IBV_WR_RDMA_WRITE, mr->lkey, (uintptr_t)here, 100, mr->rkey,
		       UINT64_MAX - 50), IBV_WC_REM_ACCESS_ERR);
	anew(&l);
	EXPECT_EQ(loop_move(&l, IBV_WR_RDMA_WRITE, mr->lkey, 0xffff800000000000, 100, l.mr->rkey,
		       (uintptr_t)l.buf), IBV_WC_LOC_PROT_ERR);
	loop_close(&l);
	EXPECT(!ibv_dereg_mr(mr));
}

/* A packet that waits for its page is one packet: both ways, what was sent has come. */
void case_counted_once(struct rc_dev *d)
{
	static const enum ibv_wr_opcode ops[] = { IBV_WR_RDMA_WRITE, IBV_WR_RDMA_READ };
	long sent, rcvd, faults, again;
	struct ibv_mr *mr;
	struct loop l;
	unsigned int i;
	uint8_t *p;

	loop_open(&l, d, false);
	for (i = 0; i < RC_ARRAY_SIZE(ops); i++) {
		p = loop_map(LOOP_HALF);
		mr = ibv_reg_mr(d->pd, p, LOOP_HALF, REMOTE);
		EXPECT(mr);
		sent = loop_counter(d, "sent_pkts");
		rcvd = loop_counter(d, "rcvd_pkts");
		faults = loop_counter(d, "page_faults");
		again = loop_counter(d, "retransmits");
		if (ops[i] == IBV_WR_RDMA_WRITE)
			EXPECT_EQ(loop_move(&l, ops[i], l.mr->lkey, (uintptr_t)l.buf, LOOP_HALF,
					    mr->rkey, (uintptr_t)p), IBV_WC_SUCCESS);
		else
			EXPECT_EQ(loop_move(&l, ops[i], mr->lkey, (uintptr_t)p, LOOP_HALF,
					    l.mr->rkey, (uintptr_t)l.buf), IBV_WC_SUCCESS);
		EXPECT(!memcmp(p, l.buf, LOOP_HALF));
		EXPECT(loop_counter(d, "page_faults") > faults);
		sent = loop_counter(d, "sent_pkts") - sent;
		rcvd = loop_counter(d, "rcvd_pkts") - rcvd;
		/* on a slow machine packets may go twice, and be thrown away */
		if (loop_counter(d, "retransmits") == again)
			EXPECT_EQ(rcvd, sent);
		EXPECT(!ibv_dereg_mr(mr));
		EXPECT(!munmap(p, LOOP_HALF));
	}
	loop_close(&l);
}

/* Without the right to write, on memory without it, and with another address. */
void case_odp_kinds(struct rc_dev *d)
{
	uint8_t *ro = loop_map(4 * PAGE), *m = loop_map(4 * PAGE);
	struct ibv_mr *read_only, *moved;
	struct loop l;

	loop_open(&l, d, false);
	rc_fill(3, ro, 4 * PAGE);
	EXPECT(!mprotect(ro, 4 * PAGE, PROT_READ));
	read_only = ibv_reg_mr(d->pd, ro, 4 * PAGE, IBV_ACCESS_ON_DEMAND |
			       IBV_ACCESS_REMOTE_READ);
	moved = ibv_reg_mr_iova(d->pd, m + 5, 3 * PAGE, 0x1000005, REMOTE);
	EXPECT(read_only && moved);
	EXPECT_EQ(loop_move(&l, IBV_WR_RDMA_WRITE, read_only->lkey, (uintptr_t)ro + 9, 8000,
		       moved->rkey, 0x1000005 + 1000), IBV_WC_SUCCESS);
	EXPECT_EQ(rc_differ(m + 1005, ro + 9, 8000), 8000);
	EXPECT_EQ(loop_move(&l, IBV_WR_RDMA_READ, moved->lkey, 0x1000005, 5000, read_only->rkey,
		       (uintptr_t)ro + 1), IBV_WC_SUCCESS);
	EXPECT_EQ(rc_differ(m + 5, ro + 1, 5000), 5000);
	EXPECT_EQ(loop_move(&l, IBV_WR_RDMA_READ, read_only->lkey, (uintptr_t)ro, 100, moved->rkey,
		       0x1000005), IBV_WC_LOC_PROT_ERR);
	anew(&l);
	/* the end of the region, by its own address */
	EXPECT_EQ(loop_move(&l, IBV_WR_RDMA_WRITE, read_only->lkey, (uintptr_t)ro, 100,
		       moved->rkey, 0x1000005 + 3 * PAGE - 99), IBV_WC_REM_ACCESS_ERR);
	EXPECT(!ibv_dereg_mr(read_only) && !ibv_dereg_mr(moved));
	loop_close(&l);
}

/* @kind: IBV_ACCESS_ON_DEMAND or 0 */
static void rereg(struct rc_dev *d, int kind)
{
	uint8_t *m = loop_map(4 * PAGE), *other = loop_map(8 * PAGE);
	struct ibv_pd *pd = ibv_alloc_pd(d->ctx);
	int all = (REMOTE & ~IBV_ACCESS_ON_DEMAND) | kind;
	struct ibv_mr *mr = ibv_reg_mr(d->pd, m, 4 * PAGE, all & ~IBV_ACCESS_REMOTE_WRITE);
	struct loop l;

	EXPECT(mr && pd);
	loop_open(&l, d, false);
	EXPECT_EQ(loop_move(&l, IBV_WR_RDMA_WRITE, l.mr->lkey, (uintptr_t)l.buf, 5000, mr->rkey,
		       (uintptr_t)m), IBV_WC_REM_ACCESS_ERR);
	anew(&l);
	EXPECT_EQ(ibv_rereg_mr(mr, IBV_REREG_MR_CHANGE_ACCESS, NULL, NULL, 0, all), 0);
	EXPECT_EQ(loop_move(&l, IBV_WR_RDMA_WRITE, l.mr->lkey, (uintptr_t)l.buf, 5000, mr->rkey,
		       (uintptr_t)m + 1), IBV_WC_SUCCESS);
	EXPECT_EQ(rc_differ(l.buf, m + 1, 5000), 5000);
	/* another place, and longer */
	EXPECT_EQ(ibv_rereg_mr(mr, IBV_REREG_MR_CHANGE_TRANSLATION, NULL, other, 8 * PAGE, 0),
		  0);
	EXPECT_EQ(loop_move(&l, IBV_WR_RDMA_WRITE, l.mr->lkey, (uintptr_t)l.buf + 9, 30000, mr->rkey,
		       (uintptr_t)other + 2), IBV_WC_SUCCESS);
	EXPECT_EQ(rc_differ(l.buf + 9, other + 2, 30000), 30000);
	EXPECT_EQ(loop_move(&l, IBV_WR_RDMA_WRITE, l.mr->lkey, (uintptr_t)l.buf, 100, mr->rkey,
		       (uintptr_t)m), IBV_WC_REM_ACCESS_ERR);
	anew(&l);
	/* out of reach of the queue pairs, which have the old domain */
	EXPECT_EQ(ibv_rereg_mr(mr, IBV_REREG_MR_CHANGE_PD, pd, NULL, 0, 0), 0);
	EXPECT_EQ(loop_move(&l, IBV_WR_RDMA_WRITE, l.mr->lkey, (uintptr_t)l.buf, 100, mr->rkey,
		       (uintptr_t)other), IBV_WC_REM_ACCESS_ERR);
	loop_close(&l);
	EXPECT(!ibv_dereg_mr(mr) && !ibv_dealloc_pd(pd));
	munmap(m, 4 * PAGE);
	munmap(other, 8 * PAGE);
}

void case_rereg(struct rc_dev *d)
{
	rereg(d, IBV_ACCESS_ON_DEMAND);
	rereg(d, 0);
}

/* HROCE_ODP=1: memory that cannot be pinned will do, also for another registration. */
void case_all_on_demand(struct rc_dev *d)
{
	struct ibv_context *ctx;
	struct ibv_pd *pd;
	struct ibv_mr *mr;
	uint8_t *m = loop_map(PAGE);

	EXPECT(!mprotect(m, PAGE, PROT_NONE));
	EXPECT(!ibv_reg_mr(d->pd, m, PAGE, IBV_ACCESS_LOCAL_WRITE));
	EXPECT(!setenv("HROCE_ODP", "1", 1));
	ctx = ibv_open_device(d->ctx->device);
	EXPECT(ctx);
	pd = ibv_alloc_pd(ctx);
	EXPECT(pd);
	mr = ibv_reg_mr(pd, m, PAGE, IBV_ACCESS_LOCAL_WRITE);
	EXPECT(mr);
	EXPECT_EQ(ibv_rereg_mr(mr, IBV_REREG_MR_CHANGE_ACCESS, NULL, NULL, 0,
			       IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_READ), 0);
	EXPECT(!ibv_dereg_mr(mr) && !ibv_dealloc_pd(pd) && !ibv_close_device(ctx));
	munmap(m, PAGE);
}

static int advise(struct ibv_pd *pd, enum ibv_advise_mr_advice advice, uint32_t flags,
		  uint32_t lkey, void *addr, uint32_t len)
{
	struct ibv_sge sge = { .addr = (uintptr_t)addr, .length = len, .lkey = lkey };

	return ibv_advise_mr(pd, advice, flags, &sge, 1);
}

/* The errors of ibv_advise_mr(3), and mlx5's. */
void case_advise_errors(struct rc_dev *d)
{
	const enum ibv_advise_mr_advice read = IBV_ADVISE_MR_ADVICE_PREFETCH;
	const enum ibv_advise_mr_advice write = IBV_ADVISE_MR_ADVICE_PREFETCH_WRITE;
	const enum ibv_advise_mr_advice look = IBV_ADVISE_MR_ADVICE_PREFETCH_NO_FAULT;
	struct ibv_pd *pd = ibv_alloc_pd(d->ctx);
	uint8_t *m = loop_map(8 * PAGE);
	struct ibv_mr *odp = ibv_reg_mr(d->pd, m, 8 * PAGE, LOCAL);
	struct ibv_mr *ro = ibv_reg_mr(d->pd, m, 8 * PAGE, IBV_ACCESS_ON_DEMAND);
	struct ibv_mr *pinned = ibv_reg_mr(d->pd, m, PAGE, IBV_ACCESS_LOCAL_WRITE);
	uint32_t flush[] = { 0, IBV_ADVISE_MR_FLAG_FLUSH };
	struct ibv_sge list[3];
	unsigned int i;

	EXPECT(pd && odp && ro && pinned);
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(advise(d->pd, 99, flush[i], odp->lkey, m, PAGE), EOPNOTSUPP);
		EXPECT_EQ(advise(d->pd, read, flush[i], odp->lkey + 1, m, PAGE), ENOENT);
		EXPECT_EQ(advise(d->pd, read, flush[i], 0, m, PAGE), ENOENT);
		EXPECT_EQ(advise(d->pd, read, flush[i], pinned->lkey, m, PAGE), EINVAL);
		EXPECT_EQ(advise(pd, read, flush[i], odp->lkey, m, PAGE), EPERM);
		EXPECT_EQ(advise(d->pd, write, flush[i], ro->lkey, m, PAGE), EPERM);
		EXPECT_EQ(advise(d->pd, read, flush[i], odp->lkey, m + 1, 8 * PAGE), EFAULT);
		EXPECT_EQ(advise(d->pd, read, flush[i], odp->lkey, m - 1, PAGE), EFAULT);
		EXPECT_EQ(advise(d->pd, read, flush[i], ro->lkey, m, 8 * PAGE), 0);
		EXPECT_EQ(advise(d->pd, write, flush[i], odp->lkey, m + 7, 1), 0);
	}
	EXPECT(advise(d->pd, read, 0x80, odp->lkey, m, PAGE));	/* ib core's own check */
	/* what is not mapped: only who waits is told, and only who wants it faulted */
	munmap(m + 4 * PAGE, PAGE);
	EXPECT_EQ(advise(d->pd, read, IBV_ADVISE_MR_FLAG_FLUSH, odp->lkey, m, 8 * PAGE), EFAULT);
	EXPECT_EQ(advise(d->pd, read, 0, odp->lkey, m, 8 * PAGE), 0);
	EXPECT_EQ(advise(d->pd, look, IBV_ADVISE_MR_FLAG_FLUSH, odp->lkey, m, 8 * PAGE), 0);
	/* a list with one bad element does nothing */
	for (i = 0; i < 3; i++)
		list[i] = (struct ibv_sge){ (uintptr_t)m + i * PAGE, PAGE, odp->lkey };
	list[2].lkey = pinned->lkey;
	EXPECT_EQ(ibv_advise_mr(d->pd, read, IBV_ADVISE_MR_FLAG_FLUSH, list, 3), EINVAL);
	EXPECT(!ibv_dereg_mr(odp) && !ibv_dereg_mr(ro) && !ibv_dereg_mr(pinned));
	EXPECT(!ibv_dealloc_pd(pd));
	munmap(m, 8 * PAGE);
}

/* After a prefetch that was waited for, traffic finds its pages. */
void case_advise(struct rc_dev *d)
{
	enum { HALF = 64 * PAGE };
	uint8_t *m = loop_map(2 * HALF);
	struct ibv_mr *mr = ibv_reg_mr(d->pd, m, 2 * HALF, REMOTE);
	struct ibv_sge list[2];
	long faults, prefetched;
	struct loop l;

	EXPECT(mr);
	loop_open(&l, d, false);
	rc_fill(5, m, HALF);
	prefetched = loop_counter(d, "page_prefetch");
	list[0] = (struct ibv_sge){ (uintptr_t)m, HALF, mr->lkey };
	list[1] = (struct ibv_sge){ (uintptr_t)m + HALF, HALF, mr->lkey };
	EXPECT_EQ(ibv_advise_mr(d->pd, IBV_ADVISE_MR_ADVICE_PREFETCH_WRITE,
				IBV_ADVISE_MR_FLAG_FLUSH, list, 2), 0);
	EXPECT(loop_counter(d, "page_prefetch") - prefetched >= 128);
	faults = loop_counter(d, "page_faults");
	EXPECT_EQ(loop_move(&l, IBV_WR_RDMA_WRITE, mr->lkey, (uintptr_t)m, HALF, mr->rkey,
		       (uintptr_t)m + HALF), IBV_WC_SUCCESS);
	EXPECT_EQ(rc_differ(m, m + HALF, HALF), HALF);
	EXPECT_EQ(loop_counter(d, "page_faults"), faults);
	/* in flight while the region and then the memory go */
	EXPECT_EQ(ibv_advise_mr(d->pd, IBV_ADVISE_MR_ADVICE_PREFETCH_WRITE, 0, list, 2), 0);
	EXPECT(!ibv_dereg_mr(mr));
	munmap(m, 2 * HALF);
	loop_close(&l);
}
