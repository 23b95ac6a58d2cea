// SPDX-License-Identifier: GPL-2.0
/* Posting the work requests of a batch and taking their completions. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "traffic.h"

#define SILENCE_MS	30000	/* without any completion: it hangs */
#define EVENT_MS	10000
#define IDLE_POLLS	16

static const enum ibv_wr_opcode wr_opcodes[RC_KINDS] = {
	[RC_SEND] = IBV_WR_SEND, [RC_SEND_IMM] = IBV_WR_SEND_WITH_IMM,
	[RC_WRITE] = IBV_WR_RDMA_WRITE, [RC_WRITE_IMM] = IBV_WR_RDMA_WRITE_WITH_IMM,
	[RC_READ] = IBV_WR_RDMA_READ, [RC_CAS] = IBV_WR_ATOMIC_CMP_AND_SWP,
	[RC_FADD] = IBV_WR_ATOMIC_FETCH_AND_ADD,
};

static const enum ibv_wc_opcode wc_opcodes[RC_KINDS] = {
	[RC_SEND] = IBV_WC_SEND, [RC_SEND_IMM] = IBV_WC_SEND,
	[RC_WRITE] = IBV_WC_RDMA_WRITE, [RC_WRITE_IMM] = IBV_WC_RDMA_WRITE,
	[RC_READ] = IBV_WC_RDMA_READ, [RC_CAS] = IBV_WC_COMP_SWAP,
	[RC_FADD] = IBV_WC_FETCH_ADD,
};

static uint64_t wr_id(struct rc_engine *e, struct rc_flow *f, int i)
{
	return (uint64_t)e->batch << 32 | (f - e->flow) << 8 | i;
}

static int to_sges(struct rc_flow *f, const struct rc_span *s, int n, struct ibv_sge *sge)
{
	int i;

	for (i = 0; i < n; i++)
		sge[i] = (struct ibv_sge){
			.addr = (uintptr_t)f->mem.addr + s[i].off,
			.length = s[i].len, .lkey = f->mr->lkey,
		};
	return n;
}

void rc_post_recvs(struct rc_engine *e, struct rc_flow *f)
{
	const struct rc_plan *p = &f->plan[!e->me];
	struct ibv_sge sge[RC_MAX_SGE];
	struct ibv_recv_wr wr = { .sg_list = sge }, *bad;
	int i;

	for (i = 0; i < p->n && f->on[!e->me]; i++) {
		const struct rc_op *op = &p->op[i];

		if (!rc_takes_recv(op))
			continue;
		wr.wr_id = wr_id(e, f, i);
		wr.num_sge = 0;
		if (op->kind != RC_WRITE_IMM)
			wr.num_sge = to_sges(f, op->remote, op->remotes, sge);
		if (ibv_post_recv(f->qp, &wr, &bad))
			rc_die_errno("ibv_post_recv %d of batch %u", i, e->batch);
		f->expect_received++;
	}
}

/* Inline data comes from memory that nobody registered. */
static void to_inline(struct rc_flow *f, const struct rc_op *op, uint8_t *to,
		      struct ibv_sge *sge)
{
	int i;

	for (i = 0; i < op->locals; i++) {
		memcpy(to, f->mem.addr + op->local[i].off, op->local[i].len);
		sge[i] = (struct ibv_sge){
			.addr = (uintptr_t)to, .length = op->local[i].len, .lkey = ~0u,
		};
		to += op->local[i].len;
	}
}

static void to_wr(struct rc_engine *e, struct rc_flow *f, int i, struct ibv_sge *sge,
		  struct ibv_send_wr *wr)
{
	const struct rc_op *op = &f->plan[e->me].op[i];
	uint64_t there = f->theirs.addr + op->remote[0].off;

	*wr = (struct ibv_send_wr){
		.wr_id = wr_id(e, f, i), .sg_list = sge,
		.num_sge = to_sges(f, op->local, op->locals, sge),
		.opcode = wr_opcodes[op->kind], .imm_data = htonl(op->imm),
		.send_flags = (op->signaled ? IBV_SEND_SIGNALED : 0) |
			      (op->solicited ? IBV_SEND_SOLICITED : 0) |
			      (op->fence ? IBV_SEND_FENCE : 0) |
			      (op->inlined ? IBV_SEND_INLINE : 0),
	};
	if (op->inlined)
		to_inline(f, op, f->bounce + i * e->sides[e->me].max_inline, sge);
	if (op->kind >= RC_CAS) {
		wr->wr.atomic.remote_addr = there;
		wr->wr.atomic.rkey = f->theirs.rkey;
		wr->wr.atomic.compare_add = op->compare_add;
		wr->wr.atomic.swap = op->swap;
	} else if (op->kind >= RC_WRITE) {
		/* of an empty message any address will do */
		wr->wr.rdma.remote_addr = op->len ? there : f->theirs.addr + 1;
		wr->wr.rdma.rkey = f->theirs.rkey;
	}
}

