// SPDX-License-Identifier: GPL-2.0
/* The mirror follows each thing that changes a process's page tables. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

static void remap(void)
{
	struct device d;
	char *m = map_anon(4 * MIB, CHUNK);

	device_open(&d);
	device_writes(&d, m, 4 * MIB, 1, 0, 0);
	CHECK(mmap(m + MIB, MIB, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == m + MIB);
	expect_device_reads_zero(&d, m + MIB, MIB);
	device_writes(&d, m + MIB, MIB, 2, 0, FROM_SOFTIRQ);
	CHECK(pattern_is(m, MIB, 1, 0));
	CHECK(pattern_is(m + MIB, MIB, 2, 0));
	CHECK(pattern_is(m + 2 * MIB, 2 * MIB, 1, 2 * MIB));
	CHECK(munmap(m + MIB, PAGE) == 0);
	CHECK(device_fault(&d, m + MIB, 1, false, 0) == -EFAULT);
	device_close(&d);
}

static void dontneed(void)
{
	struct device d;
	char *m = map_anon(4 * MIB, CHUNK);

	device_open(&d);
	device_writes(&d, m, 4 * MIB, 1, 0, 0);
	CHECK(madvise(m + PAGE, 3 * MIB, MADV_DONTNEED) == 0);
	expect_device_reads(&d, m, PAGE, 1, 0, 0);
	expect_device_reads_zero(&d, m + PAGE, 3 * MIB);
	expect_device_reads(&d, m + PAGE + 3 * MIB, MIB - PAGE, 1, PAGE + 3 * MIB, 0);
	device_close(&d);
}

static void protect(void)
{
	struct device d;
	size_t done = 0;
	char *m = map_anon(2 * CHUNK, CHUNK);
	char *buf = calloc(1, 2 * CHUNK);

	device_open(&d);
	device_writes(&d, m, 2 * CHUNK, 1, 0, 0);
	CHECK(mprotect(m + CHUNK, CHUNK, PROT_READ) == 0);
	expect_device_reads(&d, m, 2 * CHUNK, 1, 0, 0);
	CHECK(device_write(&d, m + CHUNK - 5, buf, 10, 0, &done) == -EFAULT);
	CHECK(done == 5);
	CHECK(pattern_is(m + CHUNK, CHUNK, 1, CHUNK));
	CHECK(mprotect(m + CHUNK, CHUNK, PROT_NONE) == 0);
	CHECK(device_read(&d, m + CHUNK - 5, buf, 10, FROM_SOFTIRQ, &done) == -EFAULT);
	CHECK(done == 5);
	CHECK(mprotect(m + CHUNK, CHUNK, PROT_READ | PROT_WRITE) == 0);
	device_writes(&d, m, 2 * CHUNK, 2, 0, FAULT_ASYNC);
	CHECK(pattern_is(m, 2 * CHUNK, 2, 0));
	device_close(&d);
}

/* After fork both have a copy: none sees what the other, or its device, writes. */
static void fork_cow(void)
{
	int up[2], down[2], status;
	struct device d;
	pid_t child;
	char c, *m = map_anon(4 * MIB, CHUNK);

	device_open(&d);
	device_writes(&d, m, 4 * MIB, 1, 0, 0);
	CHECK(pipe(up) == 0 && pipe(down) == 0);
	child = fork();
	CHECK(child >= 0);
	if (!child) {
		/* the parent's device has written by now */
		CHECK(read(down[0], &c, 1) == 1);
		CHECK(pattern_is(m, 4 * MIB, 1, 0));
		pattern_fill(m + MIB, 2 * MIB, 3, 0);
		CHECK(write(up[1], "x", 1) == 1);
		CHECK(read(down[0], &c, 1) == 1);
		CHECK(pattern_is(m, MIB, 1, 0));
		CHECK(pattern_is(m + MIB, 2 * MIB, 3, 0));
		_exit(0);
	}
	device_writes(&d, m, 2 * MIB, 2, 0, FROM_SOFTIRQ);
	CHECK(write(down[1], "x", 1) == 1);
	CHECK(read(up[0], &c, 1) == 1);
	expect_device_reads(&d, m, 2 * MIB, 2, 0, 0);
	expect_device_reads(&d, m + 2 * MIB, 2 * MIB, 1, 2 * MIB, 0);
	device_writes(&d, m, 4 * MIB, 4, 0, 0);
	CHECK(write(down[1], "x", 1) == 1);
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	CHECK(pattern_is(m, 4 * MIB, 4, 0));
	device_close(&d);
}

