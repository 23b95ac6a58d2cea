// SPDX-License-Identifier: GPL-2.0
/* Device memory, and parent domains with allocators of their own. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "loop.h"

enum { DM = 3 * 4096 + 100, AT = 4000, BYTES = 5000 };

static struct ibv_dm *dm_alloc(struct rc_dev *d, size_t length, uint32_t log_align)
{
	struct ibv_alloc_dm_attr attr = { .length = length, .log_align_req = log_align };

	return ibv_alloc_dm(d->ctx, &attr);
}

static void dm_traffic(struct loop *l, struct ibv_dm *dm, uint32_t rkey)
{
	static uint8_t got[BYTES];
	struct ibv_sge sge = loop_sge(l, 0, sizeof(uint64_t));
	struct ibv_send_wr wr = {
		.wr_id = 9, .sg_list = &sge, .num_sge = 1, .send_flags = IBV_SEND_SIGNALED,
		.opcode = IBV_WR_ATOMIC_FETCH_AND_ADD,
		.wr.atomic = { .remote_addr = 16, .compare_add = 42, .rkey = rkey },
	}, *bad;
	uint64_t word, sum, *before = (uint64_t *)l->buf;

	/* WRITE into it, seen by a copy out; READ of what a copy has put in */
	EXPECT_EQ(loop_move(l, IBV_WR_RDMA_WRITE, l->mr->lkey, (uintptr_t)l->buf + 3, BYTES,
			    rkey, 0), IBV_WC_SUCCESS);
	EXPECT_EQ(ibv_memcpy_from_dm(got, dm, AT, BYTES), 0);
	EXPECT_EQ(rc_differ(got, l->buf + 3, BYTES), BYTES);
	rc_fill(5, got, BYTES);
	EXPECT_EQ(ibv_memcpy_to_dm(dm, AT, got, BYTES), 0);
	EXPECT_EQ(loop_move(l, IBV_WR_RDMA_READ, l->mr->lkey, (uintptr_t)l->buf + 7, BYTES,
			    rkey, 0), IBV_WC_SUCCESS);
	EXPECT_EQ(rc_differ(l->buf + 7, got, BYTES), BYTES);
	EXPECT_EQ(ibv_post_send(l->qp[0], &wr, &bad), 0);
	loop_expect(l->scq, 9, IBV_WC_SUCCESS);
	memcpy(&word, got + 16, sizeof(word));
	EXPECT(*before == word);
	EXPECT_EQ(ibv_memcpy_from_dm(&sum, dm, AT + 16, sizeof(sum)), 0);
	EXPECT(sum == word + 42);
}

/* Its bytes by copies, by RDMA to it and from it; nothing beside the region. */
void case_dm(struct rc_dev *d)
{
	int access = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ |
		     IBV_ACCESS_REMOTE_ATOMIC | IBV_ACCESS_ZERO_BASED;
	static uint8_t all[DM], zero[DM];
	struct ibv_dm *dm;
	struct ibv_mr *mr;
	struct loop l;

	loop_open(&l, d, false);
	dm = dm_alloc(d, DM, 0);
	EXPECT(dm);
	EXPECT_EQ(ibv_memcpy_from_dm(all, dm, 0, DM), 0);
	EXPECT(!memcmp(all, zero, DM));
	mr = ibv_reg_dm_mr(d->pd, dm, AT, BYTES, access);
	EXPECT(mr);
	dm_traffic(&l, dm, mr->rkey);
	EXPECT_EQ(ibv_memcpy_from_dm(all, dm, 0, DM), 0);
	EXPECT(!memcmp(all, zero, AT));
	EXPECT(!memcmp(all + AT + BYTES, zero, DM - AT - BYTES));
	/* a region keeps it */
	EXPECT(ibv_free_dm(dm));
	EXPECT_EQ(loop_move(&l, IBV_WR_RDMA_WRITE, l.mr->lkey, (uintptr_t)l.buf, 2, mr->rkey,
			    BYTES - 1), IBV_WC_REM_ACCESS_ERR);
	EXPECT_EQ(ibv_dereg_mr(mr), 0);
	EXPECT_EQ(ibv_free_dm(dm), 0);
	loop_close(&l);
}

