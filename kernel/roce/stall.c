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

/* Few enough to be there in any case. */
#define HROCE_STALL_LEAST	((u32)SZ_64K)

/* Did the last fault, of the same message, bring this place? Then it went unused. */
static bool hroce_stall_was_vain(const struct hroce_stall *s, const struct hroce_want *want)
{
	u64 used = want->va - s->last.va;
	int packets = hroce_psn_diff(want->psn, s->last.psn);

	return used < s->last.len && packets >= 0 && (u64)packets * want->mtu <= used;
}

/*
 * Where memory is tight, what a fault has brought may be gone before it is used. So less
 * at once, until it holds.
 */
static void hroce_stall_limit(struct hroce_stall *s, struct hroce_want *want)
{
	if (hroce_stall_was_vain(s, want))
		s->most /= 4;
	else
		s->most = min_t(u64, max(s->most, HROCE_STALL_LEAST / 2) * 2ULL, U32_MAX);
	want->len = min3(want->len, max(want->need, s->most), (u32)hmmodp_fault_most());
	s->last = *want;
}

/*
 * Packets that may be made at once, from @psn on. All of their pages have to be there at
 * the same time: fewer right after a fault for that packet, if such pages do not stay.
 */
u32 hroce_stall_packets(const struct hroce_stall *s, u32 psn, u32 mtu)
{
	if (psn != s->last.psn || s->most >= HROCE_STALL_LEAST)
		return U32_MAX;
	return max(s->most / mtu, 1U);
}

/*
 * The callback may come before hmmodp_fault_async() returns: then its kick only
 * makes the owner, which is the caller, look again.
 */
int hroce_stall_begin(struct hroce_stall *s, struct hroce_mr *mr, struct hroce_want want)
{
	struct hmmodp_fault *fault;

	s->done = false;
	s->since = ktime_get();
	atomic_inc(&s->callbacks);
	hroce_stall_limit(s, &want);
	fault = hroce_mr_fault_async(mr, want.va, want.len, want.dir, hroce_stall_done, s);
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
