// SPDX-License-Identifier: GPL-2.0
/* Set-up of the queue pairs and the course of a batch. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"
#include "engine.h"
#include "traffic.h"

const struct option rc_engine_options[] = {
	RC_LINK_OPTIONS,
	{ "odp", no_argument, NULL, 'o' },
	{ "implicit", no_argument, NULL, 'I' },
	{ "events", no_argument, NULL, 'e' },
	{ "mem", required_argument, NULL, 'm' },
	{ "quiet", no_argument, NULL, 'Q' },
	{ "sge", required_argument, NULL, 'g' },
	{ "inline", required_argument, NULL, 'i' },
	{ "seed", required_argument, NULL, 'S' },
	{ "iters", required_argument, NULL, 'n' },
	{ "while", required_argument, NULL, 'W' },
	{ "depth", required_argument, NULL, 'D' },
	{ "qps", required_argument, NULL, 'q' },
	{ "max", required_argument, NULL, 's' },
	{ "ops", required_argument, NULL, 'O' },
	{ "mtu", required_argument, NULL, 'M' },
	{ "align", required_argument, NULL, 'a' },
	{ "both", no_argument, NULL, 'b' },
	{ "cold", no_argument, NULL, 'c' },
	{ "one-way", no_argument, NULL, 'w' },
	{ "ready", no_argument, NULL, 'r' },
	{ "no-empty", no_argument, NULL, 'z' },
	{ "timeout", required_argument, NULL, 't' },
	{ "uc", no_argument, NULL, 'u' },
	{ }
};

const char rc_engine_usage[] =
	" each side: " RC_LINK_USAGE "\n"
	"   --odp              on-demand-paged region, else a pinned one\n"
	"   --implicit         an implicit on-demand region, of all memory\n"
	"   --mem KIND         plain, thp, memfd, file, hugetlb, hugefd\n"
	"   --events           sleep for completions instead of polling\n"
	"   --sge N            scatter/gather entries at most (8)\n"
	"   --inline BYTES     capacity of the queue pair (64)\n"
	"   --quiet\n"
	" the client, for both: HOST of the server, and\n"
	"   --seed N           (random, printed)   --iters N   batches (16)\n"
	"   --while FILE       and more batches while there is this file\n"
	"   --depth N          messages a batch (16)   --qps N  (1)\n"
	"   --max BYTES        of a message (65536)    --mtu N  path MTU (1024)\n"
	"   --ops LIST         send,imm,inline,write,wimm,read,cas,fadd (all)\n"
	"   --align N          of all addresses (any)\n"
	"   --both             both directions at once, else in turn\n"
	"   --one-way          only the client sends, WRITEs, READs\n"
	"   --cold             throw pages of ODP memory away before each batch\n"
	"   --ready            always post receives before the sends: no RNR\n"
	"   --no-empty         every message has a byte at least\n"
	"   --timeout N        of the queue pair, as in ibv_modify_qp (16)\n"
	"   --uc               unreliable connections; after --ops\n";

void rc_engine_defaults(struct rc_local_opts *o, struct rc_job *job)
{
	*o = (struct rc_local_opts){ .link = RC_LINK_DEFAULTS, .max_sge = RC_MAX_SGE,
				     .max_inline = 64 };
	*job = (struct rc_job){
		.seed = rc_now_ns(), .iters = 16, .depth = 16, .qps = 1,
		.max_len = 65536, .ops = RC_ALL_OPS, .mtu = 1024, .timeout = 16,
	};
}

bool rc_engine_option(struct rc_local_opts *o, struct rc_job *job, int c, const char *arg)
{
	switch (c) {
	case 'o':
		o->odp = true;
		return true;
	case 'I':
		o->odp = true;
		o->implicit = true;
		return true;
	case 'e':
		o->events = true;
		return true;
	case 'm':
		o->mem = rc_mem_kind(arg);
		return true;
	case 'Q':
		o->quiet = true;
		return true;
	case 'g':
		o->max_sge = rc_number(arg);
		return true;
	case 'i':
		o->max_inline = rc_number(arg);
		return true;
	case 'S':
		job->seed = rc_number(arg);
		return true;
	case 'n':
		job->iters = rc_number(arg);
		return true;
	case 'W':
		o->while_file = arg;
		job->open_end = 1;
		return true;
	case 'D':
		job->depth = rc_number(arg);
		return true;
	case 'q':
		job->qps = rc_number(arg);
		return true;
	case 's':
		job->max_len = rc_number(arg);
		return true;
	case 'O':
		job->ops = rc_ops_parse(arg);
		return true;
	case 'M':
		job->mtu = rc_number(arg);
		return true;
	case 'a':
		job->align = rc_number(arg);
		return true;
	case 'b':
		job->both = 1;
		return true;
	case 'c':
		job->cold = 1;
		return true;
	case 'w':
		job->one_way = 1;
		return true;
	case 'r':
		job->ready = 1;
		return true;
	case 'z':
		job->no_empty = 1;
		return true;
	case 'u':
		job->uc = 1;
		job->ready = 1;
		job->ops &= ~(1u << RC_READ | 1u << RC_CAS | 1u << RC_FADD);
		return true;
	case 't':
		job->timeout = rc_number(arg);
		return true;
	}
	return rc_link_option(&o->link, c, arg);
}

static void check_job(const struct rc_job *j)
{
	if (!j->depth || j->depth > RC_MAX_DEPTH)
		rc_die("--depth must be 1..%d", RC_MAX_DEPTH);
	if (!j->qps || j->qps > 256)
		rc_die("--qps must be 1..256");
	if (j->max_len > 64u << 20)
		rc_die("--max must not be more than 64m");
	if (j->align & (j->align - 1))
		rc_die("--align must be a power of two");
}

/* Job from the client; each side's abilities to the other. */
static void agree(struct rc_engine *e)
{
	struct rc_side *mine = &e->sides[e->me];

	if (e->me == RC_CLIENT)
		rc_send(e->sock, &e->job, sizeof(e->job));
	else
		rc_recv(e->sock, &e->job, sizeof(e->job));
	check_job(&e->job);
	mine->max_sge = e->dev.attr.orig_attr.max_sge;
	if (mine->max_sge > e->opts.max_sge)
		mine->max_sge = e->opts.max_sge;
	mine->rd_atomic = e->dev.attr.orig_attr.max_qp_rd_atom;
	mine->odp = e->opts.odp;
	mine->churn = e->opts.churn;
	mine->private_mem = rc_mem_private(e->opts.mem);
	mine->max_inline = e->opts.max_inline;
	rc_exchange(e->sock, mine, &e->sides[!e->me], sizeof(*mine));
}

