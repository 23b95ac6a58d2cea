// SPDX-License-Identifier: GPL-2.0
/* Registration: time and kernel memory against length. */
#include <sys/mman.h>

#include "price.h"

#define HELD	16	/* regions held at once to weigh them */

static void one_length(struct rc_dev *d, const char *how, int access, void *p, size_t len)
{
	struct samples on = { .n = 0 }, off = { .n = 0 };
	struct ibv_mr *mr[HELD];
	uint64_t before;
	int i, n;

	for (i = 0; i < 15; i++) {
		uint64_t start = rc_now_ns(), middle;

		mr[0] = ibv_reg_mr(d->pd, p, len, access);
		middle = rc_now_ns();
		if (!mr[0]) {
			report("register", how, len, "refused", 1);
			return;
		}
		EXPECT(!ibv_dereg_mr(mr[0]));
		sample(&on, (middle - start) / 1e3);
		sample(&off, (rc_now_ns() - middle) / 1e3);
	}
	report("register", how, len, "us", median(&on));
	report("deregister", how, len, "us", median(&off));
	before = rc_kernel_kib();
	for (n = 0; n < HELD; n++) {
		mr[n] = ibv_reg_mr(d->pd, p, len, access);
		if (!mr[n])
			break;
	}
	report("memory of a region", how, len, "KiB", n ? (double)(int64_t)(rc_kernel_kib() - before) / n : -1);
	while (n--)
		EXPECT(!ibv_dereg_mr(mr[n]));
}

void measure_register(struct rc_dev *d)
{
	static const size_t odp[] = { PAGE, MIB, 64 * MIB, 1024 * MIB, 16UL << 30, 1UL << 40 };
	static const size_t pinned[] = { PAGE, MIB, 64 * MIB, 256 * MIB };
	int access = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE;
	struct ibv_mr *anchor;
	uint8_t *p;
	size_t i;

	p = fresh(1UL << 40, false);
	/* what the first region of a process makes, the others find */
	anchor = ibv_reg_mr(d->pd, p, PAGE, access | IBV_ACCESS_ON_DEMAND);
	for (i = 0; anchor && i < RC_ARRAY_SIZE(odp); i++)
		one_length(d, "odp", access | IBV_ACCESS_ON_DEMAND, p, odp[i]);
	if (anchor)
		ibv_dereg_mr(anchor);
	munmap(p, 1UL << 40);
	p = fresh(256 * MIB, false);
	for (i = 0; i < RC_ARRAY_SIZE(pinned); i++)
		one_length(d, "pinned", access, p, pinned[i]);
	munmap(p, 256 * MIB);
}
