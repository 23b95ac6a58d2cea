// SPDX-License-Identifier: GPL-2.0
/* States of the QP, and what becomes of the requests; events. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include "loop.h"

static int post_write(struct loop *l, uint64_t id, size_t to)
{
	struct ibv_sge sge = loop_sge(l, 0, 64);
	struct ibv_send_wr wr = loop_write(l, id, &sge, to), *bad;

	return ibv_post_send(l->qp[0], &wr, &bad);
}

static void working(struct loop *l)
{
	memset(l->buf + LOOP_HALF, 0, 64);
	EXPECT_EQ(post_write(l, 500, LOOP_HALF), 0);
	loop_expect(l->scq, 500, IBV_WC_SUCCESS);
	EXPECT_EQ(rc_differ(l->buf, l->buf + LOOP_HALF, 64), 64);
}

/* Whatever is posted to a QP in error comes back flushed, in order. */
void case_flush(struct rc_dev *d)
{
	struct loop l;
	int i, round;

	loop_open(&l, d, false);
	for (i = 0; i < 5; i++)
		EXPECT_EQ(loop_post_recv(&l, i, LOOP_HALF, 64), 0);
	loop_to(l.qp[1], IBV_QPS_ERR);
	for (i = 0; i < 5; i++)
		loop_expect(l.rcq, i, IBV_WC_WR_FLUSH_ERR);
	for (round = 0; round < 3 * LOOP_WR; round++) {
		EXPECT_EQ(loop_post_recv(&l, 100 + round, LOOP_HALF, 64), 0);
		loop_expect(l.rcq, 100 + round, IBV_WC_WR_FLUSH_ERR);
	}

	loop_to(l.qp[0], IBV_QPS_ERR);
	for (round = 0; round < 3 * LOOP_WR; round++) {
		EXPECT_EQ(post_write(&l, round, LOOP_HALF), 0);
		loop_expect(l.scq, round, IBV_WC_WR_FLUSH_ERR);
	}
	loop_expect_none(l.scq);
	loop_expect_none(l.rcq);
	loop_close(&l);
}

/*
 * A request's completion does not wait until a timeout because what is posted behind
 * it never leaves: here that would take hours.
 */
void case_prompt(struct rc_dev *d)
{
	struct ibv_sge good, sge[2];
	struct ibv_send_wr wr[2], *bad;
	struct loop l;
	int broken;

	loop_timeout = LOOP_TIMEOUT_HOURS;
	for (broken = 0; broken < 3; broken++) {
		loop_open(&l, d, false);
		good = loop_sge(&l, 0, 64);
		/* many packets, the first of which are well */
		sge[0] = loop_sge(&l, 0, 100000);
		sge[1] = loop_sge(&l, 0, 64);
		if (broken == 2)	/* or one packet */
			sge[0] = loop_sge(&l, 0, 64);
		sge[broken % 2].lkey ^= 0xff;
		wr[0] = loop_write(&l, 1, &good, LOOP_HALF);
		wr[0].next = &wr[1];
		wr[1] = loop_write(&l, 2, sge, LOOP_HALF);
		wr[1].num_sge = 2;
		EXPECT_EQ(ibv_post_send(l.qp[0], wr, &bad), 0);
		loop_expect(l.scq, 1, IBV_WC_SUCCESS);
		loop_expect(l.scq, 2, IBV_WC_LOC_PROT_ERR);
		EXPECT_EQ(rc_differ(l.buf, l.buf + LOOP_HALF, 64), 64);
		loop_close(&l);
	}
	loop_timeout = LOOP_TIMEOUT;
}

/*
 * A peer that says nothing may be slow: it is asked again by the oldest packet, not by
 * all of them, each time.
 */
void case_mute_peer(struct rc_dev *d)
{
	enum { TRIES = 8 };	/* the first one and RC_QP_DEFAULTS's retries */
	struct loop l;
	long sent;
	int i;

	loop_timeout = 13;	/* 34 ms */
	loop_open(&l, d, false);
	working(&l);
	loop_to(l.qp[1], IBV_QPS_ERR);
	sent = loop_counter(d, "sent_pkts");
	for (i = 0; i < LOOP_WR; i++)
		EXPECT_EQ(post_write(&l, i, LOOP_HALF), 0);
	loop_expect(l.scq, 0, IBV_WC_RETRY_EXC_ERR);
	for (i = 1; i < LOOP_WR; i++)
		loop_expect(l.scq, i, IBV_WC_WR_FLUSH_ERR);
	sent = loop_counter(d, "sent_pkts") - sent;
	/* the first ones may have timed out before the last ones were posted */
	if (sent < TRIES || sent > LOOP_WR + TRIES)
		rc_die("%ld packets for %d requests", sent, LOOP_WR);
	loop_timeout = LOOP_TIMEOUT;
	loop_close(&l);
}

/*
 * The kernel moves the QP to error when a request fails; libibverbs is not told,
 * but what is posted is flushed nevertheless.
 */
