// SPDX-License-Identifier: GPL-2.0
/*
 * Atomics work on a whole word, aligned in memory. An address that counts from 0 says
 * nothing about that: here it is a multiple of 8, and the memory behind it is not, or
 * lies in two pages. It is refused, and no byte changes anywhere.
 */
#include <string.h>
#include <sys/mman.h>
#include "loop.h"

enum {
	PAGE = 4096,
	BYTES = 3 * PAGE,
	FROM = 4,		/* where the region begins */
	LEN = 2 * PAGE,
	ACCESS = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_ATOMIC |
		 IBV_ACCESS_ZERO_BASED,
};

static const uint64_t in_two_pages = PAGE - 2 * FROM, in_one_page = 64;

static void refused(struct loop *l, enum ibv_wr_opcode op, uint32_t rkey, uint64_t at)
{
	struct ibv_sge sge = loop_sge(l, 64, 8);
	struct ibv_send_wr wr = {
		.wr_id = 3, .sg_list = &sge, .num_sge = 1, .opcode = op,
		.send_flags = IBV_SEND_SIGNALED,
	}, *bad;

	if (op == IBV_WR_ATOMIC_WRITE) {
		wr.wr.rdma.remote_addr = at;
		wr.wr.rdma.rkey = rkey;
	} else {
		wr.wr.atomic.remote_addr = at;
		wr.wr.atomic.rkey = rkey;
		wr.wr.atomic.compare_add = 0x0101010101010101;
		wr.wr.atomic.swap = ~0ull;
	}
	EXPECT_EQ(ibv_post_send(l->qp[0], &wr, &bad), 0);
	loop_expect(l->scq, 3, IBV_WC_REM_INV_REQ_ERR);
	loop_to(l->qp[0], IBV_QPS_RESET);
	loop_to(l->qp[1], IBV_QPS_RESET);
	loop_connect(l);
}

static void all_refused(struct loop *l, uint32_t rkey)
{
	const enum ibv_wr_opcode ops[] = {
		IBV_WR_ATOMIC_CMP_AND_SWP, IBV_WR_ATOMIC_FETCH_AND_ADD, IBV_WR_ATOMIC_WRITE,
	};
	unsigned int i;

	for (i = 0; i < RC_ARRAY_SIZE(ops); i++) {
		refused(l, ops[i], rkey, in_two_pages);
		refused(l, ops[i], rkey, in_one_page);
	}
}

/* @kind: IBV_ACCESS_ON_DEMAND or 0 */
static void region(struct loop *l, uint8_t *m, int kind)
{
	struct ibv_mr *mr = ibv_reg_mr(l->d->pd, m + FROM, LEN, ACCESS | kind);

	EXPECT(mr);
	all_refused(l, mr->rkey);
	EXPECT(!ibv_dereg_mr(mr));
}

static void window(struct loop *l, uint8_t *m, int kind)
{
	struct ibv_mr *mr = ibv_reg_mr(l->d->pd, m, BYTES, IBV_ACCESS_LOCAL_WRITE |
				       IBV_ACCESS_MW_BIND | kind);
	struct ibv_mw *mw = ibv_alloc_mw(l->d->pd, IBV_MW_TYPE_2);
	struct ibv_send_wr wr = {
		.wr_id = 4, .opcode = IBV_WR_BIND_MW, .send_flags = IBV_SEND_SIGNALED,
	}, *bad;
	uint32_t i;

	EXPECT(mr && mw);
	/* a window of type 2 is of one connection: anew for each request */
	for (i = 0; i < 2; i++) {
		wr.bind_mw.mw = mw;
		wr.bind_mw.rkey = ibv_inc_rkey(mw->rkey);
		wr.bind_mw.bind_info = (struct ibv_mw_bind_info){
			.mr = mr, .addr = (uintptr_t)m + FROM, .length = LEN,
			.mw_access_flags = ACCESS & ~IBV_ACCESS_LOCAL_WRITE,
		};
		EXPECT_EQ(ibv_post_send(l->qp[1], &wr, &bad), 0);
		loop_expect(l->scq, 4, IBV_WC_SUCCESS);
		refused(l, IBV_WR_ATOMIC_FETCH_AND_ADD, wr.bind_mw.rkey,
			i ? in_two_pages : in_one_page);
		EXPECT(!ibv_dealloc_mw(mw));
		mw = ibv_alloc_mw(l->d->pd, IBV_MW_TYPE_2);
		EXPECT(mw);
	}
	EXPECT(!ibv_dealloc_mw(mw) && !ibv_dereg_mr(mr));
}

static void device_memory(struct loop *l)
{
	struct ibv_alloc_dm_attr attr = { .length = BYTES };
	static uint8_t all[BYTES], zero[BYTES];
	struct ibv_dm *dm = ibv_alloc_dm(l->d->ctx, &attr);
	struct ibv_mr *mr;

	EXPECT(dm);
	mr = ibv_reg_dm_mr(l->d->pd, dm, FROM, LEN, ACCESS);
	EXPECT(mr);
	all_refused(l, mr->rkey);
	EXPECT_EQ(ibv_memcpy_from_dm(all, dm, 0, BYTES), 0);
	EXPECT(!memcmp(all, zero, BYTES));
	EXPECT(!ibv_dereg_mr(mr) && !ibv_free_dm(dm));
}

void case_word(struct rc_dev *d)
{
	uint8_t *m = loop_map(BYTES), before[BYTES];
	struct loop l;
	int kind;

	loop_open(&l, d, true);
	rc_fill(6, m, BYTES);
	memcpy(before, m, BYTES);
	for (kind = 0; kind < 2; kind++) {
		region(&l, m, kind ? IBV_ACCESS_ON_DEMAND : 0);
		window(&l, m, kind ? IBV_ACCESS_ON_DEMAND : 0);
	}
	device_memory(&l);
	EXPECT_EQ(rc_differ(m, before, BYTES), BYTES);
	loop_close(&l);
	munmap(m, BYTES);
}
