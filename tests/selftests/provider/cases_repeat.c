// SPDX-License-Identifier: GPL-2.0
/*
 * A READ that is answered once more, although its requester has long had the answer: by a
 * packet made by hand, as a slow network brings one. Its page is late this time.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/userfaultfd.h>
#include "byhand.h"
#include "uffd.h"

enum {
	PAGE = 4096,
	TIMEOUT = 13,		/* 34 ms; 8 tries are over after 268 ms */
	LATE_MS = 1500,
};

static void repeat_read(struct rc_dev *d, uint32_t qpn, uint32_t psn, struct ibv_mr *mr)
{
	struct roce_path p = byhand_path(d);
	struct roce_packet k;

	roce_begin(&k, &p, ROCE_READ_REQUEST, qpn, psn, false);
	roce_put64(&k, (uintptr_t)mr->addr);
	roce_put32(&k, mr->rkey);
	roce_put32(&k, PAGE);
	roce_send(&k, &p, 0);
	close(p.sock);
}

/* What comes behind it waits for that page as well, and is not given up meanwhile. */
void case_slow_repeat(struct rc_dev *d)
{
	struct rc_uffd_fault fault;
	uint8_t *m = loop_map(PAGE), page[PAGE];
	struct ibv_send_wr wr, *bad;
	struct ibv_sge sge;
	struct ibv_mr *mr;
	struct loop l;
	uint32_t psn;
	int uffd;

	loop_timeout = TIMEOUT;
	loop_open(&l, d, false);
	loop_timeout = LOOP_TIMEOUT;
	rc_fill(5, m, PAGE);
	memcpy(page, m, PAGE);
	mr = ibv_reg_mr(d->pd, m, PAGE, IBV_ACCESS_ON_DEMAND | IBV_ACCESS_REMOTE_READ);
	EXPECT(mr);
	psn = byhand_psn(l.qp[0]);
	EXPECT_EQ(loop_move(&l, IBV_WR_RDMA_READ, l.mr->lkey, (uintptr_t)l.buf, PAGE,
			    mr->rkey, (uintptr_t)m), IBV_WC_SUCCESS);
	EXPECT(!memcmp(l.buf, page, PAGE));

	uffd = rc_uffd_open(UFFDIO_REGISTER_MODE_MISSING, O_CLOEXEC);
	rc_uffd_register(uffd, UFFDIO_REGISTER_MODE_MISSING, m, PAGE);
	EXPECT(!madvise(m, PAGE, MADV_DONTNEED));
	repeat_read(d, l.qp[1]->qp_num, psn, mr);
	EXPECT(rc_uffd_next(uffd, 30000, &fault) && fault.at == m);

	sge = loop_sge(&l, 0, PAGE);
	wr = loop_write(&l, 7, &sge, LOOP_HALF);
	EXPECT_EQ(ibv_post_send(l.qp[0], &wr, &bad), 0);
	usleep(LATE_MS * 1000);
	loop_expect_none(l.scq);
	EXPECT(rc_uffd_copy(uffd, m, page, PAGE));
	loop_expect(l.scq, 7, IBV_WC_SUCCESS);
	EXPECT(!memcmp(l.buf + LOOP_HALF, page, PAGE));

	EXPECT(!ibv_dereg_mr(mr));
	loop_close(&l);
	close(uffd);
	munmap(m, PAGE);
}