void case_silent_error(struct rc_dev *d)
{
	struct ibv_send_wr wr, *bad;
	struct ibv_sge sge;
	struct loop l;

	loop_open(&l, d, false);
	EXPECT_EQ(loop_post_recv(&l, 1, LOOP_HALF, 64), 0);
	sge = loop_sge(&l, 0, 64);
	wr = loop_write(&l, 2, &sge, LOOP_HALF);
	wr.wr.rdma.rkey ^= 0x5a;
	EXPECT_EQ(ibv_post_send(l.qp[0], &wr, &bad), 0);
	loop_expect(l.scq, 2, IBV_WC_REM_ACCESS_ERR);
	EXPECT_EQ(l.qp[0]->state, IBV_QPS_RTS);
	EXPECT_EQ(post_write(&l, 3, LOOP_HALF), 0);
	loop_expect(l.scq, 3, IBV_WC_WR_FLUSH_ERR);

	/* the responder too: its receives come back, also later ones */
	loop_expect(l.rcq, 1, IBV_WC_WR_FLUSH_ERR);
	EXPECT_EQ(l.qp[1]->state, IBV_QPS_RTS);
	EXPECT_EQ(loop_post_recv(&l, 4, LOOP_HALF, 64), 0);
	loop_expect(l.rcq, 4, IBV_WC_WR_FLUSH_ERR);
	loop_close(&l);
}

/* RESET forgets what is queued; afterwards the QP works as new. */
void case_reset(struct rc_dev *d)
{
	struct ibv_send_wr wr = {}, *bad;
	struct ibv_recv_wr rwr = {}, *bad_recv;
	struct loop l;
	int i, round;

	loop_open(&l, d, false);
	for (round = 0; round < 20; round++) {
		working(&l);
		for (i = 0; i < round % 7; i++)
			EXPECT_EQ(loop_post_recv(&l, 900 + i, LOOP_HALF, 64), 0);
		/* what is flushed and not polled is forgotten too */
		if (round & 1)
			loop_to(l.qp[1], IBV_QPS_ERR);
		loop_to(l.qp[0], IBV_QPS_RESET);
		loop_to(l.qp[1], IBV_QPS_RESET);
		EXPECT_EQ(ibv_post_send(l.qp[0], &wr, &bad), EINVAL);
		EXPECT(bad == &wr);
		EXPECT_EQ(ibv_post_recv(l.qp[1], &rwr, &bad_recv), EINVAL);
		EXPECT(bad_recv == &rwr);
		loop_connect(&l);
		loop_expect_none(l.rcq);
	}
	/* all of the queue is there again */
	for (i = 0; i < (int)l.cap.max_recv_wr; i++)
		EXPECT_EQ(loop_post_recv(&l, i, LOOP_HALF, 64), 0);
	loop_expect_none(l.rcq);
	working(&l);
	loop_close(&l);
}

/* The timer of the life before does not keep the next one's from ending. */
void case_reset_timer(struct rc_dev *d)
{
	struct loop l;

	loop_timeout = LOOP_TIMEOUT_HOURS;
	loop_open(&l, d, false);
	working(&l);
	loop_to(l.qp[0], IBV_QPS_RESET);
	loop_to(l.qp[1], IBV_QPS_RESET);
	loop_timeout = 8;	/* 1 ms, and a few ticks at the most */
	loop_connect(&l);
	loop_to(l.qp[1], IBV_QPS_RESET);
	EXPECT_EQ(post_write(&l, 1, LOOP_HALF), 0);
	loop_expect(l.scq, 1, IBV_WC_RETRY_EXC_ERR);
	loop_close(&l);
	loop_timeout = LOOP_TIMEOUT;
}

static bool event(struct loop *l, struct ibv_cq *want, int ms)
{
	struct pollfd p = { .fd = l->channel->fd, .events = POLLIN };
	struct ibv_cq *cq;
	void *context;

	if (poll(&p, 1, ms) != 1)
		return false;
	if (ibv_get_cq_event(l->channel, &cq, &context))
		rc_die_errno("ibv_get_cq_event");
	EXPECT(cq == want);
	ibv_ack_cq_events(cq, 1);
	return true;
}

static void send_one(struct loop *l, uint64_t id, int flags)
{
	struct ibv_sge sge = loop_sge(l, 0, 64);
	struct ibv_send_wr wr = loop_write(l, id, &sge, 0), *bad;

	EXPECT_EQ(loop_post_recv(l, id, LOOP_HALF, 64), 0);
	wr.opcode = IBV_WR_SEND;
	wr.send_flags |= flags;
	EXPECT_EQ(ibv_post_send(l->qp[0], &wr, &bad), 0);
	loop_expect(l->scq, id, IBV_WC_SUCCESS);
}

/* One event for one arming; solicited ones where those were asked for. */
void case_events(struct rc_dev *d)
{
	struct loop l;

	loop_open(&l, d, false);
	send_one(&l, 1, 0);
	EXPECT(!event(&l, l.rcq, 50));		/* not armed */
	loop_expect(l.rcq, 1, IBV_WC_SUCCESS);

	EXPECT_EQ(ibv_req_notify_cq(l.rcq, 0), 0);
	send_one(&l, 2, 0);
	EXPECT(event(&l, l.rcq, 5000));
	loop_expect(l.rcq, 2, IBV_WC_SUCCESS);
	send_one(&l, 3, 0);
	EXPECT(!event(&l, l.rcq, 50));		/* used up */
	loop_expect(l.rcq, 3, IBV_WC_SUCCESS);

	EXPECT_EQ(ibv_req_notify_cq(l.rcq, 1), 0);
	send_one(&l, 4, 0);
	EXPECT(!event(&l, l.rcq, 50));
	send_one(&l, 5, IBV_SEND_SOLICITED);
	EXPECT(event(&l, l.rcq, 5000));
	loop_expect(l.rcq, 4, IBV_WC_SUCCESS);
	loop_expect(l.rcq, 5, IBV_WC_SUCCESS);
	loop_close(&l);
}
