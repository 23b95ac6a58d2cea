// SPDX-License-Identifier: GPL-2.0
/* Datagrams from and into on-demand memory that nobody has touched. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <unistd.h>
#include "loop.h"

enum { PAGE = 4096, GRH = 40, QKEY = 0x11111111, ROUNDS = 50 };

struct ud {
	struct rc_dev *d;
	struct ibv_cq *cq;
	struct ibv_qp *qp[2];	/* 0 sends, 1 receives */
	struct ibv_ah *ah;
	struct ibv_srq *srq;	/* of both, or NULL */
};

static struct ibv_qp *ud_qp(struct ud *u)
{
	struct ibv_qp_init_attr init = {
		.qp_type = IBV_QPT_UD, .send_cq = u->cq, .recv_cq = u->cq,
		.srq = u->srq,
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

static struct ibv_ah *ud_ah(struct rc_dev *d, union ibv_gid to)
{
	struct ibv_ah_attr attr = {
		.is_global = 1, .port_num = 1,
		.grh = { .dgid = to, .sgid_index = d->gid_index, .hop_limit = 64 },
	};
	struct ibv_ah *ah = ibv_create_ah(d->pd, &attr);

	EXPECT(ah);
	return ah;
}

static void ud_open(struct ud *u, struct rc_dev *d, bool srq)
{
	struct ibv_srq_init_attr init = { .attr = { .max_wr = 4, .max_sge = 1 } };

	u->d = d;
	u->srq = srq ? ibv_create_srq(d->pd, &init) : NULL;
	EXPECT(!srq || u->srq);
	u->cq = ibv_create_cq(d->ctx, 16, NULL, NULL, 0);
	EXPECT(u->cq);
	u->qp[0] = ud_qp(u);
	u->qp[1] = ud_qp(u);
	u->ah = ud_ah(d, d->gid);
}

static void ud_close(struct ud *u)
{
	EXPECT(!ibv_destroy_qp(u->qp[0]) && !ibv_destroy_qp(u->qp[1]));
	EXPECT(!ibv_destroy_ah(u->ah) && !ibv_destroy_cq(u->cq));
	EXPECT(!u->srq || !ibv_destroy_srq(u->srq));
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

	EXPECT_EQ(u->srq ? ibv_post_srq_recv(u->srq, &rwr, &bad_recv) :
			   ibv_post_recv(u->qp[1], &rwr, &bad_recv), 0);
	EXPECT_EQ(ibv_post_send(u->qp[0], &wr, &bad), 0);
}

/* Source and target are thrown away before each datagram; a GRH crosses pages too. */
static void datagrams(struct rc_dev *d, bool srq)
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
	ud_open(&u, d, srq);
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
			if (wc.wr_id != 2)
				continue;
			EXPECT_EQ(wc.byte_len, GRH + len);
			EXPECT_EQ(wc.sl, d->gid.raw[0] ? 0x9 : 0xa);	/* IPv6 or IPv4 */
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

enum { LISTENERS = 3, GROUP_QPN = 0xffffff };

/* Of the GID's family. */
static union ibv_gid group_of(struct rc_dev *d, uint8_t last)
{
	static const uint8_t v6[16] = { 0xff, 0x1e, [14] = 0x42 };
	union ibv_gid g = d->gid;

	if (IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)g.raw))
		memcpy(g.raw + 12, (uint8_t[]){ 239, 1, 66, last }, 4);
	else
		memcpy(g.raw, v6, sizeof(v6));
	g.raw[15] = last;
	return g;
}

static void group_send(struct ud *u, const struct ibv_mr *mr, struct ibv_ah *ah,
		       uint8_t *from, uint32_t len, uint32_t qkey)
{
	struct ibv_sge sge = { (uintptr_t)from, len, mr->lkey };
	struct ibv_send_wr wr = {
		.wr_id = 100, .sg_list = &sge, .num_sge = 1, .opcode = IBV_WR_SEND,
		.send_flags = IBV_SEND_SIGNALED,
		.wr.ud = { .ah = ah, .remote_qpn = GROUP_QPN, .remote_qkey = qkey },
	}, *bad;

	EXPECT_EQ(ibv_post_send(u->qp[0], &wr, &bad), 0);
	loop_expect(u->cq, 100, IBV_WC_SUCCESS);
}

/* What QP i receives of these bytes: once if it should, else never. */
static void group_check(struct ibv_cq *cq, bool should, const uint8_t *got,
			const uint8_t *sent, uint32_t len, const union ibv_gid *group)
{
	struct ibv_wc wc;

	if (!should) {
		loop_expect_none(cq);
		return;
	}
	wc = loop_wait(cq);
	EXPECT_EQ(wc.status, IBV_WC_SUCCESS);
	EXPECT_EQ(wc.byte_len, GRH + len);
	EXPECT(wc.wc_flags & IBV_WC_GRH);
	EXPECT_EQ(rc_differ(got + GRH, sent, len), len);
	/* the last four bytes of either family's destination */
	EXPECT(!memcmp(got + GRH - 4, group->raw + 12, 4));
}

