// SPDX-License-Identifier: GPL-2.0
/* Drawing a batch of messages and playing it on models of both memories. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "plan.h"

#define WORDS		4	/* for atomics, at the start of a half */
#define WORDS_ROOM	64
#define SMALL_GAP	64
#define LARGE_GAP	(5 * RC_PAGE)
#define SMALL_LEN	256

static const char *const kind_names[RC_KINDS] = {
	[RC_SEND] = "send", [RC_SEND_IMM] = "imm", [RC_WRITE] = "write",
	[RC_WRITE_IMM] = "wimm", [RC_READ] = "read", [RC_CAS] = "cas",
	[RC_FADD] = "fadd",
};

const char *rc_kind_name(enum rc_kind kind)
{
	return kind_names[kind];
}

uint32_t rc_ops_parse(const char *list)
{
	char *copy = strdup(list), *rest = copy, *name;
	uint32_t ops = 0;
	int i;

	while ((name = strsep(&rest, ","))) {
		if (!strcmp(name, "inline")) {
			ops |= RC_INLINE_BIT;
			continue;
		}
		for (i = 0; i < RC_KINDS && strcmp(name, kind_names[i]); i++)
			;
		if (i == RC_KINDS)
			rc_die("no operation is called '%s'", name);
		ops |= 1u << i;
	}
	free(copy);
	if (!(ops & ~RC_INLINE_BIT))
		rc_die("no operation but inline");
	return ops;
}

/* Room that one message may need beside its bytes: gaps and alignment. */
static uint32_t slack(const struct rc_job *job)
{
	uint32_t unit = job->align > SMALL_GAP ? job->align : SMALL_GAP;

	return (RC_MAX_SGE + 1) * unit + 2 * SMALL_LEN;
}

void rc_layout(struct rc_layout *l, const struct rc_job *job, uint32_t qp)
{
	struct rc_rng r = { rc_mix(job->seed, qp, 0x1ead) };
	uint32_t align = job->align > 8 ? job->align : 8;

	l->lead = job->align ? 0 : rc_below(&r, RC_PAGE);
	l->half = 2 * job->max_len + job->depth * slack(job) + 4 * LARGE_GAP;
	l->half = (l->half + align - 1) & ~(align - 1);
	l->region = 2 * l->half;
	l->len = l->lead + l->region + RC_PAGE;
	l->len = (l->len + RC_PAGE - 1) & ~(RC_PAGE - 1);
}

/* A half of one side while spans are taken from it, front to back. */
struct half {
	uint32_t cur, end;
};

struct maker {
	const struct rc_job *job;
	const struct rc_side *sides;
	struct rc_model *model;
	struct rc_plan *plan;
	struct rc_rng *r;
	struct half half[2];	/* by side */
	uint32_t words;		/* offset of the atomics' words */
	int active, me;
	uint8_t *memory;
	uint32_t max_sge;
};

static void note_free(struct maker *m, int side, uint32_t from, uint32_t to)
{
	struct rc_plan *p = m->plan;

	from = (from + RC_PAGE - 1) & ~(RC_PAGE - 1);
	to &= ~(RC_PAGE - 1);
	if (from >= to)
		return;
	p->free[side][p->nfree[side]++] = (struct rc_span){ from, to - from };
}

static uint32_t room(const struct maker *m, int side, int left)
{
	uint32_t used = m->half[side].cur + left * slack(m->job);

	return used < m->half[side].end ? m->half[side].end - used : 0;
}

static void begin_half(struct maker *m, int side, uint32_t base, uint32_t half)
{
	struct half *h = &m->half[side];
	uint32_t start = base + WORDS_ROOM;

	h->end = base + half;
	h->cur = start;
	start += rc_below(m->r, room(m, side, m->job->depth) / 4 + 1);
	note_free(m, side, h->cur, start);
	h->cur = start;
}

static uint32_t take(struct maker *m, int side, uint32_t len)
{
	struct half *h = &m->half[side];
	uint32_t align = m->job->align, off;

	h->cur += 1 + rc_below(m->r, SMALL_GAP - 1);
	if (align)
		h->cur = (h->cur + align - 1) & ~(align - 1);
	off = h->cur;
	h->cur += len;
	if (h->cur > h->end)
		rc_die("the plan does not fit its memory");
	return off;
}