/* In lists of 1, 2, 3 ... requests, so that a doorbell covers several. */
void rc_post_sends(struct rc_engine *e, struct rc_flow *f)
{
	const struct rc_plan *p = &f->plan[e->me];
	static struct ibv_sge sge[RC_MAX_DEPTH][RC_MAX_SGE];
	static struct ibv_send_wr wr[RC_MAX_DEPTH];
	struct ibv_send_wr *bad;
	int i, first = 0, list = 1;

	if (!f->on[e->me])
		return;
	for (i = 0; i < p->n; i++) {
		to_wr(e, f, i, sge[i], &wr[i]);
		if (i > first)
			wr[i - 1].next = &wr[i];
		if (i + 1 < p->n && i - first + 1 < list)
			continue;
		if (ibv_post_send(f->qp, &wr[first], &bad))
			rc_die_errno("ibv_post_send %d of batch %u", (int)(bad - wr), e->batch);
		first = i + 1;
		list = list % 7 + 1;
	}
	memset(f->bounce, 0xee, p->n * e->sides[e->me].max_inline);
}

static struct rc_flow *flow_of(struct rc_engine *e, const struct ibv_wc *wc, const char *what)
{
	uint32_t i = wc->wr_id >> 8 & 0xffffff;

	if (wc->wr_id >> 32 != e->batch || i >= e->job.qps)
		rc_die("%s completion of batch %u has the foreign wr_id %#llx", what, e->batch,
		       (unsigned long long)wc->wr_id);
	if (wc->status)
		rc_die("%s completion, QP %u, batch %u, message %u: %s (vendor %#x), seed %llu",
		       what, i, e->batch, (unsigned int)wc->wr_id & 0xff,
		       ibv_wc_status_str(wc->status), wc->vendor_err,
		       (unsigned long long)e->job.seed);
	if (wc->qp_num != e->flow[i].qp->qp_num)
		rc_die("%s completion of QP %#x says QP %#x", what,
		       e->flow[i].qp->qp_num, wc->qp_num);
	return &e->flow[i];
}

static void take_sent(struct rc_engine *e, const struct ibv_wc *wc)
{
	struct rc_flow *f = flow_of(e, wc, "send");
	const struct rc_plan *p = &f->plan[e->me];
	int i = wc->wr_id & 0xff, next = f->sent;

	while (next < p->n && !p->op[next].signaled)
		next++;
	if (i != next)
		rc_die("send completion of message %d where %d was due, batch %u, QP %d",
		       i, next, e->batch, (int)(f - e->flow));
	if (wc->opcode != wc_opcodes[p->op[i].kind])
		rc_die("completion of %s %d has opcode %d", rc_kind_name(p->op[i].kind), i,
		       wc->opcode);
	for (; f->sent <= i; f->sent++) {
		const struct rc_op *op = &p->op[f->sent];

		if (rc_fetches(op))
			rc_check_spans(e, f, op->local, op->locals, "at the completion");
		e->messages++;
	}
}

/* What came before a receive must be in memory when the receive is. */
static void check_arrived(struct rc_engine *e, struct rc_flow *f, int from, int to)
{
	const struct rc_plan *p = &f->plan[!e->me];
	int i;

	for (i = from; i <= to; i++) {
		const struct rc_op *op = &p->op[i];

		if (op->kind <= RC_WRITE_IMM && !op->overwritten)
			rc_check_spans(e, f, op->remote, op->remotes, "at a receive's completion");
	}
}