/* Members of a group receive what is sent to it, each once, and nobody else does. */
void case_mcast(struct rc_dev *d)
{
	union ibv_gid group = group_of(d, 7), other = group_of(d, 8);
	struct ibv_ah *ah, *ah_other;
	struct ud u, listener[LISTENERS];
	struct ibv_mr *mr;
	uint8_t *m;
	int i, round;

	m = loop_map((LISTENERS + 1) * PAGE);
	mr = ibv_reg_mr(d->pd, m, (LISTENERS + 1) * PAGE, IBV_ACCESS_LOCAL_WRITE);
	EXPECT(mr);
	ud_open(&u, d, false);
	ah = ud_ah(d, group);
	ah_other = ud_ah(d, other);
	for (i = 0; i < LISTENERS; i++)
		ud_open(&listener[i], d, false);
	/* 0 and 1 join, 1 twice; 2 another group */
	EXPECT_EQ(ibv_attach_mcast(listener[0].qp[1], &group, 0), 0);
	EXPECT_EQ(ibv_attach_mcast(listener[1].qp[1], &group, 0), 0);
	EXPECT_EQ(ibv_attach_mcast(listener[1].qp[1], &group, 0), 0);
	EXPECT_EQ(ibv_attach_mcast(listener[2].qp[1], &other, 0), 0);
	for (i = 0; i < LISTENERS; i++) {
		struct ibv_sge sge = { (uintptr_t)m + (i + 1) * PAGE, PAGE, mr->lkey };
		struct ibv_recv_wr wr = { .sg_list = &sge, .num_sge = 1 }, *bad;

		for (round = 0; round < 4; round++)
			EXPECT_EQ(ibv_post_recv(listener[i].qp[1], &wr, &bad), 0);
	}
	for (round = 0; round < 4; round++) {
		struct ibv_ah *to = round == 3 ? ah_other : ah;

		/* round 1: a wrong Q_Key; 2: member 0 has left; 3: the other group */
		if (round == 2)
			EXPECT_EQ(ibv_detach_mcast(listener[0].qp[1], &group, 0), 0);
		rc_fill(round + 1, m, 1000);
		group_send(&u, mr, to, m, 1000 - round, round == 1 ? QKEY + 1 : QKEY);
		for (i = 0; i < LISTENERS; i++)
			group_check(listener[i].cq,
				    round == 0 ? i < 2 : round == 2 ? i == 1 :
				    round == 3 ? i == 2 : false,
				    m + (i + 1) * PAGE, m, 1000 - round,
				    round == 3 ? &other : &group);
	}
	/* one that goes as a member is no harm to the next datagram */
	for (i = 0; i < LISTENERS; i++)
		EXPECT_EQ(ibv_detach_mcast(listener[i].qp[1], i == 2 ? &other : &group, 0),
			  i ? 0 : EINVAL);
	for (i = 0; i < LISTENERS; i++)
		ud_close(&listener[i]);
	group_send(&u, mr, ah, m, 1000, QKEY);
	EXPECT(!ibv_destroy_ah(ah) && !ibv_destroy_ah(ah_other));
	ud_close(&u);
	EXPECT(!ibv_dereg_mr(mr));
	munmap(m, (LISTENERS + 1) * PAGE);
}

void case_mcast_errors(struct rc_dev *d)
{
	union ibv_gid group = group_of(d, 9);
	struct loop l;
	struct ud u;

	ud_open(&u, d, false);
	loop_open(&l, d, false);
	EXPECT(ibv_attach_mcast(l.qp[0], &group, 0));		/* connected */
	EXPECT(ibv_attach_mcast(u.qp[1], &d->gid, 0));		/* not a group */
	EXPECT(ibv_detach_mcast(u.qp[1], &group, 0));		/* not a member */
	loop_close(&l);
	ud_close(&u);
}

void case_ud_odp(struct rc_dev *d)
{
	datagrams(d, false);
}

void case_ud_srq(struct rc_dev *d)
{
	datagrams(d, true);
}

/*
 * A request that fails stops the queue. Who sets it going again as soon as he sees that
 * finds it working, each time.
 */
void case_ud_error(struct rc_dev *d)
{
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_RTS };
	uint8_t *m = loop_map(PAGE);
	struct ibv_mr *mr = ibv_reg_mr(d->pd, m, PAGE, IBV_ACCESS_LOCAL_WRITE);
	struct ibv_sge sge = { .length = 8 };
	struct ibv_send_wr *bad;
	struct ud u;
	int i;

	EXPECT(mr);
	sge.addr = (uintptr_t)m;
	ud_open(&u, d, false);
	for (i = 0; i < 2000; i++) {
		struct ibv_send_wr wr = {
			.wr_id = i, .sg_list = &sge, .num_sge = 1, .opcode = IBV_WR_SEND,
			.send_flags = IBV_SEND_SIGNALED,
			.wr.ud = { .ah = u.ah, .remote_qpn = u.qp[1]->qp_num, .remote_qkey = QKEY },
		};

		sge.lkey = ~mr->lkey;
		EXPECT_EQ(ibv_post_send(u.qp[0], &wr, &bad), 0);
		loop_expect(u.cq, i, IBV_WC_LOC_PROT_ERR);
		EXPECT(!ibv_modify_qp(u.qp[0], &attr, IBV_QP_STATE));
		sge.lkey = mr->lkey;
		EXPECT_EQ(ibv_post_send(u.qp[0], &wr, &bad), 0);
		loop_expect(u.cq, i, IBV_WC_SUCCESS);
	}
	ud_close(&u);
	EXPECT(!ibv_dereg_mr(mr));
	munmap(m, PAGE);
}