/* Now and then leave whole pages free between two messages. */
static void leave_gap(struct maker *m, int side, int left)
{
	uint32_t from = m->half[side].cur;

	if (room(m, side, left) < m->job->max_len + LARGE_GAP || !rc_once_in(m->r, 6))
		return;
	m->half[side].cur += RC_PAGE + rc_below(m->r, LARGE_GAP - RC_PAGE);
	note_free(m, side, from, m->half[side].cur);
}

static uint32_t draw_len(struct maker *m)
{
	uint32_t max = m->job->max_len, mtu = m->job->mtu, len;
	struct rc_rng *r = m->r;

	switch (rc_below(r, 8)) {
	case 0:
		len = rc_once_in(r, 2) ? 0 : 1 + rc_below(r, 16);
		break;
	case 1:
		len = rc_below(r, 256);
		break;
	case 2:
	case 3:
		len = mtu * (1 + rc_below(r, 4)) - 3 + rc_below(r, 7);
		break;
	case 4:
		len = RC_PAGE * (1 + rc_below(r, 8)) - 3 + rc_below(r, 7);
		break;
	case 5:
		len = max > 8 ? max - rc_below(r, 8) : max;
		break;
	default:
		len = rc_rng(r) >> (32 + rc_below(r, 32));
		break;
	}
	return len <= max ? len : len % (max + 1);
}

/* Cut @len bytes into up to @max spans of side @side, odd sizes. */
static int cut(struct maker *m, int side, uint32_t len, uint32_t max, struct rc_span *s)
{
	uint32_t n = 1 + rc_below(m->r, max), i, part;

	if (!len)
		return 0;
	if (n > len)
		n = len;
	for (i = 0; i < n; i++) {
		uint32_t rest = n - i - 1;

		part = rest ? 1 + rc_below(m->r, 2 * ((len - rest) / (rest + 1))) : len;
		if (part > len - rest)
			part = len - rest;
		s[i].len = part;
		s[i].off = take(m, side, part);
		len -= part;
	}
	return n;
}

static void refresh(struct maker *m, int side, const struct rc_span *s, int n)
{
	for (; n--; s++) {
		rc_fill(rc_rng(m->r), m->model->side[side] + s->off, s->len);
		if (side == m->me)
			memcpy(m->memory + s->off, m->model->side[side] + s->off, s->len);
	}
}

/* Bytes of @from go to @to, which may have room for more. */
static void play_copy(const uint8_t *src, const struct rc_span *from, int nfrom,
		      uint8_t *dst, const struct rc_span *to, int nto)
{
	uint32_t i = 0, j = 0;

	while (nfrom && nto) {
		uint32_t a = from->len - i, b = to->len - j, n = a < b ? a : b;

		memcpy(dst + to->off + j, src + from->off + i, n);
		i += n;
		j += n;
		if (i == from->len) {
			from++;
			nfrom--;
			i = 0;
		}
		if (j == to->len) {
			to++;
			nto--;
			j = 0;
		}
	}
}

static void play_atomic(struct maker *m, struct rc_op *op)
{
	uint8_t *there = m->model->side[!m->active] + op->remote[0].off;
	uint8_t *here = m->model->side[m->active] + op->local[0].off;
	uint64_t old, new;

	memcpy(&old, there, 8);
	if (op->kind == RC_FADD) {
		op->compare_add = rc_rng(m->r);
		new = old + op->compare_add;
	} else {
		op->compare_add = rc_once_in(m->r, 3) ? rc_rng(m->r) : old;
		op->swap = rc_rng(m->r);
		new = op->compare_add == old ? op->swap : old;
	}
	memcpy(there, &new, 8);
	memcpy(here, &old, 8);
}

static void make_atomic(struct maker *m, struct rc_op *op)
{
	op->len = 8;
	op->locals = op->remotes = 1;
	op->local[0] = (struct rc_span){ take(m, m->active, 8), 8 };
	op->remote[0] = (struct rc_span){ m->words + 8 * rc_below(m->r, WORDS), 8 };
	play_atomic(m, op);
}

