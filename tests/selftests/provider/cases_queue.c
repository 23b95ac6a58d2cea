// SPDX-License-Identifier: GPL-2.0
/* Rings: full, wrapping, a bad request in a list, shared by threads. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "loop.h"

/*
 * The queue takes what creation promised, then ENOMEM, and as much again when
 * the completions are in; 5 times around.
 */
void case_full(struct rc_dev *d)
{
	struct ibv_send_wr wr, *bad;
	struct ibv_sge sge;
	struct loop l;
	uint32_t n, round, late;

	loop_open(&l, d, false);
	EXPECT(l.cap.max_send_wr >= LOOP_WR && l.cap.max_recv_wr >= LOOP_WR);
	EXPECT(l.cap.max_send_sge >= LOOP_SGE && l.cap.max_inline_data >= LOOP_INLINE);
	for (round = 0; round < 5; round++) {
		for (n = 0; !loop_post_recv(&l, n, LOOP_HALF, 64); n++)
			EXPECT(n < 4096);
		EXPECT(n >= l.cap.max_recv_wr);
		for (late = 0; late < n; late++) {
			sge = loop_sge(&l, 0, 64);
			wr = loop_write(&l, late, &sge, 0);
			wr.opcode = IBV_WR_SEND;
			EXPECT_EQ(ibv_post_send(l.qp[0], &wr, &bad), 0);
			loop_expect(l.scq, late, IBV_WC_SUCCESS);
			loop_expect(l.rcq, late, IBV_WC_SUCCESS);
		}
	}
	/* nobody takes the sends: the peer has nowhere to put them */
	for (n = 0; n < 4096; n++) {
		sge = loop_sge(&l, 0, 64);
		wr = loop_write(&l, n, &sge, 0);
		wr.opcode = IBV_WR_SEND;
		late = ibv_post_send(l.qp[0], &wr, &bad);
		if (late)
			break;
	}
	EXPECT_EQ(late, ENOMEM);
	EXPECT(bad == &wr);
	EXPECT(n >= l.cap.max_send_wr);
	for (late = 0; late < n; late++) {
		EXPECT_EQ(loop_post_recv(&l, late, LOOP_HALF, 64), 0);
		loop_expect(l.scq, late, IBV_WC_SUCCESS);
		loop_expect(l.rcq, late, IBV_WC_SUCCESS);
	}
	loop_close(&l);
}

/* What stands before the bad request in the list is done, what follows is not. */
void case_bad_wr(struct rc_dev *d)
{
	struct ibv_sge sge[LOOP_SGE + 300];
	struct ibv_send_wr wr[4], *bad;
	struct loop l;
	int i, kind;

	for (kind = 0; kind < 4; kind++) {
		loop_open(&l, d, false);
		for (i = 0; i < (int)RC_ARRAY_SIZE(sge); i++)
			sge[i] = loop_sge(&l, i, 1);
		for (i = 0; i < 4; i++) {
			wr[i] = loop_write(&l, i, &sge[i], LOOP_HALF + i);
			wr[i].next = i < 3 ? &wr[i + 1] : NULL;
		}
		switch (kind) {
		case 0:
			wr[2].num_sge = l.cap.max_send_sge + 1;
			break;
		case 1:
			wr[2].num_sge = -1;
			break;
		case 2:
			wr[2].opcode = 99;
			break;
		case 3:
			sge[2].length = l.cap.max_inline_data + 1;
			wr[2].send_flags |= IBV_SEND_INLINE;
			break;
		}
		EXPECT(l.cap.max_send_sge + 1 < RC_ARRAY_SIZE(sge));
		bad = NULL;
		EXPECT_EQ(ibv_post_send(l.qp[0], wr, &bad), EINVAL);
		EXPECT(bad == &wr[2]);
		loop_expect(l.scq, 0, IBV_WC_SUCCESS);
		loop_expect(l.scq, 1, IBV_WC_SUCCESS);
		wr[3].wr_id = 77;
		EXPECT_EQ(ibv_post_send(l.qp[0], &wr[3], &bad), 0);
		loop_expect(l.scq, 77, IBV_WC_SUCCESS);
		loop_expect_none(l.scq);
		EXPECT(!memcmp(l.buf + LOOP_HALF, l.buf, 2));
		EXPECT_EQ(l.buf[LOOP_HALF + 2], 0);
		EXPECT_EQ(l.buf[LOOP_HALF + 3], l.buf[3]);
		loop_close(&l);
	}
}

