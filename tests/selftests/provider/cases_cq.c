// SPDX-License-Identifier: GPL-2.0
/* Completion queues that change their length while completions come. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "loop.h"

enum { WRITES = 2000, RESIZES = 50, SMALLEST = LOOP_WR };

struct resizer {
	struct ibv_cq *cq;
	volatile bool stop;
	int done, refused;
};

/* Up and down; one that the completions waiting do not fit into is refused. */
static void *resize(void *arg)
{
	struct resizer *r = arg;
	struct rc_rng rng = { 3 };

	while (!r->stop) {
		int cqe = SMALLEST << rc_below(&rng, 6), err;

		usleep(200);	/* the queue's lock is not fair */
		err = ibv_resize_cq(r->cq, cqe);
		if (err == EINVAL) {
			r->refused++;
			continue;
		}
		EXPECT_EQ(err, 0);
		EXPECT(r->cq->cqe >= cqe);
		r->done++;
	}
	return NULL;
}

/* Every completion comes, once and in order, whatever ring it was in. */
void case_resize_cq(struct rc_dev *d)
{
	struct resizer r = {};
	struct ibv_send_wr wr, *bad;
	struct ibv_sge sge;
	struct ibv_wc wc[8];
	uint64_t posted = 0, polled = 0, end = rc_patience(20000);
	pthread_t thread;
	struct loop l;
	int i, n;

	loop_open(&l, d, false);
	r.cq = l.scq;
	EXPECT(!pthread_create(&thread, NULL, resize, &r));
	while (polled < WRITES || (r.done < RESIZES && rc_now_ms() < end)) {
		if (posted - polled < LOOP_WR) {
			sge = loop_sge(&l, posted % 1000, 64);
			wr = loop_write(&l, posted, &sge, LOOP_HALF);
			EXPECT_EQ(ibv_post_send(l.qp[0], &wr, &bad), 0);
			posted++;
		}
		/* seldom, so that the queue fills; but when it is full, in any case */
		n = posted % 3 && posted - polled < LOOP_WR ? 0 : ibv_poll_cq(l.scq, 8, wc);
		for (i = 0; i < n; i++, polled++) {
			EXPECT_EQ(wc[i].status, IBV_WC_SUCCESS);
			EXPECT_EQ(wc[i].wr_id, polled);
		}
	}
	r.stop = true;
	EXPECT(!pthread_join(thread, NULL));
	while (polled < posted)
		EXPECT_EQ(loop_wait(l.scq).wr_id, polled++);
	printf("%d resized, %d refused, %llu completions\n", r.done, r.refused,
	       (unsigned long long)polled);
	EXPECT(r.done);
	loop_expect_none(l.scq);
	loop_close(&l);
}

/* Lengths that cannot be; and what waits is kept by a refusal. */
void case_resize_cq_bad(struct rc_dev *d)
{
	struct ibv_send_wr wr, *bad;
	struct ibv_sge sge;
	struct loop l;
	int i, cqe;

	loop_open(&l, d, false);
	EXPECT_EQ(ibv_resize_cq(l.scq, 4 * LOOP_WR), 0);
	cqe = l.scq->cqe;
	for (i = 0; i < LOOP_WR; i++) {
		sge = loop_sge(&l, i, 64);
		wr = loop_write(&l, i, &sge, LOOP_HALF);
		EXPECT_EQ(ibv_post_send(l.qp[0], &wr, &bad), 0);
	}
	/* the last is complete, so all are in the queue */
	while (rc_differ(l.buf + LOOP_HALF, l.buf + LOOP_WR - 1, 64) != 64)
		;
	loop_to(l.qp[0], IBV_QPS_SQD);
	EXPECT(ibv_resize_cq(l.scq, 0));
	EXPECT(ibv_resize_cq(l.scq, -1));
	EXPECT(ibv_resize_cq(l.scq, 1 << 30));
	EXPECT(ibv_resize_cq(l.scq, LOOP_WR / 2));
	EXPECT_EQ(l.scq->cqe, cqe);
	EXPECT_EQ(ibv_resize_cq(l.scq, LOOP_WR), 0);
	for (i = 0; i < LOOP_WR; i++)
		loop_expect(l.scq, i, IBV_WC_SUCCESS);
	loop_close(&l);
}