static void moved(void)
{
	struct device d;
	char *m = map_anon(2 * CHUNK, CHUNK);
	char *to = map_anon(2 * CHUNK, CHUNK);

	device_open(&d);
	device_writes(&d, m, 2 * CHUNK, 1, 0, 0);
	CHECK(mremap(m, 2 * CHUNK, 2 * CHUNK, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	CHECK(device_fault(&d, m, 1, false, 0) == -EFAULT);
	expect_device_reads(&d, to, 2 * CHUNK, 1, 0, 0);
	device_writes(&d, to, 2 * CHUNK, 2, 0, 0);
	CHECK(pattern_is(to, 2 * CHUNK, 2, 0));
	device_close(&d);
}

static void thp(void)
{
	struct device d;
	char *m = map_anon(4 * CHUNK, CHUNK);
	unsigned int i;

	device_open(&d);
	for (i = 0; i < 8; i++) {
		CHECK(madvise(m, 4 * CHUNK, i & 1 ? MADV_HUGEPAGE : MADV_NOHUGEPAGE) == 0);
		device_writes(&d, m, 4 * CHUNK, i, 0, i & 2 ? FROM_SOFTIRQ : 0);
		CHECK(pattern_is(m, 4 * CHUNK, i, 0));
		/* split by a change of part of it */
		CHECK(mprotect(m + PAGE, 3 * PAGE, PROT_READ) == 0);
		expect_device_reads(&d, m, 4 * CHUNK, i, 0, 0);
		CHECK(device_fault(&d, m + PAGE, 1, true, 0) == -EFAULT);
		CHECK(mprotect(m + PAGE, 3 * PAGE, PROT_READ | PROT_WRITE) == 0);
		CHECK(madvise(m, 4 * CHUNK, MADV_HUGEPAGE) == 0);
		madvise(m, 4 * CHUNK, MADV_COLLAPSE);
		expect_device_reads(&d, m, 4 * CHUNK, i, 0, 0);
		device_writes(&d, m + 3, 4 * CHUNK - 3, i + 50, 3, 0);
		CHECK(pattern_is(m, 3, i, 0));
		CHECK(pattern_is(m + 3, 4 * CHUNK - 3, i + 50, 3));
		if (i & 4)
			madvise(m, 4 * CHUNK, MADV_DONTNEED);
	}
	device_close(&d);
}

static void compacted(void)
{
	struct device d;
	char *m = map_anon(6 * CHUNK, CHUNK);
	unsigned int round, i;
	int fd = open("/proc/sys/vm/compact_memory", O_WRONLY);

	if (fd < 0)
		test_skip("no way to ask for it");
	madvise(m, 6 * CHUNK, MADV_NOHUGEPAGE);
	device_open(&d);
	device_writes(&d, m, 6 * CHUNK, 1, 0, 0);
	for (round = 0; round < 3; round++) {
		/* holes everywhere, so that there is something to compact */
		for (i = 0; i < 6 * 512; i++)
			if (i % 4 != round)
				madvise(m + i * PAGE, PAGE, MADV_DONTNEED);
		for (i = 0; i < 6 * 512; i++)
			if (i % 4 != round)
				device_writes(&d, m + i * PAGE, PAGE, 1, i * PAGE, 0);
		CHECK(write(fd, "1", 1) == 1);
		expect_device_reads(&d, m, 6 * CHUNK, 1, 0, FROM_SOFTIRQ);
		CHECK(pattern_is(m, 6 * CHUNK, 1, 0));
	}
	close(fd);
	device_close(&d);
}

static void read_only(void)
{
	struct device d;
	char name[] = "/tmp/mirror-XXXXXX", buf[16];
	int fd = mkstemp(name);
	char *data = malloc(CHUNK), *m, *p;

	CHECK(fd >= 0);
	unlink(name);
	pattern_fill(data, CHUNK, 1, 0);
	CHECK(write(fd, data, CHUNK) == (ssize_t)CHUNK);
	m = mmap(NULL, CHUNK, PROT_READ, MAP_SHARED, fd, 0);
	p = mmap(NULL, CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(m != MAP_FAILED && p != MAP_FAILED);
	device_open(&d);
	expect_device_reads(&d, m, CHUNK, 1, 0, 0);
	CHECK(device_write(&d, m, buf, 16, 0, NULL) == -EFAULT);
	CHECK(device_write(&d, m, buf, 16, FAULT_ASYNC | FROM_SOFTIRQ, NULL) == -EFAULT);
	/* a private mapping is read from the file, and written beside it */
	expect_device_reads(&d, p, CHUNK, 1, 0, 0);
	device_writes(&d, p + 100, MIB, 2, 0, 0);
	CHECK(pattern_is(p, 100, 1, 0) && pattern_is(p + 100, MIB, 2, 0));
	CHECK(pattern_is(m, CHUNK, 1, 0));
	expect_device_reads(&d, m, CHUNK, 1, 0, 0);
	device_close(&d);
}

static void memfd_truncation(void)
{
	struct device d;
	int fd = memfd_create("mirror", 0);
	char *m, *data = malloc(CHUNK);
	size_t done = 0;

	CHECK(fd >= 0 && ftruncate(fd, CHUNK) == 0);
	m = mmap(NULL, CHUNK, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(m != MAP_FAILED);
	device_open(&d);
	device_writes(&d, m, CHUNK, 1, 0, 0);
	CHECK(pread(fd, data, CHUNK, 0) == (ssize_t)CHUNK);
	CHECK(pattern_is(data, CHUNK, 1, 0));
	CHECK(ftruncate(fd, MIB) == 0);
	CHECK(device_read(&d, m, data, CHUNK, 0, &done) == -EFAULT);
	CHECK(done == MIB && pattern_is(data, MIB, 1, 0));
	CHECK(device_fault(&d, m + MIB, 1, true, FAULT_ASYNC) == -EFAULT);
	CHECK(ftruncate(fd, CHUNK) == 0);
	expect_device_reads_zero(&d, m + MIB, MIB);
	device_writes(&d, m, CHUNK, 2, 0, 0);
	/* a hole punched into it */
	CHECK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, PAGE, PAGE) == 0);
	expect_device_reads_zero(&d, m + PAGE, PAGE);
	expect_device_reads(&d, m + 2 * PAGE, CHUNK - 2 * PAGE, 2, 2 * PAGE, 0);
	device_close(&d);
}

static void hugetlb_pages(void)
{
	struct device d;
	char *m = mmap(NULL, 2 * CHUNK, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	int status;
	pid_t child;

	if (m == MAP_FAILED)
		test_skip("no huge pages set aside");
	device_open(&d);
	device_writes(&d, m, 2 * CHUNK, 1, 0, 0);
	CHECK(device_resident(&d) == 1024);
	CHECK(pattern_is(m, 2 * CHUNK, 1, 0));
	child = fork();
	if (!child) {
		CHECK(pattern_is(m, 2 * CHUNK, 1, 0));
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	device_writes(&d, m, 2 * CHUNK, 2, 0, FROM_SOFTIRQ);
	CHECK(pattern_is(m, 2 * CHUNK, 2, 0));
	CHECK(madvise(m, CHUNK, MADV_DONTNEED) == 0);
	expect_device_reads_zero(&d, m, CHUNK);
	munmap(m, CHUNK);
	CHECK(device_fault(&d, m, 1, false, 0) == -EFAULT);
	expect_device_reads(&d, m + CHUNK, CHUNK, 2, CHUNK, 0);
	munmap(m + CHUNK, CHUNK);
	device_close(&d);
}

const struct test_case cases_mm[] = {
	{ "munmap and mmap", remap },
	{ "MADV_DONTNEED", dontneed },
	{ "mprotect", protect },
	{ "fork, writes on both sides", fork_cow },
	{ "mremap", moved },
	{ "THP on, off, split, collapse", thp },
	{ "compaction", compacted },
	{ "read-only and private file mappings", read_only },
	{ "memfd truncation and hole", memfd_truncation },
	{ "huge pages set aside", hugetlb_pages },
	{}
};
