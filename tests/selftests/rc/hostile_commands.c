// SPDX-License-Identifier: GPL-2.0
/* uverbs commands of odd sizes, and mappings of odd offsets. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/ib_user_verbs.h>
#include <rdma/rdma_user_ioctl_cmds.h>

#include "hostile.h"

#define COMMAND_WORDS	96
#define MAX_ATTRS	8

static uint8_t answer[4096] __attribute__((aligned(8)));

/* Small numbers are handles, indices and counts; pointers lead to the answer. */
static uint32_t some_word(struct rc_rng *r)
{
	switch (rc_below(r, 4)) {
	case 0:
		return rc_rng(r);
	case 1:
		return 0;
	default:
		return rc_below(r, 16);
	}
}

static void old_command(struct rc_dev *d, struct rc_rng *r)
{
	union {
		uint32_t word[COMMAND_WORDS];
		struct {
			struct ib_uverbs_cmd_hdr hdr;
			uint64_t response;
		};
	} c;
	uint32_t n = 2 + rc_below(r, 40), i;

	for (i = 0; i < COMMAND_WORDS; i++)
		c.word[i] = some_word(r);
	/* async events and contexts of their own would only pile up */
	c.hdr.command = rc_below(r, IB_USER_VERBS_CMD_OPEN_QP + 2);
	if (rc_once_in(r, 3))
		c.hdr.command |= IB_USER_VERBS_CMD_FLAG_EXTENDED;
	c.hdr.in_words = rc_once_in(r, 4) ? rc_rng(r) : n;
	c.hdr.out_words = rc_once_in(r, 4) ? rc_rng(r) : rc_below(r, 64);
	c.response = rc_once_in(r, 8) ? rc_rng(r) : (uintptr_t)answer;
	if (write(d->ctx->cmd_fd, &c, n * 4) > (ssize_t)n * 4)
		rc_die("a command of %u bytes took more", n * 4);
}

static void new_command(struct rc_dev *d, struct rc_rng *r)
{
	struct {
		struct ib_uverbs_ioctl_hdr hdr;
		struct ib_uverbs_attr attr[MAX_ATTRS];
	} c;
	static uint8_t junk[512] __attribute__((aligned(8)));
	uint32_t n = rc_below(r, MAX_ATTRS + 1), i;

	rc_fill(rc_rng(r), junk, sizeof(junk));
	memset(&c, 0, sizeof(c));
	c.hdr.length = sizeof(c.hdr) + n * sizeof(c.attr[0]);
	if (rc_once_in(r, 8))
		c.hdr.length = rc_rng(r);
	c.hdr.object_id = rc_below(r, UVERBS_OBJECT_ASYNC_EVENT + 2);
	c.hdr.method_id = rc_below(r, 8);
	/* a context refused this way leaks its process, in the core of any driver */
	if (c.hdr.object_id == UVERBS_OBJECT_DEVICE && c.hdr.method_id == UVERBS_METHOD_GET_CONTEXT)
		return;
	c.hdr.num_attrs = n;
	c.hdr.driver_id = rc_once_in(r, 2) ? 0x484f4450 : rc_rng(r);
	for (i = 0; i < n; i++) {
		c.attr[i].attr_id = rc_once_in(r, 4) ? 0x1000 + rc_below(r, 2) : rc_below(r, 12);
		c.attr[i].len = rc_once_in(r, 4) ? rc_rng(r) : rc_below(r, 128);
		c.attr[i].flags = rc_below(r, 2);
		c.attr[i].data = rc_once_in(r, 2) ? some_word(r) : (uintptr_t)junk;
	}
	ioctl(d->ctx->cmd_fd, RDMA_VERBS_IOCTL, &c);
}

