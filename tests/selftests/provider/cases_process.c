// SPDX-License-Identifier: GPL-2.0
/* Processes: fork, and credentials that change. */
#include <errno.h>
#include <string.h>
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
 * opened the device, even back again: the error of the doorbell is returned.
 */
void case_credentials(struct rc_dev *d)
{
	struct loop l;

	loop_open(&l, d, false);
	EXPECT_EQ(write_now(&l, 1), 0);
	loop_expect(l.scq, 1, IBV_WC_SUCCESS);
	EXPECT(!seteuid(65534));
	EXPECT_EQ(write_now(&l, 2), EACCES);
	EXPECT(!seteuid(0));
	EXPECT_EQ(write_now(&l, 3), EACCES);
	loop_expect_none(l.scq);
	/* teardown by ioctl() is not refused */
	loop_close(&l);
}
