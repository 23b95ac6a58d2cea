// SPDX-License-Identifier: GPL-2.0
/* The extended CQ, and posting by ibv_wr_*. */
#include <errno.h>
#include <string.h>
#include <time.h>
#include "loop.h"

/* The next completion, and end polling. */
static uint64_t wait_ex(struct loop *l, uint64_t wr_id, enum ibv_wc_status status)
{
	uint64_t end = rc_patience(10000), ts;
	struct ibv_poll_cq_attr attr = {};
	int err;

	while ((err = ibv_start_poll(l->scqx, &attr)) == ENOENT)
		if (rc_now_ms() > end)
			rc_die("no completion within 10 s");
	EXPECT_EQ(err, 0);
	EXPECT_EQ(l->scqx->wr_id, wr_id);
	EXPECT_EQ(l->scqx->status, status);
	EXPECT_EQ(ibv_wc_read_qp_num(l->scqx), l->qp[0]->qp_num);
	ts = ibv_wc_read_completion_ts(l->scqx);
	ibv_end_poll(l->scqx);
	return ts;
}

void case_wr(struct rc_dev *d)
{
	struct ibv_data_buf piece[2];
	struct ibv_qp_ex *qpx;
	struct ibv_sge sge[2];
	uint64_t counter;
	struct loop l;

	loop_open(&l, d, true);
	qpx = ibv_qp_to_qp_ex(l.qp[0]);
	EXPECT(qpx);

	/* a batch: write from two places, write inline, add, read back */
	sge[0] = loop_sge(&l, 0, 1000);
	sge[1] = loop_sge(&l, 5000, 3000);
	piece[0] = (struct ibv_data_buf) { l.buf + 100, 7 };
	piece[1] = (struct ibv_data_buf) { l.buf + 300, 20 };
	ibv_wr_start(qpx);
	qpx->wr_flags = 0;
	qpx->wr_id = 1;
	ibv_wr_rdma_write(qpx, l.mr->rkey, (uintptr_t)l.buf + LOOP_HALF);
	ibv_wr_set_sge_list(qpx, 2, sge);
	ibv_wr_rdma_write(qpx, l.mr->rkey, (uintptr_t)l.buf + LOOP_HALF + 8000);
	ibv_wr_set_inline_data_list(qpx, 2, piece);
	ibv_wr_atomic_fetch_add(qpx, l.mr->rkey, (uintptr_t)l.buf + LOOP_HALF + 8192, 42);
	ibv_wr_set_sge(qpx, l.mr->lkey, (uintptr_t)l.buf + LOOP_HALF + 8200, 8);
	qpx->wr_flags = IBV_SEND_SIGNALED;
	qpx->wr_id = 2;
	ibv_wr_rdma_read(qpx, l.mr->rkey, (uintptr_t)l.buf + 5000);
	ibv_wr_set_sge(qpx, l.mr->lkey, (uintptr_t)l.buf + LOOP_HALF + 16384, 2000);
	EXPECT_EQ(ibv_wr_complete(qpx), 0);
	wait_ex(&l, 2, IBV_WC_SUCCESS);
	EXPECT_EQ(rc_differ(l.buf + LOOP_HALF, l.buf, 1000), 1000);
	EXPECT_EQ(rc_differ(l.buf + LOOP_HALF + 1000, l.buf + 5000, 3000), 3000);
	EXPECT_EQ(rc_differ(l.buf + LOOP_HALF + 8000, l.buf + 100, 7), 7);
	EXPECT_EQ(rc_differ(l.buf + LOOP_HALF + 8007, l.buf + 300, 20), 20);
	memcpy(&counter, l.buf + LOOP_HALF + 8192, sizeof(counter));
	EXPECT_EQ(counter, 42);
	EXPECT_EQ(rc_differ(l.buf + LOOP_HALF + 16384, l.buf + 5000, 2000), 2000);

	/* taken back: nothing of it happens */
	memset(l.buf + LOOP_HALF, 0, 64);
	ibv_wr_start(qpx);
	ibv_wr_rdma_write(qpx, l.mr->rkey, (uintptr_t)l.buf + LOOP_HALF);
	ibv_wr_set_sge(qpx, l.mr->lkey, (uintptr_t)l.buf, 64);
	ibv_wr_abort(qpx);
	ibv_wr_start(qpx);
	ibv_wr_rdma_write(qpx, l.mr->rkey, (uintptr_t)l.buf + LOOP_HALF);
	ibv_wr_set_inline_data(qpx, l.buf, l.cap.max_inline_data + 1);
	EXPECT_EQ(ibv_wr_complete(qpx), EINVAL);
	ibv_wr_start(qpx);
	qpx->wr_id = 3;
	ibv_wr_rdma_write(qpx, l.mr->rkey, (uintptr_t)l.buf + LOOP_HALF + 64);
	ibv_wr_set_sge(qpx, l.mr->lkey, (uintptr_t)l.buf, 64);
	EXPECT_EQ(ibv_wr_complete(qpx), 0);
	wait_ex(&l, 3, IBV_WC_SUCCESS);
	EXPECT_EQ(l.buf[LOOP_HALF] | l.buf[LOOP_HALF + 63], 0);
	EXPECT_EQ(rc_differ(l.buf + LOOP_HALF + 64, l.buf, 64), 64);
	loop_close(&l);
}

static uint64_t clock_of_stamps(struct rc_dev *d)
{
	struct ibv_values_ex v = { .comp_mask = IBV_VALUES_MASK_RAW_CLOCK };

	EXPECT_EQ(ibv_query_rt_values_ex(d->ctx, &v), 0);
	EXPECT_EQ(v.comp_mask, IBV_VALUES_MASK_RAW_CLOCK);
	return v.raw_clock.tv_sec * 1000000000ull + v.raw_clock.tv_nsec;
}

/* Batches of completions, and time stamps that fit the clock. */
void case_cq_ex(struct rc_dev *d)
{
	struct ibv_poll_cq_attr attr = {};
	uint64_t before, stamp, last = 0;
	struct ibv_send_wr wr, *bad;
	struct ibv_sge sge;
	struct loop l;
	int i, n, round, err;

	loop_open(&l, d, true);
	for (round = 0; round < 10; round++) {
		before = clock_of_stamps(d);
		for (i = 0; i < LOOP_WR; i++) {
			sge = loop_sge(&l, 0, 100);
			wr = loop_write(&l, i, &sge, LOOP_HALF);
			EXPECT_EQ(ibv_post_send(l.qp[0], &wr, &bad), 0);
		}
		for (n = 0; n < LOOP_WR; ) {
			err = ibv_start_poll(l.scqx, &attr);
			if (err == ENOENT)
				continue;
			for (; !err; err = ibv_next_poll(l.scqx), n++) {
				EXPECT_EQ(l.scqx->status, IBV_WC_SUCCESS);
				EXPECT_EQ(l.scqx->wr_id, n);
				EXPECT_EQ(ibv_wc_read_opcode(l.scqx), IBV_WC_RDMA_WRITE);
				stamp = ibv_wc_read_completion_ts(l.scqx);
				EXPECT(stamp >= before && stamp >= last);
				last = stamp;
			}
			EXPECT_EQ(err, ENOENT);
			ibv_end_poll(l.scqx);
		}
		EXPECT(last <= clock_of_stamps(d));
	}
	loop_close(&l);
}
