// SPDX-License-Identifier: GPL-2.0
/* Good and bad places in a process's memory, each with a key. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "places.h"
#include "util.h"

#define ALL (IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | \
	     IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC)

#define IN_PAGE 64	/* of most places */

/* The arena, in pages; what is not listed is a guard. */
enum {
	GOOD = 2, GOOD_PAGES = 4, OTHER = 8, GONE = 10, NO_WRITE = 12, NO_READ = 14,
	NO_ATOMIC = 16, NO_LOCAL = 18, HOLE = 20, HOLE_PAGES = 4, THE_HOLE = 22,
	READ_ONLY = 26, ARENA = 30,
};

static struct ibv_mr *reg(struct rc_places *p, struct ibv_pd *pd, int page, int pages,
			  int access, bool odp)
{
	struct ibv_mr *mr;

	mr = ibv_reg_mr(pd, p->mem.addr + page * RC_PAGE, pages * RC_PAGE,
			access | (odp ? IBV_ACCESS_ON_DEMAND : 0));
	if (!mr)
		rc_die_errno("ibv_reg_mr with access %#x", access);
	return mr;
}

static void place(struct rc_places *p, enum rc_place_name n, int page, int off, uint32_t key)
{
	p->at[n] = (struct rc_place){
		.addr = (uintptr_t)p->mem.addr + page * RC_PAGE + off, .key = key
	};
}

static void region(struct rc_places *p, enum rc_place_name n, struct ibv_pd *pd, int page,
		   int access, bool odp)
{
	struct ibv_mr *mr = reg(p, pd, page, 1, access, odp);

	p->mr[p->mrs++] = mr;
	place(p, n, page, IN_PAGE, mr->rkey);
}

static void odp_places(struct rc_places *p)
{
	struct ibv_mr *mr = reg(p, p->dev->pd, HOLE, HOLE_PAGES, ALL, true);

	p->mr[p->mrs++] = mr;
	place(p, RC_HOLE, THE_HOLE, IN_PAGE, mr->rkey);
	place(p, RC_INTO_HOLE, THE_HOLE, -100, mr->rkey);
	munmap(p->mem.addr + THE_HOLE * RC_PAGE, RC_PAGE);
	region(p, RC_READ_ONLY, p->dev->pd, READ_ONLY, ALL, true);
	mprotect(p->mem.addr + READ_ONLY * RC_PAGE, RC_PAGE, PROT_READ);
}

void rc_places_make(struct rc_places *p, struct rc_dev *dev, bool odp, uint64_t seed)
{
	struct ibv_mr *good, *gone;
	uint32_t key;

	memset(p, 0, sizeof(*p));
	p->dev = dev;
	rc_mem_get(&p->mem, RC_MEM_PLAIN, ARENA * RC_PAGE);
	p->model = malloc(p->mem.len);
	rc_fill(seed, p->model, p->mem.len);
	memcpy(p->mem.addr, p->model, p->mem.len);
	p->other_pd = ibv_alloc_pd(dev->ctx);
	if (!p->model || !p->other_pd)
		rc_die_errno("ibv_alloc_pd");

	good = reg(p, dev->pd, GOOD, GOOD_PAGES, ALL, odp);
	p->mr[p->mrs++] = good;
	key = good->rkey;
	place(p, RC_GOOD, GOOD + 1, IN_PAGE, key);
	place(p, RC_BEYOND, GOOD + GOOD_PAGES, -RC_PLACE_LEN / 2, key);
	place(p, RC_BEFORE, GOOD, -8, key);
	p->at[RC_WRAP] = (struct rc_place){ .addr = -(uint64_t)8, .key = key };
	place(p, RC_BAD_KEY, GOOD + 1, IN_PAGE, key ^ 1);
	place(p, RC_NO_KEY, GOOD + 1, IN_PAGE, ~key);
	place(p, RC_UNALIGNED, GOOD + 1, IN_PAGE + 4, key);
	place(p, RC_SHORT, GOOD + 1, IN_PAGE, key);
	region(p, RC_OTHER_PD, p->other_pd, OTHER, ALL, odp);
	region(p, RC_NO_WRITE, dev->pd, NO_WRITE, ALL & ~IBV_ACCESS_REMOTE_WRITE, odp);
	region(p, RC_NO_READ, dev->pd, NO_READ, ALL & ~IBV_ACCESS_REMOTE_READ, odp);
	region(p, RC_NO_ATOMIC, dev->pd, NO_ATOMIC, ALL & ~IBV_ACCESS_REMOTE_ATOMIC, odp);
	region(p, RC_NO_LOCAL, dev->pd, NO_LOCAL, IBV_ACCESS_REMOTE_READ, odp);
	gone = reg(p, dev->pd, GONE, 1, ALL, odp);
	place(p, RC_GONE, GONE, IN_PAGE, gone->rkey);
	if (ibv_dereg_mr(gone))
		rc_die_errno("ibv_dereg_mr");
	if (odp)
		odp_places(p);
}

size_t rc_place_read_only(void)
{
	return READ_ONLY * RC_PAGE + IN_PAGE;
}

void rc_places_check(const struct rc_places *p, const char *when)
{
	int page;

	for (page = 0; page < ARENA; page++) {
		size_t off = page * RC_PAGE, len = RC_PAGE, at;

		if (p->at[RC_HOLE].addr && page == THE_HOLE)
			continue;
		/* of a message that runs into the hole the first bytes may arrive */
		if (p->at[RC_HOLE].addr && page == THE_HOLE - 1)
			len -= 100;
		at = rc_differ(p->mem.addr + off, p->model + off, len);
		if (at < len)
			rc_die("%s: page %d offset %zu: expected %02x, got %02x", when, page, at,
			       p->model[off + at], p->mem.addr[off + at]);
	}
}

void rc_places_free(struct rc_places *p)
{
	while (p->mrs)
		if (ibv_dereg_mr(p->mr[--p->mrs]))
			rc_die_errno("ibv_dereg_mr");
	if (ibv_dealloc_pd(p->other_pd))
		rc_die_errno("ibv_dealloc_pd");
	rc_mem_put(&p->mem);
	free(p->model);
}