static struct ibv_cq *make_cq(struct rc_engine *e)
{
	struct ibv_cq *cq;

	cq = ibv_create_cq(e->dev.ctx, e->job.qps * e->job.depth, NULL, e->channel, 0);
	if (!cq)
		rc_die_errno("ibv_create_cq of %u", e->job.qps * e->job.depth);
	return cq;
}

static void make_memory(struct rc_engine *e, struct rc_flow *f, uint32_t i)
{
	int access = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE |
		     IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC;
	int side;

	rc_layout(&f->layout, &e->job, i);
	rc_mem_get(&f->mem, e->opts.mem, f->layout.len);
	for (side = 0; side < 2; side++) {
		f->model.side[side] = malloc(f->layout.len);
		if (!f->model.side[side])
			rc_die("no memory for the model");
		rc_fill(rc_mix(e->job.seed, i, side), f->model.side[side], f->layout.len);
	}
	memcpy(f->mem.addr, f->model.side[e->me], f->layout.len);
	if (e->opts.odp)
		access |= IBV_ACCESS_ON_DEMAND;
	if (e->opts.implicit)
		f->mr = ibv_reg_mr(e->dev.pd, NULL, SIZE_MAX, access);
	else
		f->mr = ibv_reg_mr(e->dev.pd, f->mem.addr + f->layout.lead,
				   f->layout.region, access);
	if (!f->mr)
		rc_die_errno("ibv_reg_mr of %u bytes, %s, %s", f->layout.region,
			     rc_mem_name(e->opts.mem), e->opts.odp ? "odp" : "pinned");
}

