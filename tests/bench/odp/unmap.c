// SPDX-License-Identifier: GPL-2.0
/* What the process pays for its memory being mirrored: munmap, fork, MADV_DONTNEED. */
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "price.h"

enum { LEN = 16 << 20, ROUNDS = 9 };

static void do_munmap(uint8_t *p)
{
	munmap(p, LEN);
}

static void do_dontneed(uint8_t *p)
{
	madvise(p, LEN, MADV_DONTNEED);
}

static void do_fork(uint8_t *p)
{
	pid_t pid = fork();

	(void)p;
	if (!pid)
		_exit(0);
	EXPECT(pid > 0);
	waitpid(pid, NULL, 0);
}

/* Microseconds, or 0: this device has no memory on demand. */
static double one(struct loop *l, void (*act)(uint8_t *), bool huge, bool mirrored)
{
	struct samples s = { .n = 0 };
	int i;

	for (i = 0; i < ROUNDS; i++) {
		uint8_t *p = fresh(LEN, huge);
		struct ibv_mr *mr = NULL;
		uint64_t start;

		memset(p, 1, LEN);
		if (mirrored) {
			mr = ibv_reg_mr(l->d->pd, p, LEN, IBV_ACCESS_ON_DEMAND |
					IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE);
			if (!mr) {
				EXPECT(!(l->d->attr.odp_caps.general_caps & IBV_ODP_SUPPORT));
				munmap(p, LEN);
				return 0;
			}
			write_ns(l, mr->lkey, p, mr->rkey, p + LEN / 2, LEN / 2);
		}
		start = rc_now_ns();
		act(p);
		sample(&s, (rc_now_ns() - start) / 1e3);
		if (mr)
			EXPECT(!ibv_dereg_mr(mr));
		munmap(p, LEN);
	}
	return median(&s);
}

void measure_unmap(struct rc_dev *d)
{
	static const struct {
		const char *name;
		void (*act)(uint8_t *p);
	} acts[] = {
		{ "munmap", do_munmap }, { "MADV_DONTNEED", do_dontneed }, { "fork", do_fork },
	};
	unsigned int i, huge;
	struct loop l;

	loop_open(&l, d, false);
	for (i = 0; i < RC_ARRAY_SIZE(acts); i++) {
		for (huge = 0; huge < 2; huge++) {
			const char *how = huge ? "THP" : "4K pages";
			double bare = one(&l, acts[i].act, huge, false);
			double mirrored = one(&l, acts[i].act, huge, true);

			report(acts[i].name, how, LEN, "us", bare);
			if (mirrored > 0)
				report(acts[i].name, how, LEN, "x unmirrored", mirrored / bare);
		}
	}
	loop_close(&l);
}
