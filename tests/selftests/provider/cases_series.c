// SPDX-License-Identifier: GPL-2.0
/*
 * Pages that all come a little late, one after the other, as a pager on the network has
 * them: none takes as long as a timeout, all together take longer than all tries.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "loop.h"
#include "uffd.h"

enum {
	PAGE = 4096,
	PAGES = 64,		/* a packet each, and no ACK is asked for before the last */
	LEN = PAGES * PAGE,
	LATE_US = 7000,
	TIMEOUT = 13,		/* 34 ms, 8 tries */
};

struct pager {
	uint8_t *m;
	uint8_t bytes[LEN];	/* what the pages hold when they come */
	int fd;
	pthread_t thread;
};

static void *bring_all(void *arg)
{
	struct pager *p = arg;
	struct rc_uffd_fault fault;
	size_t at;
	int i;

	for (i = 0; i < PAGES; i++) {
		EXPECT(rc_uffd_next(p->fd, 60000, &fault));
		usleep(LATE_US);
		at = fault.at - p->m;
		rc_uffd_copy(p->fd, fault.at, p->bytes + at, PAGE);
	}
	return NULL;
}

static void pager_start(struct pager *p)
{
	p->m = loop_map(LEN);
	rc_fill(3, p->bytes, LEN);
	p->fd = rc_uffd_open(UFFDIO_REGISTER_MODE_MISSING, O_CLOEXEC);
	rc_uffd_register(p->fd, UFFDIO_REGISTER_MODE_MISSING, p->m, LEN);
	EXPECT(!pthread_create(&p->thread, NULL, bring_all, p));
}

static void pager_end(struct pager *p)
{
	EXPECT(!pthread_join(p->thread, NULL));
	EXPECT(!close(p->fd));
	EXPECT(!munmap(p->m, LEN));
}

static void series(struct rc_dev *d, enum ibv_wr_opcode op)
{
	static struct pager p;
	struct ibv_mr *mr;
	struct loop l;

	loop_open(&l, d, false);
	pager_start(&p);
	mr = ibv_reg_mr(d->pd, p.m, LEN, IBV_ACCESS_ON_DEMAND | IBV_ACCESS_LOCAL_WRITE |
			IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ);
	EXPECT(mr);
	EXPECT_EQ(loop_move(&l, op, l.mr->lkey, (uintptr_t)l.buf, LEN, mr->rkey,
			    (uintptr_t)p.m), IBV_WC_SUCCESS);
	EXPECT_EQ(rc_differ(l.buf, op == IBV_WR_RDMA_READ ? p.bytes : p.m, LEN), LEN);
	EXPECT(!ibv_dereg_mr(mr));
	pager_end(&p);
	loop_close(&l);
}

/* Wants an MTU of 4096, for a packet a page. */
void case_slow_series(struct rc_dev *d)
{
	EXPECT_EQ(d->port.active_mtu, IBV_MTU_4096);
	loop_mtu = IBV_MTU_4096;
	loop_timeout = TIMEOUT;
	series(d, IBV_WR_RDMA_WRITE);
	series(d, IBV_WR_RDMA_READ);
	loop_timeout = LOOP_TIMEOUT;
	loop_mtu = IBV_MTU_1024;
}
