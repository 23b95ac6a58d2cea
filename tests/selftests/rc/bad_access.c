// SPDX-License-Identifier: GPL-2.0
/*
 * Requests that must fail: with the completion status, the event and the state of
 * the queue pairs that the InfiniBand specification names, and without a byte out
 * of place. The client sends
 *
 *	0 a good WRITE, 1 the bad request, 2 a WRITE, 3 a SEND
 *
 * of which 0 succeeds, 1 has the status of the table, 2 and 3 are flushed. Every
 * case has queue pairs of its own, so each also shows that the next connection
 * works after the one before.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "places.h"
#include "util.h"

#define WAIT_MS		20000
#define EVENT_MS	1000
#define STATE_MS	2000

/* of the memory's first bytes */
#define CLIENT_SEED	0xc11e
#define SERVER_SEED	0x5e4e

enum receive {
	NO_RECEIVE = RC_PLACES,	/* else a place */
};

enum queue_pair {
	QP_GOOD, QP_NO_WRITE, QP_NO_READ, QP_NO_ATOMIC, QP_NONE,
};

#define NO_EVENT	(-1)

struct bad {
	const char *name;
	enum ibv_wr_opcode opcode;
	enum rc_place_name local, remote;
	int receive;
	enum queue_pair qp;
	enum ibv_wc_status status;	/* of the requester */
	enum ibv_wc_status received;	/* of the responder's first receive */
	int event;			/* at the responder */
	bool lives;			/* the responder's QP stays in RTS */
};

#define REMOTE(op, place, st, ev)	{ #op " to " #place, IBV_WR_##op, RC_GOOD, RC_##place, \
	RC_GOOD, QP_GOOD, IBV_WC_##st, IBV_WC_WR_FLUSH_ERR, IBV_EVENT_##ev, false }
#define LOCAL(op, place)	{ #op ", local memory " #place, IBV_WR_##op, RC_##place, RC_GOOD, \
	RC_GOOD, QP_GOOD, IBV_WC_LOC_PROT_ERR, IBV_WC_WR_FLUSH_ERR, NO_EVENT, true }
#define RECEIVE(place, st, rst)	{ "SEND to receive " #place, IBV_WR_SEND, RC_GOOD, RC_GOOD, \
	RC_##place, QP_GOOD, IBV_WC_##st, IBV_WC_##rst, NO_EVENT, false }
#define RIGHTS(op, right)	{ #op " where the QP has no " #right, IBV_WR_##op, RC_GOOD, RC_GOOD, \
	RC_GOOD, QP_NO_##right, IBV_WC_REM_INV_REQ_ERR, IBV_WC_WR_FLUSH_ERR,		\
	IBV_EVENT_QP_REQ_ERR, false }
#define RNR(op)			{ #op " without a receive", IBV_WR_##op, RC_GOOD, RC_GOOD, NO_RECEIVE, \
	QP_GOOD, IBV_WC_RNR_RETRY_EXC_ERR, IBV_WC_WR_FLUSH_ERR, NO_EVENT, true }

