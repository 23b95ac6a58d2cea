// SPDX-License-Identifier: GPL-2.0
/* Prefetch, reclaim of the mirror's own memory, and aging. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

static long read_number(const char *path)
{
	long n = -1;
	FILE *f = fopen(path, "r");

	if (f) {
		if (fscanf(f, "%ld", &n) != 1)
			n = -1;
		fclose(f);
	}
	return n;
}

static void write_number(const char *path, long n)
{
	FILE *f = fopen(path, "w");

	CHECK(f);
	fprintf(f, "%ld", n);
	CHECK(!fclose(f));
}

/* What debugfs says of this process's mirror: bytes, spans, ... */
static long dumped(const char *name)
{
	char line[256], key[32];
	FILE *f = fopen("/sys/kernel/debug/hmmodp/mirrors", "r");
	long n = -1;
	char *at;

	CHECK(f);
	snprintf(key, sizeof(key), " %s=", name);
	while (fgets(line, sizeof(line), f))
		if (atoi(line) == getpid() && (at = strstr(line, key)))
			n = atol(at + strlen(key));
	fclose(f);
	CHECK(n >= 0);
	return n;
}

static void prefetch_sync(void)
{
	struct hmmodp_selftest_stats s;
	struct device d;
	char *m = map_anon(8 * MIB, CHUNK);

	madvise(m, 8 * MIB, MADV_NOHUGEPAGE);
	device_open(&d);
	/* nothing is mapped: nothing to take over */
	CHECK(device_prefetch(&d, m, 8 * MIB, false, NO_FAULT) == 0);
	CHECK(device_stats(&d).page_prefetch == 0);
	/* what the process has touched is */
	pattern_fill(m + MIB, 3 * MIB, 3, 0);
	CHECK(device_prefetch(&d, m, 8 * MIB, false, NO_FAULT) == 0);
	CHECK(device_stats(&d).page_prefetch == 768);
	/* all of it, for writing */
	CHECK(device_prefetch(&d, m + 5, 8 * MIB - 5, true, 0) == 0);
	s = device_stats(&d);
	CHECK(s.page_prefetch == 2048 && s.page_faults == 0);
	CHECK(s.prefetches == 3 && s.prefetch_errors == 0);
	/* no fault is left to serve */
	device_writes(&d, m, 8 * MIB, 9, 0, NO_FAULT);
	CHECK(pattern_is(m, 8 * MIB, 9, 0));
	munmap(m, 8 * MIB);
	CHECK(device_resident(&d) == 0);
	device_close(&d);
}

static void prefetch_rights(void)
{
	struct device d;
	char *m = map_anon(8 * PAGE, PAGE);

	device_open(&d);
	mprotect(m, 4 * PAGE, PROT_READ);
	CHECK(device_prefetch(&d, m, 8 * PAGE, false, 0) == 0);
	CHECK(device_prefetch(&d, m, 8 * PAGE, true, 0) == -EFAULT);
	CHECK(device_prefetch(&d, m + 4 * PAGE, 4 * PAGE, true, 0) == 0);
	munmap(m + 2 * PAGE, PAGE);
	CHECK(device_prefetch(&d, m, 8 * PAGE, false, 0) == -EFAULT);
	CHECK(device_prefetch(&d, m, 8 * PAGE, false, NO_FAULT) == 0);
	CHECK(device_stats(&d).prefetch_errors == 2);
	device_close(&d);
}

/* Many at once, some of them done by the caller; then the device goes. */
static void prefetch_async(void)
{
	struct hmmodp_selftest_stats s;
	struct device d;
	char *m = map_anon(64 * MIB, CHUNK);
	unsigned int i, wait;

	madvise(m, 64 * MIB, MADV_NOHUGEPAGE);
	device_open(&d);
	for (i = 0; i < 256; i++)
		CHECK(device_prefetch(&d, m + i * 64 * KIB, 64 * KIB, true,
				      FAULT_ASYNC) == 0);
	for (wait = 0; wait < 1000; wait++) {
		s = device_stats(&d);
		if (s.prefetches == 256)
			break;
		usleep(10000);
	}
	CHECK(s.prefetches == 256 && s.prefetch_errors == 0);
	CHECK(s.page_prefetch == 4096 && s.page_faults == 0);
	device_writes(&d, m, 16 * MIB, 4, 0, NO_FAULT);
	CHECK(pattern_is(m, 16 * MIB, 4, 0));
	for (i = 0; i < 32; i++)
		device_prefetch(&d, m + i * 2 * MIB, 2 * MIB, true, FAULT_ASYNC);
	device_close(&d);
}

/* Far more memory is touched than the mirror may have room for. */
static void limit(void)
{
	static const char path[] = "/sys/module/hmmodp/parameters/mirror_limit_kib";
	const size_t size = 16UL << 30, step = size / 1024;
	char *m = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	long before = read_number(path);
	struct device d;
	unsigned int i;

	CHECK(m != MAP_FAILED);
	madvise(m, size, MADV_NOHUGEPAGE);
	device_open(&d);
	/* more than there can be is no limit */
	write_number(path, LONG_MAX);
	for (i = 0; i < 1024; i += 128)
		device_writes(&d, m + i * step + i, 5000, i, 0, 0);
	CHECK(device_stats(&d).page_reclaims == 0);
	write_number(path, 512);
	for (i = 0; i < 1024; i++) {
		device_writes(&d, m + i * step + i, 5000, i, 0, i % 2 ? FROM_SOFTIRQ : 0);
		CHECK(dumped("bytes") <= 512 * 1024);
	}
	write_number(path, before);
	CHECK(device_stats(&d).page_reclaims > 0);
	/* what was given up was not lost, nor what the device wrote there */
	for (i = 0; i < 1024; i++)
		CHECK(pattern_is(m + i * step + i, 5000, i, 0));
	for (i = 0; i < 1024; i++)
		expect_device_reads(&d, m + i * step + i, 5000, i, 0, 0);
	munmap(m, size);
	CHECK(device_resident(&d) == 0);
	device_close(&d);
}

