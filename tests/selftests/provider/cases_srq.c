// SPDX-License-Identifier: GPL-2.0
/*
 * Shared receive queues: one feeds several QPs whose senders differ in pace and in
 * size, all into on-demand memory that is thrown away before each request. What is
 * in the immediate data says which message it is, so that each byte can be checked.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <rdma/hroce-abi.h>
#include "loop.h"

enum {
	QPS = 4, SLOTS = 24, SLOT = 12288, OUT = 8, MESSAGES = 150,
	SRQ_WR = 32, SRQ_SGE = 2, QUIET_MS = 100,
};

static const uint32_t max_len[QPS] = { 64, 1025, 4096, 12000 };

struct srq {
	struct rc_dev *d;
	struct ibv_pd *pd;		/* of the SRQ and its memory, another than the QPs' */
	struct ibv_srq *srq;
	struct ibv_cq *scq, *rcq;
	struct ibv_qp *from[QPS], *to[QPS];
	struct ibv_mr *in, *out;
	uint8_t *slot, *source;
	struct rc_rng rng;
	int free[2];			/* a pipe of the slots to post */
	int posted, sent[QPS], done[QPS], received;
};

static struct ibv_qp *make_qp(struct srq *s, struct ibv_srq *srq)
{
	struct ibv_qp_init_attr a = {
		.qp_type = IBV_QPT_RC, .send_cq = s->scq, .recv_cq = s->rcq, .srq = srq,
		.cap = { .max_send_wr = OUT, .max_recv_wr = 1, .max_send_sge = 1, .max_recv_sge = 1 },
	};
	struct ibv_qp *qp = ibv_create_qp(s->d->pd, &a);

	if (!qp)
		rc_die_errno("no QP");
	return qp;
}

static void connect_pair(struct srq *s, int i)
{
	struct rc_qp_param p = RC_QP_DEFAULTS;
	struct rc_end a = { .qpn = s->from[i]->qp_num, .psn = rc_psn(), .gid = s->d->gid };
	struct rc_end b = { .qpn = s->to[i]->qp_num, .psn = rc_psn(), .gid = s->d->gid };

	p.timeout = LOOP_TIMEOUT;
	rc_qp_connect(s->d, s->from[i], &p, a.psn, &b);
	rc_qp_connect(s->d, s->to[i], &p, b.psn, &a);
}

static void srq_open(struct srq *s, struct rc_dev *d)
{
	struct ibv_srq_init_attr init = { .attr = { .max_wr = SRQ_WR, .max_sge = SRQ_SGE } };
	int i;

	memset(s, 0, sizeof(*s));
	s->d = d;
	s->rng.state = 11;
	s->pd = ibv_alloc_pd(d->ctx);
	s->scq = ibv_create_cq(d->ctx, 2 * QPS * OUT, NULL, NULL, 0);
	s->rcq = ibv_create_cq(d->ctx, 256, NULL, NULL, 0);
	EXPECT(s->pd && s->scq && s->rcq && !pipe(s->free));
	s->slot = loop_map(SLOTS * SLOT);
	s->source = loop_map(QPS * OUT * SLOT);
	s->in = ibv_reg_mr(s->pd, s->slot, SLOTS * SLOT,
			   IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_ON_DEMAND);
	s->out = ibv_reg_mr(d->pd, s->source, QPS * OUT * SLOT, IBV_ACCESS_ON_DEMAND);
	s->srq = ibv_create_srq(s->pd, &init);
	EXPECT(s->in && s->out && s->srq);
	for (i = 0; i < QPS; i++) {
		s->from[i] = make_qp(s, NULL);
		s->to[i] = make_qp(s, s->srq);
		connect_pair(s, i);
	}
}

