// SPDX-License-Identifier: GPL-2.0
/*
 * A window of the server's, of type 2: the client writes and reads through it, every
 * byte checked, until it is invalidated, by the server or by a SEND of the client's;
 * then and beyond it the client is refused. Each round has a connection of its own.
 * --within leaves out what is beyond: stock rxe looks at the region's bounds alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conn.h"
#include "util.h"

enum {
	BYTES = 1 << 16,	/* of the region */
	FROM = 5003,		/* the window, in it */
	WIDE = 30001,
	NOTE = 4000,		/* bytes of the client's SEND */
	WAIT_MS = 20000,
};

/* Stock rxe shows the kernel's bit for it instead. */
#define WITH_INV	(IBV_WC_WITH_INV | 1u << 2)

enum ending { BY_SERVER, BY_CLIENT, BEYOND, ROUNDS };

struct side {
	struct rc_dev d;
	int sock;
	bool client;
	int odp;		/* IBV_ACCESS_ON_DEMAND or 0 */
	struct ibv_cq *cq;
	struct ibv_qp *qp;
	struct ibv_mr *mr;
	struct ibv_mw *mw;
	uint8_t *buf;
	struct rc_end peer;
};

static struct ibv_wc wait_one(struct side *s)
{
	uint64_t end = rc_patience(WAIT_MS);
	struct ibv_wc wc;

	while (!ibv_poll_cq(s->cq, 1, &wc))
		if (rc_now_ms() > end)
			rc_die("no completion");
	return wc;
}

static enum ibv_wc_status run(struct side *s, struct ibv_send_wr *wr, uint32_t len)
{
	struct ibv_sge sge = { (uintptr_t)s->buf, len, s->mr->lkey };
	struct ibv_send_wr *bad;

	wr->sg_list = &sge;
	wr->num_sge = len ? 1 : 0;
	wr->send_flags = IBV_SEND_SIGNALED;
	if (ibv_post_send(s->qp, wr, &bad))
		rc_die_errno("ibv_post_send");
	return wait_one(s).status;
}

static void must(struct side *s, struct ibv_send_wr wr, uint32_t len, enum ibv_wc_status want)
{
	enum ibv_wc_status got = run(s, &wr, len);

	if (got != want)
		rc_die("opcode %d: %s, not %s", wr.opcode, ibv_wc_status_str(got),
		       ibv_wc_status_str(want));
}

static struct ibv_send_wr reach(struct side *s, enum ibv_wr_opcode op, uint64_t off)
{
	return (struct ibv_send_wr) {
		.opcode = op,
		.wr.rdma = { .remote_addr = s->peer.addr + off, .rkey = s->peer.rkey },
	};
}

static void open_side(struct side *s, struct rc_end *self)
{
	struct ibv_qp_init_attr a = {
		.qp_type = IBV_QPT_RC,
		.cap = { 8, 8, 1, 1, 0 },
	};
	struct rc_qp_param p = RC_QP_DEFAULTS;
	struct ibv_sge sge = { (uintptr_t)s->buf, NOTE, 0 };
	struct ibv_recv_wr recv = { .sg_list = &sge, .num_sge = 1 }, *bad;

	memset(s->buf, 0, BYTES);
	/* its own: not every provider takes back what a QP has left in it */
	s->cq = ibv_create_cq(s->d.ctx, 32, NULL, NULL, 0);
	if (!s->cq)
		rc_die_errno("no CQ");
	a.send_cq = s->cq;
	a.recv_cq = s->cq;
	s->mr = ibv_reg_mr(s->d.pd, s->buf, BYTES, IBV_ACCESS_LOCAL_WRITE |
			   (s->client ? 0 : IBV_ACCESS_MW_BIND | s->odp));
	s->qp = ibv_create_qp(s->d.pd, &a);
	if (!s->mr || !s->qp)
		rc_die_errno("no MR or QP");
	*self = (struct rc_end){ .qpn = s->qp->qp_num, .psn = rc_psn(), .gid = s->d.gid };
	rc_exchange(s->sock, self, &s->peer, sizeof(*self));
	rc_qp_connect(&s->d, s->qp, &p, self->psn, &s->peer);
	sge.lkey = s->mr->lkey;
	if (!s->client && ibv_post_recv(s->qp, &recv, &bad))
		rc_die_errno("ibv_post_recv");
	rc_barrier(s->sock, "connected");
}

static void close_side(struct side *s)
{
	rc_barrier(s->sock, "done");
	if (ibv_destroy_qp(s->qp) || ibv_destroy_cq(s->cq) ||
	    (s->mw && ibv_dealloc_mw(s->mw)) || ibv_dereg_mr(s->mr))
		rc_die_errno("cannot close");
	s->mw = NULL;
}