void case_dm_errors(struct rc_dev *d)
{
	struct ibv_device_attr_ex attr;
	struct ibv_dm *dm, *more[64];
	uint8_t bytes[8] = { 0 };
	unsigned int n = 0;

	EXPECT(!ibv_query_device_ex(d->ctx, NULL, &attr));
	EXPECT(attr.max_dm_size);
	EXPECT(!dm_alloc(d, 0, 0));
	EXPECT(!dm_alloc(d, attr.max_dm_size + 1, 0));
	EXPECT(!dm_alloc(d, 4096, 13) && errno == EOPNOTSUPP);
	dm = dm_alloc(d, 100, 12);
	EXPECT(dm);
	EXPECT_EQ(ibv_memcpy_to_dm(dm, 1, bytes, 4), EFAULT);
	EXPECT_EQ(ibv_memcpy_to_dm(dm, 0, bytes, 3), EFAULT);
	EXPECT_EQ(ibv_memcpy_to_dm(dm, 96, bytes, 8), EFAULT);
	EXPECT_EQ(ibv_memcpy_from_dm(bytes, dm, UINT64_MAX - 3, 4), EFAULT);
	EXPECT_EQ(ibv_memcpy_to_dm(dm, 96, bytes, 4), 0);
	EXPECT(!ibv_reg_dm_mr(d->pd, dm, 0, 101, IBV_ACCESS_ZERO_BASED));
	EXPECT(!ibv_reg_dm_mr(d->pd, dm, 4, UINT64_MAX - 2, IBV_ACCESS_ZERO_BASED));
	EXPECT(!ibv_reg_dm_mr(d->pd, dm, 0, 100, IBV_ACCESS_ZERO_BASED | IBV_ACCESS_ON_DEMAND));
	EXPECT_EQ(ibv_free_dm(dm), 0);
	/* there is an end to it, and it comes back */
	while (n < RC_ARRAY_SIZE(more) && (more[n] = dm_alloc(d, attr.max_dm_size, 0)))
		n++;
	EXPECT(n && n < RC_ARRAY_SIZE(more));
	while (n--)
		EXPECT_EQ(ibv_free_dm(more[n]), 0);
	dm = dm_alloc(d, attr.max_dm_size, 0);
	EXPECT(dm && !ibv_free_dm(dm));
}

struct heap {
	int taken, given;
};

static void *heap_alloc(struct ibv_pd *pd, void *context, size_t size, size_t alignment,
			uint64_t type)
{
	struct heap *h = context;
	void *p = NULL;

	(void)pd;
	(void)type;
	/* every other one is left to the provider */
	if (h->taken++ % 2)
		return IBV_ALLOCATOR_USE_DEFAULT;
	EXPECT(!posix_memalign(&p, alignment, size));
	return p;
}

static void heap_free(struct ibv_pd *pd, void *context, void *p, uint64_t type)
{
	(void)pd;
	(void)type;
	((struct heap *)context)->given++;
	free(p);
}

/* QPs of a parent domain, whose objects come from its allocator, move data. */
void case_parent_domain(struct rc_dev *d)
{
	struct ibv_td_init_attr td_attr = {};
	struct ibv_parent_domain_init_attr attr = {
		.pd = d->pd, .alloc = heap_alloc, .free = heap_free,
		.comp_mask = IBV_PARENT_DOMAIN_INIT_ATTR_ALLOCATORS |
			     IBV_PARENT_DOMAIN_INIT_ATTR_PD_CONTEXT,
	};
	struct ibv_pd *pd = d->pd, *parent;
	struct heap heap = {};
	struct loop l;

	attr.td = ibv_alloc_td(d->ctx, &td_attr);
	EXPECT(attr.td);
	attr.pd_context = &heap;
	parent = ibv_alloc_parent_domain(d->ctx, &attr);
	EXPECT(parent);
	d->pd = parent;
	loop_open(&l, d, false);
	EXPECT_EQ(heap.taken, 2);
	EXPECT_EQ(loop_move(&l, IBV_WR_RDMA_WRITE, l.mr->lkey, (uintptr_t)l.buf, 10000,
			    l.mr->rkey, (uintptr_t)l.buf + LOOP_HALF), IBV_WC_SUCCESS);
	EXPECT_EQ(rc_differ(l.buf + LOOP_HALF, l.buf, 10000), 10000);
	EXPECT_EQ(ibv_dealloc_td(attr.td), EBUSY);
	EXPECT_EQ(ibv_dealloc_pd(pd), EBUSY);
	loop_close(&l);
	EXPECT_EQ(heap.given, 1);
	d->pd = pd;
	EXPECT_EQ(ibv_dealloc_pd(parent), 0);
	EXPECT_EQ(ibv_dealloc_td(attr.td), 0);
	attr.pd = NULL;
	EXPECT(!ibv_alloc_parent_domain(d->ctx, &attr) && errno == EINVAL);
}
