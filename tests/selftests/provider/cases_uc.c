// SPDX-License-Identifier: GPL-2.0
/*
 * Unreliable connections: what does not arrive whole is dropped without a word and
 * without using up a receive request; what only waits for a page is not dropped.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/userfaultfd.h>
#include "loop.h"

enum {
	PAGE = 4096, WR = 64, BYTES = 4 << 20, HALF = BYTES / 2,
	PARKED = 40, LOSSY = 300, SLOTS = 8, SLOT = 49 * PAGE, MARK = 0xffffff,
};

struct uc {
	struct rc_dev *d;
	struct ibv_cq *scq, *rcq;
	struct ibv_qp *qp[2];	/* 0 sends, 1 receives */
	struct ibv_srq *srq;	/* of qp[1], or NULL */
	struct ibv_mr *mr;
	uint8_t *buf;		/* the sender's half comes first */
};

static void uc_open_srq(struct uc *u, struct rc_dev *d, struct ibv_srq *srq)
{
	struct ibv_qp_init_attr a = {
		.qp_type = IBV_QPT_UC,
		.cap = { .max_send_wr = WR, .max_recv_wr = WR, .max_send_sge = 1, .max_recv_sge = 1 },
	};
	struct rc_qp_param p = RC_QP_DEFAULTS;
	struct rc_end end[2] = {};
	int i;

	u->d = d;
	u->srq = srq;
	u->buf = loop_map(BYTES);
	u->mr = ibv_reg_mr(d->pd, u->buf, BYTES, IBV_ACCESS_LOCAL_WRITE |
			   IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_ON_DEMAND);
	u->scq = ibv_create_cq(d->ctx, WR, NULL, NULL, 0);
	u->rcq = ibv_create_cq(d->ctx, WR, NULL, NULL, 0);
	EXPECT(u->mr && u->scq && u->rcq);
	a.send_cq = u->scq;
	a.recv_cq = u->rcq;
	for (i = 0; i < 2; i++) {
		a.srq = i ? srq : NULL;
		u->qp[i] = ibv_create_qp(d->pd, &a);
		EXPECT(u->qp[i]);
		end[i] = (struct rc_end){ .qpn = u->qp[i]->qp_num, .psn = rc_psn(), .gid = d->gid };
	}
	for (i = 0; i < 2; i++)
		rc_qp_connect(d, u->qp[i], &p, end[i].psn, &end[!i]);
}

static void uc_open(struct uc *u, struct rc_dev *d)
{
	uc_open_srq(u, d, NULL);
}

static void uc_close(struct uc *u)
{
	EXPECT(!ibv_destroy_qp(u->qp[0]) && !ibv_destroy_qp(u->qp[1]));
	EXPECT(!ibv_destroy_cq(u->scq) && !ibv_destroy_cq(u->rcq) && !ibv_dereg_mr(u->mr));
	munmap(u->buf, BYTES);
}

static void post_recv(struct uc *u, uint64_t id, uint8_t *at, uint32_t len)
{
	struct ibv_sge sge = { (uintptr_t)at, len, u->mr->lkey };
	struct ibv_recv_wr wr = { .wr_id = id, .sg_list = &sge, .num_sge = 1 }, *bad;

	EXPECT_EQ(u->srq ? ibv_post_srq_recv(u->srq, &wr, &bad) :
		  ibv_post_recv(u->qp[1], &wr, &bad), 0);
}

static void post(struct uc *u, enum ibv_wr_opcode op, uint32_t imm, uint8_t *from,
		 uint32_t len, uint32_t rkey, uint8_t *to)
{
	struct ibv_sge sge = { (uintptr_t)from, len, u->mr->lkey };
	struct ibv_send_wr wr = {
		.wr_id = imm, .sg_list = &sge, .num_sge = 1, .opcode = op,
		.imm_data = htonl(imm), .send_flags = IBV_SEND_SIGNALED,
		.wr.rdma = { .remote_addr = (uintptr_t)to, .rkey = rkey },
	}, *bad;

	EXPECT_EQ(ibv_post_send(u->qp[0], &wr, &bad), 0);
}

/* The sender never learns what has become of its message. */
static void send_one(struct uc *u, uint32_t imm, uint32_t len)
{
	rc_fill(imm, u->buf, len);
	post(u, IBV_WR_SEND_WITH_IMM, imm, u->buf, len, 0, NULL);
	loop_expect(u->scq, imm, IBV_WC_SUCCESS);
}

static void arrived(struct uc *u, uint64_t id, uint32_t imm, const uint8_t *at, uint32_t len)
{
	static uint8_t want[SLOT];
	struct ibv_wc wc = loop_wait(u->rcq);

	EXPECT_EQ(wc.status, IBV_WC_SUCCESS);
	EXPECT_EQ(wc.wr_id, id);
	EXPECT_EQ(ntohl(wc.imm_data), imm);
	EXPECT_EQ(wc.byte_len, len);
	rc_fill(imm, want, len);
	EXPECT_EQ(rc_differ(at, want, len), len);
}