static void make_qp(struct rc_engine *e, struct rc_flow *f)
{
	struct ibv_qp_init_attr a = {
		.qp_type = e->job.uc ? IBV_QPT_UC : IBV_QPT_RC, .send_cq = e->scq, .recv_cq = e->rcq,
		.cap = {
			.max_send_wr = e->job.depth, .max_recv_wr = e->job.depth,
			.max_send_sge = e->sides[e->me].max_sge,
			.max_recv_sge = e->sides[e->me].max_sge,
			.max_inline_data = e->sides[e->me].max_inline,
		},
	};

	f->qp = ibv_create_qp(e->dev.pd, &a);
	if (!f->qp)
		rc_die_errno("ibv_create_qp");
	f->bounce = malloc(e->job.depth * e->sides[e->me].max_inline);
	f->mine = (struct rc_end){
		.qpn = f->qp->qp_num, .psn = rc_psn(), .gid = e->dev.gid,
		.addr = (uintptr_t)f->mem.addr, .len = f->layout.region,
		.rkey = f->mr->rkey,
	};
}

static void connect_qp(struct rc_engine *e, struct rc_flow *f)
{
	struct rc_qp_param p = RC_QP_DEFAULTS;
	uint32_t depth = e->sides[0].rd_atomic < e->sides[1].rd_atomic ?
			 e->sides[0].rd_atomic : e->sides[1].rd_atomic;

	p.mtu = rc_mtu(e->job.mtu);
	p.timeout = e->job.timeout;
	p.rd_atomic = 1 + rc_below(&e->rng, depth < 16 ? depth : 16);
	rc_exchange(e->sock, &f->mine, &f->theirs, sizeof(f->mine));
	rc_qp_connect(&e->dev, f->qp, &p, f->mine.psn, &f->theirs);
}

void rc_engine_open(struct rc_engine *e)
{
	uint32_t i;

	e->me = e->opts.link.server ? RC_CLIENT : RC_SERVER;
	rc_dev_open(&e->dev, &e->opts.link);
	e->sock = rc_tcp(&e->opts.link);
	agree(e);
	if (e->me == RC_CLIENT && !e->opts.quiet)
		printf("seed %llu\n", (unsigned long long)e->job.seed);
	fflush(stdout);
	e->rng.state = e->job.seed;
	if (e->opts.events) {
		e->channel = ibv_create_comp_channel(e->dev.ctx);
		if (!e->channel)
			rc_die_errno("ibv_create_comp_channel");
	}
	e->scq = make_cq(e);
	e->rcq = make_cq(e);
	e->flow = calloc(e->job.qps, sizeof(*e->flow));
	for (i = 0; i < e->job.qps; i++) {
		make_memory(e, &e->flow[i], i);
		make_qp(e, &e->flow[i]);
		connect_qp(e, &e->flow[i]);
	}
	rc_barrier(e->sock, "connected");
}

/* Before a batch, at random, as if the kernel had reclaimed it. */
static void throw_away(struct rc_engine *e, struct rc_flow *f, int side)
{
	int n = 1 + rc_below(&e->rng, 4);
	uint32_t pages = f->layout.len / RC_PAGE;

	while (n--) {
		uint32_t from = rc_below(&e->rng, pages);
		uint32_t count = 1 + rc_below(&e->rng, pages - from);
		size_t off = (size_t)from * RC_PAGE, len = (size_t)count * RC_PAGE;

		if (e->sides[side].private_mem)
			memset(f->model.side[side] + off, 0, len);
		if (side == e->me && madvise(f->mem.addr + off, len, MADV_DONTNEED))
			rc_die_errno("MADV_DONTNEED");
	}
}

