// SPDX-License-Identifier: GPL-2.0
/* Datagrams from and into on-demand memory that nobody has touched. */
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "loop.h"

enum { PAGE = 4096, GRH = 40, QKEY = 0x11111111, ROUNDS = 50 };

struct ud {
	struct rc_dev *d;
	struct ibv_cq *cq;
	struct ibv_qp *qp[2];	/* 0 sends, 1 receives */
	struct ibv_ah *ah;
};

static struct ibv_qp *ud_qp(struct ud *u)
{
	struct ibv_qp_init_attr init = {
		.qp_type = IBV_QPT_UD, .send_cq = u->cq, .recv_cq = u->cq,
		.cap = { .max_send_wr = 4, .max_recv_wr = 4, .max_send_sge = 2, .max_recv_sge = 2 },
	};
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_INIT, .port_num = 1, .qkey = QKEY };
	struct ibv_qp *qp = ibv_create_qp(u->d->pd, &init);

	EXPECT(qp);
	EXPECT(!ibv_modify_qp(qp, &attr, IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT |
			      IBV_QP_QKEY));
	attr.qp_state = IBV_QPS_RTR;
	EXPECT(!ibv_modify_qp(qp, &attr, IBV_QP_STATE));
	attr.qp_state = IBV_QPS_RTS;
	EXPECT(!ibv_modify_qp(qp, &attr, IBV_QP_STATE | IBV_QP_SQ_PSN));
	return qp;
}

static void ud_open(struct ud *u, struct rc_dev *d)
{
	struct ibv_ah_attr attr = {
		.is_global = 1, .port_num = 1,
		.grh = { .dgid = d->gid, .sgid_index = d->gid_index, .hop_limit = 64 },
	};

	u->d = d;
	u->cq = ibv_create_cq(d->ctx, 16, NULL, NULL, 0);
	EXPECT(u->cq);
	u->qp[0] = ud_qp(u);
	u->qp[1] = ud_qp(u);
	u->ah = ibv_create_ah(d->pd, &attr);
	EXPECT(u->ah);
}

static void ud_close(struct ud *u)
{
	EXPECT(!ibv_destroy_qp(u->qp[0]) && !ibv_destroy_qp(u->qp[1]));
	EXPECT(!ibv_destroy_ah(u->ah) && !ibv_destroy_cq(u->cq));
}

static void post(struct ud *u, const struct ibv_mr *mr, uint8_t *from, uint8_t *to, uint32_t len)
{
	struct ibv_sge out = { (uintptr_t)from, len, mr->lkey };
	struct ibv_sge in = { (uintptr_t)to, GRH + len, mr->lkey };
	struct ibv_recv_wr rwr = { .wr_id = 2, .sg_list = &in, .num_sge = 1 }, *bad_recv;
	struct ibv_send_wr wr = {
		.wr_id = 1, .sg_list = &out, .num_sge = 1, .opcode = IBV_WR_SEND,
		.send_flags = IBV_SEND_SIGNALED,
		.wr.ud = { .ah = u->ah, .remote_qpn = u->qp[1]->qp_num, .remote_qkey = QKEY },
	}, *bad;

	EXPECT_EQ(ibv_post_recv(u->qp[1], &rwr, &bad_recv), 0);
	EXPECT_EQ(ibv_post_send(u->qp[0], &wr, &bad), 0);
}

/* Source and target are thrown away before each datagram; a GRH crosses pages too. */
void case_ud_odp(struct rc_dev *d)
{
	static uint8_t expected[4 * PAGE];
	struct ibv_mr *mr;
	struct rc_rng rng = { 7 };
	uint8_t *m, *target;
	struct ud u;
	int i, n, fd;

	/* what is thrown away of the source comes back from its file */
	fd = memfd_create("ud", MFD_CLOEXEC);
	EXPECT(fd >= 0 && !ftruncate(fd, 4 * PAGE));
	m = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	EXPECT(m != MAP_FAILED);
	EXPECT(mmap(m, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == m);
	target = m + 4 * PAGE;
	mr = ibv_reg_mr(d->pd, m, 8 * PAGE, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_ON_DEMAND);
	EXPECT(mr);
	ud_open(&u, d);
	for (i = 0; i < ROUNDS; i++) {
		uint32_t len = rc_below(&rng, 1025), at = rc_below(&rng, 3 * PAGE);
		uint32_t to = i % 2 ? PAGE - rc_below(&rng, GRH) : rc_below(&rng, 2 * PAGE);

		rc_fill(i, m, 4 * PAGE);
		memcpy(expected, m, 4 * PAGE);
		EXPECT(!madvise(m, 8 * PAGE, MADV_DONTNEED));
		post(&u, mr, m + at, target + to, len);
		for (n = 0; n < 2; n++) {
			struct ibv_wc wc = loop_wait(u.cq);

			EXPECT_EQ(wc.status, IBV_WC_SUCCESS);
			if (wc.wr_id == 2)
				EXPECT_EQ(wc.byte_len, GRH + len);
		}
		EXPECT_EQ(rc_differ(target + to + GRH, expected + at, len), len);
		EXPECT(!to || !target[to - 1]);
		EXPECT(!target[to + GRH + len]);
	}
	ud_close(&u);
	EXPECT(!ibv_dereg_mr(mr));
	munmap(m, 8 * PAGE);
	close(fd);
}