static void write_one(struct uc *u, uint32_t len, uint32_t rkey, uint8_t *to)
{
	post(u, IBV_WR_RDMA_WRITE, 1, u->buf, len, rkey, to);
	loop_expect(u->scq, 1, IBV_WC_SUCCESS);
}

/* What was sent before has been dealt with when the byte of a WRITE behind it is there. */
static void settle(struct uc *u)
{
	volatile uint8_t *to = u->buf + BYTES - 1;
	uint64_t end = rc_patience(10000);

	*u->buf = ~*to;
	write_one(u, 1, u->mr->rkey, u->buf + BYTES - 1);
	while (*to != *u->buf)
		EXPECT(rc_now_ms() < end);
}

void case_uc_broken(struct rc_dev *d)
{
	uint8_t *to;
	struct uc u;
	int i;

	uc_open(&u, d);
	to = u.buf + HALF;
	/* too long, by its first packet or by its last: the request is for the next */
	post_recv(&u, 1, to, 100);
	send_one(&u, 10, 3000);
	send_one(&u, 11, 100);
	arrived(&u, 1, 11, to, 100);
	post_recv(&u, 2, to, 2999);
	send_one(&u, 12, 3000);
	send_one(&u, 13, 2999);
	arrived(&u, 2, 13, to, 2999);
	/* nowhere to go */
	send_one(&u, 14, 5000);
	settle(&u);
	post_recv(&u, 3, to, 5000);
	send_one(&u, 15, 5000);
	arrived(&u, 3, 15, to, 5000);
	/* WRITEs that are not allowed */
	memset(to, 0, HALF);
	rc_fill(16, u.buf, 5000);
	write_one(&u, 5000, u.mr->rkey ^ 0x5a00, to);
	write_one(&u, 5000, u.mr->rkey, u.buf + BYTES - 4999);
	write_one(&u, 5000, u.mr->rkey, u.buf - 1);
	post(&u, IBV_WR_RDMA_WRITE_WITH_IMM, 17, u.buf, 64, u.mr->rkey, to + HALF - 63);
	loop_expect(u.scq, 17, IBV_WC_SUCCESS);
	/* and one that is; the SEND behind it says that all have been dealt with */
	write_one(&u, 5000, u.mr->rkey, to + 7777);
	post_recv(&u, 4, to + 50000, 64);
	post(&u, IBV_WR_SEND_WITH_IMM, 16, u.buf, 64, 0, NULL);
	loop_expect(u.scq, 16, IBV_WC_SUCCESS);
	arrived(&u, 4, 16, to + 50000, 64);
	EXPECT_EQ(rc_differ(to + 7777, u.buf, 5000), 5000);
	for (i = 0; i < HALF; i++)
		if (to[i] && (i < 7777 || i >= 12777) && (i < 50000 || i >= 50064))
			rc_die("byte %d has been written", i);
	EXPECT_EQ(rc_qp_state(u.qp[0]), IBV_QPS_RTS);
	EXPECT_EQ(rc_qp_state(u.qp[1]), IBV_QPS_RTS);
	loop_expect_none(u.rcq);
	uc_close(&u);
}

/* The same by a shared receive queue: no message, no request used up. */
void case_uc_srq(struct rc_dev *d)
{
	struct ibv_srq_init_attr init = { .attr = { .max_wr = 4, .max_sge = 1 } };
	struct ibv_srq *srq = ibv_create_srq(d->pd, &init);
	static const uint32_t len[] = { 1, 64, 5000, 100000 };
	uint8_t *to;
	struct uc u;
	uint32_t i;

	EXPECT(srq);
	uc_open_srq(&u, d, srq);
	to = u.buf + HALF;
	for (i = 0; i < RC_ARRAY_SIZE(len); i++)
		post_recv(&u, i, to + i * SLOT, len[i]);
	for (i = 0; i < RC_ARRAY_SIZE(len); i++)
		send_one(&u, 20 + i, len[i]);
	for (i = 0; i < RC_ARRAY_SIZE(len); i++)
		arrived(&u, i, 20 + i, to + i * SLOT, len[i]);
	/* nowhere to go; too long for where it could */
	send_one(&u, 30, 5000);
	settle(&u);
	post_recv(&u, 5, to, 4000);
	send_one(&u, 31, 4001);
	send_one(&u, 32, 4000);
	arrived(&u, 5, 32, to, 4000);
	loop_expect_none(u.rcq);
	uc_close(&u);
	EXPECT_EQ(ibv_destroy_srq(srq), 0);
}