/* Core commands through the ioctl that carries them, with driver data of odd sizes. */
static void invoke_write(struct rc_dev *d, struct rc_rng *r)
{
	static uint32_t core[COMMAND_WORDS], driver[64];
	struct {
		struct ib_uverbs_ioctl_hdr hdr;
		struct ib_uverbs_attr attr[5];
	} c;
	uint32_t i;

	for (i = 0; i < COMMAND_WORDS; i++)
		core[i] = some_word(r);
	rc_fill(rc_rng(r), driver, sizeof(driver));
	memset(&c, 0, sizeof(c));
	c.hdr.length = sizeof(c);
	c.hdr.object_id = UVERBS_OBJECT_DEVICE;
	c.hdr.method_id = UVERBS_METHOD_INVOKE_WRITE;
	c.hdr.num_attrs = 5;
	c.hdr.driver_id = 0x484f4450;
	c.attr[0] = (struct ib_uverbs_attr){ .attr_id = UVERBS_ATTR_CORE_IN, .len = rc_below(r, 160),
		.data = (uintptr_t)core };
	c.attr[1] = (struct ib_uverbs_attr){ .attr_id = UVERBS_ATTR_CORE_OUT, .len = rc_below(r, 160),
		.data = (uintptr_t)answer };
	c.attr[2] = (struct ib_uverbs_attr){ .attr_id = UVERBS_ATTR_WRITE_CMD,
		.data = rc_below(r, IB_USER_VERBS_CMD_OPEN_QP + 1) };
	c.attr[3] = (struct ib_uverbs_attr){ .attr_id = 0x1000, .len = rc_below(r, 200),
		.data = (uintptr_t)driver };
	c.attr[4] = (struct ib_uverbs_attr){ .attr_id = 0x1001, .len = rc_below(r, 200),
		.data = (uintptr_t)answer + 2048 };
	ioctl(d->ctx->cmd_fd, RDMA_VERBS_IOCTL, &c);
}

void hostile_commands(struct rc_dev *d, struct rc_rng *r, uint64_t ms)
{
	uint64_t end = rc_now_ms() + ms, n = 0;

	while (rc_now_ms() < end) {
		switch (rc_below(r, 3)) {
		case 0:
			old_command(d, r);
			break;
		case 1:
			new_command(d, r);
			break;
		default:
			invoke_write(d, r);
			break;
		}
		n++;
	}
	printf("commands: %llu\n", (unsigned long long)n);
}

/* What cannot be a ring's mapping must not become one; what is must be harmless. */
void hostile_maps(struct rc_dev *d, struct rc_rng *r, uint64_t ms)
{
	uint64_t end = rc_now_ms() + ms, n = 0, mapped = 0;
	struct ibv_cq *cq = ibv_create_cq(d->ctx, 64, NULL, NULL, 0);

	if (!cq)
		rc_die_errno("ibv_create_cq");
	while (rc_now_ms() < end) {
		static const int prots[] = { PROT_NONE, PROT_READ, PROT_WRITE, PROT_READ | PROT_EXEC,
			PROT_READ | PROT_WRITE };
		size_t len = RC_PAGE * (1 + rc_below(r, rc_once_in(r, 8) ? 1 << 20 : 4));
		off_t off = (off_t)rc_below(r, 64) * RC_PAGE;
		int flags = rc_once_in(r, 4) ? MAP_PRIVATE : MAP_SHARED;
		void *p, *q;

		if (rc_once_in(r, 4))
			off = rc_rng(r) & 0x7ffffffffffff000;
		p = mmap(NULL, len, prots[rc_below(r, RC_ARRAY_SIZE(prots))], flags,
			 d->ctx->cmd_fd, off);
		n++;
		if (p == MAP_FAILED)
			continue;
		mapped++;
		/* a ring's pages end where they end */
		q = mremap(p, len, len + 16 * RC_PAGE, MREMAP_MAYMOVE);
		if (q != MAP_FAILED)
			rc_die("a mapping of the device could be made longer");
		mprotect(p, len, PROT_READ | PROT_WRITE | PROT_EXEC);
		madvise(p, len, MADV_DONTNEED);
		munmap(p, rc_once_in(r, 2) ? len : RC_PAGE);
		if (rc_once_in(r, 8)) {
			if (ibv_destroy_cq(cq))
				rc_die_errno("ibv_destroy_cq");
			cq = ibv_create_cq(d->ctx, 1 + rc_below(r, 1000), NULL, NULL, 0);
			if (!cq)
				rc_die_errno("ibv_create_cq");
		}
	}
	printf("mappings: %llu tried, %llu made\n", (unsigned long long)n,
	       (unsigned long long)mapped);
}