static void make_send(struct maker *m, struct rc_op *op)
{
	uint32_t spare = rc_once_in(m->r, 2) ? 0 : rc_below(m->r, SMALL_LEN);

	/* a receive with more room than the message: the rest stays untouched */
	op->remotes = cut(m, !m->active, op->len + spare, m->max_sge, op->remote);
}

/* Follow the message before on the same bytes, where the order is defined. */
static bool make_chained(struct maker *m, struct rc_op *op, struct rc_op *prev)
{
	bool wrote = prev->kind == RC_WRITE || prev->kind == RC_WRITE_IMM;

	if (!prev->len || prev->inlined)
		return false;
	if (prev->kind == RC_READ && op->kind <= RC_WRITE_IMM) {
		op->fence = true;	/* from what the READ brings */
		op->len = prev->len;
		op->locals = prev->locals;
		memcpy(op->local, prev->local, sizeof(op->local));
		if (op->kind <= RC_SEND_IMM)
			make_send(m, op);
		else
			op->remotes = cut(m, !m->active, op->len, 1, op->remote);
		return true;
	}
	if (!wrote || op->kind < RC_WRITE || op->kind > RC_READ)
		return false;
	op->len = prev->len;
	op->remotes = 1;
	op->remote[0] = prev->remote[0];
	op->locals = cut(m, m->active, op->len, m->max_sge, op->local);
	if (op->kind != RC_READ) {
		prev->overwritten = true;
		refresh(m, m->active, op->local, op->locals);
	}
	return true;
}

static void make_plain(struct maker *m, struct rc_op *op, int left)
{
	uint32_t here = room(m, m->active, left), there = room(m, !m->active, left);
	uint32_t max_inline = m->sides[m->active].max_inline;

	op->len = draw_len(m);
	if (op->len > here || op->len > there)
		op->len = rc_below(m->r, SMALL_LEN) % (m->job->max_len + 1);
	if ((m->job->ops & RC_INLINE_BIT) && op->kind != RC_READ && rc_once_in(m->r, 3)) {
		op->inlined = true;
		if (op->len > max_inline)
			op->len = rc_below(m->r, max_inline + 1);
	}
	if (m->job->no_empty && !op->len)
		op->len = 1;
	op->locals = cut(m, m->active, op->len, m->max_sge, op->local);
	if (op->kind <= RC_SEND_IMM)
		make_send(m, op);
	else
		op->remotes = cut(m, !m->active, op->len, 1, op->remote);
	if (op->kind == RC_READ)
		refresh(m, !m->active, op->remote, op->remotes);
	else
		refresh(m, m->active, op->local, op->locals);
}

static void make_op(struct maker *m, int i)
{
	struct rc_op *op = &m->plan->op[i], *prev = i ? op - 1 : NULL;
	int left = m->plan->n - i;	/* this one included */
	uint8_t *here = m->model->side[m->active], *there = m->model->side[!m->active];

	do
		op->kind = rc_below(m->r, RC_KINDS);
	while (!(m->job->ops & 1u << op->kind));
	if (m->job->uc && left == 1)	/* whose receive says that all is there */
		op->kind = RC_SEND;
	op->imm = rc_rng(m->r);
	op->signaled = left == 1 || rc_once_in(m->r, 2);
	leave_gap(m, m->active, left);
	leave_gap(m, !m->active, left);
	if (op->kind >= RC_CAS) {
		make_atomic(m, op);
		return;
	}
	if (!prev || !rc_once_in(m->r, 4) ||
	    prev->len > room(m, 0, left) || prev->len > room(m, 1, left) ||
	    !make_chained(m, op, prev))
		make_plain(m, op, left);
	if (op->kind == RC_READ)
		play_copy(there, op->remote, op->remotes, here, op->local, op->locals);
	else
		play_copy(here, op->local, op->locals, there, op->remote, op->remotes);
}

/* Solicited events: always on the last receive, at random elsewhere. */
static void solicit(struct maker *m)
{
	struct rc_plan *p = m->plan;
	bool last = true;
	int i;

	p->solicited_only = rc_once_in(m->r, 3);
	for (i = p->n - 1; i >= 0; i--) {
		if (!rc_takes_recv(&p->op[i]))
			continue;
		p->op[i].solicited = last || rc_once_in(m->r, 4);
		last = false;
	}
}

