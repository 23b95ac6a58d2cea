/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR BSD-2-Clause */
/*
 * /dev/hmmodp_selftest: the mirror's interface for tests. Each open file is a
 * device of its own with a mirror of the process that opened it, and may be
 * used by others.
 */
#ifndef HMMODP_SELFTEST_H
#define HMMODP_SELFTEST_H

#include <linux/ioctl.h>
#include <linux/types.h>

enum {
	HMMODP_SELFTEST_WRITE	= 1 << 0,	/* else read */
	HMMODP_SELFTEST_SOFTIRQ	= 1 << 1,	/* access from there */
	HMMODP_SELFTEST_ASYNC	= 1 << 2,	/* fault on the work queue */
	HMMODP_SELFTEST_NOFAULT	= 1 << 3,	/* access, prefetch: what is there */
	HMMODP_SELFTEST_ADD	= 1 << 4,	/* WRITE: add 1 to a 64-bit word */
};

/* The mirrored process's bytes at @va from or to the caller's @buf. */
struct hmmodp_selftest_io {
	__u64 va;
	__u64 len;
	__u64 buf;
	__u32 flags;
	__s32 err;		/* out: of the fault that ended it, or 0 */
	__u64 done;		/* out: bytes */
	__u64 faults;		/* out: calls */
};

struct hmmodp_selftest_fault {
	__u64 va;
	__u64 len;
	__u32 flags;
	__s32 err;		/* out */
	__u32 cancel_after_us;	/* CANCEL */
	__u32 called;		/* CANCEL, out: done was called before */
};

struct hmmodp_selftest_stats {
	__u64 page_faults;
	__u64 page_invalidations;
	__u64 page_prefetch;
	__u64 page_reclaims;
	__u64 fault_retries;
	__u64 fault_errors;
	__u64 prefetches;
	__u64 prefetch_errors;
};

#define HMMODP_SELFTEST_IO	_IOWR('h', 1, struct hmmodp_selftest_io)
#define HMMODP_SELFTEST_FAULT	_IOWR('h', 2, struct hmmodp_selftest_fault)
#define HMMODP_SELFTEST_CANCEL	_IOWR('h', 3, struct hmmodp_selftest_fault)
#define HMMODP_SELFTEST_PREFETCH _IOWR('h', 5, struct hmmodp_selftest_fault)
#define HMMODP_SELFTEST_STATS	_IOR('h', 4, struct hmmodp_selftest_stats)

#endif
