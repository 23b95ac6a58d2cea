// SPDX-License-Identifier: GPL-2.0
/* Completion queues that change their length while completions come, and late events. */
#include <errno.h>
#include <poll.h>
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
	struct ibv_qp_attr sqd = { .qp_state = IBV_QPS_SQD, .en_sqd_async_notify = 1 };
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
	while (rc_differ(l.buf + LOOP_HALF, l.buf + LOOP_WR - 1, 64) != 64)
		;
	/* the last has been executed; when it is acknowledged, all are in the queue */
	EXPECT(!ibv_modify_qp(l.qp[0], &sqd, IBV_QP_STATE | IBV_QP_EN_SQD_ASYNC_NOTIFY));
	EXPECT(loop_async_event(d, IBV_EVENT_SQ_DRAINED, l.qp[0], 10000));
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

enum { COUNT = 8, LONG_US = 60000, TRIES = 100 };

static int moderate(struct loop *l, uint16_t count, uint16_t us)
{
	struct ibv_modify_cq_attr attr = {
		.attr_mask = IBV_CQ_ATTR_MODERATE,
		.moderate = { .cq_count = count, .cq_period = us },
	};

	return ibv_modify_cq(l->scq, &attr);
}

/* Arm, have @n completions, wait for the event. Returns how long that took, in us. */
static uint64_t until_event(struct loop *l, int n)
{
	struct ibv_sge sge = loop_sge(l, 0, 8);
	struct ibv_send_wr wr = loop_write(l, 1, &sge, LOOP_HALF), *bad;
	struct pollfd p = { .fd = l->channel->fd, .events = POLLIN };
	uint64_t start = rc_now_ns(), took;
	struct ibv_cq *cq;
	void *context;
	int i;

	EXPECT_EQ(ibv_req_notify_cq(l->scq, 0), 0);
	for (i = 0; i < n; i++)
		EXPECT_EQ(ibv_post_send(l->qp[0], &wr, &bad), 0);
	EXPECT_EQ(poll(&p, 1, rc_patience(20000) - rc_now_ms()), 1);
	took = (rc_now_ns() - start) / 1000;
	EXPECT_EQ(ibv_get_cq_event(l->channel, &cq, &context), 0);
	ibv_ack_cq_events(cq, 1);
	for (i = 0; i < n; i++)
		loop_expect(l->scq, 1, IBV_WC_SUCCESS);
	return took;
}

/*
 * An event is never before its time, unless by the count; that it can come by the
 * count is seen in one try at least, whatever the machine is busy with.
 */
void case_moderation(struct rc_dev *d)
{
	struct ibv_device_attr_ex attr;
	struct loop l;
	int i;

	EXPECT(!ibv_query_device_ex(d->ctx, NULL, &attr));
	EXPECT(attr.cq_mod_caps.max_cq_count >= COUNT);
	EXPECT(attr.cq_mod_caps.max_cq_period >= LONG_US);
	loop_open(&l, d, false);
	EXPECT_EQ(moderate(&l, COUNT, LONG_US), 0);
	for (i = 0; i < 3; i++)
		EXPECT(until_event(&l, COUNT - 1) >= LONG_US);
	for (i = 0; i < TRIES && until_event(&l, COUNT) >= LONG_US; i++)
		;
	EXPECT(i < TRIES);
	/* one bound alone is none, and neither is 1 */
	for (i = 0; i < TRIES; i++) {
		EXPECT_EQ(moderate(&l, i % 3 ? COUNT : 1, i % 3 ? 0 : LONG_US), 0);
		if (until_event(&l, 1) < LONG_US)
			break;
	}
	EXPECT(i < TRIES);
	/* destroyed with an event held back */
	EXPECT_EQ(moderate(&l, COUNT, LONG_US), 0);
	EXPECT_EQ(ibv_req_notify_cq(l.scq, 0), 0);
	EXPECT_EQ(loop_move(&l, IBV_WR_RDMA_WRITE, l.mr->lkey, (uintptr_t)l.buf, 8, l.mr->rkey,
			    (uintptr_t)l.buf + LOOP_HALF), IBV_WC_SUCCESS);
	loop_close(&l);
}