static const struct bad table[] = {
	REMOTE(RDMA_WRITE, BEYOND, REM_ACCESS_ERR, QP_ACCESS_ERR),
	REMOTE(RDMA_WRITE, BEFORE, REM_ACCESS_ERR, QP_ACCESS_ERR),
	REMOTE(RDMA_WRITE, WRAP, REM_ACCESS_ERR, QP_ACCESS_ERR),
	REMOTE(RDMA_WRITE, BAD_KEY, REM_ACCESS_ERR, QP_ACCESS_ERR),
	REMOTE(RDMA_WRITE, NO_KEY, REM_ACCESS_ERR, QP_ACCESS_ERR),
	REMOTE(RDMA_WRITE, OTHER_PD, REM_ACCESS_ERR, QP_ACCESS_ERR),
	REMOTE(RDMA_WRITE, GONE, REM_ACCESS_ERR, QP_ACCESS_ERR),
	REMOTE(RDMA_WRITE, NO_WRITE, REM_ACCESS_ERR, QP_ACCESS_ERR),
	REMOTE(RDMA_WRITE, HOLE, REM_ACCESS_ERR, QP_ACCESS_ERR),
	REMOTE(RDMA_WRITE, INTO_HOLE, REM_ACCESS_ERR, QP_ACCESS_ERR),
	REMOTE(RDMA_WRITE, READ_ONLY, REM_ACCESS_ERR, QP_ACCESS_ERR),
	REMOTE(RDMA_WRITE_WITH_IMM, BEYOND, REM_ACCESS_ERR, QP_ACCESS_ERR),
	REMOTE(RDMA_WRITE_WITH_IMM, READ_ONLY, REM_ACCESS_ERR, QP_ACCESS_ERR),
	REMOTE(RDMA_READ, BEYOND, REM_ACCESS_ERR, QP_ACCESS_ERR),
	REMOTE(RDMA_READ, BEFORE, REM_ACCESS_ERR, QP_ACCESS_ERR),
	REMOTE(RDMA_READ, WRAP, REM_ACCESS_ERR, QP_ACCESS_ERR),
	REMOTE(RDMA_READ, BAD_KEY, REM_ACCESS_ERR, QP_ACCESS_ERR),
	REMOTE(RDMA_READ, OTHER_PD, REM_ACCESS_ERR, QP_ACCESS_ERR),
	REMOTE(RDMA_READ, GONE, REM_ACCESS_ERR, QP_ACCESS_ERR),
	REMOTE(RDMA_READ, NO_READ, REM_ACCESS_ERR, QP_ACCESS_ERR),
	REMOTE(RDMA_READ, HOLE, REM_ACCESS_ERR, QP_ACCESS_ERR),
	REMOTE(RDMA_READ, INTO_HOLE, REM_ACCESS_ERR, QP_ACCESS_ERR),
	REMOTE(ATOMIC_FETCH_AND_ADD, BEFORE, REM_ACCESS_ERR, QP_ACCESS_ERR),
	REMOTE(ATOMIC_FETCH_AND_ADD, BAD_KEY, REM_ACCESS_ERR, QP_ACCESS_ERR),
	REMOTE(ATOMIC_FETCH_AND_ADD, NO_ATOMIC, REM_ACCESS_ERR, QP_ACCESS_ERR),
	REMOTE(ATOMIC_CMP_AND_SWP, HOLE, REM_ACCESS_ERR, QP_ACCESS_ERR),
	REMOTE(ATOMIC_CMP_AND_SWP, READ_ONLY, REM_ACCESS_ERR, QP_ACCESS_ERR),
	REMOTE(ATOMIC_CMP_AND_SWP, UNALIGNED, REM_INV_REQ_ERR, QP_REQ_ERR),
	LOCAL(SEND, BAD_KEY),
	LOCAL(SEND, NO_KEY),
	LOCAL(SEND, BEYOND),
	LOCAL(SEND, OTHER_PD),
	LOCAL(SEND, GONE),
	LOCAL(SEND, HOLE),
	LOCAL(RDMA_WRITE, WRAP),
	LOCAL(RDMA_WRITE, BEFORE),
	LOCAL(RDMA_WRITE, INTO_HOLE),
	LOCAL(RDMA_READ, BAD_KEY),
	LOCAL(RDMA_READ, BEYOND),
	LOCAL(RDMA_READ, NO_LOCAL),
	LOCAL(RDMA_READ, HOLE),
	LOCAL(RDMA_READ, READ_ONLY),
	LOCAL(ATOMIC_FETCH_AND_ADD, NO_LOCAL),
	LOCAL(ATOMIC_FETCH_AND_ADD, READ_ONLY),
	RECEIVE(SHORT, REM_INV_REQ_ERR, LOC_LEN_ERR),
	RECEIVE(BAD_KEY, REM_OP_ERR, LOC_PROT_ERR),
	RECEIVE(BEYOND, REM_OP_ERR, LOC_PROT_ERR),
	RECEIVE(OTHER_PD, REM_OP_ERR, LOC_PROT_ERR),
	RECEIVE(NO_LOCAL, REM_OP_ERR, LOC_PROT_ERR),
	RECEIVE(HOLE, REM_OP_ERR, LOC_PROT_ERR),
	RECEIVE(READ_ONLY, REM_OP_ERR, LOC_PROT_ERR),
	RIGHTS(RDMA_WRITE, WRITE),
	RIGHTS(RDMA_READ, READ),
	RIGHTS(ATOMIC_FETCH_AND_ADD, ATOMIC),
	RNR(SEND),
	RNR(RDMA_WRITE_WITH_IMM),
	{ "SEND to nobody", IBV_WR_SEND, RC_GOOD, RC_GOOD, NO_RECEIVE, QP_NONE,
	  IBV_WC_RETRY_EXC_ERR, IBV_WC_WR_FLUSH_ERR, NO_EVENT, false },
	{ "READ to nobody", IBV_WR_RDMA_READ, RC_GOOD, RC_GOOD, NO_RECEIVE, QP_NONE,
	  IBV_WC_RETRY_EXC_ERR, IBV_WC_WR_FLUSH_ERR, NO_EVENT, false },
	/* for comparison: these are allowed */
	{ "READ, remote memory READ_ONLY", IBV_WR_RDMA_READ, RC_GOOD, RC_READ_ONLY,
	  RC_GOOD, QP_GOOD, IBV_WC_SUCCESS, IBV_WC_SUCCESS, NO_EVENT, true },
	{ "SEND, local memory READ_ONLY", IBV_WR_SEND, RC_READ_ONLY, RC_GOOD,
	  RC_GOOD, QP_GOOD, IBV_WC_SUCCESS, IBV_WC_SUCCESS, NO_EVENT, true },
};

