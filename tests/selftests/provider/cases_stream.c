// SPDX-License-Identifier: GPL-2.0
/*
 * Streams: requests posted one after the other by somebody who waits for none of them,
 * and sleeps until there are completions. They are left to a worker, so they are still
 * to be executed when the call has returned.
 */
#include <string.h>
#include <unistd.h>
#include "loop.h"

enum {
	PLACE = 4096,		/* of a message in the buffer */
	ROUNDS = 300,
	ENDS = 60,
};

static void receive(struct loop *l, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		EXPECT(!loop_post_recv(l, i, LOOP_HALF + i * PLACE, PLACE));
}

/* @n messages, a doorbell each; the last one and every 16th have a completion. */
static void post(struct loop *l, unsigned int n, uint32_t len)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		struct ibv_sge sge = loop_sge(l, i * PLACE, len);
		struct ibv_send_wr wr = {
			.wr_id = i, .sg_list = &sge, .num_sge = 1, .opcode = IBV_WR_SEND,
			.send_flags = i + 1 == n || i % 16 == 15 ? IBV_SEND_SIGNALED : 0,
		}, *bad;

		EXPECT(!ibv_post_send(l->qp[0], &wr, &bad));
	}
}

static void arm(struct loop *l)
{
	EXPECT(!ibv_req_notify_cq(l->scq, 0));
}

/* Sleeps, until the completion of request @last. */
static void sleep_for(struct loop *l, unsigned int last)
{
	struct ibv_wc wc = { .wr_id = last + 1 };
	struct ibv_cq *cq;
	void *context;

	do {
		EXPECT(!ibv_get_cq_event(l->channel, &cq, &context));
		ibv_ack_cq_events(cq, 1);
		arm(l);
		while (ibv_poll_cq(l->scq, 1, &wc) == 1)
			EXPECT_EQ(wc.status, IBV_WC_SUCCESS);
	} while (wc.wr_id != last);
}

void case_stream(struct rc_dev *d)
{
	struct rc_rng rng = { .state = 11 };
	unsigned int round, n, i;
	struct loop l;
	uint32_t len;

	loop_open(&l, d, false);
	arm(&l);
	for (round = 0; round < ROUNDS; round++) {
		n = 1 + rc_below(&rng, LOOP_WR - 1);
		len = 1 + rc_below(&rng, round % 2 ? 64 : PLACE);
		rc_fill(round + 1, l.buf, LOOP_HALF);
		memset(l.buf + LOOP_HALF, 0, LOOP_HALF);
		receive(&l, n);
		post(&l, n, len);
		sleep_for(&l, n - 1);
		for (i = 0; i < n; i++) {
			loop_expect(l.rcq, i, IBV_WC_SUCCESS);
			EXPECT_EQ(rc_differ(l.buf + LOOP_HALF + i * PLACE,
					    l.buf + i * PLACE, len), len);
			EXPECT(!l.buf[LOOP_HALF + i * PLACE + len]);
		}
	}
	loop_close(&l);
}

/*
 * Each request that has been posted comes to an end, in order; what was received is
 * right; nothing of it is left to do once the queue pair is reset.
 */
static void to_error(struct loop *l, unsigned int n)
{
	struct ibv_wc wc;
	unsigned int i;
	bool flushed = false;

	loop_to(l->qp[0], IBV_QPS_ERR);
	do {
		wc = loop_wait(l->scq);
		if (wc.status != IBV_WC_SUCCESS) {
			EXPECT_EQ(wc.status, IBV_WC_WR_FLUSH_ERR);
			flushed = true;
		} else {
			EXPECT(!flushed);
		}
	} while (wc.wr_id != n - 1);
	loop_expect_none(l->scq);
	loop_to(l->qp[1], IBV_QPS_ERR);
	for (i = 0; i < n; i++) {
		wc = loop_wait(l->rcq);
		EXPECT_EQ(wc.wr_id, i);
		if (wc.status == IBV_WC_SUCCESS)
			EXPECT_EQ(rc_differ(l->buf + LOOP_HALF + i * PLACE,
					    l->buf + i * PLACE, PLACE), PLACE);
	}
}

static void to_reset(struct loop *l)
{
	struct ibv_wc wc;

	loop_to(l->qp[0], IBV_QPS_RESET);
	loop_to(l->qp[1], IBV_QPS_RESET);
	while (ibv_poll_cq(l->scq, 1, &wc) == 1 || ibv_poll_cq(l->rcq, 1, &wc) == 1)
		;
	usleep(100000);		/* what is under way could fit the next life's PSNs */
	loop_expect_none(l->scq);
	loop_connect(l);
	receive(l, 1);
	post(l, 1, PLACE);
	loop_expect(l->scq, 0, IBV_WC_SUCCESS);
	loop_expect(l->rcq, 0, IBV_WC_SUCCESS);
}

void case_stream_ends(struct rc_dev *d)
{
	struct rc_rng rng = { .state = 12 };
	unsigned int round, n;
	struct loop l;

	for (round = 0; round < ENDS; round++) {
		loop_open(&l, d, false);
		arm(&l);
		rc_fill(round + 1, l.buf, LOOP_HALF);
		n = 1 + rc_below(&rng, LOOP_WR - 1);
		receive(&l, n);
		post(&l, n, PLACE);
		if (round % 3 == 0)
			to_error(&l, n);
		else if (round % 3 == 1)
			to_reset(&l);
		loop_close(&l);		/* or destroyed as it is */
	}
}
