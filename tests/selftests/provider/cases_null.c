// SPDX-License-Identifier: GPL-2.0
/* The null region: 0 to read, nowhere to write, between elements that are memory. */
#include <errno.h>
#include <string.h>
#include "loop.h"

enum { HEAD = 100, GAP = 70000, TAIL = 50, ALL = HEAD + GAP + TAIL, BACK = 200000 };

static void post(struct loop *l, enum ibv_wr_opcode op, struct ibv_sge *sge, int n)
{
	struct ibv_send_wr wr = loop_write(l, 1, sge, LOOP_HALF), *bad;

	wr.opcode = op;
	wr.num_sge = n;
	EXPECT_EQ(ibv_post_send(l->qp[0], &wr, &bad), 0);
	loop_expect(l->scq, 1, IBV_WC_SUCCESS);
}

/* Memory, then @gap bytes that are none, then memory. */
static void around(struct loop *l, struct ibv_mr *null, size_t at, struct ibv_sge sge[3])
{
	sge[0] = loop_sge(l, at, HEAD);
	sge[1] = (struct ibv_sge) { 0xdead0000beef, GAP, null->lkey };
	sge[2] = loop_sge(l, at + HEAD, TAIL);
}

static void written(struct loop *l, struct ibv_mr *null)
{
	uint8_t *to = l->buf + LOOP_HALF;
	struct ibv_sge sge[3];
	size_t i;

	around(l, null, 0, sge);
	memset(to, 0xff, ALL + 1);
	post(l, IBV_WR_RDMA_WRITE, sge, 3);
	EXPECT(!memcmp(to, l->buf, HEAD));
	for (i = HEAD; i < HEAD + GAP; i++)
		EXPECT_EQ(to[i], 0);
	EXPECT(!memcmp(to + HEAD + GAP, l->buf + HEAD, TAIL));
	EXPECT_EQ(to[ALL], 0xff);
}

static void read_back(struct loop *l, struct ibv_mr *null)
{
	uint8_t *from = l->buf + LOOP_HALF, *to = l->buf + BACK;
	struct ibv_sge sge[3];

	rc_fill(3, from, ALL);
	memset(to, 0xff, HEAD + TAIL + 1);
	around(l, null, BACK, sge);
	post(l, IBV_WR_RDMA_READ, sge, 3);
	EXPECT(!memcmp(to, from, HEAD));
	EXPECT(!memcmp(to + HEAD, from + HEAD + GAP, TAIL));
	EXPECT_EQ(to[HEAD + TAIL], 0xff);
}

/* What a message of another has in the middle is thrown away. */
static void received(struct loop *l, struct ibv_mr *null)
{
	struct ibv_sge sge[3], source = loop_sge(l, 0, ALL);
	struct ibv_recv_wr wr = { .wr_id = 7, .sg_list = sge, .num_sge = 3 }, *bad;
	uint8_t *to = l->buf + LOOP_HALF;

	around(l, null, LOOP_HALF, sge);
	memset(to, 0xff, HEAD + TAIL + 1);
	EXPECT_EQ(ibv_post_recv(l->qp[1], &wr, &bad), 0);
	post(l, IBV_WR_SEND, &source, 1);
	loop_expect(l->rcq, 7, IBV_WC_SUCCESS);
	EXPECT(!memcmp(to, l->buf, HEAD));
	EXPECT(!memcmp(to + HEAD, l->buf + HEAD + GAP, TAIL));
	EXPECT_EQ(to[HEAD + TAIL], 0xff);
}

void case_null(struct rc_dev *d)
{
	struct ibv_mr *null;
	struct loop l;

	loop_open(&l, d, false);
	rc_fill(1, l.buf, ALL);
	null = ibv_alloc_null_mr(d->pd);
	EXPECT(null && null->pd == d->pd);
	written(&l, null);
	read_back(&l, null);
	received(&l, null);
	/* it is nothing to the other side */
	EXPECT_EQ(loop_move(&l, IBV_WR_RDMA_READ, l.mr->lkey, (uintptr_t)l.buf, 8, null->lkey,
			    0), IBV_WC_REM_ACCESS_ERR);
	EXPECT(ibv_rereg_mr(null, IBV_REREG_MR_CHANGE_ACCESS, NULL, NULL, 0, 0));
	EXPECT_EQ(ibv_dereg_mr(null), 0);
	loop_close(&l);
}
