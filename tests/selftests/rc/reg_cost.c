// SPDX-License-Identifier: GPL-2.0
/*
 * What registering on-demand-paged memory costs: nothing may depend on the
 * length, neither time (printed) nor kernel memory (checked).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "conn.h"
#include "mem.h"
#include "util.h"

#define ROUNDS		32
#define HELD		16	/* regions held at once to weigh them */
#define MAX_GROWTH_KIB	2048	/* of HELD regions, noise included */

#define ACCESS (IBV_ACCESS_ON_DEMAND | IBV_ACCESS_LOCAL_WRITE | \
		IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ)

static void *reserve(size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		rc_die_errno("cannot reserve %zu bytes", len);
	return p;
}

static struct ibv_mr *reg(struct rc_dev *d, void *p, size_t len)
{
	struct ibv_mr *mr = ibv_reg_mr(d->pd, p, len, ACCESS);

	if (!mr)
		rc_die_errno("cannot register %zu bytes of ODP memory", len);
	return mr;
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Median of ROUNDS registrations; an anchor region keeps the mirror alive. */
static uint64_t cost_ns(struct rc_dev *d, void *p, size_t len, uint64_t *dereg_ns)
{
	uint64_t on[ROUNDS], off[ROUNDS];
	int i;

	for (i = 0; i < ROUNDS; i++) {
		uint64_t start = rc_now_ns(), middle;
		struct ibv_mr *mr = reg(d, p, len);

		middle = rc_now_ns();
		if (ibv_dereg_mr(mr))
			rc_die_errno("ibv_dereg_mr");
		on[i] = middle - start;
		off[i] = rc_now_ns() - middle;
	}
	qsort(on, ROUNDS, sizeof(on[0]), by_size);
	qsort(off, ROUNDS, sizeof(off[0]), by_size);
	*dereg_ns = off[ROUNDS / 2];
	return on[ROUNDS / 2];
}

static void weigh(struct rc_dev *d, void *p, size_t len)
{
	struct ibv_mr *mr[HELD];
	uint64_t before = rc_kernel_kib(), after;
	int i;

	for (i = 0; i < HELD; i++)
		mr[i] = reg(d, p, len);
	after = rc_kernel_kib();
	for (i = 0; i < HELD; i++)
		if (ibv_dereg_mr(mr[i]))
			rc_die_errno("ibv_dereg_mr");
	printf("kernel memory for %d regions of %zu bytes: %lld KiB\n", HELD, len,
	       (long long)(after - before));
	if (after > before + MAX_GROWTH_KIB)
		rc_die("kernel memory grew by %llu KiB for %d regions of %zu bytes",
		       (unsigned long long)(after - before), HELD, len);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		RC_LINK_OPTIONS, { "large", required_argument, NULL, 'l' }, { }
	};
	struct rc_link_opts link = RC_LINK_DEFAULTS;
	size_t large = 1ull << 40;
	uint64_t small_ns, large_ns, small_off, large_off;
	struct ibv_mr *anchor;
	struct rc_dev d;
	void *p;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'l')
			large = rc_number(optarg);
		else if (!rc_link_option(&link, c, optarg))
			return 2;
	}
	rc_dev_open(&d, &link);
	p = reserve(large);
	anchor = reg(&d, p, RC_PAGE);
	small_ns = cost_ns(&d, p, RC_PAGE, &small_off);
	large_ns = cost_ns(&d, p, large, &large_off);
	printf("register   4 KiB %8llu ns, %zu bytes %8llu ns, ratio %.2f\n",
	       (unsigned long long)small_ns, large, (unsigned long long)large_ns,
	       (double)large_ns / small_ns);
	printf("deregister 4 KiB %8llu ns, %zu bytes %8llu ns, ratio %.2f\n",
	       (unsigned long long)small_off, large, (unsigned long long)large_off,
	       (double)large_off / small_off);
	weigh(&d, p, RC_PAGE);
	weigh(&d, p, large);
	if (ibv_dereg_mr(anchor))
		rc_die_errno("ibv_dereg_mr");
	rc_dev_close(&d);
	return 0;
}
