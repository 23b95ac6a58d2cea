// SPDX-License-Identifier: GPL-2.0
/* No byte that the device wrote is lost to reclaim. Needs swap. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "test.h"


static unsigned long swapped_kib(void)
{
	char line[256];
	unsigned long kib = 0;
	FILE *f = fopen("/proc/self/smaps_rollup", "r");

	CHECK(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "Swap: %lu", &kib) == 1)
			break;
	fclose(f);
	return kib;
}

static void need_swap(void)
{
	char line[256];
	unsigned int n = 0;
	FILE *f = fopen("/proc/swaps", "r");

	while (f && fgets(line, sizeof(line), f))
		n++;
	if (f)
		fclose(f);
	if (n < 2)
		test_skip("no swap");
}

static void pageout(void)
{
	const size_t size = 4 * MIB;
	struct device d;
	char *m = map_anon(size, CHUNK);
	unsigned int i;

	need_swap();
	device_open(&d);
	for (i = 0; i < 4; i++) {
		madvise(m, size, i & 1 ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
		device_writes(&d, m, size, i, 0, i & 2 ? FROM_SOFTIRQ : FAULT_ASYNC);
		page_out(m, size);
		CHECK(swapped_kib() > size / 2 / KIB);
		CHECK(device_resident(&d) < (long)(size / 2 / PAGE));
		expect_device_reads(&d, m, size, i, 0, 0);
		/* swapped in by a read, pages may be writable but clean */
		page_out(m, size);
		expect_device_reads(&d, m, size, i, 0, 0);
		device_writes(&d, m + 1, size - 1, i + 9, 1, 0);
		page_out(m, size);
		CHECK(pattern_is(m + 1, size - 1, i + 9, 1));
	}
	device_close(&d);
}

/*
 * MADV_FREE leaves pages mapped, writable and clean, to be dropped if nobody
 * writes them. Nobody but the device does.
 */
static void freed(unsigned int advice, size_t granule)
{
	const size_t size = 4 * MIB;
	struct device d;
	char *m = map_anon(size, CHUNK);
	size_t off, lost = 0, kept = 0;
	unsigned int round;

	need_swap();
	madvise(m, size, advice);
	device_open(&d);
	for (round = 0; round < 4; round++) {
		pattern_fill(m, size, round, 0);
		/* warm in the mirror, or not */
		if (round & 1)
			CHECK(device_fault(&d, m, size, true, 0) == 0);
		CHECK(madvise(m, size, MADV_FREE) == 0);
		for (off = 0; off < size; off += 2 * granule)
			device_writes(&d, m + off, granule, 100 + round, off,
				      round & 2 ? FROM_SOFTIRQ : 0);
		kept = 0;
		page_out(m, size);
		for (off = 0; off < size; off += 2 * granule)
			lost += !pattern_is(m + off, granule, 100 + round, off);
		/* else little was reclaimed and nothing is shown; a few may wait in lists */
		for (off = granule; off < size; off += 2 * granule)
			kept += m[off + 5] || m[off + 6] || m[off + 7];
		CHECK(kept <= size / granule / 8);
	}
	if (lost)
		printf("# %zu pieces of %zu lost\n", lost, 4 * size / granule / 2);
	CHECK(lost == 0);
	device_close(&d);
}

static void lazy_free(void)
{
	freed(MADV_NOHUGEPAGE, PAGE);
}

static void lazy_free_huge(void)
{
	freed(MADV_HUGEPAGE, CHUNK);
}

/* The mirror goes away first: the pages must know even then. */
static void lazy_free_teardown(void)
{
	const size_t size = 4 * MIB;
	struct device d;
	char *m = map_anon(size, CHUNK);

	need_swap();
	madvise(m, size, MADV_NOHUGEPAGE);
	pattern_fill(m, size, 1, 0);
	CHECK(madvise(m, size, MADV_FREE) == 0);
	device_open(&d);
	device_writes(&d, m, size, 2, 0, 0);
	device_close(&d);
	page_out(m, size);
	CHECK(pattern_is(m, size, 2, 0));
}

static void forget_caches(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

	CHECK(fd >= 0 && write(fd, "3", 1) == 1);
	close(fd);
}

static void file_writeback(void)
{
	const size_t size = 4 * MIB;
	struct device d;
	char name[256], *m, *buf = malloc(size);
	unsigned int i;
	int fd;

	if (!test_dir)
		test_skip("no file system on a block device");
	snprintf(name, sizeof(name), "%s/mirror-file", test_dir);
	fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	CHECK(fd >= 0 && ftruncate(fd, size) == 0);
	m = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(m != MAP_FAILED);
	device_open(&d);
	for (i = 0; i < 6; i++) {
		device_writes(&d, m, size, i, 0, i & 1 ? FROM_SOFTIRQ : 0);
		if (i & 2)
			CHECK(msync(m, size, MS_SYNC) == 0);
		/* clean after writeback: the next write must be noticed */
		CHECK(fsync(fd) == 0);
		device_writes(&d, m + 7, size - 7, i + 50, 7, FAULT_ASYNC);
		CHECK(fsync(fd) == 0);
		page_out(m, size);
		CHECK(madvise(m, size, MADV_DONTNEED) == 0);
		forget_caches();
		CHECK(device_resident(&d) == 0);
		CHECK(pread(fd, buf, size, 0) == (ssize_t)size);
		CHECK(pattern_is(buf + 7, size - 7, i + 50, 7));
		expect_device_reads(&d, m + 7, size - 7, i + 50, 7, 0);
	}
	device_close(&d);
	munmap(m, size);
	close(fd);
	unlink(name);
}

const struct test_case cases_swap[] = {
	{ "MADV_PAGEOUT to swap", pageout },
	{ "MADV_FREE, device write, MADV_PAGEOUT", lazy_free },
	{ "the same on huge pages", lazy_free_huge },
	{ "the same with the mirror gone", lazy_free_teardown },
	{ "shared file, writeback, drop_caches", file_writeback },
	{}
};
