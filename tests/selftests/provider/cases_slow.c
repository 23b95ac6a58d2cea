// SPDX-License-Identifier: GPL-2.0
/*
 * Pages that come late: user space (userfaultfd) takes far longer to bring them
 * than all retries of the queue pair together.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/userfaultfd.h>
#include "loop.h"

enum {
	PAGE = 4096,
	PAGES = 8,
	SLOW = 3,		/* the page that is late */
	LATE_MS = 3000,		/* 8 tries at 268 ms are over by then */
	AT = 100,		/* of the message in the memory */
	LEN = 7 * PAGE - 999,
};

struct slow {
	uint8_t *m;
	uint8_t page[PAGE];	/* what the late page holds when it comes */
	struct ibv_mr *mr;
	int uffd;
	bool on_call;		/* it comes when may_come is posted, else after LATE_MS */
	sem_t may_come;
	pthread_t server;
};

static void *serve(void *arg)
{
	struct slow *s = arg;
	struct uffdio_copy copy = {
		.dst = (uintptr_t)s->m + SLOW * PAGE, .src = (uintptr_t)s->page,
		.len = PAGE,
	};
	struct uffd_msg msg;

	EXPECT(read(s->uffd, &msg, sizeof(msg)) == sizeof(msg));
	EXPECT_EQ(msg.event, UFFD_EVENT_PAGEFAULT);
	if (s->on_call)
		sem_wait(&s->may_come);
	else
		usleep(LATE_MS * 1000);
	EXPECT(!ioctl(s->uffd, UFFDIO_COPY, &copy));
	return NULL;
}

static void slow_open(struct slow *s, struct rc_dev *d)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	s->m = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	EXPECT(s->m != MAP_FAILED);
	EXPECT(!madvise(s->m, PAGES * PAGE, MADV_NOHUGEPAGE));
	rc_fill(9, s->m, PAGES * PAGE);
	memcpy(s->page, s->m + SLOW * PAGE, PAGE);
	EXPECT(!madvise(s->m + SLOW * PAGE, PAGE, MADV_DONTNEED));
	s->uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (s->uffd < 0)
		rc_die_errno("userfaultfd");
	reg.range.start = (uintptr_t)s->m + SLOW * PAGE;
	reg.range.len = PAGE;
	EXPECT(!ioctl(s->uffd, UFFDIO_API, &api));
	EXPECT(!ioctl(s->uffd, UFFDIO_REGISTER, &reg));
	s->mr = ibv_reg_mr(d->pd, s->m, PAGES * PAGE, IBV_ACCESS_ON_DEMAND |
			   IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE |
			   IBV_ACCESS_REMOTE_READ);
	if (!s->mr)
		rc_die_errno("ibv_reg_mr");
	EXPECT(!sem_init(&s->may_come, 0, 0));
	EXPECT(!pthread_create(&s->server, NULL, serve, s));
}

static void slow_close(struct slow *s)
{
	pthread_join(s->server, NULL);
	EXPECT(!ibv_dereg_mr(s->mr));
	close(s->uffd);
	munmap(s->m, PAGES * PAGE);
}

struct late_op {
	struct loop l;
	struct slow s;
	enum ibv_wr_opcode op;
	bool local;	/* the slow memory is the requester's, else the responder's */
};

static void late_post(struct late_op *o)
{
	struct loop *l = &o->l;
	struct ibv_sge sge = loop_sge(l, AT, LEN);
	struct ibv_sge slow_sge = { (uintptr_t)o->s.m + AT, LEN, o->s.mr->lkey };
	struct ibv_sge *from = o->local ? &slow_sge : &sge;
	struct ibv_sge *to = o->local ? &sge : &slow_sge;
	struct ibv_send_wr wr = loop_write(l, 1, from, 0), *bad;
	struct ibv_recv_wr rwr = { .sg_list = to, .num_sge = 1 }, *bad_recv;

	wr.opcode = o->op;
	wr.wr.rdma.remote_addr = to->addr;
	wr.wr.rdma.rkey = to->lkey;
	if (o->op == IBV_WR_SEND)
		EXPECT_EQ(ibv_post_recv(l->qp[1], &rwr, &bad_recv), 0);
	EXPECT_EQ(ibv_post_send(l->qp[0], &wr, &bad), 0);
}

static void late_expect(struct late_op *o)
{
	printf("opcode %d, the slow page is %s\n", o->op, o->local ? "local" : "remote");
	fflush(stdout);
	loop_expect(o->l.scq, 1, IBV_WC_SUCCESS);
	if (o->op == IBV_WR_SEND)
		loop_expect(o->l.rcq, 0, IBV_WC_SUCCESS);
	EXPECT_EQ(rc_differ(o->s.m + AT, o->l.buf + AT, LEN), LEN);
}

