// SPDX-License-Identifier: GPL-2.0
/* userfaultfd: faults that user space answers. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mem.h"
#include "uffd.h"
#include "util.h"

int rc_uffd_open(uint64_t mode, int flags)
{
	struct uffdio_api api = { .api = UFFD_API, .features = UFFD_FEATURE_THREAD_ID };
	int fd;

	if (mode & UFFDIO_REGISTER_MODE_WP)
		api.features |= UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_WP_HUGETLBFS_SHMEM;
	fd = syscall(SYS_userfaultfd, flags | O_NONBLOCK);
	if (fd < 0 || ioctl(fd, UFFDIO_API, &api))
		rc_die_errno("userfaultfd");
	return fd;
}

void rc_uffd_register(int fd, uint64_t mode, void *at, size_t len)
{
	struct uffdio_register r = { .range = { (uintptr_t)at, len }, .mode = mode };

	if (ioctl(fd, UFFDIO_REGISTER, &r))
		rc_die_errno("UFFDIO_REGISTER");
}

/* Is it the number of a thread of ours? */
static bool our_thread(unsigned int tid)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/self/task/%u", tid);
	return !access(path, F_OK);
}

bool rc_uffd_next(int fd, int ms, struct rc_uffd_fault *fault)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct uffd_msg msg;

	if (poll(&p, 1, ms) <= 0)
		return false;
	if (read(fd, &msg, sizeof(msg)) != sizeof(msg)) {
		if (errno == EAGAIN)
			return false;
		rc_die_errno("read of a userfaultfd");
	}
	if (msg.event != UFFD_EVENT_PAGEFAULT)
		rc_die("userfaultfd event %u", msg.event);
	*fault = (struct rc_uffd_fault){
		.at = (uint8_t *)(uintptr_t)(msg.arg.pagefault.address & ~(__u64)(RC_PAGE - 1)),
		.protected = msg.arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP,
		.foreign = !our_thread(msg.arg.pagefault.feat.ptid),
	};
	return true;
}

bool rc_uffd_copy(int fd, void *at, const void *bytes, size_t len)
{
	struct uffdio_range wake = { (uintptr_t)at, len };
	struct uffdio_copy copy = {
		.dst = (uintptr_t)at, .src = (uintptr_t)bytes, .len = len,
	};

	while (ioctl(fd, UFFDIO_COPY, &copy)) {
		if (errno == EEXIST) {
			ioctl(fd, UFFDIO_WAKE, &wake);
			return false;
		}
		if (errno != EAGAIN)
			rc_die_errno("UFFDIO_COPY");
	}
	return true;
}

void rc_uffd_protect(int fd, void *at, size_t len, bool on)
{
	struct uffdio_writeprotect wp = {
		.range = { (uintptr_t)at, len }, .mode = on ? UFFDIO_WRITEPROTECT_MODE_WP : 0,
	};

	while (ioctl(fd, UFFDIO_WRITEPROTECT, &wp))
		if (errno != EAGAIN)
			rc_die_errno("UFFDIO_WRITEPROTECT");
}
