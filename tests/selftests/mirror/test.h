/* SPDX-License-Identifier: GPL-2.0 */
/* What the tests of the mirror share. */
#ifndef MIRROR_TEST_H
#define MIRROR_TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdnoreturn.h>
#include <linux/hmmodp-selftest.h>

#define KIB		1024UL
#define MIB		(1024 * KIB)
#define PAGE		4096UL
#define CHUNK		(2 * MIB)

/* How an access is made: any of these must behave the same. */
#define FROM_SOFTIRQ	HMMODP_SELFTEST_SOFTIRQ
#define FAULT_ASYNC	HMMODP_SELFTEST_ASYNC
#define NO_FAULT	HMMODP_SELFTEST_NOFAULT

/* main.c: a case fails by a check, or skips; both end the process of the case. */
#define CHECK(cond) do { \
	if (!(cond)) \
		test_fail(__FILE__, __LINE__, #cond); \
} while (0)
noreturn void test_fail(const char *file, int line, const char *what);
noreturn void test_skip(const char *why);

struct test_case {
	const char *name;
	void (*run)(void);
};

extern const struct test_case cases_basic[], cases_mm[], cases_swap[], cases_user[], cases_more[];
extern const char *test_dir;	/* a file system on a block device, or NULL */

/* device.c: the device of this process */
struct device {
	int fd;
};

void device_open(struct device *d);
void device_close(struct device *d);
/* Return 0 or the error; *done, if wanted, gets the bytes. */
int device_read(struct device *d, const void *va, void *buf, size_t len,
		unsigned int flags, size_t *done);
int device_write(struct device *d, void *va, const void *buf, size_t len,
		 unsigned int flags, size_t *done);
int device_add(struct device *d, __u64 *va, unsigned int flags);
int device_fault(struct device *d, const void *va, size_t len, bool write,
		 unsigned int flags);
int device_prefetch(struct device *d, const void *va, size_t len, bool write,
		    unsigned int flags);
bool device_cancel(struct device *d, const void *va, size_t len, bool write,
		   unsigned int after_us);
struct hmmodp_selftest_stats device_stats(struct device *d);
/* Pages the mirror holds, by its own count. */
long device_resident(struct device *d);

/* Bytes that tell where and when they were written. */
void pattern_fill(void *buf, size_t len, __u64 seed, size_t offset);
bool pattern_is(const void *buf, size_t len, __u64 seed, size_t offset);
__u64 random_next(__u64 *state);

/* The device reads, or writes, a pattern; the other side is checked. */
void expect_device_reads(struct device *d, const void *va, size_t len,
			 __u64 seed, size_t offset, unsigned int flags);
void device_writes(struct device *d, void *va, size_t len, __u64 seed,
		   size_t offset, unsigned int flags);
void expect_device_reads_zero(struct device *d, const void *va, size_t len);

void *map_anon(size_t len, size_t align);
/* HMMODP_SLOW: so many times as long as usual it takes here. */
unsigned int slowness(void);
/* To swap. */
void page_out(void *va, size_t len);

/* stress.c */
int stress(unsigned int seconds, __u64 seed);

#endif
