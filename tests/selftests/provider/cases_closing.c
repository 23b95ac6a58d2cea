// SPDX-License-Identifier: GPL-2.0
/*
 * Pages that do not stay: whoever answers the faults (userfaultfd, write protection)
 * opens the page that is asked for, and closes all others before. They are never all
 * there, but each is when it is its turn.
 */
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "loop.h"
#include "uffd.h"

enum {
	PAGE = 4096,
	HUGE = 2 << 20,
	LEN = 8 * PAGE,		/* no packet has parts in two pages */
	PATIENCE_MS = 40000,	/* each page is a trip through three threads */
};

struct closing {
	uint8_t *m;
	int uffd;
	bool stop;
	unsigned int opened;
};

static void *serve(void *arg)
{
	struct closing *c = arg;
	struct rc_uffd_fault fault;

	while (!__atomic_load_n(&c->stop, __ATOMIC_ACQUIRE)) {
		if (!rc_uffd_next(c->uffd, 10, &fault))
			continue;
		EXPECT(fault.protected && fault.at >= c->m && fault.at < c->m + LEN);
		rc_uffd_protect(c->uffd, c->m, LEN, true);
		rc_uffd_protect(c->uffd, fault.at, PAGE, false);
		c->opened++;
	}
	return NULL;
}

static void move(struct loop *l, uint32_t rkey, uint8_t *to)
{
	struct ibv_sge sge = loop_sge(l, 0, LEN);
	struct ibv_send_wr wr = loop_write(l, 1, &sge, 0), *bad;
	uint64_t end = rc_patience(PATIENCE_MS);
	struct ibv_wc wc;

	wr.wr.rdma.remote_addr = (uintptr_t)to;
	wr.wr.rdma.rkey = rkey;
	EXPECT_EQ(ibv_post_send(l->qp[0], &wr, &bad), 0);
	while (!ibv_poll_cq(l->scq, 1, &wc)) {
		EXPECT(rc_now_ms() < end);
		usleep(1000);
	}
	EXPECT_EQ(wc.status, IBV_WC_SUCCESS);
}

static void closing(struct rc_dev *d, uint8_t *m)
{
	struct closing c = { .m = m };
	struct ibv_mr *mr;
	pthread_t server;
	struct loop l;

	loop_open(&l, d, false);
	memset(c.m, 0xee, LEN);
	mr = ibv_reg_mr(d->pd, c.m, LEN, IBV_ACCESS_ON_DEMAND | IBV_ACCESS_LOCAL_WRITE |
			IBV_ACCESS_REMOTE_WRITE);
	EXPECT(mr);
	c.uffd = rc_uffd_open(UFFDIO_REGISTER_MODE_WP, O_CLOEXEC);
	rc_uffd_register(c.uffd, UFFDIO_REGISTER_MODE_WP, c.m, LEN);
	rc_uffd_protect(c.uffd, c.m, LEN, true);
	EXPECT(!pthread_create(&server, NULL, serve, &c));
	move(&l, mr->rkey, c.m);
	__atomic_store_n(&c.stop, true, __ATOMIC_RELEASE);
	pthread_join(server, NULL);
	EXPECT(c.opened >= LEN / PAGE);
	EXPECT(!memcmp(c.m, l.buf, LEN));
	EXPECT(!ibv_dereg_mr(mr));
	close(c.uffd);
	loop_close(&l);
}

/* Also where a page and the next are in different chunks of the mirror. */
void case_slow_closing(struct rc_dev *d)
{
	uint8_t *map = loop_map(3 * HUGE);
	uint8_t *edge = (uint8_t *)(((uintptr_t)map + HUGE) & ~(uintptr_t)(HUGE - 1));

	closing(d, edge);
	closing(d, edge + HUGE - LEN / 2);
	EXPECT(!munmap(map, 3 * HUGE));
}