void rc_plan_make(struct rc_plan *p, const struct rc_job *job,
		  const struct rc_layout *l, const struct rc_side sides[2],
		  struct rc_model *model, int active, int me, uint8_t *memory,
		  struct rc_rng *r)
{
	struct maker m = {
		.job = job, .sides = sides, .model = model, .plan = p, .r = r,
		.active = active, .me = me, .memory = memory,
	};
	uint32_t base = l->lead + active * l->half;
	int i, side;

	memset(p, 0, sizeof(*p));
	m.max_sge = sides[0].max_sge < sides[1].max_sge ? sides[0].max_sge : sides[1].max_sge;
	if (m.max_sge > RC_MAX_SGE)
		m.max_sge = RC_MAX_SGE;
	m.words = (base + 7) & ~7u;
	p->n = job->depth;
	for (side = 0; side < 2; side++)
		begin_half(&m, side, base, l->half);
	for (i = 0; i < p->n; i++)
		make_op(&m, i);
	for (side = 0; side < 2; side++)
		note_free(&m, side, m.half[side].cur, m.half[side].end);
	solicit(&m);
}

/* Does a message's local or remote side hold bytes that nothing else of it changes? */
static bool only_read(const struct rc_plan *p, int i, bool local)
{
	const struct rc_op *op = &p->op[i];

	if (local)
		return op->kind <= RC_WRITE_IMM && !op->fence;
	/* not what the message before has written */
	return op->kind == RC_READ && (!i || op->remote[0].off != op[-1].remote[0].off);
}

static bool all_written(const struct rc_plan *p, int i, bool local)
{
	const struct rc_op *op = &p->op[i];

	return local ? op->kind == RC_READ : op->kind == RC_WRITE || op->kind == RC_WRITE_IMM;
}

int rc_plan_pages(const struct rc_plan *p, int active, int side, bool written,
		  struct rc_span *s, int max)
{
	bool local = side == active;
	int i, k, n = 0;

	for (i = 0; i < p->n; i++) {
		const struct rc_op *op = &p->op[i];
		const struct rc_span *from = local ? op->local : op->remote;

		if (!(written ? all_written(p, i, local) : only_read(p, i, local)))
			continue;
		for (k = 0; k < (local ? op->locals : op->remotes) && n < max; k++) {
			uint32_t a = (from[k].off + RC_PAGE - 1) & ~(RC_PAGE - 1);
			uint32_t b = (from[k].off + from[k].len) & ~(RC_PAGE - 1);

			if (a < b)
				s[n++] = (struct rc_span){ a, b - a };
		}
	}
	return n;
}

static bool explain_span(FILE *to, int i, const struct rc_op *op, const char *what,
			 const struct rc_span *s, int n, uint32_t off)
{
	int k;

	for (k = 0; k < n; k++, s++)
		if (off >= s->off && off < s->off + s->len) {
			fprintf(to, "  byte %u of %s %d (%u bytes) of message %d, %s%s of %u bytes\n",
				off - s->off, what, k, s->len, i, rc_kind_name(op->kind),
				op->inlined ? " inline" : "", op->len);
			return true;
		}
	return false;
}

void rc_plan_explain(FILE *to, const struct rc_plan *p, int active, int side, uint32_t off)
{
	bool found = false;
	int i;

	for (i = 0; i < p->n; i++) {
		const struct rc_op *op = &p->op[i];

		if (side == active)
			found |= explain_span(to, i, op, "local SGE", op->local, op->locals, off);
		else
			found |= explain_span(to, i, op, "remote span", op->remote, op->remotes, off);
	}
	if (!found) {
		fprintf(to, "  in no message of the %s's batch\n", active ? "server" : "client");
		return;
	}
	for (i = 0; i < p->n; i++)
		fprintf(to, "    %2d %-5s %7u bytes, %d SGEs, remote %u%s%s%s\n", i,
			rc_kind_name(p->op[i].kind), p->op[i].len, p->op[i].locals,
			p->op[i].remote[0].off, p->op[i].inlined ? " inline" : "",
			p->op[i].signaled ? " signaled" : "", p->op[i].fence ? " fence" : "");
}
