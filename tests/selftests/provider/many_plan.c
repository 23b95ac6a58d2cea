// SPDX-License-Identifier: GPL-2.0
/* Many regions over one piece of memory, and what a batch copies between them. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "many.h"
#include "mem.h"

enum {
	MAX_LEN = 32 << 10,
	MAX_REGION = 2 << 20,
	UNIT = 64,		/* of what messages keep for themselves */
	ACCESS = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ |
		 IBV_ACCESS_ON_DEMAND,
};

static uint8_t *map(size_t len)
{
	uint8_t *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		rc_die_errno("mmap of %zu bytes", len);
	EXPECT(!madvise(p, len, MADV_NOHUGEPAGE));
	return p;
}

void many_init(struct many *m)
{
	m->size = 64ul << 20;
	while (m->size < m->copies * 2ul * MAX_LEN)
		m->size *= 2;
	m->mem = map(m->size);
	m->model = map(m->size);
	m->taken = calloc(m->size / UNIT, 1);
	m->region = calloc(m->regions, sizeof(*m->region));
	m->order = calloc(m->regions, sizeof(*m->order));
	m->next = m->regions;
	m->copy = calloc(m->copies, sizeof(*m->copy));
	EXPECT(m->taken && m->region && m->order && m->copy);
}

void many_open_region(struct many *m, struct region *r)
{
	/* as many small ones as large ones */
	r->len = 1 + rc_below(&m->rng, MAX_REGION >> rc_below(&m->rng, 14));
	r->at = rc_below(&m->rng, m->size - r->len);
	r->used = false;
	r->mr = ibv_reg_mr(m->d->pd, m->mem + r->at, r->len, ACCESS);
	if (!r->mr)
		rc_die_errno("region %ld of %u", (long)(r - m->region), m->regions);
	m->unused++;
}

void many_close_region(struct many *m, struct region *r)
{
	m->unused -= !r->used;
	if (ibv_dereg_mr(r->mr))
		rc_die_errno("ibv_dereg_mr");
}

/* Keeps the bytes for a message of this batch, unless some of them are kept. */
static bool take(struct many *m, size_t at, uint32_t len)
{
	size_t first = at / UNIT, n = (at + len - 1) / UNIT - first + 1;

	if (memchr(m->taken + first, 1, n))
		return false;
	memset(m->taken + first, 1, n);
	return true;
}

static void use(struct many *m, struct region *r)
{
	r->busy = true;
	m->unused -= !r->used;
	r->used = true;
}

/*
 * All have their turn before one has another. Each time in another order, or those that
 * lie behind the same others would never find room.
 */
static struct region *next_region(struct many *m)
{
	uint32_t i, k;

	if (m->next == m->regions) {
		for (i = 0; i < m->regions; i++) {
			k = rc_below(&m->rng, i + 1);
			m->order[i] = m->order[k];
			m->order[k] = i;
		}
		m->next = 0;
	}
	return &m->region[m->order[m->next++]];
}

/* The next two regions that have room. */
static void plan_one(struct many *m, struct copy *c)
{
	static const enum ibv_wr_opcode ops[] = {
		IBV_WR_RDMA_WRITE, IBV_WR_RDMA_READ, IBV_WR_SEND,
	};
	uint32_t tries;

	for (tries = 0; tries < 4 * m->regions; tries++) {
		c->src = next_region(m);
		c->dst = next_region(m);
		c->len = 1 + rc_below(&m->rng, MAX_LEN >> rc_below(&m->rng, 8));
		if (c->len > c->src->len)
			c->len = c->src->len;
		if (c->len > c->dst->len)
			c->len = c->dst->len;
		c->from = c->src->at + rc_below(&m->rng, c->src->len - c->len + 1);
		c->to = c->dst->at + rc_below(&m->rng, c->dst->len - c->len + 1);
		if (!take(m, c->from, c->len) || !take(m, c->to, c->len))
			continue;
		c->op = ops[rc_below(&m->rng, RC_ARRAY_SIZE(ops))];
		use(m, c->src);
		use(m, c->dst);
		return;
	}
	rc_die("no room for a message");
}

void many_plan(struct many *m)
{
	uint32_t i, k;

	memset(m->taken, 0, m->size / UNIT);
	for (i = 0; i < m->regions; i++)
		m->region[i].busy = false;
	for (k = 0; k < 32; k++) {	/* what the process gives up comes back as zeroes */
		size_t len = RC_PAGE << rc_below(&m->rng, 9);
		size_t at = rc_below(&m->rng, (m->size - len) / RC_PAGE) * (size_t)RC_PAGE;

		EXPECT(!madvise(m->mem + at, len, MADV_DONTNEED));
		EXPECT(!madvise(m->model + at, len, MADV_DONTNEED));
	}
	for (i = 0; i < m->copies; i++) {
		plan_one(m, &m->copy[i]);
		rc_fill(rc_rng(&m->rng), m->mem + m->copy[i].from, m->copy[i].len);
		memcpy(m->model + m->copy[i].from, m->mem + m->copy[i].from, m->copy[i].len);
	}
}
