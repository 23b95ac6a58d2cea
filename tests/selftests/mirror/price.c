// SPDX-License-Identifier: GPL-2.0
/*
 * What a cold page costs: faulted by the device, in messages of some length,
 * against touched by the CPU. Figures, no verdict.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "test.h"

#define SIZE	(64 * MIB)

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static char *fresh(int advice)
{
	char *m = map_anon(SIZE, CHUNK);

	madvise(m, SIZE, advice);
	return m;
}

static double cpu_touch(int advice)
{
	char *m = fresh(advice);
	double start = now_us();
	size_t off;

	for (off = 0; off < SIZE; off += PAGE)
		__atomic_store_n(m + off, 1, __ATOMIC_RELAXED);
	start = now_us() - start;
	munmap(m, SIZE);
	return start;
}

static double device_touch(int advice, size_t message, bool present)
{
	char *m = fresh(advice);
	struct device d;
	double start;
	size_t off;

	if (present)
		memset(m, 1, SIZE);
	device_open(&d);
	device_fault(&d, m, 1, false, 0);
	munmap(m, CHUNK);
	start = now_us();
	for (off = CHUNK; off < SIZE; off += message)
		CHECK(device_fault(&d, m + off, message, true, 0) == 0);
	start = now_us() - start;
	device_close(&d);
	munmap(m + CHUNK, SIZE - CHUNK);
	return start * SIZE / (SIZE - CHUNK);
}

static double unmap(bool mirrored)
{
	char *m = fresh(MADV_NOHUGEPAGE);
	struct device d;
	double start;

	device_open(&d);
	memset(m, 1, SIZE);
	if (mirrored)
		device_writes(&d, m, SIZE, 1, 0, 0);
	start = now_us();
	munmap(m, SIZE);
	start = now_us() - start;
	device_close(&d);
	return start;
}

void prices(void)
{
	static const size_t messages[] = { PAGE, 64 * KIB, MIB, 64 * MIB - CHUNK };
	static const struct {
		const char *name;
		int advice;
	} kinds[] = {
		{ "4K pages", MADV_NOHUGEPAGE },
		{ "THP", MADV_HUGEPAGE },
	};
	unsigned int i, k;
	double cpu, base;

	for (k = 0; k < 2; k++) {
		cpu_touch(kinds[k].advice);
		cpu = cpu_touch(kinds[k].advice);
		printf("# %s: CPU %.3f us a page\n", kinds[k].name, cpu * PAGE / SIZE);
		for (i = 0; i < sizeof(messages) / sizeof(*messages); i++)
			printf("# %s, faults of %6zu KiB: cold %.2f, present %.2f of it\n",
			       kinds[k].name, messages[i] / KIB,
			       device_touch(kinds[k].advice, messages[i], false) / cpu,
			       device_touch(kinds[k].advice, messages[i], true) / cpu);
	}
	unmap(false);
	base = unmap(false);
	printf("# munmap of 64 MiB, mirrored and dirty: %.2f of unmirrored\n",
	       unmap(true) / base);
}