/* One's own mistakes do show: the receiver's end it, the sender's stop the sending. */
void case_uc_errors(struct rc_dev *d)
{
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_RTS, .cur_qp_state = IBV_QPS_SQE };
	struct ibv_recv_wr wr = { .wr_id = 7, .num_sge = 1 }, *bad;
	struct ibv_sge sge;
	struct uc u;

	uc_open(&u, d);
	u.mr->lkey ^= 0x5a00;
	post(&u, IBV_WR_SEND, 1, u.buf, 64, 0, NULL);
	u.mr->lkey ^= 0x5a00;
	loop_expect(u.scq, 1, IBV_WC_LOC_PROT_ERR);
	EXPECT_EQ(rc_qp_state(u.qp[0]), IBV_QPS_SQE);
	EXPECT(!ibv_modify_qp(u.qp[0], &attr, IBV_QP_STATE | IBV_QP_CUR_STATE));
	post_recv(&u, 2, u.buf + HALF, 3000);
	send_one(&u, 2, 3000);
	arrived(&u, 2, 2, u.buf + HALF, 3000);

	sge = (struct ibv_sge){ (uintptr_t)u.buf + HALF, 64, u.mr->lkey ^ 0x5a00 };
	wr.sg_list = &sge;
	EXPECT_EQ(ibv_post_recv(u.qp[1], &wr, &bad), 0);
	post_recv(&u, 8, u.buf + HALF, 64);
	send_one(&u, 3, 64);
	loop_expect(u.rcq, 7, IBV_WC_LOC_PROT_ERR);
	loop_expect(u.rcq, 8, IBV_WC_WR_FLUSH_ERR);
	EXPECT_EQ(rc_qp_state(u.qp[1]), IBV_QPS_ERR);
	uc_close(&u);
}

/*
 * The first message waits for a page that user space brings when all the others have
 * been sent: they wait behind it, for nobody would send them again.
 */
void case_uc_parked(struct rc_dev *d)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_zeropage zero = {};
	struct uffd_msg msg;
	struct uc u;
	int i, uffd;

	uc_open(&u, d);
	uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	EXPECT(uffd >= 0 && !ioctl(uffd, UFFDIO_API, &api));
	reg.range.start = (uintptr_t)u.buf + HALF + PAGE;
	reg.range.len = PAGE;
	EXPECT(!ioctl(uffd, UFFDIO_REGISTER, &reg));
	for (i = 0; i < PARKED; i++)
		post_recv(&u, i, u.buf + HALF + i * 3 * PAGE, 3 * PAGE);
	for (i = 0; i < PARKED; i++)
		send_one(&u, i, 3 * PAGE - i);
	EXPECT(read(uffd, &msg, sizeof(msg)) == sizeof(msg));
	EXPECT_EQ(msg.event, UFFD_EVENT_PAGEFAULT);
	loop_expect_none(u.rcq);
	zero.range = reg.range;
	EXPECT(!ioctl(uffd, UFFDIO_ZEROPAGE, &zero));
	for (i = 0; i < PARKED; i++)
		arrived(&u, i, i, u.buf + HALF + i * 3 * PAGE, 3 * PAGE - i);
	close(uffd);
	uc_close(&u);
}

static uint32_t lossy_len(uint32_t m)
{
	struct rc_rng r = { m };

	return m == MARK ? 1 : rc_below(&r, SLOT + 1);
}

/* What has come so far, by the requests in turn; true: the mark is among it. */
static bool take_lossy(struct uc *u, uint32_t *next, int *received)
{
	static uint8_t want[SLOT];
	struct ibv_wc wc;
	bool mark = false;

	while (ibv_poll_cq(u->rcq, 1, &wc)) {
		uint32_t m = ntohl(wc.imm_data), len = lossy_len(m);
		uint8_t *at = u->buf + HALF + wc.wr_id * SLOT;

		EXPECT_EQ(wc.status, IBV_WC_SUCCESS);
		EXPECT_EQ(wc.wr_id, *next);	/* a broken message uses none up */
		*next = (*next + 1) % SLOTS;
		EXPECT_EQ(wc.byte_len, len);
		rc_fill(m, want, len);
		EXPECT_EQ(rc_differ(at, want, len), len);
		EXPECT(!madvise(at, SLOT, MADV_DONTNEED));
		post_recv(u, wc.wr_id, at, SLOT);
		mark |= m == MARK;
		*received += m != MARK;
	}
	return mark;
}

/* Over a wire that loses packets, long messages; see provider.sh. */
void case_uc_lossy(struct rc_dev *d)
{
	uint64_t end = rc_patience(40000);
	int i, received = 0;
	uint32_t next = 0;
	struct uc u;

	uc_open(&u, d);
	EXPECT(SLOTS * SLOT <= HALF);
	for (i = 0; i < SLOTS; i++)
		post_recv(&u, i, u.buf + HALF + i * SLOT, SLOT);
	for (i = 0; i < LOSSY; i++) {
		send_one(&u, i, lossy_len(i));
		take_lossy(&u, &next, &received);
	}
	do {
		if (rc_now_ms() > end)
			rc_die("no message arrives any more");
		send_one(&u, MARK, 1);
		usleep(1000);
	} while (!take_lossy(&u, &next, &received));
	if (!received || received >= LOSSY)
		rc_die("%d of %d messages arrived: not what a lossy wire does", received, LOSSY);
	uc_close(&u);
}
