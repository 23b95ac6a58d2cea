// SPDX-License-Identifier: GPL-2.0
/* Processes: fork, credentials that change, what one leaves behind. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "loop.h"

static int write_now(struct loop *l, uint64_t id)
{
	struct ibv_sge sge = loop_sge(l, 0, 5000);
	struct ibv_send_wr wr = loop_write(l, id, &sge, LOOP_HALF), *bad;

	return ibv_post_send(l->qp[0], &wr, &bad);
}

/*
 * The child changes its copy of unregistered memory and ends; the parent's
 * registered memory stays the parent's, and its QPs go on. main() has called
 * ibv_fork_init().
 */
void case_fork(struct rc_dev *d)
{
	struct loop l;
	int status, i;
	pid_t pid;

	loop_open(&l, d, false);
	for (i = 0; i < 10; i++) {
		pid = fork();
		EXPECT(pid >= 0);
		if (!pid)
			_exit(7);
		rc_fill(i, l.buf, 5000);
		EXPECT_EQ(write_now(&l, i), 0);
		loop_expect(l.scq, i, IBV_WC_SUCCESS);
		EXPECT_EQ(rc_differ(l.buf, l.buf + LOOP_HALF, 5000), 5000);
		EXPECT(waitpid(pid, &status, 0) == pid);
		EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	}
	loop_close(&l);
}

/*
 * uverbs refuses write() by a process that has changed its credentials since it
 * opened the device, even back again. The doorbell finds another way.
 */
void case_credentials(struct rc_dev *d)
{
	struct loop l;

	loop_open(&l, d, false);
	EXPECT_EQ(write_now(&l, 1), 0);
	loop_expect(l.scq, 1, IBV_WC_SUCCESS);
	EXPECT(!seteuid(65534));
	EXPECT_EQ(write_now(&l, 2), 0);
	loop_expect(l.scq, 2, IBV_WC_SUCCESS);
	EXPECT(!seteuid(0));
	EXPECT_EQ(write_now(&l, 3), 0);
	loop_expect(l.scq, 3, IBV_WC_SUCCESS);
	loop_close(&l);
}

/* Another process's context and domain, with queue pairs and memory of its own. */
static void use_imported(int fd, uint32_t handle, struct rc_dev *of)
{
	struct rc_dev d = *of;
	struct loop l;

	EXPECT(!setgid(1));	/* so that its credentials are others */
	d.ctx = ibv_import_device(fd);
	EXPECT(d.ctx);
	d.pd = ibv_import_pd(d.ctx, handle);
	EXPECT(d.pd);
	loop_open(&l, &d, false);
	rc_fill(9, l.buf, 5000);
	EXPECT_EQ(write_now(&l, 1), 0);
	loop_expect(l.scq, 1, IBV_WC_SUCCESS);
	EXPECT_EQ(rc_differ(l.buf, l.buf + LOOP_HALF, 5000), 5000);
	loop_close(&l);
	ibv_unimport_pd(d.pd);
	EXPECT(!ibv_close_device(d.ctx));
}

void case_import(struct rc_dev *d)
{
	int status, fd;
	pid_t pid = fork();

	EXPECT(pid >= 0);
	if (!pid) {
		fd = dup(d->ctx->cmd_fd);
		EXPECT(fd >= 0);
		use_imported(fd, d->pd->handle, d);
		_exit(7);
	}
	EXPECT(waitpid(pid, &status, 0) == pid);
	EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

/* What the NIC has translations for, by the sum that the documentation gives. */
static long pages_now(struct rc_dev *d)
{
	return loop_counter(d, "page_faults") + loop_counter(d, "page_prefetch") +
	       loop_counter(d, "page_readahead") - loop_counter(d, "page_invalidations") -
	       loop_counter(d, "page_reclaims");
}

/* With a context of its own, from opening to closing it. */
static void bring_and_close(struct rc_dev *d, long before)
{
	enum { BYTES = 64 * 4096 };
	struct ibv_context *ctx = ibv_open_device(d->ctx->device);
	struct ibv_pd *pd = ctx ? ibv_alloc_pd(ctx) : NULL;
	struct ibv_sge sge = { .length = BYTES };
	uint8_t *m = loop_map(BYTES);
	struct ibv_mr *mr;

	EXPECT(pd);
	mr = ibv_reg_mr(pd, m, BYTES, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_ON_DEMAND);
	EXPECT(mr);
	sge.addr = (uintptr_t)m;
	sge.lkey = mr->lkey;
	EXPECT_EQ(ibv_advise_mr(pd, IBV_ADVISE_MR_ADVICE_PREFETCH_WRITE,
				IBV_ADVISE_MR_FLAG_FLUSH, &sge, 1), 0);
	EXPECT(pages_now(d) >= before + 64);
	EXPECT(!ibv_dereg_mr(mr) && !ibv_dealloc_pd(pd) && !ibv_close_device(ctx));
	munmap(m, BYTES);
}

/* A process that has closed its device, and lives on, has no translations. */
void case_counted_out(struct rc_dev *d)
{
	long before = pages_now(d);
	int status;
	pid_t pid = fork();

	EXPECT(pid >= 0);
	if (!pid) {
		bring_and_close(d, before);
		_exit(pages_now(d) == before ? 7 : 8);
	}
	EXPECT(waitpid(pid, &status, 0) == pid);
	EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}