static void srq_close(struct srq *s)
{
	int i;

	for (i = 0; i < QPS; i++)
		EXPECT(!ibv_destroy_qp(s->from[i]) && !ibv_destroy_qp(s->to[i]));
	EXPECT(!ibv_destroy_srq(s->srq) && !ibv_destroy_cq(s->scq) && !ibv_destroy_cq(s->rcq));
	EXPECT(!ibv_dereg_mr(s->in) && !ibv_dereg_mr(s->out) && !ibv_dealloc_pd(s->pd));
	munmap(s->slot, SLOTS * SLOT);
	munmap(s->source, QPS * OUT * SLOT);
	close(s->free[0]);
	close(s->free[1]);
}

/* In two elements that meet at an odd place. */
static int post_slot(struct srq *s, int slot)
{
	uint8_t *at = s->slot + slot * SLOT;
	struct ibv_sge sge[2] = {
		{ (uintptr_t)at, 41, s->in->lkey }, { (uintptr_t)at + 41, SLOT - 41, s->in->lkey },
	};
	struct ibv_recv_wr wr = { .wr_id = slot, .sg_list = sge, .num_sge = 2 }, *bad;

	EXPECT(!madvise(at, SLOT, MADV_DONTNEED));
	return ibv_post_srq_recv(s->srq, &wr, &bad);
}

