// SPDX-License-Identifier: GPL-2.0
/* Registration: time and kernel memory against length. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "price.h"

#define HELD	16	/* regions held at once to weigh them */

static double kernel_kib(void)
{
	static const char *const fields[] = { "Slab:", "VmallocUsed:", "Percpu:" };
	FILE *f = fopen("/proc/meminfo", "r");
	unsigned long sum = 0, v;
	char name[64];
	size_t i;

	if (!f)
		rc_die_errno("/proc/meminfo");
	while (fscanf(f, "%63s %lu%*[^\n]", name, &v) == 2)
		for (i = 0; i < RC_ARRAY_SIZE(fields); i++)
			if (!strcmp(name, fields[i]))
				sum += v;
	fclose(f);
	return sum;
}

static void one_length(struct rc_dev *d, const char *how, int access, void *p, size_t len)
{
	struct samples on = { .n = 0 }, off = { .n = 0 };
	struct ibv_mr *mr[HELD];
	double before;
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
	before = kernel_kib();
	for (n = 0; n < HELD; n++) {
		mr[n] = ibv_reg_mr(d->pd, p, len, access);
		if (!mr[n])
			break;
	}
	report("memory of a region", how, len, "KiB", n ? (kernel_kib() - before) / n : -1);
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
