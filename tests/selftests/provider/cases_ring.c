// SPDX-License-Identifier: GPL-2.0
/* What a process may write into the rings that it shares with the kernel. */
#include <rdma/hroce-abi.h>
#include "loop.h"

/*
 * The producer takes back what is under way. Were that a ring, the next entry would be
 * the last of 2^32, and what is in flight would be overwritten.
 */
void case_ring_back(struct rc_dev *d)
{
	struct hroce_ring *ring;
	struct ibv_send_wr wr, *bad;
	struct ibv_sge sge;
	struct loop l;
	int i;

	loop_timeout = LOOP_TIMEOUT_HOURS;
	loop_open(&l, d, false);
	loop_to(l.qp[1], IBV_QPS_RESET);	/* who never answers */
	for (i = 0; i < 3; i++) {
		sge = loop_sge(&l, 0, LOOP_INLINE);
		wr = loop_write(&l, i, &sge, LOOP_HALF);
		wr.send_flags = IBV_SEND_INLINE;
		EXPECT_EQ(ibv_post_send(l.qp[0], &wr, &bad), 0);
	}
	loop_expect_none(l.scq);
	ring = loop_find_ring(3);
	ring->producer = 1;
	EXPECT_EQ(rc_doorbell(l.qp[0]), 0);
	EXPECT(loop_async_event(d, IBV_EVENT_QP_FATAL, l.qp[0], 5000));
	for (i = 0; i < 3; i++)
		loop_expect(l.scq, i, IBV_WC_WR_FLUSH_ERR);
	/* told once, however often it is broken */
	ring->producer = 1;
	EXPECT_EQ(rc_doorbell(l.qp[0]), 0);
	EXPECT(!loop_async_event(d, 0, NULL, 100));
	loop_expect_none(l.scq);
	loop_close(&l);
}
