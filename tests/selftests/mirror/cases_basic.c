// SPDX-License-Identifier: GPL-2.0
/* Access, fault, cancel and counters on memory that nothing disturbs. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "test.h"

static const unsigned int modes[] = {
	0, FROM_SOFTIRQ, FAULT_ASYNC, FROM_SOFTIRQ | FAULT_ASYNC,
};

static void any_offset_and_length(void)
{
	const size_t size = 3 * CHUNK;	/* whole chunks: they hold nothing else */
	__u64 rnd = 1;
	struct device d;
	unsigned int i;
	char *m;

	device_open(&d);
	for (i = 0; i < 100; i++) {
		unsigned int flags = modes[i % 4];
		size_t off, len;

		m = map_anon(size, CHUNK);
		if (i & 4)
			madvise(m, size, MADV_NOHUGEPAGE);
		off = random_next(&rnd) % size;
		len = 1 + random_next(&rnd) % (i & 8 ? 3 * MIB : 20000);
		if (len > size - off)
			len = size - off;
		pattern_fill(m + off, len, i, off);
		expect_device_reads(&d, m + off, len, i, off, flags);
		device_writes(&d, m + off, len, i + 1000, off, flags);
		CHECK(pattern_is(m + off, len, i + 1000, off));
		CHECK(!off || m[off - 1] == 0);
		CHECK(off + len == size || m[off + len] == 0);
		munmap(m, size);
	}
	CHECK(device_resident(&d) == 0);
	device_close(&d);
}

/* Memory nobody has touched: the device's write is the first. */
static void first_touch(void)
{
	struct device d;
	char *m = map_anon(8 * MIB, CHUNK);

	device_open(&d);
	expect_device_reads_zero(&d, m, 3 * PAGE);
	device_writes(&d, m + 100, 4 * MIB, 7, 0, FROM_SOFTIRQ);
	CHECK(pattern_is(m + 100, 4 * MIB, 7, 0));
	CHECK(m[99] == 0 && m[100 + 4 * MIB] == 0);
	device_close(&d);
	/* still there without the mirror */
	CHECK(pattern_is(m + 100, 4 * MIB, 7, 0));
}

static void counters(void)
{
	struct hmmodp_selftest_stats s;
	struct device d;
	char *m = map_anon(4 * MIB, CHUNK);

	madvise(m, 4 * MIB, MADV_NOHUGEPAGE);
	device_open(&d);
	CHECK(device_fault(&d, m, 10 * PAGE, true, 0) == 0);
	s = device_stats(&d);
	CHECK(s.page_faults == 10);
	CHECK(s.page_invalidations == 0);
	CHECK(s.page_prefetch == 0);
	CHECK(s.fault_errors == 0);

	/* present: nothing to do */
	CHECK(device_fault(&d, m + 1, 9 * PAGE, true, FAULT_ASYNC) == 0);
	CHECK(device_stats(&d).page_faults == 10);

	/* a page taken away is one invalidation, and one fault again */
	CHECK(madvise(m + 3 * PAGE, PAGE, MADV_DONTNEED) == 0);
	CHECK(device_stats(&d).page_invalidations == 1);
	CHECK(device_fault(&d, m, 10 * PAGE, false, 0) == 0);
	CHECK(device_stats(&d).page_faults == 11);

	/* what the process touched before comes along */
	memset(m + CHUNK, 1, CHUNK);
	CHECK(device_fault(&d, m + CHUNK + 77 * PAGE, 1, false, 0) == 0);
	CHECK(device_resident(&d) == 10 + 512);
	/* but only in the chunk that was asked for, and not what is untouched */
	munmap(m, 4 * MIB);
	CHECK(device_resident(&d) == 0);

	CHECK(device_fault(&d, m, 1, false, 0) == -EFAULT);
	CHECK(device_stats(&d).fault_errors == 1);
	device_close(&d);
}

static void huge_leaf(void)
{
	struct device d;
	char *m = map_anon(4 * MIB, CHUNK);

	CHECK(madvise(m, 4 * MIB, MADV_HUGEPAGE) == 0);
	device_open(&d);
	CHECK(device_fault(&d, m, CHUNK, true, 0) == 0);
	if (device_resident(&d) != 512)
		test_skip("no huge page was to be had");
	device_writes(&d, m, CHUNK, 3, 0, NO_FAULT);
	/* part of it goes, so all of it must be asked for again */
	CHECK(madvise(m + 5 * PAGE, PAGE, MADV_DONTNEED) == 0);
	CHECK(device_resident(&d) == 0);
	CHECK(pattern_is(m, 5 * PAGE, 3, 0));
	CHECK(pattern_is(m + 6 * PAGE, CHUNK - 6 * PAGE, 3, 6 * PAGE));
	expect_device_reads_zero(&d, m + 5 * PAGE, PAGE);
	expect_device_reads(&d, m + 6 * PAGE, CHUNK - 6 * PAGE, 3, 6 * PAGE, 0);
	device_writes(&d, m, CHUNK, 4, 0, 0);
	CHECK(pattern_is(m, CHUNK, 4, 0));
	device_close(&d);
}