struct test {
	struct rc_link_opts link;
	struct rc_dev dev;
	struct rc_places mine;
	struct rc_place theirs[RC_PLACES];
	struct ibv_cq *scq, *rcq;
	struct ibv_qp *qp;
	int sock;
	bool server, odp, their_odp, no_events;
};

enum { GOOD_WRITE, BAD, LATER_WRITE, LATER_SEND, REQUESTS };
#define RECEIVES	2
#define SECOND_RECEIVE	512	/* bytes behind the first */
#define LATER		1024	/* the later WRITE goes so much further */

/* --- completions, events, states ----------------------------------------- */

static void next_wc(struct ibv_cq *cq, struct ibv_wc *wc, const char *name)
{
	uint64_t end = rc_patience(WAIT_MS);
	int n;

	while (!(n = ibv_poll_cq(cq, 1, wc))) {
		if (rc_now_ms() > end)
			rc_die("%s: no completion", name);
		sched_yield();
	}
	if (n < 0)
		rc_die("%s: ibv_poll_cq failed", name);
}

static void expect_wc(struct ibv_cq *cq, uint64_t id, enum ibv_wc_status status,
		      const struct bad *b, const char *what)
{
	struct ibv_wc wc;

	next_wc(cq, &wc, b->name);
	/* has a WRITE with immediate that is refused taken its receive? either will do */
	if (b->opcode == IBV_WR_RDMA_WRITE_WITH_IMM && status == IBV_WC_WR_FLUSH_ERR &&
	    wc.status == IBV_WC_REM_ACCESS_ERR)
		wc.status = status;
	if (wc.wr_id != id || wc.status != status)
		rc_die("%s: %s: expected %llu '%s', got %llu '%s'", b->name, what,
		       (unsigned long long)id, ibv_wc_status_str(status),
		       (unsigned long long)wc.wr_id, ibv_wc_status_str(wc.status));
}

static void expect_state(struct test *t, enum ibv_qp_state state, const struct bad *b)
{
	uint64_t end = rc_patience(STATE_MS);

	while (rc_qp_state(t->qp) != state) {
		if (rc_now_ms() > end)
			rc_die("%s: the %s's QP is in state %d, not %d", b->name,
			       t->server ? "responder" : "requester", rc_qp_state(t->qp), state);
		usleep(1000);
	}
}

static bool is_noise(enum ibv_event_type type)
{
	return type == IBV_EVENT_COMM_EST || type == IBV_EVENT_SQ_DRAINED ||
	       type == IBV_EVENT_GID_CHANGE || type == IBV_EVENT_PORT_ACTIVE;
}

