// SPDX-License-Identifier: GPL-2.0
/* A half of a QP that waits for a page fault. */
#include <linux/delay.h>
#include <linux/ktime.h>

#include "qp.h"

static void hroce_stall_done(void *ctx, int err)
{
	struct hroce_stall *s = ctx;

	s->err = err;
	/* err before done */
	smp_store_release(&s->done, true);
	hroce_runner_kick(s->runner);
	/* and all of it before the queue pair may go */
	(void)atomic_fetch_dec_release(&s->callbacks);
}

/*
 * The callback may come before hmmodp_fault_async() returns: then its kick only
 * makes the owner, which is the caller, look again.
 */
int hroce_stall_begin(struct hroce_stall *s, struct hroce_mr *mr, u64 va, size_t len,
		      enum hmmodp_dir dir)
{
	struct hmmodp_fault *fault;

	s->done = false;
	s->since = ktime_get();
	atomic_inc(&s->callbacks);
	fault = hroce_mr_fault_async(mr, va, len, dir, hroce_stall_done, s);
	if (IS_ERR(fault)) {
		atomic_dec(&s->callbacks);
		return PTR_ERR(fault);
	}
	s->fault = fault;
	return 0;
}

int hroce_stall_check(struct hroce_stall *s)
{
	int err;

	if (likely(!s->fault))
		return 0;
	/* done before err */
	if (!smp_load_acquire(&s->done))
		return -EINPROGRESS;
	err = s->err;
	hroce_count_n(s->stats, HROCE_STALL_US, ktime_us_delta(ktime_get(), s->since));
	hmmodp_fault_put(s->fault);
	s->fault = NULL;
	/* Transient trouble: what needs the page asks for it again. */
	return err == -EFAULT ? err : 0;
}

/* The caller owns the runner. Context: process, may sleep. */
void hroce_stall_cancel(struct hroce_stall *s)
{
	if (s->fault) {
		if (hmmodp_fault_cancel(s->fault))
			atomic_dec(&s->callbacks);
		hmmodp_fault_put(s->fault);
		s->fault = NULL;
	}
	/* one that was served, and of which that was seen before its callback had kicked */
	while (atomic_read_acquire(&s->callbacks))
		usleep_range(20, 100);
}