static void bad_addresses(void)
{
	struct device d;
	size_t done;
	char *m = map_anon(4 * CHUNK, CHUNK);
	char *buf = malloc(4 * CHUNK);
	unsigned int i;

	device_open(&d);
	munmap(m + CHUNK + 7 * PAGE, PAGE);
	pattern_fill(m, CHUNK + 7 * PAGE, 9, 0);
	for (i = 0; i < 4; i++) {
		unsigned int f = modes[i];

		/* all bytes up to the hole, and not one more */
		done = 0;
		CHECK(device_read(&d, m + 11, buf, 3 * CHUNK, f, &done) == -EFAULT);
		CHECK(done == CHUNK + 7 * PAGE - 11);
		CHECK(pattern_is(buf, done, 9, 11));
		done = 0;
		CHECK(device_write(&d, m + 11, buf, 3 * CHUNK, f, &done) == -EFAULT);
		CHECK(done == CHUNK + 7 * PAGE - 11);
		CHECK(device_read(&d, NULL, buf, 1, f, NULL) == -EFAULT);
		CHECK(device_read(&d, (void *)-PAGE, buf, PAGE, f, NULL) == -EFAULT);
		CHECK(device_read(&d, (void *)-1, buf, PAGE, f, NULL) == -EFAULT);
		CHECK(device_read(&d, (void *)0x7fffffffe000, buf, MIB, f, NULL) == -EFAULT);
		CHECK(device_read(&d, (void *)0xffff888000000000, buf, 8, f, NULL) == -EFAULT);
	}
	CHECK(device_fault(&d, m, SIZE_MAX, false, 0) == -EFAULT);
	device_close(&d);
}

static void cancel(void)
{
	struct device d;
	__u64 rnd = 5;
	unsigned int i, called = 0, most = 5000;	/* microseconds */
	char *m;

	device_open(&d);
	for (i = 0; i < 400; i++) {
		m = map_anon(CHUNK, PAGE);
		called += device_cancel(&d, m, CHUNK, true,
					random_next(&rnd) % (i % 8 ? 200 : most));
		munmap(m, CHUNK);
		/* a slow machine needs longer */
		if (!called && most < 1000000 && i % 8 == 0)
			most *= 2;
	}
	/* both outcomes were seen */
	CHECK(called > 0);
	CHECK(called < 400);
	device_close(&d);
}

static __u64 counted_word;

static void *cpu_adds(void *arg)
{
	unsigned int i;

	(void)arg;
	for (i = 0; i < 30000; i++)
		__atomic_fetch_add(&counted_word, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void atomics(void)
{
	struct device d;
	pthread_t t;
	unsigned int i;

	device_open(&d);
	CHECK(pthread_create(&t, NULL, cpu_adds, NULL) == 0);
	for (i = 0; i < 3000; i++)
		CHECK(device_add(&d, &counted_word, modes[i % 4]) == 0);
	pthread_join(t, NULL);
	CHECK(counted_word == 33000);
	device_close(&d);
}

/* The price of a device must not depend on how much memory may be reached. */
static void many_devices(void)
{
	struct device d[64];
	char *m = map_anon(CHUNK, CHUNK);
	unsigned int i;

	for (i = 0; i < 64; i++)
		device_open(&d[i]);
	for (i = 0; i < 64; i++)
		device_writes(&d[i], m + i * 5000, 5000, i, 0, modes[i % 4]);
	for (i = 0; i < 64; i++) {
		CHECK(pattern_is(m + i * 5000, 5000, i, 0));
		expect_device_reads(&d[63 - i], m + i * 5000, 5000, i, 0, 0);
	}
	munmap(m, CHUNK);
	for (i = 0; i < 64; i++) {
		CHECK(device_resident(&d[i]) == 0);
		device_close(&d[i]);
	}
}

const struct test_case cases_basic[] = {
	{ "any offset and length", any_offset_and_length },
	{ "first touch by the device", first_touch },
	{ "counters", counters },
	{ "huge leaf", huge_leaf },
	{ "bad addresses", bad_addresses },
	{ "cancelled faults", cancel },
	{ "atomics against the CPU's", atomics },
	{ "many devices", many_devices },
	{}
};