static void plan_flow(struct rc_engine *e, struct rc_flow *f)
{
	int dir, active = e->job.one_way ? RC_CLIENT : e->batch & 1;

	for (dir = 0; dir < 2; dir++)
		if (e->job.cold && e->sides[dir].odp)
			throw_away(e, f, dir);
	f->sent = f->received = f->expect_received = 0;
	for (dir = 0; dir < 2; dir++) {
		f->on[dir] = e->job.both || dir == active;
		if (f->on[dir])
			rc_plan_make(&f->plan[dir], &e->job, &f->layout, e->sides, &f->model,
				     dir, e->me, f->mem.addr, &e->rng);
	}
}

/* Churned memory gets known bytes again, on both sides' models. */
static void refill(struct rc_engine *e, struct rc_flow *f)
{
	int dir, side, i;

	for (dir = 0; dir < 2; dir++)
		for (side = 0; side < 2 && f->on[dir]; side++)
			for (i = 0; i < f->plan[dir].nfree[side] && e->sides[side].churn; i++) {
				struct rc_span *s = &f->plan[dir].free[side][i];
				uint8_t *model = f->model.side[side] + s->off;

				rc_fill(rc_rng(&e->rng), model, s->len);
				if (side == e->me)
					memcpy(f->mem.addr + s->off, model, s->len);
			}
}

void rc_engine_check(struct rc_engine *e, const char *when)
{
	uint32_t i;

	for (i = 0; i < e->job.qps; i++)
		rc_check_memory(e, &e->flow[i], when);
}

void rc_engine_batch(struct rc_engine *e)
{
	uint32_t i;

	for (i = 0; i < e->job.qps; i++)
		plan_flow(e, &e->flow[i]);
	if (e->before)
		e->before(e);
	rc_barrier(e->sock, "planned");
	if (e->busy)
		e->busy(e);
	for (i = 0; i < e->job.qps; i++)
		rc_post_recvs(e, &e->flow[i]);
	/* every fourth batch sends may find no receive yet: RNR NAK and again */
	if (e->batch % 4 || e->job.ready)
		rc_barrier(e->sock, "receives");
	for (i = 0; i < e->job.qps; i++)
		rc_post_sends(e, &e->flow[i]);
	rc_complete(e);
	rc_barrier(e->sock, "completed");
	if (e->quiet)
		e->quiet(e);
	for (i = 0; i < e->job.qps; i++)
		refill(e, &e->flow[i]);
	rc_engine_check(e, "after the batch");
	e->batch++;
}

static void close_flow(struct rc_flow *f)
{
	if (ibv_destroy_qp(f->qp) || ibv_dereg_mr(f->mr))
		rc_die_errno("cannot destroy QP or MR");
	rc_mem_put(&f->mem);
	free(f->model.side[0]);
	free(f->model.side[1]);
	free(f->bounce);
}

bool rc_engine_more(struct rc_engine *e)
{
	uint8_t mine, theirs;

	if (e->batch < e->job.iters)
		return true;
	if (!e->job.open_end)
		return false;
	mine = (!e->opts.while_file || !access(e->opts.while_file, F_OK)) &&
	       (!e->unfinished || e->unfinished(e));
	rc_send(e->sock, &mine, sizeof(mine));
	rc_recv(e->sock, &theirs, sizeof(theirs));
	return mine && theirs;
}

void rc_engine_close(struct rc_engine *e)
{
	uint32_t i;

	rc_barrier(e->sock, "end");
	for (i = 0; i < e->job.qps; i++)
		close_flow(&e->flow[i]);
	free(e->flow);
	if (ibv_destroy_cq(e->scq) || ibv_destroy_cq(e->rcq) ||
	    (e->channel && ibv_destroy_comp_channel(e->channel)))
		rc_die_errno("cannot destroy CQ or channel");
	rc_dev_close(&e->dev);
	close(e->sock);
	if (!e->opts.quiet)
		printf("%s: %u batches, %llu messages, %llu bytes checked, %llu sleeps\n",
		       e->me == RC_CLIENT ? "client" : "server", e->batch,
		       (unsigned long long)e->messages, (unsigned long long)e->bytes,
		       (unsigned long long)e->sleeps);
}
