// SPDX-License-Identifier: GPL-2.0
/*
 * Responses that are lost while others come: what has been thrown away with them is asked
 * for again, without a timeout. The peer answers by hand.
 */
#include <string.h>
#include <unistd.h>

#include "byhand.h"

enum {
	MTU = 1024,
	SHORT = 64,
	ACK = 0x1f, NAK_PSN = 0x60,	/* syndromes */
};

struct lost {
	struct loop l;
	struct roce_path path;
	uint32_t psn;		/* of the first request */
	uint8_t data[4 * MTU];	/* what is read, packet by packet */
	long again;		/* retransmissions so far */
	long sent;		/* packets so far */
};

static void lost_open(struct lost *o, struct rc_dev *d)
{
	loop_timeout = LOOP_TIMEOUT_HOURS;
	loop_rd_atomic = 4;
	loop_open(&o->l, d, false);
	loop_to(o->l.qp[1], IBV_QPS_ERR);	/* it says nothing */
	o->path = byhand_path(d);
	o->psn = byhand_psn(o->l.qp[0]);
	o->again = loop_counter(d, "retransmits");
	o->sent = loop_counter(d, "sent_pkts");
	rc_fill(6, o->data, sizeof(o->data));
}

static void lost_close(struct lost *o)
{
	close(o->path.sock);
	loop_close(&o->l);
	loop_timeout = LOOP_TIMEOUT;
	loop_rd_atomic = 1;
}

static void post(struct lost *o, enum ibv_wr_opcode op, uint64_t id, size_t at, uint32_t len)
{
	struct ibv_sge sge = loop_sge(&o->l, at, len);
	struct ibv_send_wr wr = loop_write(&o->l, id, &sge, LOOP_HALF), *bad;

	wr.opcode = op;
	EXPECT_EQ(ibv_post_send(o->l.qp[0], &wr, &bad), 0);
}

/* So many packets more are on their way. */
static void sent(struct lost *o, int pkts)
{
	int i;

	o->sent += pkts;
	for (i = 0; loop_counter(o->l.d, "sent_pkts") < o->sent; i++)
		EXPECT(i < 200);
}

/* A packet of the response to READs, the one of PSN psn + @n. */
static void answer(struct lost *o, int n, uint8_t opcode, uint32_t len)
{
	struct roce_packet k;

	roce_begin(&k, &o->path, opcode, o->l.qp[0]->qp_num, o->psn + n, false);
	if (opcode != ROCE_READ_MIDDLE)
		roce_put32(&k, ACK << 24);
	roce_put(&k, o->data + n * len, len);
	roce_send(&k, &o->path, 0);
}

static void acknowledge(struct lost *o, int n, uint8_t syndrome)
{
	struct roce_packet k;

	roce_begin(&k, &o->path, ROCE_ACK, o->l.qp[0]->qp_num, o->psn + n, false);
	roce_put32(&k, syndrome << 24);
	roce_send(&k, &o->path, 0);
}

static void asks_again(struct lost *o, int times)
{
	long n;
	int i;

	for (i = 0; (n = loop_counter(o->l.d, "retransmits")) < o->again + times; i++)
		EXPECT(i < 200);
	o->again = n;
}

/* Of READs one behind the other, and of a SEND behind them. */
static void requests(struct rc_dev *d)
{
	struct lost o;
	long rcvd;
	int i;

	lost_open(&o, d);
	for (i = 0; i < 3; i++)
		post(&o, IBV_WR_RDMA_READ, i, i * SHORT, SHORT);
	post(&o, IBV_WR_SEND, 3, LOOP_HALF, SHORT);
	sent(&o, 4);
	rcvd = loop_counter(d, "rcvd_pkts");
	answer(&o, 1, ROCE_READ_ONLY, SHORT);
	answer(&o, 2, ROCE_READ_ONLY, SHORT);
	acknowledge(&o, 3, ACK);
	for (i = 0; loop_counter(d, "rcvd_pkts") < rcvd + 3; i++)
		EXPECT(i < 200);
	for (i = 0; i < 3; i++) {
		asks_again(&o, 1);
		loop_expect_none(o.l.scq);
		answer(&o, i, ROCE_READ_ONLY, SHORT);
		loop_expect(o.l.scq, i, IBV_WC_SUCCESS);
	}
	loop_expect(o.l.scq, 3, IBV_WC_SUCCESS);
	EXPECT(!memcmp(o.l.buf, o.data, 3 * SHORT));
	lost_close(&o);
}

/* Two of the packets of one READ, the second right after the first. */
static void packets(struct rc_dev *d)
{
	struct lost o;

	lost_open(&o, d);
	post(&o, IBV_WR_RDMA_READ, 0, 0, 4 * MTU);
	sent(&o, 1);
	answer(&o, 1, ROCE_READ_MIDDLE, MTU);
	answer(&o, 0, ROCE_READ_FIRST, MTU);
	answer(&o, 3, ROCE_READ_LAST, MTU);
	asks_again(&o, 2);
	loop_expect_none(o.l.scq);
	answer(&o, 2, ROCE_READ_MIDDLE, MTU);
	loop_expect(o.l.scq, 0, IBV_WC_SUCCESS);
	EXPECT(!memcmp(o.l.buf, o.data, 4 * MTU));
	lost_close(&o);
}

/* The response to a READ, and a request behind it, which the peer says. */
static void both_ways(struct rc_dev *d)
{
	struct lost o;

	lost_open(&o, d);
	post(&o, IBV_WR_RDMA_READ, 0, 0, SHORT);
	post(&o, IBV_WR_SEND, 1, LOOP_HALF, SHORT);
	post(&o, IBV_WR_SEND, 2, LOOP_HALF, SHORT);
	sent(&o, 3);
	acknowledge(&o, 2, NAK_PSN);
	asks_again(&o, 1);
	answer(&o, 0, ROCE_READ_ONLY, SHORT);
	loop_expect(o.l.scq, 0, IBV_WC_SUCCESS);
	loop_expect(o.l.scq, 1, IBV_WC_SUCCESS);
	asks_again(&o, 1);
	sent(&o, 2);
	loop_expect_none(o.l.scq);
	acknowledge(&o, 2, ACK);
	loop_expect(o.l.scq, 2, IBV_WC_SUCCESS);
	EXPECT(!memcmp(o.l.buf, o.data, SHORT));
	lost_close(&o);
}

void case_lost(struct rc_dev *d)
{
	requests(d);
	packets(d);
	both_ways(d);
}
