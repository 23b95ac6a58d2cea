// SPDX-License-Identifier: GPL-2.0
/*
 * lazyfree --dev NAME --gid INDEX: RDMA WRITEs into pages just given up by MADV_FREE, every
 * other one, then MADV_PAGEOUT; how many of the written pages the kernel took for clean,
 * and dropped. And the lengths that can be registered on demand. Of any device that can
 * be the target of WRITEs on demand; it is told what it loses, and not blamed. Wants swap.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include "loop.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT	21
#endif

enum { PAGE = 4096, WRITTEN = 256, PAGES = 2 * WRITTEN };

static struct ibv_mr *reg(struct rc_dev *d, void *p, size_t len)
{
	return ibv_reg_mr(d->pd, p, len, IBV_ACCESS_ON_DEMAND | IBV_ACCESS_LOCAL_WRITE |
			  IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ);
}

static void write_page(struct loop *l, struct ibv_mr *mr, uint8_t *to, unsigned int seed)
{
	rc_fill(seed, l->buf, PAGE);
	EXPECT_EQ(loop_move(l, IBV_WR_RDMA_WRITE, l->mr->lkey, (uintptr_t)l->buf, PAGE,
			    mr->rkey, (uintptr_t)to), IBV_WC_SUCCESS);
}

static bool page_is(struct loop *l, const uint8_t *page, unsigned int seed)
{
	rc_fill(seed, l->buf, PAGE);
	return rc_differ(page, l->buf, PAGE) == PAGE;
}

static bool page_is_zero(const uint8_t *page)
{
	static const uint8_t zero[PAGE];

	return rc_differ(page, zero, PAGE) == PAGE;
}

/* Pages lost of WRITTEN. */
static unsigned int lost(struct loop *l)
{
	uint8_t *m = loop_map(PAGES * PAGE);
	unsigned int i, gone = 0, dropped = 0;
	struct ibv_mr *mr;

	memset(m, 0x77, PAGES * PAGE);
	mr = reg(l->d, m, PAGES * PAGE);
	if (!mr)
		rc_die_errno("cannot register on demand");
	EXPECT(!madvise(m, PAGES * PAGE, MADV_FREE));
	for (i = 0; i < PAGES; i += 2)
		write_page(l, mr, m + i * PAGE, i);
	/* what has just been used is only noted the first time */
	for (i = 0; i < 3; i++)
		EXPECT(!madvise(m, PAGES * PAGE, MADV_PAGEOUT));
	for (i = 0; i < PAGES; i += 2) {
		gone += !page_is(l, m + i * PAGE, i);
		dropped += page_is_zero(m + (i + 1) * PAGE);
	}
	/* else the kernel has reclaimed little, and nothing is shown */
	if (dropped < WRITTEN / 2)
		rc_die("only %u of %d pages that nobody wrote were dropped", dropped, WRITTEN);
	EXPECT(!ibv_dereg_mr(mr));
	EXPECT(!munmap(m, PAGES * PAGE));
	return gone;
}

static void print_registration(struct rc_dev *d, size_t len, const char *name)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct ibv_mr *mr;

	if (p == MAP_FAILED)
		rc_die_errno("mmap of %s", name);
	mr = reg(d, p, len);
	printf("registering %s: %s\n", name, mr ? "done" : strerror(errno));
	if (mr)
		EXPECT(!ibv_dereg_mr(mr));
	EXPECT(!munmap(p, len));
}

int main(int argc, char **argv)
{
	static const struct option options[] = { RC_LINK_OPTIONS, { } };
	struct rc_link_opts link = RC_LINK_DEFAULTS;
	struct rc_dev d;
	struct loop l;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!rc_link_option(&link, c, optarg))
			return 2;
	rc_dev_open(&d, &link);
	if (!(d.attr.odp_caps.per_transport_caps.rc_odp_caps & IBV_ODP_SUPPORT_WRITE)) {
		printf("no WRITE on demand\n");
		return 4;
	}
	print_registration(&d, 16ull << 30, "16 GiB");
	print_registration(&d, 1ull << 40, "1 TiB");
	loop_open(&l, &d, false);
	printf("lost %u of %d\n", lost(&l), WRITTEN);
	loop_close(&l);
	rc_dev_close(&d);
	return 0;
}