/* Exactly the one event, or none. */
static void expect_event(struct test *t, int wanted, const struct bad *b)
{
	struct pollfd pfd = { .fd = t->dev.ctx->async_fd, .events = POLLIN };
	struct ibv_async_event ev;

	if (t->no_events)
		return;
	while (poll(&pfd, 1, wanted == NO_EVENT ? 0 : EVENT_MS) == 1) {
		int type;

		if (ibv_get_async_event(t->dev.ctx, &ev))
			rc_die_errno("ibv_get_async_event");
		type = ev.event_type;
		ibv_ack_async_event(&ev);
		if (is_noise(type))
			continue;
		/* where a receive's completion tells of it, an event may as well */
		if (b->received != IBV_WC_WR_FLUSH_ERR && type == IBV_EVENT_QP_REQ_ERR)
			continue;
		if (type != wanted)
			rc_die("%s: unexpected event '%s'", b->name, ibv_event_type_str(type));
		wanted = NO_EVENT;
	}
	if (wanted != NO_EVENT)
		rc_die("%s: no event '%s' at the %s", b->name, ibv_event_type_str(wanted),
		       t->server ? "responder" : "requester");
}

/* --- one case ------------------------------------------------------------- */

static void make_qp(struct test *t, const struct bad *b)
{
	static const int less[] = {
		[QP_GOOD] = 0, [QP_NO_WRITE] = IBV_ACCESS_REMOTE_WRITE,
		[QP_NO_READ] = IBV_ACCESS_REMOTE_READ,
		[QP_NO_ATOMIC] = IBV_ACCESS_REMOTE_ATOMIC, [QP_NONE] = 0,
	};
	struct ibv_qp_init_attr a = {
		.qp_type = IBV_QPT_RC, .send_cq = t->scq, .recv_cq = t->rcq,
		.cap = { .max_send_wr = REQUESTS, .max_recv_wr = RECEIVES,
			 .max_send_sge = 1, .max_recv_sge = 1 },
	};
	struct rc_qp_param p = RC_QP_DEFAULTS;
	struct rc_end mine, theirs;

	t->qp = ibv_create_qp(t->dev.pd, &a);
	if (!t->qp)
		rc_die_errno("ibv_create_qp");
	p.rnr_retry = 2;
	p.min_rnr_timer = 12;
	p.timeout = b->qp == QP_NONE ? 12 : 17;
	p.retry = b->qp == QP_NONE ? 2 : 7;
	p.access &= ~less[b->qp];
	mine = (struct rc_end){ .qpn = t->qp->qp_num, .psn = rc_psn(), .gid = t->dev.gid };
	rc_exchange(t->sock, &mine, &theirs, sizeof(mine));
	rc_qp_connect(&t->dev, t->qp, &p, mine.psn, &theirs);
}

static void destroy_qp(struct test *t)
{
	if (t->qp && ibv_destroy_qp(t->qp))
		rc_die_errno("ibv_destroy_qp");
	t->qp = NULL;
}

static void post_recv(struct test *t, int place, uint64_t id)
{
	struct ibv_sge sge = {
		.addr = t->mine.at[place].addr + (id ? SECOND_RECEIVE : 0),
		.lkey = t->mine.at[place].key,
		.length = place == RC_SHORT ? RC_PLACE_LEN / 2 : RC_PLACE_LEN,
	};
	struct ibv_recv_wr wr = { .wr_id = id, .sg_list = &sge, .num_sge = 1 }, *bad;

	if (ibv_post_recv(t->qp, &wr, &bad))
		rc_die_errno("ibv_post_recv");
}

/* The error was the requester's alone, or there was none; then end it here too. */
static void responder_lives(struct test *t, const struct bad *b, int *taken)
{
	expect_state(t, IBV_QPS_RTS, b);
	if (b->status == IBV_WC_SUCCESS) {
		/* the case's own SEND if it is one, and the one behind */
		if (b->opcode == IBV_WR_SEND)
			expect_wc(t->rcq, (*taken)++, IBV_WC_SUCCESS, b, "receive");
		expect_wc(t->rcq, (*taken)++, IBV_WC_SUCCESS, b, "receive");
	}
	if (ibv_modify_qp(t->qp, &(struct ibv_qp_attr){ .qp_state = IBV_QPS_ERR }, IBV_QP_STATE))
		rc_die_errno("%s: QP to ERR", b->name);
}

