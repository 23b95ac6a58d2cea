// SPDX-License-Identifier: GPL-2.0
/* The test device, and patterns. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "test.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

void device_open(struct device *d)
{
	d->fd = open("/dev/hmmodp_selftest", O_RDWR | O_CLOEXEC);
	CHECK(d->fd >= 0);
}

void device_close(struct device *d)
{
	close(d->fd);
	d->fd = -1;
}

static int io(struct device *d, const void *va, void *buf, size_t len,
	      unsigned int flags, size_t *done)
{
	struct hmmodp_selftest_io a = {
		.va = (uintptr_t)va, .buf = (uintptr_t)buf, .len = len,
		.flags = flags,
	};

	if (ioctl(d->fd, HMMODP_SELFTEST_IO, &a))
		return -errno;
	if (done)
		*done = a.done;
	return a.err;
}

int device_read(struct device *d, const void *va, void *buf, size_t len,
		unsigned int flags, size_t *done)
{
	return io(d, va, buf, len, flags, done);
}

int device_write(struct device *d, void *va, const void *buf, size_t len,
		 unsigned int flags, size_t *done)
{
	return io(d, va, (void *)buf, len, flags | HMMODP_SELFTEST_WRITE, done);
}

int device_add(struct device *d, __u64 *va, unsigned int flags)
{
	return io(d, va, NULL, sizeof(*va),
		  flags | HMMODP_SELFTEST_WRITE | HMMODP_SELFTEST_ADD, NULL);
}

static int fault_by(struct device *d, unsigned long cmd, const void *va, size_t len,
		    bool write, unsigned int flags)
{
	struct hmmodp_selftest_fault a = {
		.va = (uintptr_t)va, .len = len,
		.flags = flags | (write ? HMMODP_SELFTEST_WRITE : 0),
	};

	CHECK(!ioctl(d->fd, cmd, &a));
	return a.err;
}

int device_fault(struct device *d, const void *va, size_t len, bool write,
		 unsigned int flags)
{
	return fault_by(d, HMMODP_SELFTEST_FAULT, va, len, write, flags);
}

int device_prefetch(struct device *d, const void *va, size_t len, bool write,
		    unsigned int flags)
{
	return fault_by(d, HMMODP_SELFTEST_PREFETCH, va, len, write, flags);
}

bool device_cancel(struct device *d, const void *va, size_t len, bool write,
		   unsigned int after_us)
{
	struct hmmodp_selftest_fault a = {
		.va = (uintptr_t)va, .len = len, .cancel_after_us = after_us,
		.flags = write ? HMMODP_SELFTEST_WRITE : 0,
	};

	CHECK(!ioctl(d->fd, HMMODP_SELFTEST_CANCEL, &a));
	return a.called;
}

struct hmmodp_selftest_stats device_stats(struct device *d)
{
	struct hmmodp_selftest_stats s;

	CHECK(!ioctl(d->fd, HMMODP_SELFTEST_STATS, &s));
	return s;
}

long device_resident(struct device *d)
{
	struct hmmodp_selftest_stats s = device_stats(d);

	return s.page_faults + s.page_prefetch - s.page_invalidations - s.page_reclaims;
}

__u64 random_next(__u64 *state)
{
	__u64 x = *state += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

static __u64 pattern_word(__u64 seed, size_t index)
{
	__u64 state = seed * 0x10001 + index;

	return random_next(&state);
}

/* The pattern's bytes up to the end of a word of it, or of @len; returns how many. */
static size_t pattern_piece(__u64 seed, size_t offset, size_t len, __u64 *word)
{
	size_t n = 8 - offset % 8;

	*word = pattern_word(seed, offset / 8) >> offset % 8 * 8;
	return n < len ? n : len;
}

void pattern_fill(void *buf, size_t len, __u64 seed, size_t offset)
{
	__u8 *p = buf;
	__u64 word;
	size_t n;

	for (; len; p += n, offset += n, len -= n) {
		n = pattern_piece(seed, offset, len, &word);
		memcpy(p, &word, n);
	}
}

bool pattern_is(const void *buf, size_t len, __u64 seed, size_t offset)
{
	const __u8 *p = buf;
	__u64 word;
	size_t n;

	for (; len; p += n, offset += n, len -= n) {
		n = pattern_piece(seed, offset, len, &word);
		if (memcmp(p, &word, n))
			return false;
	}
	return true;
}

void expect_device_reads(struct device *d, const void *va, size_t len,
			 __u64 seed, size_t offset, unsigned int flags)
{
	size_t done = 0;
	void *buf = malloc(len);

	CHECK(buf);
	memset(buf, 0xee, len);
	CHECK(device_read(d, va, buf, len, flags, &done) == 0);
	CHECK(done == len);
	CHECK(pattern_is(buf, len, seed, offset));
	free(buf);
}

void device_writes(struct device *d, void *va, size_t len, __u64 seed,
		   size_t offset, unsigned int flags)
{
	size_t done = 0;
	void *buf = malloc(len);

	CHECK(buf);
	pattern_fill(buf, len, seed, offset);
	CHECK(device_write(d, va, buf, len, flags, &done) == 0);
	CHECK(done == len);
	free(buf);
}

void expect_device_reads_zero(struct device *d, const void *va, size_t len)
{
	char *buf = malloc(len);
	size_t i;

	CHECK(buf);
	memset(buf, 0xee, len);
	CHECK(device_read(d, va, buf, len, 0, NULL) == 0);
	for (i = 0; i < len; i++)
		CHECK(buf[i] == 0);
	free(buf);
}

/* What the device has just used looks young, and is only noted the first time. */
void page_out(void *va, size_t len)
{
	int i;

	for (i = 0; i < 3; i++)
		CHECK(madvise(va, len, MADV_PAGEOUT) == 0);
}

void *map_anon(size_t len, size_t align)
{
	char *p, *aligned;

	p = mmap(NULL, len + align, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHECK(p != MAP_FAILED);
	aligned = (char *)(((uintptr_t)p + align - 1) & ~(align - 1));
	if (aligned > p)
		munmap(p, aligned - p);
	munmap(aligned + len, p + align - aligned);
	return aligned;
}