static void take_received(struct rc_engine *e, const struct ibv_wc *wc)
{
	struct rc_flow *f = flow_of(e, wc, "receive");
	const struct rc_plan *p = &f->plan[!e->me];
	int i = wc->wr_id & 0xff, next = f->received;
	const struct rc_op *op = &p->op[i];
	bool imm;

	while (next < p->n && !rc_takes_recv(&p->op[next]))
		next++;
	if (i != next)
		rc_die("receive completion of message %d where %d was due, batch %u, QP %d",
		       i, next, e->batch, (int)(f - e->flow));
	if (wc->opcode != (op->kind == RC_WRITE_IMM ? IBV_WC_RECV_RDMA_WITH_IMM : IBV_WC_RECV))
		rc_die("receive of %s %d has opcode %d", rc_kind_name(op->kind), i, wc->opcode);
	if (wc->byte_len != op->len)
		rc_die("receive of %s %d says %u bytes, not %u", rc_kind_name(op->kind), i,
		       wc->byte_len, op->len);
	imm = op->kind != RC_SEND;
	if (!!(wc->wc_flags & IBV_WC_WITH_IMM) != imm)
		rc_die("receive of %s %d has flags %#x", rc_kind_name(op->kind), i, wc->wc_flags);
	if (imm && ntohl(wc->imm_data) != op->imm)
		rc_die("receive of %s %d has immediate %#x, not %#x", rc_kind_name(op->kind), i,
		       ntohl(wc->imm_data), op->imm);
	check_arrived(e, f, f->received, i);
	f->received = i + 1;
	f->expect_received--;
}

static int drain(struct rc_engine *e, struct ibv_cq *cq,
		 void (*take)(struct rc_engine *, const struct ibv_wc *))
{
	struct ibv_wc wc[8];
	int n, i, total = 0;

	do {
		n = ibv_poll_cq(cq, RC_ARRAY_SIZE(wc), wc);
		if (n < 0)
			rc_die("ibv_poll_cq failed");
		for (i = 0; i < n; i++)
			take(e, &wc[i]);
		total += n;
	} while (n == RC_ARRAY_SIZE(wc));
	return total;
}

static int drain_both(struct rc_engine *e)
{
	return drain(e, e->scq, take_sent) + drain(e, e->rcq, take_received);
}

static bool finished(struct rc_engine *e)
{
	uint32_t i;

	for (i = 0; i < e->job.qps; i++) {
		struct rc_flow *f = &e->flow[i];

		if (f->expect_received || (f->on[e->me] && f->sent < f->plan[e->me].n))
			return false;
	}
	return true;
}

static void hang(struct rc_engine *e, unsigned int seconds)
{
	uint32_t i;

	for (i = 0; i < e->job.qps; i++) {
		struct rc_flow *f = &e->flow[i];
		int sends = f->on[e->me] ? f->plan[e->me].n : 0;

		if (f->expect_received || f->sent < sends)
			rc_die("no completion for %u s: QP %u (state %d) batch %u, %d of %d messages sent, %d receives open, seed %llu",
			       seconds, i, rc_qp_state(f->qp), e->batch, f->sent,
			       sends, f->expect_received, (unsigned long long)e->job.seed);
	}
	rc_die("no completion for %u s", seconds);
}

/* Arm, look again, sleep; an event that never comes is an error by itself. */
static void sleep_for_event(struct rc_engine *e)
{
	struct pollfd pfd = { .fd = e->channel->fd, .events = POLLIN };
	struct rc_flow *f = &e->flow[0];
	struct ibv_cq *cq;
	void *ctx;
	bool solicited = f->on[!e->me] && f->plan[!e->me].solicited_only;

	if (ibv_req_notify_cq(e->scq, 0) || ibv_req_notify_cq(e->rcq, solicited))
		rc_die_errno("ibv_req_notify_cq");
	if (drain_both(e) || finished(e))
		return;
	e->sleeps++;
	if (poll(&pfd, 1, EVENT_MS) < 0)
		rc_die_errno("poll of the completion channel");
	if (!pfd.revents) {
		if (drain_both(e) && (!solicited || finished(e)))
			rc_die("completions were there, but no event in %d s", EVENT_MS / 1000);
		return;
	}
	if (ibv_get_cq_event(e->channel, &cq, &ctx))
		rc_die_errno("ibv_get_cq_event");
	if (cq != e->scq && cq != e->rcq)
		rc_die("event of a foreign CQ");
	ibv_ack_cq_events(cq, 1);
}

void rc_complete(struct rc_engine *e)
{
	uint64_t last = rc_now_ms(), silence = rc_patience(SILENCE_MS) - last;
	int idle = 0;

	while (!finished(e)) {
		if (drain_both(e)) {
			last = rc_now_ms();
			idle = 0;
			continue;
		}
		if (rc_now_ms() - last > silence)
			hang(e, silence / 1000);
		if (e->channel)
			sleep_for_event(e);
		else if (++idle > IDLE_POLLS)
			sched_yield();
	}
}