static void responder(struct test *t, const struct bad *b)
{
	int i, taken = 0;

	make_qp(t, b);
	for (i = 0; i < RECEIVES && b->receive != NO_RECEIVE; i++)
		post_recv(t, b->receive, i);
	if (b->qp == QP_NONE)
		destroy_qp(t);
	rc_barrier(t->sock, "ready");
	rc_barrier(t->sock, "done");
	if (!t->qp)
		return;
	if (b->lives)
		responder_lives(t, b, &taken);
	for (i = taken; i < RECEIVES && b->receive != NO_RECEIVE; i++)
		expect_wc(t->rcq, i, i || b->lives ? IBV_WC_WR_FLUSH_ERR : b->received, b, "receive");
	if (b->status)
		expect_state(t, IBV_QPS_ERR, b);
	expect_event(t, b->event, b);
	destroy_qp(t);
}

static void to_wr(struct test *t, int i, enum ibv_wr_opcode op, enum rc_place_name local,
		  enum rc_place_name remote, struct ibv_sge *sge, struct ibv_send_wr *wr)
{
	bool atomic = op == IBV_WR_ATOMIC_FETCH_AND_ADD || op == IBV_WR_ATOMIC_CMP_AND_SWP;

	*sge = (struct ibv_sge){
		.addr = t->mine.at[local].addr, .lkey = t->mine.at[local].key,
		.length = atomic ? 8 : RC_PLACE_LEN,
	};
	*wr = (struct ibv_send_wr){
		.wr_id = i, .next = i + 1 < REQUESTS ? wr + 1 : NULL, .opcode = op,
		.sg_list = sge, .num_sge = 1,
		.send_flags = IBV_SEND_SIGNALED | (i > BAD ? IBV_SEND_FENCE : 0),
	};
	if (atomic) {
		wr->wr.atomic.remote_addr = t->theirs[remote].addr;
		wr->wr.atomic.rkey = t->theirs[remote].key;
		/*
		 * What is wrong on this side may show only when the answer comes, so
		 * then add nothing.
		 */
		wr->wr.atomic.compare_add = local == RC_GOOD;
	} else {
		wr->wr.rdma.remote_addr = t->theirs[remote].addr;
		wr->wr.rdma.rkey = t->theirs[remote].key;
	}
}

static void requester(struct test *t, const struct bad *b)
{
	struct ibv_sge sge[REQUESTS];
	struct ibv_send_wr wr[REQUESTS], *bad;
	bool ok = b->status == IBV_WC_SUCCESS;
	int err, i;

	make_qp(t, b);
	to_wr(t, GOOD_WRITE, IBV_WR_RDMA_WRITE, RC_GOOD, RC_GOOD, &sge[0], &wr[0]);
	/* where the QP has no right to WRITE, a READ of nothing */
	if (b->qp == QP_NO_WRITE) {
		wr[0].opcode = IBV_WR_RDMA_READ;
		wr[0].num_sge = 0;
	}
	to_wr(t, BAD, b->opcode, b->local, b->remote, &sge[1], &wr[1]);
	to_wr(t, LATER_WRITE, IBV_WR_RDMA_WRITE, RC_GOOD, RC_GOOD, &sge[2], &wr[2]);
	/* where it must be flushed, bytes there would be out of place */
	wr[2].wr.rdma.remote_addr += LATER;
	to_wr(t, LATER_SEND, IBV_WR_SEND, RC_GOOD, RC_GOOD, &sge[3], &wr[3]);
	rc_barrier(t->sock, "ready");
	err = ibv_post_send(t->qp, wr, &bad);
	if (err)
		rc_die("%s: ibv_post_send: %s", b->name, strerror(err));
	if (b->qp == QP_NONE) {
		expect_wc(t->scq, GOOD_WRITE, b->status, b, "request");
		expect_wc(t->scq, BAD, IBV_WC_WR_FLUSH_ERR, b, "bad request");
	} else {
		expect_wc(t->scq, GOOD_WRITE, IBV_WC_SUCCESS, b, "good request");
		expect_wc(t->scq, BAD, b->status, b, "bad request");
	}
	for (i = LATER_WRITE; i < REQUESTS; i++)
		expect_wc(t->scq, i, ok ? IBV_WC_SUCCESS : IBV_WC_WR_FLUSH_ERR, b, "later request");
	expect_state(t, ok ? IBV_QPS_RTS : IBV_QPS_ERR, b);
	rc_barrier(t->sock, "done");
	expect_event(t, NO_EVENT, b);
	destroy_qp(t);
}

/* --- what memory must hold ------------------------------------------------ */

