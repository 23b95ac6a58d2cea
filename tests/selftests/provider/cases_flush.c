// SPDX-License-Identifier: GPL-2.0
/* ATOMIC WRITE and FLUSH. */
#include <string.h>
#include <sys/mman.h>
#include "loop.h"

enum {
	PAGE = 4096,
	BYTES = 8 * PAGE,
	LOCAL = IBV_ACCESS_LOCAL_WRITE,
};

static void anew(struct loop *l)
{
	loop_to(l->qp[0], IBV_QPS_RESET);
	loop_to(l->qp[1], IBV_QPS_RESET);
	loop_connect(l);
}

static enum ibv_wc_status done(struct loop *l, enum ibv_wc_opcode opcode)
{
	struct ibv_wc wc = loop_wait(l->scq);

	if (wc.status)
		anew(l);
	else
		EXPECT_EQ(wc.opcode, opcode);
	return wc.status;
}

static enum ibv_wc_status atomic_write(struct loop *l, uint32_t rkey, void *at, uint64_t value)
{
	struct ibv_qp_ex *qpx = ibv_qp_to_qp_ex(l->qp[0]);

	ibv_wr_start(qpx);
	qpx->wr_id = 1;
	qpx->wr_flags = IBV_SEND_SIGNALED;
	ibv_wr_atomic_write(qpx, rkey, (uintptr_t)at, &value);
	EXPECT_EQ(ibv_wr_complete(qpx), 0);
	return done(l, IBV_WC_ATOMIC_WRITE);
}

/* The same by ibv_post_send(), from memory. */
static enum ibv_wc_status post_atomic_write(struct loop *l, uint32_t rkey, void *at, uint32_t len)
{
	struct ibv_sge sge = loop_sge(l, 3, len);
	struct ibv_send_wr wr = loop_write(l, 1, &sge, 0), *bad;

	wr.opcode = IBV_WR_ATOMIC_WRITE;
	wr.wr.rdma.remote_addr = (uintptr_t)at;
	wr.wr.rdma.rkey = rkey;
	EXPECT_EQ(ibv_post_send(l->qp[0], &wr, &bad), 0);
	return done(l, IBV_WC_ATOMIC_WRITE);
}

static enum ibv_wc_status flush(struct loop *l, uint32_t rkey, void *at, size_t len,
				uint8_t type, uint8_t level)
{
	struct ibv_qp_ex *qpx = ibv_qp_to_qp_ex(l->qp[0]);

	ibv_wr_start(qpx);
	qpx->wr_id = 1;
	qpx->wr_flags = IBV_SEND_SIGNALED;
	ibv_wr_flush(qpx, rkey, (uintptr_t)at, len, type, level);
	EXPECT_EQ(ibv_wr_complete(qpx), 0);
	return done(l, IBV_WC_FLUSH);
}

void case_atomic_write(struct rc_dev *d)
{
	uint8_t *m = loop_map(BYTES), before[BYTES];
	struct ibv_mr *mr, *no_write;
	uint64_t value = 0x0123456789abcdef;
	struct loop l;
	int kind, i;

	EXPECT(d->attr.device_cap_flags_ex & RC_DEVICE_ATOMIC_WRITE);
	loop_open(&l, d, true);
	for (kind = 0; kind < 2; kind++) {
		int odp = kind ? IBV_ACCESS_ON_DEMAND : 0;

		mr = ibv_reg_mr(d->pd, m, BYTES, LOCAL | IBV_ACCESS_REMOTE_WRITE | odp);
		no_write = ibv_reg_mr(d->pd, m, BYTES, LOCAL | IBV_ACCESS_REMOTE_READ | odp);
		EXPECT(mr && no_write);
		for (i = 0; i < 8; i++) {
			/* each in a page that is not there, on demand */
			EXPECT(!madvise(m + i * PAGE, PAGE, kind ? MADV_DONTNEED : MADV_NORMAL));
			EXPECT_EQ(atomic_write(&l, mr->rkey, m + i * PAGE + 8 * i, value + i), 0);
			EXPECT(!memcmp(m + i * PAGE + 8 * i, &(uint64_t){ value + i }, 8));
		}
		EXPECT_EQ(post_atomic_write(&l, mr->rkey, m + PAGE - 8, 8), IBV_WC_SUCCESS);
		EXPECT(!memcmp(m + PAGE - 8, l.buf + 3, 8));
		memcpy(before, m, BYTES);
		EXPECT_EQ(post_atomic_write(&l, mr->rkey, m, 4), IBV_WC_LOC_LEN_ERR);
		EXPECT_EQ(atomic_write(&l, mr->rkey, m + 4, 0), IBV_WC_REM_INV_REQ_ERR);
		EXPECT_EQ(atomic_write(&l, mr->rkey, m + BYTES, 0), IBV_WC_REM_ACCESS_ERR);
		EXPECT_EQ(atomic_write(&l, mr->rkey ^ 1, m, 0), IBV_WC_REM_ACCESS_ERR);
		EXPECT_EQ(atomic_write(&l, no_write->rkey, m, 0), IBV_WC_REM_ACCESS_ERR);
		EXPECT_EQ(rc_differ(m, before, BYTES), BYTES);
		EXPECT(!ibv_dereg_mr(mr) && !ibv_dereg_mr(no_write));
	}
	loop_close(&l);
	munmap(m, BYTES);
}