/* Posts what comes out of the pipe until there is an end of it. */
static void *poster(void *arg)
{
	struct srq *s = arg;
	int slot, err;

	while (read(s->free[0], &slot, sizeof(slot)) == sizeof(slot) && slot >= 0) {
		while ((err = post_slot(s, slot)) == ENOMEM)
			sched_yield();
		EXPECT_EQ(err, 0);
		__atomic_add_fetch(&s->posted, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void give(struct srq *s, int slot)
{
	EXPECT(write(s->free[1], &slot, sizeof(slot)) == sizeof(slot));
}

static uint32_t length_of(int q, int m)
{
	struct rc_rng r = { q << 20 | m };

	return rc_below(&r, max_len[q] + 1);
}

static void send_message(struct srq *s, int q)
{
	int m = s->sent[q]++;
	uint8_t *at = s->source + (q * OUT + m % OUT) * SLOT + m % 13;
	struct ibv_sge sge = { (uintptr_t)at, length_of(q, m), s->out->lkey };
	struct ibv_send_wr wr = {
		.wr_id = q, .sg_list = &sge, .num_sge = 1, .opcode = IBV_WR_SEND_WITH_IMM,
		.imm_data = htonl(q << 20 | m), .send_flags = IBV_SEND_SIGNALED,
	}, *bad;

	rc_fill(q << 20 | m, at, sge.length);
	EXPECT_EQ(ibv_post_send(s->from[q], &wr, &bad), 0);
}

static void check_received(struct srq *s, const struct ibv_wc *wc)
{
	static uint8_t want[SLOT];
	uint32_t imm = ntohl(wc->imm_data), q = imm >> 20, len;
	uint8_t *at = s->slot + wc->wr_id * SLOT;

	EXPECT_EQ(wc->status, IBV_WC_SUCCESS);
	EXPECT(wc->wr_id < SLOTS && q < QPS);
	EXPECT_EQ(wc->qp_num, s->to[q]->qp_num);
	len = length_of(q, imm & 0xfffff);
	EXPECT_EQ(wc->byte_len, len);
	memset(want, 0, sizeof(want));
	rc_fill(imm, want, len);
	EXPECT_EQ(rc_differ(at, want, SLOT), SLOT);
	s->received++;
}

static void poll_all(struct srq *s)
{
	struct ibv_wc wc;

	while (ibv_poll_cq(s->scq, 1, &wc)) {
		EXPECT_EQ(wc.status, IBV_WC_SUCCESS);
		s->done[wc.wr_id]++;
	}
	while (ibv_poll_cq(s->rcq, 1, &wc)) {
		check_received(s, &wc);
		give(s, wc.wr_id);
	}
}

/* A sender is the slower the higher its number. @often: called now and then. */
static void traffic(struct srq *s, void (*often)(struct srq *s))
{
	uint64_t end = rc_patience(50000);
	pthread_t thread;
	int i, turn, next = 0;

	EXPECT(!pthread_create(&thread, NULL, poster, s));
	for (i = 0; i < SLOTS; i++)
		give(s, i);
	for (turn = 0; s->received < QPS * MESSAGES; turn++) {
		for (i = 0; i < QPS; i++)
			if (turn % (i + 1) == 0 && s->sent[i] < MESSAGES &&
			    s->sent[i] - s->done[i] < OUT)
				send_message(s, i);
		poll_all(s);
		if (often && s->received >= next) {
			often(s);
			next = s->received + 8;
		}
		if (rc_now_ms() > end)
			rc_die("%d of %d messages within 50 s", s->received, QPS * MESSAGES);
	}
	give(s, -1);
	pthread_join(thread, NULL);
}

void case_srq(struct rc_dev *d)
{
	struct srq s;

	srq_open(&s, d);
	traffic(&s, NULL);
	srq_close(&s);
}

/* There are never more than SLOTS requests, so each of these sizes holds them. */
static void resize(struct srq *s)
{
	struct ibv_srq_attr attr = { .max_wr = SLOTS + rc_below(&s->rng, 500) }, got;

	EXPECT_EQ(ibv_modify_srq(s->srq, &attr, IBV_SRQ_MAX_WR), 0);
	EXPECT(!ibv_query_srq(s->srq, &got));
	EXPECT(got.max_wr >= attr.max_wr && got.max_sge >= SRQ_SGE);
}

void case_srq_resize(struct rc_dev *d)
{
	struct ibv_srq_attr attr = { .max_wr = 4 };
	struct srq s;
	uint32_t n;

	srq_open(&s, d);
	traffic(&s, resize);
	/* all requests are in the queue now, too many for this */
	while (__atomic_load_n(&s.posted, __ATOMIC_RELAXED) < SLOTS + QPS * MESSAGES)
		poll_all(&s);
	EXPECT(ibv_modify_srq(s.srq, &attr, IBV_SRQ_MAX_WR));
	attr.max_wr = d->attr.orig_attr.max_srq_wr + 1;
	EXPECT(ibv_modify_srq(s.srq, &attr, IBV_SRQ_MAX_WR));
	/* and it takes what it says */
	attr.max_wr = 100;
	EXPECT_EQ(ibv_modify_srq(s.srq, &attr, IBV_SRQ_MAX_WR), 0);
	EXPECT(!ibv_query_srq(s.srq, &attr));
	for (n = SLOTS; n < attr.max_wr; n++)
		EXPECT_EQ(post_slot(&s, 0), 0);
	EXPECT_EQ(post_slot(&s, 0), ENOMEM);
	srq_close(&s);
}

static void one_message(struct srq *s, int q)
{
	struct ibv_wc wc;

	send_message(s, q);
	wc = loop_wait(s->rcq);
	check_received(s, &wc);
	wc = loop_wait(s->scq);
	EXPECT_EQ(wc.status, IBV_WC_SUCCESS);
}

/* One event for one arming, when fewer are left than the limit. */
void case_srq_limit(struct rc_dev *d)
{
	struct ibv_srq_attr attr = { .srq_limit = 5 };
	struct srq s;
	int i, round;

	srq_open(&s, d);
	EXPECT(!ibv_query_srq(s.srq, &attr));
	attr.srq_limit = attr.max_wr + 1;
	EXPECT(ibv_modify_srq(s.srq, &attr, IBV_SRQ_LIMIT));
	for (round = 0; round < 2; round++) {
		for (i = 0; i < 8; i++)
			EXPECT_EQ(post_slot(&s, i), 0);
		attr.srq_limit = 5;
		EXPECT_EQ(ibv_modify_srq(s.srq, &attr, IBV_SRQ_LIMIT), 0);
		for (i = 0; i < 3; i++)
			one_message(&s, i);
		EXPECT(!loop_async_event(d, 0, NULL, QUIET_MS));	/* 5 are left */
		EXPECT(!ibv_query_srq(s.srq, &attr));
		EXPECT_EQ(attr.srq_limit, 5);
		one_message(&s, 0);
		EXPECT(loop_async_event(d, IBV_EVENT_SRQ_LIMIT_REACHED, s.srq, 5000));
		EXPECT(!ibv_query_srq(s.srq, &attr));
		EXPECT_EQ(attr.srq_limit, 0);
		for (i = 0; i < 4; i++)
			one_message(&s, i);
		EXPECT(!loop_async_event(d, 0, NULL, QUIET_MS));	/* used up */
	}
	/* armed too late: who finds the queue empty says so */
	attr.srq_limit = 1;
	EXPECT_EQ(ibv_modify_srq(s.srq, &attr, IBV_SRQ_LIMIT), 0);
	send_message(&s, 1);
	EXPECT(loop_async_event(d, IBV_EVENT_SRQ_LIMIT_REACHED, s.srq, 5000));
	EXPECT_EQ(post_slot(&s, 3), 0);
	loop_expect(s.rcq, 3, IBV_WC_SUCCESS);
	srq_close(&s);
}

/* A QP in error says when it takes no more; the others go on with the queue. */
void case_srq_last_wqe(struct rc_dev *d)
{
	struct srq s;
	int i;

	srq_open(&s, d);
	for (i = 0; i < 2 * QPS; i++)
		EXPECT_EQ(post_slot(&s, i), 0);
	for (i = 0; i < QPS; i++)
		one_message(&s, i);
	loop_to(s.to[1], IBV_QPS_ERR);
	EXPECT(loop_async_event(d, IBV_EVENT_QP_LAST_WQE_REACHED, s.to[1], 5000));
	EXPECT(!loop_async_event(d, 0, NULL, QUIET_MS));
	loop_expect_none(s.rcq);
	for (i = 0; i < QPS; i++)
		if (i != 1)
			one_message(&s, i);
	/* and again in its next life */
	loop_to(s.to[1], IBV_QPS_RESET);
	loop_to(s.from[1], IBV_QPS_RESET);
	connect_pair(&s, 1);
	one_message(&s, 1);
	loop_to(s.to[1], IBV_QPS_ERR);
	EXPECT(loop_async_event(d, IBV_EVENT_QP_LAST_WQE_REACHED, s.to[1], 5000));
	srq_close(&s);
}

/* Nonsense in the ring: an event, and an error for who wants a request, no more. */
void case_srq_broken(struct rc_dev *d)
{
	struct hroce_ring *ring;
	struct ibv_wc wc;
	struct srq s;
	int i;

	srq_open(&s, d);
	for (i = 0; i < 7; i++)
		EXPECT_EQ(post_slot(&s, i), 0);
	ring = loop_find_ring(7);
	ring->producer = 0x80000000u;
	send_message(&s, 0);
	wc = loop_wait(s.scq);
	EXPECT_EQ(wc.status, IBV_WC_REM_OP_ERR);
	EXPECT(loop_async_event(d, IBV_EVENT_SRQ_ERR, s.srq, 5000));
	EXPECT(loop_async_event(d, IBV_EVENT_QP_REQ_ERR, s.to[0], 5000));
	EXPECT(loop_async_event(d, IBV_EVENT_QP_LAST_WQE_REACHED, s.to[0], 5000));
	ring->producer = 7;	/* it stays in error */
	send_message(&s, 1);
	wc = loop_wait(s.scq);
	EXPECT_EQ(wc.status, IBV_WC_REM_OP_ERR);
	EXPECT(loop_async_event(d, IBV_EVENT_QP_REQ_ERR, s.to[1], 5000));
	EXPECT(loop_async_event(d, IBV_EVENT_QP_LAST_WQE_REACHED, s.to[1], 5000));
	loop_expect_none(s.rcq);
	srq_close(&s);
}
