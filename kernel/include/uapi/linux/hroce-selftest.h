/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR BSD-2-Clause */
/*
 * /dev/hroce_selftest: what a kernel user does with memory of a process, as RDS
 * does. Each move makes its own queue pairs and regions. And dma-bufs whose exporter
 * moves them, as that of a GPU does, unless they are pinned.
 */
#ifndef HROCE_SELFTEST_H
#define HROCE_SELFTEST_H

#include <linux/ioctl.h>
#include <linux/types.h>

enum hroce_selftest_op {
	HROCE_SELFTEST_SEND,
	HROCE_SELFTEST_WRITE,
	HROCE_SELFTEST_READ,
};

/*
 * Move the caller's @length bytes at @from to @to, from one queue pair of the device
 * to another. Errors: ENODEV; of the verb that failed; ETIMEDOUT: no completion in 30 s.
 */
struct hroce_selftest_move {
	char ifname[16];	/* the device's network interface, with its NUL */
	__u64 from;
	__u64 to;
	__u64 length;		/* at most 2^31 */
	__u32 gid_index;
	__u32 op;		/* enum hroce_selftest_op */
	__u32 access;		/* IB_ACCESS_*, of both regions */
	__u32 prefetch;		/* 1: all of it, before */
	__u32 status;		/* out: enum ib_wc_status, the first that is none of success */
	__u32 reserved;		/* 0 */
};

#define HROCE_SELFTEST_MOVE	_IOWR('h', 64, struct hroce_selftest_move)

/* Returns the file of a new buffer of so many bytes, whole pages; ENOMEM, EINVAL. */
#define HROCE_SELFTEST_BUFFER		_IOW('h', 65, __u64)
/* Move the buffer of a file to other pages, with what is in it. EBUSY: it is pinned. */
#define HROCE_SELFTEST_BUFFER_MOVE	_IOW('h', 66, __s32)

#endif