static uint8_t *good_model(struct test *t)
{
	return t->mine.model + (t->mine.at[RC_GOOD].addr - (uintptr_t)t->mine.mem.addr);
}

/* The good WRITE's bytes, which both sides know. */
static void expect_good_write(struct test *t, const struct bad *b)
{
	/* where the responder lets nothing in, nothing arrives */
	if (b->qp == QP_NO_WRITE || b->qp == QP_NONE)
		return;
	rc_fill(b - table + 1, good_model(t), RC_PLACE_LEN);
	if (!t->server)
		memcpy((void *)(uintptr_t)t->mine.at[RC_GOOD].addr, good_model(t), RC_PLACE_LEN);
}

/* Of the two cases that are allowed. */
static void expect_success(struct test *t, const struct bad *b)
{
	uint8_t *copy = malloc(t->mine.mem.len), *good = good_model(t), *from;
	bool read = b->opcode == IBV_WR_RDMA_READ;

	rc_fill(read ? SERVER_SEED : CLIENT_SEED, copy, t->mine.mem.len);
	from = copy + rc_place_read_only();
	if (t->server) {
		memcpy(good + LATER, read ? from : good, RC_PLACE_LEN);
		if (!read)
			memcpy(good + SECOND_RECEIVE, good, RC_PLACE_LEN);
	}
	if (t->server || read)
		memcpy(good, from, RC_PLACE_LEN);
	free(copy);
}

static void run_case(struct test *t, const struct bad *b)
{
	bool client_odp = t->server ? t->their_odp : t->odp;
	bool server_odp = t->server ? t->odp : t->their_odp;

	if ((rc_place_needs_odp(b->local) && !client_odp) ||
	    (rc_place_needs_odp(b->remote) && !server_odp) ||
	    (b->receive != NO_RECEIVE && rc_place_needs_odp(b->receive) && !server_odp))
		return;
	if (!t->server)
		puts(b->name);
	fflush(stdout);
	expect_good_write(t, b);
	if (b->status == IBV_WC_SUCCESS)
		expect_success(t, b);
	if (t->server)
		responder(t, b);
	else
		requester(t, b);
	rc_places_check(&t->mine, b->name);
	rc_barrier(t->sock, "next");
}

static void set_up(struct test *t)
{
	uint8_t odp;

	rc_dev_open(&t->dev, &t->link);
	t->sock = rc_tcp(&t->link);
	rc_places_make(&t->mine, &t->dev, t->odp, t->server ? SERVER_SEED : CLIENT_SEED);
	rc_exchange(t->sock, t->mine.at, t->theirs, sizeof(t->theirs));
	odp = t->odp;
	rc_exchange(t->sock, &odp, &t->their_odp, 1);
	t->scq = ibv_create_cq(t->dev.ctx, REQUESTS, NULL, NULL, 0);
	t->rcq = ibv_create_cq(t->dev.ctx, RECEIVES, NULL, NULL, 0);
	if (!t->scq || !t->rcq)
		rc_die_errno("ibv_create_cq");
	fcntl(t->dev.ctx->async_fd, F_SETFL, O_NONBLOCK);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		RC_LINK_OPTIONS, { "odp", no_argument, NULL, 'o' },
		{ "no-events", no_argument, NULL, 'E' }, { "only", required_argument, NULL, 'O' }, { }
	};
	struct test t = { .link = RC_LINK_DEFAULTS };
	const char *only = "";
	int c, cases = 0;
	size_t i;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'o')
			t.odp = true;
		else if (c == 'E')
			t.no_events = true;
		else if (c == 'O')
			only = optarg;
		else if (!rc_link_option(&t.link, c, optarg)) {
			fprintf(stderr, "bad_access " RC_LINK_USAGE
				" [--odp] [--no-events] [--only TEXT] [HOST]\n");
			return 2;
		}
	}
	t.link.server = argv[optind];
	t.server = !t.link.server;
	set_up(&t);
	for (i = 0; i < RC_ARRAY_SIZE(table); i++)
		if (strstr(table[i].name, only)) {
			run_case(&t, &table[i]);
			cases++;
		}
	if (!cases)
		rc_die("no case has '%s' in its name", only);
	ibv_destroy_cq(t.scq);
	ibv_destroy_cq(t.rcq);
	rc_places_free(&t.mine);
	rc_dev_close(&t.dev);
	return 0;
}