/* A WRITE, a FLUSH of it, and a mark that it is there, of which nothing waits. */
static void pipeline(struct loop *l, struct ibv_mr *mr, uint8_t *m)
{
	struct ibv_qp_ex *qpx = ibv_qp_to_qp_ex(l->qp[0]);
	uint64_t i;

	for (i = 1; i <= 50; i++) {
		rc_fill(i, l->buf, BYTES - 8);
		ibv_wr_start(qpx);
		qpx->wr_id = 2;
		qpx->wr_flags = 0;
		ibv_wr_rdma_write(qpx, mr->rkey, (uintptr_t)m + 8);
		ibv_wr_set_sge(qpx, l->mr->lkey, (uintptr_t)l->buf, BYTES - 8);
		ibv_wr_flush(qpx, mr->rkey, (uintptr_t)m + 8, BYTES - 8, IBV_FLUSH_GLOBAL,
			     i % 2 ? IBV_FLUSH_RANGE : IBV_FLUSH_MR);
		qpx->wr_flags = i % 5 ? 0 : IBV_SEND_SIGNALED;
		ibv_wr_atomic_write(qpx, mr->rkey, (uintptr_t)m, &i);
		EXPECT_EQ(ibv_wr_complete(qpx), 0);
		while (__atomic_load_n((uint64_t *)m, __ATOMIC_ACQUIRE) != i)
			;
		EXPECT_EQ(rc_differ(m + 8, l->buf, BYTES - 8), BYTES - 8);
		if (i % 5 == 0)
			EXPECT_EQ(done(l, IBV_WC_ATOMIC_WRITE), IBV_WC_SUCCESS);
	}
}

void case_flush_data(struct rc_dev *d)
{
	const int remote = LOCAL | IBV_ACCESS_REMOTE_WRITE;
	uint8_t *m = loop_map(BYTES);
	struct ibv_mr *mr, *no_flush;
	struct loop l;
	int kind;

	if (!(d->attr.device_cap_flags_ex & RC_DEVICE_FLUSH_GLOBAL)) {
		/* a kernel without: the request is refused here */
		loop_open(&l, d, true);
		EXPECT_EQ(flush(&l, l.mr->rkey, l.buf, 8, IBV_FLUSH_GLOBAL, IBV_FLUSH_RANGE),
			  IBV_WC_LOC_QP_OP_ERR);
		loop_close(&l);
		return;
	}
	EXPECT(!(d->attr.device_cap_flags_ex & RC_DEVICE_FLUSH_PERSISTENT));
	EXPECT(!ibv_reg_mr(d->pd, m, BYTES, remote | IBV_ACCESS_FLUSH_PERSISTENT));
	loop_access = IBV_ACCESS_FLUSH_GLOBAL;
	loop_open(&l, d, true);
	for (kind = 0; kind < 2; kind++) {
		int odp = kind ? IBV_ACCESS_ON_DEMAND : 0;

		mr = ibv_reg_mr(d->pd, m, BYTES, remote | IBV_ACCESS_FLUSH_GLOBAL | odp);
		no_flush = ibv_reg_mr(d->pd, m, BYTES, remote | odp);
		EXPECT(mr && no_flush);
		pipeline(&l, mr, m);
		EXPECT_EQ(flush(&l, mr->rkey, m, BYTES, IBV_FLUSH_GLOBAL, IBV_FLUSH_RANGE), 0);
		EXPECT_EQ(flush(&l, mr->rkey, NULL, 0, IBV_FLUSH_GLOBAL, IBV_FLUSH_MR), 0);
		EXPECT_EQ(flush(&l, mr->rkey, m + 1, BYTES, IBV_FLUSH_GLOBAL, IBV_FLUSH_RANGE),
			  IBV_WC_REM_ACCESS_ERR);
		EXPECT_EQ(flush(&l, mr->rkey, m, 8, IBV_FLUSH_PERSISTENT, IBV_FLUSH_RANGE),
			  IBV_WC_REM_ACCESS_ERR);
		EXPECT_EQ(flush(&l, mr->rkey, m, 8, 0, IBV_FLUSH_RANGE), IBV_WC_REM_INV_REQ_ERR);
		EXPECT_EQ(flush(&l, mr->rkey, m, 8, IBV_FLUSH_GLOBAL, 3), IBV_WC_REM_INV_REQ_ERR);
		EXPECT_EQ(flush(&l, no_flush->rkey, m, 8, IBV_FLUSH_GLOBAL, IBV_FLUSH_RANGE),
			  IBV_WC_REM_ACCESS_ERR);
		EXPECT_EQ(flush(&l, mr->rkey ^ 1, m, 8, IBV_FLUSH_GLOBAL, IBV_FLUSH_MR),
			  IBV_WC_REM_ACCESS_ERR);
		EXPECT(!ibv_dereg_mr(mr) && !ibv_dereg_mr(no_flush));
	}
	/* a QP that was not given the right */
	loop_access = 0;
	mr = ibv_reg_mr(d->pd, m, BYTES, remote | IBV_ACCESS_FLUSH_GLOBAL);
	anew(&l);
	EXPECT_EQ(flush(&l, mr->rkey, m, 8, IBV_FLUSH_GLOBAL, IBV_FLUSH_RANGE),
		  IBV_WC_REM_INV_REQ_ERR);
	EXPECT(!ibv_dereg_mr(mr));
	loop_close(&l);
	munmap(m, BYTES);
}
