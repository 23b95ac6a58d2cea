// SPDX-License-Identifier: GPL-2.0
/*
 * many --dev NAME --gid INDEX --pairs N --regions N: many on-demand regions and queue
 * pairs in one process, all of them used.
 *
 * Regions lie anywhere in one piece of memory, over each other, and are given up and
 * registered elsewhere while there is traffic through others. Each batch copies
 * between pieces of regions that do not overlap; a model of the memory has the same
 * done to it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "many.h"

enum {
	CQS = 16,
	DEPTH = 2,		/* messages of a pair in a batch */
	BATCHES = 8,		/* at least */
	SILENCE_MS = 60000,
};

static struct rc_dev d;
static struct many m = { .d = &d, .rng = { 20 } };
static uint32_t pairs, renewed;
static uint64_t bytes;
static struct ibv_qp *(*qp)[2];
static struct ibv_cq *cq[CQS];

static void open_pair(uint32_t n)
{
	struct ibv_qp_init_attr init = {
		.qp_type = IBV_QPT_RC, .send_cq = cq[n % CQS], .recv_cq = cq[n % CQS],
		.cap = { DEPTH, DEPTH, 1, 1, 0 },
	};
	struct rc_qp_param p = RC_QP_DEFAULTS;
	struct rc_end end[2] = {};
	int i;

	p.timeout = 18;		/* many wait for their turn */
	p.mtu = d.port.active_mtu;
	for (i = 0; i < 2; i++) {
		qp[n][i] = ibv_create_qp(d.pd, &init);
		if (!qp[n][i])
			rc_die_errno("queue pair %u", 2 * n + i);
		end[i] = (struct rc_end) {
			.qpn = qp[n][i]->qp_num, .psn = rc_psn(), .gid = d.gid,
		};
	}
	for (i = 0; i < 2; i++)
		rc_qp_connect(&d, qp[n][i], &p, end[i].psn, &end[!i]);
}

static void post(uint32_t i)
{
	const struct copy *c = &m.copy[i];
	struct ibv_sge src = { (uintptr_t)m.mem + c->from, c->len, c->src->mr->lkey };
	struct ibv_sge dst = { (uintptr_t)m.mem + c->to, c->len, c->dst->mr->lkey };
	struct ibv_qp **ends = qp[i % pairs];
	unsigned int from = i / pairs % 2;
	bool read = c->op == IBV_WR_RDMA_READ;
	struct ibv_recv_wr recv = { .wr_id = i, .sg_list = &dst, .num_sge = 1 }, *bad_recv;
	struct ibv_send_wr wr = {
		.wr_id = i, .sg_list = read ? &dst : &src, .num_sge = 1, .opcode = c->op,
		.send_flags = IBV_SEND_SIGNALED,
	}, *bad;

	if (c->op == IBV_WR_SEND) {
		EXPECT_EQ(ibv_post_recv(ends[!from], &recv, &bad_recv), 0);
	} else {
		wr.wr.rdma.remote_addr = read ? src.addr : dst.addr;
		wr.wr.rdma.rkey = read ? c->src->mr->rkey : c->dst->mr->rkey;
	}
	EXPECT_EQ(ibv_post_send(ends[from], &wr, &bad), 0);
}

static uint32_t poll(uint32_t left)
{
	struct ibv_wc wc[16];
	uint32_t got = 0;
	int i, k, n;

	for (i = 0; i < CQS; i++) {
		n = ibv_poll_cq(cq[i], RC_ARRAY_SIZE(wc), wc);
		EXPECT(n >= 0);
		for (k = 0; k < n; k++) {
			if (wc[k].status)
				rc_die("message %u: %s", (unsigned int)wc[k].wr_id,
				       ibv_wc_status_str(wc[k].status));
			if (wc[k].opcode == IBV_WC_RECV)
				EXPECT_EQ(wc[k].byte_len, m.copy[wc[k].wr_id].len);
		}
		got += n;
	}
	EXPECT(got <= left);
	return got;
}

static void batch(bool renew)
{
	uint32_t i, left = m.copies, got;
	uint64_t end;

	many_plan(&m);
	for (i = 0; i < m.copies; i++) {
		left += m.copy[i].op == IBV_WR_SEND;
		post(i);
	}
	for (i = 0; renew && i < m.regions / 16; i++) {
		struct region *r = &m.region[rc_below(&m.rng, m.regions)];

		if (r->busy)
			continue;
		many_close_region(&m, r);
		many_open_region(&m, r);
		renewed++;
	}
	for (end = rc_patience(SILENCE_MS); left; left -= got) {
		got = poll(left);
		if (got)
			end = rc_patience(SILENCE_MS);
		else if (rc_now_ms() > end)
			rc_die("%u completions are missing", left);
		else
			usleep(100);
	}
	for (i = 0; i < m.copies; i++) {
		const struct copy *c = &m.copy[i];

		memcpy(m.model + c->to, m.model + c->from, c->len);
		if (memcmp(m.mem + c->to, m.model + c->to, c->len))
			rc_die("message %u, opcode %d, %u bytes: byte %zu is wrong", i, c->op,
			       c->len, rc_differ(m.mem + c->to, m.model + c->to, c->len));
		bytes += c->len;
	}
}

static void work(void)
{
	uint32_t i, cqe = 2 * DEPTH * ((pairs + CQS - 1) / CQS);

	for (i = 0; i < CQS; i++) {
		cq[i] = ibv_create_cq(d.ctx, cqe, NULL, NULL, 0);
		EXPECT(cq[i]);
	}
	for (i = 0; i < pairs; i++)
		open_pair(i);
	for (i = 0; i < m.regions; i++)
		many_open_region(&m, &m.region[i]);
	for (i = 0; i < BATCHES || m.unused; i++) {
		if (i == 20 * BATCHES)
			rc_die("%u regions were never used", m.unused);
		batch(i < BATCHES);
	}
	if (memcmp(m.mem, m.model, m.size))
		rc_die("byte %zu is wrong, of no message", rc_differ(m.mem, m.model, m.size));
	printf("%u batches of %u messages, %llu KiB, %u regions renewed\n", i, m.copies,
	       (unsigned long long)bytes >> 10, renewed);
	EXPECT(renewed > m.regions / 8);
	for (i = 0; i < m.regions; i++)
		many_close_region(&m, &m.region[i]);
	for (i = 0; i < 2 * pairs; i++)
		EXPECT(!ibv_destroy_qp(qp[i / 2][i % 2]));
	for (i = 0; i < CQS; i++)
		EXPECT(!ibv_destroy_cq(cq[i]));
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		RC_LINK_OPTIONS, { "pairs", required_argument, NULL, 'n' },
		{ "regions", required_argument, NULL, 'r' }, { },
	};
	struct rc_link_opts link = RC_LINK_DEFAULTS;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'n')
			pairs = rc_number(optarg);
		else if (c == 'r')
			m.regions = rc_number(optarg);
		else if (!rc_link_option(&link, c, optarg))
			return 2;
	}
	if (!pairs || m.regions < 2)
		return 2;
	m.copies = pairs * DEPTH;
	rc_dev_open(&d, &link);
	many_init(&m);
	qp = calloc(pairs, sizeof(*qp));
	EXPECT(qp);
	work();
	rc_dev_close(&d);
	return 0;
}