/* Inline data is taken at once: the buffer may change, and needs no key. */
void case_inline(struct rc_dev *d)
{
	uint8_t data[LOOP_INLINE], want[LOOP_INLINE];
	struct ibv_send_wr wr, *bad;
	struct ibv_sge sge[3];
	struct loop l;
	uint32_t len;

	loop_open(&l, d, false);
	for (len = 0; len <= LOOP_INLINE; len++) {
		rc_fill(len, data, sizeof(data));
		memcpy(want, data, sizeof(data));
		sge[0] = (struct ibv_sge) { (uintptr_t)data, len / 3, 0 };
		sge[1] = (struct ibv_sge) { (uintptr_t)data + len / 3, 0, 0 };
		sge[2] = (struct ibv_sge) { (uintptr_t)data + len / 3, len - len / 3, 0 };
		wr = loop_write(&l, len, sge, LOOP_HALF + len);
		wr.num_sge = 3;
		wr.send_flags |= IBV_SEND_INLINE;
		memset(l.buf + LOOP_HALF, 0, 256);
		EXPECT_EQ(ibv_post_send(l.qp[0], &wr, &bad), 0);
		memset(data, 0xff, sizeof(data));
		loop_expect(l.scq, len, IBV_WC_SUCCESS);
		EXPECT_EQ(rc_differ(l.buf + LOOP_HALF + len, want, len), len);
		EXPECT_EQ(l.buf[LOOP_HALF + 2 * len], 0);
	}
	loop_close(&l);
}

enum { THREADS = 4, EACH = 500, CHUNK = 8 };

struct crowd {
	struct loop *l;
	int number;
	int done[THREADS];	/* completions seen, by poster */
};

/* Requests that may still be posted without risk to the completion queue. */
static int crowd_credits;

static void take_credit(void)
{
	while (__atomic_sub_fetch(&crowd_credits, 1, __ATOMIC_RELAXED) < 0) {
		__atomic_add_fetch(&crowd_credits, 1, __ATOMIC_RELAXED);
		sched_yield();
	}
}

/* Each writes a counter of its own, over and over, on the QP that all share. */
static void *poster(void *arg)
{
	struct crowd *c = arg;
	struct ibv_send_wr wr, *bad;
	struct ibv_sge sge;
	uint64_t value;
	int i;

	for (i = 1; i <= EACH; i++) {
		take_credit();
		value = i;
		sge = (struct ibv_sge) { (uintptr_t)&value, sizeof(value), 0 };
		wr = loop_write(c->l, (uint64_t)c->number << 32 | i, &sge,
				LOOP_HALF + c->number * CHUNK);
		wr.send_flags |= IBV_SEND_INLINE;
		EXPECT_EQ(ibv_post_send(c->l->qp[0], &wr, &bad), 0);
	}
	return NULL;
}

static int crowd_total;

static void *poller(void *arg)
{
	struct crowd *c = arg;
	uint64_t end = rc_patience(40000);
	struct ibv_wc wc[5];
	int i, n;

	while (__atomic_load_n(&crowd_total, __ATOMIC_RELAXED) < THREADS * EACH) {
		n = ibv_poll_cq(c->l->scq, 5, wc);
		for (i = 0; i < n; i++) {
			EXPECT_EQ(wc[i].status, IBV_WC_SUCCESS);
			c->done[wc[i].wr_id >> 32]++;
		}
		__atomic_add_fetch(&crowd_total, n, __ATOMIC_RELAXED);
		__atomic_add_fetch(&crowd_credits, n, __ATOMIC_RELAXED);
		if (!n)
			sched_yield();
		if (rc_now_ms() > end)
			rc_die("%d of %d completions within 40 s",
			       crowd_total, THREADS * EACH);
	}
	return NULL;
}

void case_threads(struct rc_dev *d)
{
	pthread_t post[THREADS], poll[2];
	struct crowd c[THREADS] = {}, p[2] = {};
	uint64_t last;
	struct loop l;
	int i;

	loop_open(&l, d, false);
	crowd_credits = LOOP_WR;
	for (i = 0; i < 2; i++) {
		p[i].l = &l;
		EXPECT(!pthread_create(&poll[i], NULL, poller, &p[i]));
	}
	for (i = 0; i < THREADS; i++) {
		c[i] = (struct crowd) { .l = &l, .number = i };
		EXPECT(!pthread_create(&post[i], NULL, poster, &c[i]));
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(post[i], NULL);
	for (i = 0; i < 2; i++)
		pthread_join(poll[i], NULL);
	for (i = 0; i < THREADS; i++) {
		EXPECT_EQ(p[0].done[i] + p[1].done[i], EACH);
		memcpy(&last, l.buf + LOOP_HALF + i * CHUNK, sizeof(last));
		EXPECT_EQ(last, EACH);
	}
	loop_expect_none(l.scq);
	loop_close(&l);
}
