// SPDX-License-Identifier: GPL-2.0
/* The kernel's own users, with memory of a process: pinned, on demand, prefetched. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/hroce-selftest.h>
#include "loop.h"

enum {
	BYTES = 1 << 20,
	ACCESS = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ,
};

struct kernel_user {
	int fd;
	struct rc_dev *d;
	uint8_t *from, *to;
	struct hroce_selftest_move move;
};

static void interface_of(struct kernel_user *u)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/class/infiniband/%s/ports/1/gid_attrs/ndevs/%u",
		 ibv_get_device_name(u->d->ctx->device), u->move.gid_index);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%15s", u->move.ifname) != 1)
		rc_die_errno("%s", path);
	fclose(f);
}

static uint8_t *area(void)
{
	void *m = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (m == MAP_FAILED)
		rc_die_errno("mmap");
	return m;
}

/* Status of moving @len bytes at @skew, which @to is asked to hold, into new pages. */
static unsigned int moves(struct kernel_user *u, enum hroce_selftest_op op, int access,
			  uint32_t skew, uint32_t len)
{
	struct hroce_selftest_move *a = &u->move;

	EXPECT(!madvise(u->to, BYTES, MADV_DONTNEED));
	a->op = op;
	a->access = access;
	a->from = (uintptr_t)u->from + skew;
	a->to = (uintptr_t)u->to + skew + 1;
	a->length = len;
	if (ioctl(u->fd, HROCE_SELFTEST_MOVE, a))
		rc_die_errno("HROCE_SELFTEST_MOVE of %u bytes, op %u, access %x", len, op, access);
	return a->status;
}

static void all_moves(struct kernel_user *u, int access)
{
	static const uint32_t lengths[] = { 1, 4095, 70001, BYTES - 8 };
	enum hroce_selftest_op op;
	unsigned int i;

	for (op = HROCE_SELFTEST_SEND; op <= HROCE_SELFTEST_READ; op++) {
		for (i = 0; i < RC_ARRAY_SIZE(lengths); i++) {
			uint32_t skew = 3 + i, len = lengths[i];

			rc_fill(op * 16 + i, u->from, BYTES);
			EXPECT_EQ(moves(u, op, access, skew, len), IBV_WC_SUCCESS);
			EXPECT_EQ(rc_differ(u->from + skew, u->to + skew + 1, len), len);
			/* and nothing beside */
			EXPECT(!u->to[skew] && !u->to[skew + 1 + len]);
		}
	}
}

/* Memory that is not there is found out at registration, or at the access. */
static void holes(struct kernel_user *u)
{
	struct hroce_selftest_move *a = &u->move;

	EXPECT(!munmap(u->to + BYTES / 2, 4096));
	a->access = ACCESS;
	EXPECT(ioctl(u->fd, HROCE_SELFTEST_MOVE, a) && errno == EFAULT);
	a->access = ACCESS | IBV_ACCESS_ON_DEMAND;
	a->op = HROCE_SELFTEST_WRITE;
	EXPECT(!ioctl(u->fd, HROCE_SELFTEST_MOVE, a));
	EXPECT_EQ(a->status, IBV_WC_REM_ACCESS_ERR);
	a->op = HROCE_SELFTEST_READ;	/* into it */
	EXPECT(!ioctl(u->fd, HROCE_SELFTEST_MOVE, a));
	EXPECT_EQ(a->status, IBV_WC_LOC_PROT_ERR);
	a->access |= IBV_ACCESS_MW_BIND << 12;	/* none that there is */
	EXPECT(ioctl(u->fd, HROCE_SELFTEST_MOVE, a) && errno == EOPNOTSUPP);
}

void case_kernel_user(struct rc_dev *d)
{
	struct kernel_user u = { .d = d, .move.gid_index = d->gid_index };
	long faults, prefetched;

	u.fd = open("/dev/hroce_selftest", O_RDWR | O_CLOEXEC);
	if (u.fd < 0)
		rc_die_errno("hroce_selftest");
	interface_of(&u);
	u.from = area();
	u.to = area();

	faults = loop_counter(d, "page_faults");
	all_moves(&u, ACCESS);
	EXPECT_EQ(loop_counter(d, "page_faults"), faults);
	all_moves(&u, ACCESS | IBV_ACCESS_ON_DEMAND);
	EXPECT(loop_counter(d, "page_faults") > faults + BYTES / 4096);
	prefetched = loop_counter(d, "page_prefetch");
	u.move.prefetch = 1;
	all_moves(&u, ACCESS | IBV_ACCESS_ON_DEMAND);
	EXPECT(loop_counter(d, "page_prefetch") > prefetched + BYTES / 4096);
	u.move.prefetch = 0;
	holes(&u);
	close(u.fd);
}
