// SPDX-License-Identifier: GPL-2.0
/* Read-ahead: of which access it helps, where it ends, and that no byte suffers. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "loop.h"

#define PAGE	4096UL
#define LEN	(16UL << 20)	/* of the region; as much again lies behind it */
#define PIECE	65536UL

struct ahead {
	struct rc_dev *d;
	struct loop l;
	uint8_t *memory, *model;
	struct ibv_mr *mr;
	long pages, hits;	/* of the counters, when the region was new */
	bool expected;		/* something is to come ahead */
	bool waits;		/* and has not so far */
};

static void begin(struct ahead *a, bool expected)
{
	a->expected = expected;
	a->waits = expected;
	a->memory = loop_map(2 * LEN);
	EXPECT(a->model = calloc(1, LEN));
	a->mr = ibv_reg_mr(a->d->pd, a->memory, LEN, IBV_ACCESS_ON_DEMAND |
			   IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE |
			   IBV_ACCESS_REMOTE_READ);
	EXPECT(a->mr);
	a->pages = loop_counter(a->d, "page_readahead");
	a->hits = loop_counter(a->d, "page_readahead_hits");
}

/* What is still on its way for a region that has gone comes, or not. */
static void settle(struct ahead *a)
{
	long pages;

	do {
		pages = loop_counter(a->d, "page_readahead");
		usleep(100000);
	} while (loop_counter(a->d, "page_readahead") != pages);
}

/*
 * All bytes are right, and nothing behind the region was brought. The addresses are not
 * used again, lest the next region be taken for the rest of this one.
 */
static void end(struct ahead *a)
{
	long pages = loop_counter(a->d, "page_readahead") - a->pages;
	long hits = loop_counter(a->d, "page_readahead_hits") - a->hits;
	unsigned char there[LEN / PAGE];
	size_t i;

	EXPECT(!mincore(a->memory + LEN, LEN, there));
	for (i = 0; i < LEN / PAGE; i++)
		EXPECT(!(there[i] & 1));
	EXPECT_EQ(rc_differ(a->memory, a->model, LEN), LEN);
	EXPECT(hits <= pages);
	if (a->expected)
		EXPECT(hits > 0);
	EXPECT(!ibv_dereg_mr(a->mr));
	settle(a);
	EXPECT(!madvise(a->memory, 2 * LEN, MADV_DONTNEED));
	free(a->model);
}

/*
 * Let it get ahead. How long it takes until the first pages come that way is not for
 * this test to say.
 */
static void let(struct ahead *a)
{
	if (a->waits)	/* asking takes a while */
		a->waits = loop_counter(a->d, "page_readahead") == a->pages;
	usleep(1000);
}

static void put(struct ahead *a, size_t at, uint32_t len)
{
	rc_fill(at + 1, a->l.buf, len);
	memcpy(a->model + at, a->l.buf, len);
	EXPECT_EQ(loop_move(&a->l, IBV_WR_RDMA_WRITE, a->l.mr->lkey, (uintptr_t)a->l.buf,
			    len, a->mr->rkey, (uintptr_t)a->memory + at), IBV_WC_SUCCESS);
	let(a);
}

static void get(struct ahead *a, size_t at, uint32_t len)
{
	memset(a->l.buf, 1, len);
	EXPECT_EQ(loop_move(&a->l, IBV_WR_RDMA_READ, a->l.mr->lkey, (uintptr_t)a->l.buf,
			    len, a->mr->rkey, (uintptr_t)a->memory + at), IBV_WC_SUCCESS);
	EXPECT_EQ(rc_differ(a->l.buf, a->model + at, len), len);
	let(a);
}

static void turn(bool on)
{
	FILE *f = fopen("/sys/module/hmmodp/parameters/read_ahead", "w");

	EXPECT(f && fputs(on ? "Y" : "N", f) >= 0 && !fclose(f));
}

void case_read_ahead(struct rc_dev *d)
{
	struct ahead a = { .d = d };
	struct rc_rng rng = { .state = 5 };
	size_t at;

	loop_open(&a.l, d, false);

	begin(&a, true);	/* one after the other, up to the region's end */
	for (at = 0; at < LEN; at += PIECE)
		put(&a, at, PIECE);
	end(&a);

	begin(&a, true);	/* a page here and there, backwards */
	for (at = LEN - PIECE; at; at -= PIECE)
		put(&a, at, 3000);
	end(&a);

	begin(&a, true);	/* two streams that take turns, one reads */
	for (at = 0; at < LEN / 4; at += PIECE) {
		put(&a, at, PIECE);
		get(&a, LEN / 2 + 2 * at, PIECE);
	}
	end(&a);

	begin(&a, false);	/* no order: what is brought in vain is little */
	for (at = 0; at < 400; at++)
		put(&a, rc_below(&rng, LEN / PAGE) * PAGE, PAGE);
	EXPECT(loop_counter(d, "page_readahead") - a.pages < 200);
	end(&a);

	begin(&a, false);
	turn(false);
	for (at = 0; at < LEN / 4; at += PIECE)
		put(&a, at, PIECE);
	turn(true);
	EXPECT_EQ(loop_counter(d, "page_readahead"), a.pages);
	end(&a);

	loop_close(&a.l);
}

#define GROUP	"/sys/fs/cgroup/hmmodp-rc-ahead"

static void group_write(const char *file, const char *text)
{
	FILE *f = fopen(file, "w");

	if (!f || fputs(text, f) < 0 || fclose(f))
		rc_die_errno("%s", file);
}

static long group_read(const char *file)
{
	FILE *f = fopen(file, "r");
	long n;

	EXPECT(f && fscanf(f, "%ld", &n) == 1 && !fclose(f));
	return n;
}

/* From now on this process has so many bytes more, and none of what it has can go. */
static void confine(long bytes)
{
	char text[32];

	group_write("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	if (mkdir(GROUP, 0755) && errno != EEXIST)
		rc_die_errno(GROUP);
	group_write(GROUP "/memory.max", "max");
	group_write(GROUP "/memory.swap.max", "0");
	group_write(GROUP "/cgroup.procs", "0");
	snprintf(text, sizeof(text), "%ld", group_read(GROUP "/memory.current") + bytes);
	group_write(GROUP "/memory.max", text);
}

/*
 * In a control group that has room for what is wanted, and not for what is foreseen: it
 * is not brought, else the process would be killed.
 */
void case_ahead_full(struct rc_dev *d)
{
	const size_t wanted = 32 * PIECE, room = wanted + wanted / 2;
	struct ahead a = { .d = d };
	size_t at;

	loop_open(&a.l, d, false);
	a.model = loop_map(wanted);
	memset(a.model, 0, wanted);
	a.memory = loop_map(LEN);
	confine(room);
	a.mr = ibv_reg_mr(d->pd, a.memory, LEN, IBV_ACCESS_ON_DEMAND | IBV_ACCESS_LOCAL_WRITE |
			  IBV_ACCESS_REMOTE_WRITE);
	EXPECT(a.mr);
	for (at = 0; at < wanted; at += PIECE)
		put(&a, at, PIECE);
	EXPECT_EQ(rc_differ(a.memory, a.model, wanted), wanted);
	EXPECT(!ibv_dereg_mr(a.mr));
	loop_close(&a.l);
}
