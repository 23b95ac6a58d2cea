// SPDX-License-Identifier: GPL-2.0
/*
 * Cold pages: an RDMA WRITE is the first to touch its target. Against the same into
 * memory that is known already, and against the CPU's own first touch.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "price.h"

enum { COLD, PREFETCHED, SWAPPED };

static double touch_us(size_t len, bool huge)
{
	uint8_t *p = fresh(len, huge);
	uint64_t start = rc_now_ns();
	size_t i;

	for (i = 0; i < len; i += PAGE)
		((volatile uint8_t *)p)[i] = 1;
	start = rc_now_ns() - start;
	munmap(p, len);
	return start / 1e3;
}

static bool prefetch(struct rc_dev *d, struct ibv_mr *mr)
{
	struct ibv_sge sge = { (uintptr_t)mr->addr, mr->length, mr->lkey };

	return !ibv_advise_mr(d->pd, IBV_ADVISE_MR_ADVICE_PREFETCH_WRITE,
			      IBV_ADVISE_MR_FLAG_FLUSH, &sge, 1);
}

/* Cold and warm transfer into fresh memory; false: this device cannot. */
static bool one_round(struct loop *l, struct ibv_mr *from, size_t len, bool huge, int how,
		      struct samples *cold, struct samples *warm)
{
	uint8_t *p = fresh(len, huge);
	struct ibv_mr *mr;
	bool can = true;

	if (how == SWAPPED) {
		memset(p, 1, len);
		can = !madvise(p, len, MADV_PAGEOUT) && !madvise(p, len, MADV_PAGEOUT);
	}
	mr = ibv_reg_mr(l->d->pd, p, len, IBV_ACCESS_ON_DEMAND | IBV_ACCESS_LOCAL_WRITE |
			IBV_ACCESS_REMOTE_WRITE);
	if (!mr || (how == PREFETCHED && !prefetch(l->d, mr)))
		can = false;
	if (can) {
		sample(cold, write_ns(l, from->lkey, from->addr, mr->rkey, p, len) / 1e3);
		write_ns(l, from->lkey, from->addr, mr->rkey, p, len);
		sample(warm, write_ns(l, from->lkey, from->addr, mr->rkey, p, len) / 1e3);
		EXPECT(!memcmp(p, from->addr, len));
	}
	if (mr)
		ibv_dereg_mr(mr);
	munmap(p, len);
	return can;
}

static void one_size(struct loop *l, struct ibv_mr *from, size_t len, bool huge)
{
	static const char *const names[] = { "cold", "prefetched", "swapped out" };
	unsigned int rounds = len < MIB ? 31 : len < 16 * MIB ? 7 : 3, i;
	struct samples touch = { .n = 0 };
	char how[32];
	int kind;

	for (i = 0; i < rounds; i++)
		sample(&touch, touch_us(len, huge));
	snprintf(how, sizeof(how), "%s", huge ? "THP" : "4K pages");
	report("CPU's first touch", how, len, "us", median(&touch));
	for (kind = COLD; kind <= SWAPPED; kind++) {
		struct samples cold = { .n = 0 }, warm = { .n = 0 };
		char what[64];

		if (kind == SWAPPED && (huge || len > 4 * MIB))
			continue;
		for (i = 0; i < rounds && one_round(l, from, len, huge, kind, &cold, &warm); i++)
			;
		if (i < rounds)
			continue;
		snprintf(what, sizeof(what), "WRITE, %s", names[kind]);
		report(what, how, len, "us", median(&cold));
		if (kind == COLD)
			report("WRITE, warm", how, len, "us", median(&warm));
		if (kind == SWAPPED)
			continue;
		snprintf(what, sizeof(what), "price of a %s page", names[kind]);
		report(what, how, len, "x CPU", (median(&cold) - median(&warm)) / median(&touch));
	}
}

/* Warm on-demand memory against pinned memory: bytes a second, 64 KiB at a time. */
static void warm_bandwidth(struct loop *l, struct ibv_mr *from)
{
	static const char *const names[] = { "pinned", "odp" };
	int access = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE, odp, i;
	size_t len = 4 * MIB;

	for (odp = 0; odp < 2; odp++) {
		uint8_t *p = fresh(len, false);
		struct ibv_mr *mr = ibv_reg_mr(l->d->pd, p, len,
					       access | (odp ? IBV_ACCESS_ON_DEMAND : 0));
		struct samples s = { .n = 0 };

		if (mr) {
			for (i = 0; i < 9; i++)
				sample(&s, write_ns(l, from->lkey, from->addr, mr->rkey, p, len));
			report("bandwidth, warm", names[odp], len, "MiB/s",
			       len / median(&s) * 1e9 / MIB);
			ibv_dereg_mr(mr);
		}
		munmap(p, len);
	}
}

void measure_cold(struct rc_dev *d)
{
	static const size_t sizes[] = { PAGE, 16 * PAGE, MIB, 4 * MIB, 64 * MIB };
	size_t most = 64 * MIB, i;
	struct ibv_mr *from;
	struct loop l;
	uint8_t *p;

	loop_open(&l, d, false);
	p = fresh(most, true);
	rc_fill(1, p, most);
	from = ibv_reg_mr(d->pd, p, most, IBV_ACCESS_LOCAL_WRITE);
	EXPECT(from);
	for (i = 0; i < RC_ARRAY_SIZE(sizes); i++) {
		one_size(&l, from, sizes[i], false);
		if (sizes[i] >= 4 * MIB)
			one_size(&l, from, sizes[i], true);
	}
	warm_bandwidth(&l, from);
	EXPECT(!ibv_dereg_mr(from));
	munmap(p, most);
	loop_close(&l);
}