static void server(struct side *s, enum ending how, struct rc_end *self)
{
	struct ibv_send_wr wr = { .opcode = IBV_WR_BIND_MW };
	uint8_t *want = malloc(WIDE);
	struct ibv_wc wc;

	s->mw = ibv_alloc_mw(s->d.pd, IBV_MW_TYPE_2);
	if (!s->mw || !want)
		rc_die_errno("ibv_alloc_mw");
	wr.bind_mw.mw = s->mw;
	wr.bind_mw.rkey = ibv_inc_rkey(s->mw->rkey);
	wr.bind_mw.bind_info = (struct ibv_mw_bind_info) {
		.mr = s->mr, .addr = (uintptr_t)s->buf + FROM, .length = WIDE,
		.mw_access_flags = IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ,
	};
	must(s, wr, 0, IBV_WC_SUCCESS);
	self->addr = (uintptr_t)s->buf + FROM;
	self->rkey = wr.bind_mw.rkey;
	rc_exchange(s->sock, self, &s->peer, sizeof(*self));
	rc_barrier(s->sock, "moved");
	rc_fill(how, want, WIDE);
	if (rc_differ(s->buf + FROM, want, WIDE) < WIDE || s->buf[FROM - 1] ||
	    s->buf[FROM + WIDE])
		rc_die("wrong bytes through the window");
	if (how == BY_SERVER) {
		wr = (struct ibv_send_wr){ .opcode = IBV_WR_LOCAL_INV };
		wr.invalidate_rkey = self->rkey;
		must(s, wr, 0, IBV_WC_SUCCESS);
	}
	rc_barrier(s->sock, "ends");
	if (how == BY_CLIENT) {
		wc = wait_one(s);
		if (wc.status || wc.byte_len != NOTE || !(wc.wc_flags & WITH_INV) ||
		    wc.invalidated_rkey != self->rkey || rc_differ(s->buf, want, NOTE) < NOTE)
			rc_die("SEND with invalidate: %s", ibv_wc_status_str(wc.status));
	}
	rc_barrier(s->sock, "ended");
	rc_barrier(s->sock, "refused");
	if (rc_differ(s->buf + FROM, want, WIDE) < WIDE || s->buf[FROM + WIDE])
		rc_die("bytes where none are allowed");
	free(want);
}

static void client(struct side *s, enum ending how, struct rc_end *self)
{
	struct ibv_send_wr inv = { .opcode = IBV_WR_SEND_WITH_INV };
	uint8_t *want = malloc(WIDE);

	rc_exchange(s->sock, self, &s->peer, sizeof(*self));
	rc_fill(how, want, WIDE);
	memcpy(s->buf, want, WIDE);
	must(s, reach(s, IBV_WR_RDMA_WRITE, 0), WIDE, IBV_WC_SUCCESS);
	memset(s->buf, 0, WIDE);
	must(s, reach(s, IBV_WR_RDMA_READ, 0), WIDE, IBV_WC_SUCCESS);
	if (rc_differ(s->buf, want, WIDE) < WIDE)
		rc_die("wrong bytes read through the window");
	rc_barrier(s->sock, "moved");
	rc_barrier(s->sock, "ends");
	if (how == BY_CLIENT) {
		inv.invalidate_rkey = s->peer.rkey;
		must(s, inv, NOTE, IBV_WC_SUCCESS);
	}
	rc_barrier(s->sock, "ended");
	memset(s->buf, 0x55, WIDE);
	must(s, reach(s, IBV_WR_RDMA_WRITE, how == BEYOND ? WIDE - 99 : 0), 100,
	     IBV_WC_REM_ACCESS_ERR);
	rc_barrier(s->sock, "refused");
	free(want);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		RC_LINK_OPTIONS, { "odp", no_argument, NULL, 'o' },
		{ "within", no_argument, NULL, 'w' }, { }
	};
	struct rc_link_opts link = RC_LINK_DEFAULTS;
	struct side s = { 0 };
	struct rc_end self;
	int c, round, rounds = ROUNDS;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'o')
			s.odp = IBV_ACCESS_ON_DEMAND;
		else if (c == 'w')
			rounds = BEYOND;
		else if (!rc_link_option(&link, c, optarg))
			return 2;
	}
	link.server = argv[optind];
	s.client = link.server;
	rc_dev_open(&s.d, &link);
	s.sock = rc_tcp(&link);
	s.buf = aligned_alloc(4096, BYTES);
	if (!s.buf)
		rc_die("no memory");
	for (round = 0; round < rounds; round++) {
		open_side(&s, &self);
		if (s.client)
			client(&s, round, &self);
		else
			server(&s, round, &self);
		close_side(&s);
	}
	rc_dev_close(&s.d);
	free(s.buf);
	return 0;
}