/* All wait at the same time, each on its own queue pairs and memory. */
void case_slow_page(struct rc_dev *d)
{
	static const enum ibv_wr_opcode ops[] = {
		IBV_WR_SEND, IBV_WR_RDMA_WRITE, IBV_WR_RDMA_READ,
	};
	static struct late_op late[2 * RC_ARRAY_SIZE(ops)];
	unsigned int i;

	for (i = 0; i < RC_ARRAY_SIZE(late); i++) {
		late[i].op = ops[i / 2];
		late[i].local = i % 2;
		loop_open(&late[i].l, d, false);
		slow_open(&late[i].s, d);
		late_post(&late[i]);
	}
	for (i = 0; i < RC_ARRAY_SIZE(late); i++) {
		late_expect(&late[i]);
		slow_close(&late[i].s);
		loop_close(&late[i].l);
	}
}

static bool draining(struct ibv_qp *qp)
{
	struct ibv_qp_init_attr init;
	struct ibv_qp_attr attr;

	EXPECT(!ibv_query_qp(qp, &attr, IBV_QP_STATE, &init));
	EXPECT_EQ(attr.qp_state, IBV_QPS_SQD);
	return attr.sq_draining;
}

/*
 * What is done completes although the next request waits for a page, and however long
 * the timeout is.
 */
void case_slow_behind(struct rc_dev *d)
{
	static struct slow s = { .on_call = true };
	struct loop l;
	struct ibv_sge good, slow;
	struct ibv_send_wr wr[2], *bad;

	loop_timeout = LOOP_TIMEOUT_HOURS;
	loop_open(&l, d, false);
	slow_open(&s, d);
	good = loop_sge(&l, 0, 64);
	slow = (struct ibv_sge){ (uintptr_t)s.m + SLOW * PAGE, PAGE, s.mr->lkey };
	wr[0] = loop_write(&l, 1, &good, LOOP_HALF);
	wr[0].next = &wr[1];
	wr[1] = loop_write(&l, 2, &slow, LOOP_HALF + PAGE);
	EXPECT_EQ(ibv_post_send(l.qp[0], wr, &bad), 0);
	loop_expect(l.scq, 1, IBV_WC_SUCCESS);
	loop_expect_none(l.scq);
	loop_to(l.qp[0], IBV_QPS_SQD);
	EXPECT(draining(l.qp[0]));
	sem_post(&s.may_come);
	loop_expect(l.scq, 2, IBV_WC_SUCCESS);
	EXPECT(!draining(l.qp[0]));
	EXPECT_EQ(rc_differ(l.buf, l.buf + LOOP_HALF, 64), 64);
	EXPECT_EQ(rc_differ(s.page, l.buf + LOOP_HALF + PAGE, PAGE), PAGE);
	slow_close(&s);
	loop_close(&l);
	loop_timeout = LOOP_TIMEOUT;
}

static void asked(struct rc_dev *d, uint32_t len)
{
	static struct slow target, source;
	struct ibv_sge good, slow;
	struct ibv_send_wr wr[2], *bad;
	struct loop l;

	target.on_call = source.on_call = true;
	loop_open(&l, d, false);
	slow_open(&target, d);
	slow_open(&source, d);
	rc_fill(4, l.buf, len);
	good = loop_sge(&l, 0, len);
	slow = (struct ibv_sge){ (uintptr_t)source.m + SLOW * PAGE, PAGE, source.mr->lkey };
	wr[0] = loop_write(&l, 1, &good, 0);
	wr[0].wr.rdma.remote_addr = (uintptr_t)target.m + SLOW * PAGE;
	wr[0].wr.rdma.rkey = target.mr->rkey;
	wr[0].next = &wr[1];
	wr[1] = loop_write(&l, 2, &slow, LOOP_HALF);
	EXPECT_EQ(ibv_post_send(l.qp[0], wr, &bad), 0);
	loop_expect_none(l.scq);
	sem_post(&target.may_come);
	loop_expect(l.scq, 1, IBV_WC_SUCCESS);
	EXPECT_EQ(rc_differ(l.buf, target.m + SLOW * PAGE, len), len);
	loop_expect_none(l.scq);
	sem_post(&source.may_come);
	loop_expect(l.scq, 2, IBV_WC_SUCCESS);
	EXPECT_EQ(rc_differ(source.page, l.buf + LOOP_HALF, PAGE), PAGE);
	slow_close(&target);
	slow_close(&source);
	loop_close(&l);
}

/* The same where the one that is done waits for a page of the peer first. */
void case_slow_asked(struct rc_dev *d)
{
	loop_timeout = LOOP_TIMEOUT_HOURS;
	asked(d, 64);
	asked(d, 3000);
	loop_timeout = LOOP_TIMEOUT;
}
