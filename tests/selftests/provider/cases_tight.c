// SPDX-License-Identifier: GPL-2.0
/* Memory with little room, and memory that no device may see. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "loop.h"

enum {
	PAGE = 4096,
	LONG = 16 << 20,
	REMOTE = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ |
		 IBV_ACCESS_ON_DEMAND,
};

static void set_limit(unsigned int kib)
{
	FILE *f = fopen("/sys/module/hmmodp/parameters/mirror_limit_kib", "w");

	EXPECT(f && fprintf(f, "%u\n", kib) > 0 && !fclose(f));
}

/*
 * Messages longer than what the NIC may have translations for, from and to
 * small pages.
 */
void case_tight(struct rc_dev *d)
{
	const enum ibv_wr_opcode ops[] = { IBV_WR_RDMA_WRITE, IBV_WR_RDMA_READ };
	uint8_t *from = loop_map(LONG), *to = loop_map(LONG);
	struct ibv_mr *mr = ibv_reg_mr(d->pd, from, LONG, REMOTE);
	struct ibv_mr *mr_to = ibv_reg_mr(d->pd, to, LONG, REMOTE);
	struct loop l;
	unsigned int i;

	EXPECT(mr && mr_to);
	loop_open(&l, d, false);
	set_limit(16);
	for (i = 0; i < 2; i++) {
		rc_fill(i, from, LONG);
		EXPECT(!madvise(to, LONG, MADV_DONTNEED));
		if (ops[i] == IBV_WR_RDMA_WRITE)
			EXPECT_EQ(loop_move(&l, ops[i], mr->lkey, (uintptr_t)from, LONG,
					    mr_to->rkey, (uintptr_t)to), IBV_WC_SUCCESS);
		else
			EXPECT_EQ(loop_move(&l, ops[i], mr_to->lkey, (uintptr_t)to, LONG,
					    mr->rkey, (uintptr_t)from), IBV_WC_SUCCESS);
		EXPECT_EQ(rc_differ(from, to, LONG), LONG);
	}
	set_limit(0);
	loop_close(&l);
	EXPECT(!ibv_dereg_mr(mr) && !ibv_dereg_mr(mr_to));
	munmap(from, LONG);
	munmap(to, LONG);
}

/* One request from or to secret memory, by queue pairs that it takes into error. */
static void refused(struct rc_dev *d, enum ibv_wr_opcode op, struct ibv_mr *local,
		    struct ibv_mr *remote, enum ibv_wc_status status)
{
	struct loop l;

	loop_open(&l, d, false);
	EXPECT_EQ(loop_move(&l, op, local->lkey, (uintptr_t)local->addr, 100, remote->rkey,
			    (uintptr_t)remote->addr), status);
	loop_close(&l);
}

/* memfd_secret(): the kernel itself has no address for it. A bad address, no more. */
void case_secret(struct rc_dev *d)
{
	int fd = syscall(SYS_memfd_secret, 0);
	uint8_t *m = loop_map(2 * PAGE);
	struct ibv_mr *secret, *plain;

	EXPECT(fd >= 0 && !ftruncate(fd, PAGE));
	/* between other pages */
	EXPECT(mmap(m + PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) ==
	       m + PAGE);
	memset(m, 5, 2 * PAGE);
	plain = ibv_reg_mr(d->pd, m, PAGE, REMOTE);
	secret = ibv_reg_mr(d->pd, m + PAGE, PAGE, REMOTE);
	EXPECT(plain && secret);
	refused(d, IBV_WR_RDMA_WRITE, secret, plain, IBV_WC_LOC_PROT_ERR);
	refused(d, IBV_WR_RDMA_READ, secret, plain, IBV_WC_LOC_PROT_ERR);
	refused(d, IBV_WR_RDMA_WRITE, plain, secret, IBV_WC_REM_ACCESS_ERR);
	refused(d, IBV_WR_RDMA_READ, plain, secret, IBV_WC_REM_ACCESS_ERR);
	refused(d, IBV_WR_RDMA_WRITE, plain, plain, IBV_WC_SUCCESS);
	EXPECT(m[0] == 5 && m[PAGE] == 5 && m[2 * PAGE - 1] == 5);
	EXPECT(!ibv_dereg_mr(plain) && !ibv_dereg_mr(secret));
	munmap(m, 2 * PAGE);
	close(fd);
}