/* Spans of memory that has gone, go. */
static void idle(void)
{
	const size_t size = 1UL << 30;
	char *m = map_anon(size, CHUNK), *kept = map_anon(PAGE, PAGE);
	struct device d;
	unsigned int i;

	device_open(&d);
	device_writes(&d, kept, PAGE, 1, 0, 0);
	for (i = 0; i < 16; i++)
		device_writes(&d, m + i * 64 * MIB, 100, i, 0, 0);
	CHECK(dumped("spans") >= 17);
	munmap(m, size);
	for (i = 0; i < 300 && dumped("spans") > 1; i++) {
		/* the one in use stays, and stays right */
		expect_device_reads(&d, kept, PAGE, 1, 0, NO_FAULT);
		usleep(100000);
	}
	CHECK(dumped("spans") == 1);
	expect_device_reads(&d, kept, PAGE, 1, 0, NO_FAULT);
	device_close(&d);
}

static void inject(const char *what, long n)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/debug/hmmodp/inject/%s", what);
	write_number(path, n);
}

/* No memory, no peace, no hurry: all of that passes, and no byte goes astray. */
static void injected(void)
{
	const size_t size = 8 * MIB;
	struct device d;
	unsigned int i;
	char *m;

	device_open(&d);
	inject("no_memory", 2);
	inject("busy", 3);
	inject("delay_us", 500);
	for (i = 0; i < 20; i++) {
		m = map_anon(size, CHUNK);
		madvise(m, size, i & 1 ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
		device_writes(&d, m + i, size - i, i, 0, i & 2 ? FAULT_ASYNC : FROM_SOFTIRQ);
		CHECK(pattern_is(m + i, size - i, i, 0));
		munmap(m, size);
	}
	inject("no_memory", 0);
	inject("busy", 0);
	inject("delay_us", 0);
	CHECK(device_stats(&d).fault_retries > 20);
	CHECK(device_stats(&d).fault_errors == 0);
	CHECK(device_resident(&d) == 0);
	device_close(&d);
}

#define GROUP "/sys/fs/cgroup/hmmodp-aging"

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

/* Pages of a range that are in memory. */
static unsigned int present(const char *m, size_t len)
{
	unsigned int n = 0;
	__u64 entry;
	size_t i;
	int fd = open("/proc/self/pagemap", O_RDONLY);

	CHECK(fd >= 0);
	for (i = 0; i < len; i += PAGE) {
		CHECK(pread(fd, &entry, 8, (uintptr_t)(m + i) / PAGE * 8) == 8);
		n += entry >> 63;
	}
	close(fd);
	return n;
}

static void enter_group(void)
{
	char text[32];

	write_text("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	mkdir(GROUP, 0755);
	snprintf(text, sizeof(text), "%d", getpid());
	if (!write_text(GROUP "/cgroup.procs", text) || access(GROUP "/memory.reclaim", W_OK))
		test_skip("no memory.reclaim");
}

static void leave_group(void)
{
	char text[32];

	snprintf(text, sizeof(text), "%d", getpid());
	write_text("/sys/fs/cgroup/cgroup.procs", text);
	rmdir(GROUP);
}

/*
 * Of two equal ranges the device uses one: what must go, comes from the other. The
 * process touches neither after the beginning.
 */
static void aging(void)
{
	const size_t size = 8 * MIB;
	unsigned int i, hot_left, idle_left;
	char *hot, *unused;
	struct device d;

	enter_group();
	hot = map_anon(size, CHUNK);
	unused = map_anon(size, CHUNK);
	madvise(hot, size, MADV_NOHUGEPAGE);
	madvise(unused, size, MADV_NOHUGEPAGE);
	device_open(&d);
	pattern_fill(unused, size, 6, 0);
	pattern_fill(hot, size, 5, 0);
	expect_device_reads(&d, unused, size, 6, 0, 0);
	for (i = 0; i < 40 && present(unused, size) > size / PAGE / 2; i++) {
		expect_device_reads(&d, hot, size, 5, 0, 0);
		write_text(GROUP "/memory.reclaim", "512K");
	}
	hot_left = present(hot, size);
	idle_left = present(unused, size);
	printf("# after %u rounds: %u pages in use and %u others are left of %lu each\n", i,
	       hot_left, idle_left, size / PAGE);
	if (idle_left > size / PAGE * 3 / 4 && hot_left > size / PAGE * 3 / 4)
		test_skip("nothing was reclaimed");
	CHECK(hot_left > idle_left);
	expect_device_reads(&d, hot, size, 5, 0, 0);
	expect_device_reads(&d, unused, size, 6, 0, 0);
	device_close(&d);
	leave_group();
}

const struct test_case cases_more[] = {
	{ "prefetch_sync", prefetch_sync },
	{ "prefetch_rights", prefetch_rights },
	{ "prefetch_async", prefetch_async },
	{ "limit", limit },
	{ "idle", idle },
	{ "injected", injected },
	{ "aging", aging },
	{ }
};
