/* SPDX-License-Identifier: GPL-2.0 */
/* userfaultfd: faults that user space answers. */
#ifndef RC_UFFD_H
#define RC_UFFD_H

#include <linux/userfaultfd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifndef UFFD_FEATURE_WP_HUGETLBFS_SHMEM
#define UFFD_FEATURE_WP_HUGETLBFS_SHMEM (1 << 12)
#endif

struct rc_uffd_fault {
	uint8_t *at;		/* start of the small page */
	bool protected;		/* a write to a protected page, else a missing page */
	bool foreign;		/* not of this process: of the device */
};

/* @mode: UFFDIO_REGISTER_MODE_*; @flags: O_CLOEXEC or 0. Returns the descriptor. */
int rc_uffd_open(uint64_t mode, int flags);
void rc_uffd_register(int fd, uint64_t mode, void *at, size_t len);
/* Waits up to @ms for a fault. */
bool rc_uffd_next(int fd, int ms, struct rc_uffd_fault *fault);
/* Give missing memory its bytes; false if it is there already. */
bool rc_uffd_copy(int fd, void *at, const void *bytes, size_t len);
/* Allow or forbid writing; who waits for it is woken. */
void rc_uffd_protect(int fd, void *at, size_t len, bool on);

#endif
