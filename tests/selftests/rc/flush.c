// SPDX-License-Identifier: GPL-2.0
/*
 * WRITEs, each flushed, and an ATOMIC WRITE behind it that says which one it was; the
 * server's memory is checked byte by byte. Code 4 where one end has no ATOMIC WRITE; a
 * FLUSH is left out where one end has none, and with --no-flush.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conn.h"
#include "util.h"

enum {
	BYTES = 50000,		/* the first 8 are the mark */
	ROUNDS = 40,
	RANGE = 30000,		/* of a FLUSH */
	WAIT_MS = 20000,
};

struct side {
	struct rc_dev d;
	int sock;
	bool client, flush, no_flush;
	int odp;		/* IBV_ACCESS_ON_DEMAND or 0 */
	struct ibv_cq *cq;
	struct ibv_qp *qp;
	struct ibv_mr *mr;
	uint8_t *buf;
	struct rc_end self, peer;
};

/* What both have. */
static void agree(struct side *s)
{
	uint64_t ours = s->d.attr.device_cap_flags_ex, theirs;

	rc_exchange(s->sock, &ours, &theirs, sizeof(ours));
	if (!(ours & theirs & RC_DEVICE_ATOMIC_WRITE)) {
		puts("no ATOMIC WRITE");
		exit(4);
	}
	s->flush = (ours & theirs & RC_DEVICE_FLUSH_GLOBAL) && !s->no_flush;
}

static void open_side(struct side *s)
{
	struct ibv_qp_init_attr_ex a = {
		.qp_type = IBV_QPT_RC, .send_cq = s->cq, .recv_cq = s->cq,
		.cap = { 8, 8, 1, 1, 16 }, .pd = s->d.pd,
		.comp_mask = IBV_QP_INIT_ATTR_PD | IBV_QP_INIT_ATTR_SEND_OPS_FLAGS,
		.send_ops_flags = IBV_QP_EX_WITH_RDMA_WRITE | IBV_QP_EX_WITH_ATOMIC_WRITE |
				  (s->flush ? IBV_QP_EX_WITH_FLUSH : 0),
	};
	int flush = s->flush ? IBV_ACCESS_FLUSH_GLOBAL : 0;
	struct rc_qp_param p = RC_QP_DEFAULTS;

	s->mr = ibv_reg_mr(s->d.pd, s->buf, BYTES, IBV_ACCESS_LOCAL_WRITE |
			   (s->client ? 0 : IBV_ACCESS_REMOTE_WRITE | flush | s->odp));
	s->qp = ibv_create_qp_ex(s->d.ctx, &a);
	if (!s->mr || !s->qp)
		rc_die_errno("no MR or QP");
	p.access |= flush;
	p.rd_atomic = 4;
	s->self = (struct rc_end) {
		.qpn = s->qp->qp_num, .psn = rc_psn(), .gid = s->d.gid,
		.addr = (uintptr_t)s->buf, .rkey = s->mr->rkey,
	};
	rc_exchange(s->sock, &s->self, &s->peer, sizeof(s->self));
	rc_qp_connect(&s->d, s->qp, &p, s->self.psn, &s->peer);
	rc_barrier(s->sock, "connected");
}

static void wait_for(struct side *s, enum ibv_wc_opcode opcode)
{
	uint64_t end = rc_patience(WAIT_MS);
	struct ibv_wc wc;

	while (!ibv_poll_cq(s->cq, 1, &wc))
		if (rc_now_ms() > end)
			rc_die("no completion");
	if (wc.status || wc.opcode != opcode)
		rc_die("completion %d: %s, not %d", wc.opcode, ibv_wc_status_str(wc.status),
		       opcode);
}

static void client(struct side *s, uint64_t i)
{
	struct ibv_qp_ex *qpx = ibv_qp_to_qp_ex(s->qp);

	rc_fill(i, s->buf, BYTES);
	ibv_wr_start(qpx);
	qpx->wr_flags = IBV_SEND_SIGNALED;
	ibv_wr_rdma_write(qpx, s->peer.rkey, s->peer.addr + 8);
	ibv_wr_set_sge(qpx, s->mr->lkey, (uintptr_t)s->buf, BYTES - 8);
	if (s->flush)
		ibv_wr_flush(qpx, s->peer.rkey, s->peer.addr + 8, i % 2 ? RANGE : 0,
			     IBV_FLUSH_GLOBAL, i % 2 ? IBV_FLUSH_RANGE : IBV_FLUSH_MR);
	ibv_wr_atomic_write(qpx, s->peer.rkey, s->peer.addr, &i);
	if (ibv_wr_complete(qpx))
		rc_die("ibv_wr_complete");
	wait_for(s, IBV_WC_RDMA_WRITE);
	if (s->flush)
		wait_for(s, IBV_WC_FLUSH);
	wait_for(s, IBV_WC_ATOMIC_WRITE);
}

static void server(struct side *s, uint64_t i)
{
	static uint8_t want[BYTES];

	rc_fill(i, want, BYTES);
	if (memcmp(s->buf, &i, 8) || rc_differ(s->buf + 8, want, BYTES - 8) < BYTES - 8)
		rc_die("wrong bytes in round %llu", (unsigned long long)i);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		RC_LINK_OPTIONS, { "odp", no_argument, NULL, 'o' },
		{ "no-flush", no_argument, NULL, 'n' }, { }
	};
	struct rc_link_opts link = RC_LINK_DEFAULTS;
	struct side s = { 0 };
	uint64_t i;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'o')
			s.odp = IBV_ACCESS_ON_DEMAND;
		else if (c == 'n')
			s.no_flush = true;
		else if (!rc_link_option(&link, c, optarg))
			return 2;
	}
	link.server = argv[optind];
	s.client = link.server;
	rc_dev_open(&s.d, &link);
	s.sock = rc_tcp(&link);
	agree(&s);
	s.cq = ibv_create_cq(s.d.ctx, 32, NULL, NULL, 0);
	s.buf = aligned_alloc(4096, (BYTES + 4095) & ~4095);
	if (!s.cq || !s.buf)
		rc_die_errno("no CQ");
	open_side(&s);
	for (i = 1; i <= ROUNDS; i++) {
		if (s.client)
			client(&s, i);
		rc_barrier(s.sock, "written");
		if (!s.client)
			server(&s, i);
		rc_barrier(s.sock, "checked");
	}
	printf("%d rounds%s\n", ROUNDS, s.flush ? ", flushed" : "");
	if (ibv_destroy_qp(s.qp) || ibv_dereg_mr(s.mr) || ibv_destroy_cq(s.cq))
		rc_die_errno("cannot close");
	rc_dev_close(&s.d);
	free(s.buf);
	return 0;
}
