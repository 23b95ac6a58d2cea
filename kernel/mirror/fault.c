// SPDX-License-Identifier: GPL-2.0
/*
 * Faults: bring pages into the translation, a chunk at a time, in rounds
 * (round.c). A round ends in one of three ways: the pages were there; a reason
 * that will pass, then it is repeated until a time bound; or HMM found a page it
 * cannot bring. The last is not yet the truth: HMM keeps mmap_lock throughout,
 * and a page that wants user space to act (userfaultfd) cannot wait for it that
 * way. So that page is faulted once more by fixup_user_fault(), which may drop
 * the lock and wait, and whose word is final.
 */
#include <linux/delay.h>
#include <linux/export.h>
#include <linux/hash.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/userfaultfd_k.h>

#include "inject.h"
#include "latency.h"
#include "reclaim.h"
#include "round.h"
#include "trace.h"

/* How long a chunk may take, without progress, before the caller must know. */
#define FAULT_BOUND_JIFFIES	(5 * HZ)
/*
 * So many times the final word may be "present" and HMM still see nothing. Then it is
 * memory that HMM has no page of (a device's), or user space takes the page away again.
 */
#define FIXUP_LIMIT		16

/* So many times read-ahead lets itself be disturbed. */
#define AHEAD_TRIES		3

/*
 * The final word on a page: 0, -EFAULT, or a reason that will pass. @tended: by user space
 * (userfaultfd), so that it may come and go.
 */
static int fixup(struct hmmodp_chunk_fault *f, unsigned int bad, bool *tended)
{
	unsigned long va = f->base + ((unsigned long)bad << PAGE_SHIFT);
	struct mm_struct *mm = f->mirror->mm;
	struct vm_area_struct *vma;
	bool unlocked = false;
	int err;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	err = fixup_user_fault(mm, va, FAULT_FLAG_REMOTE |
			       (f->how & HMMODP_FAULT_WRITE ? FAULT_FLAG_WRITE : 0), &unlocked);
	vma = vma_lookup(mm, va);
	*tended = vma && userfaultfd_armed(vma);
	mmap_read_unlock(mm);
	switch (err) {
	case 0:
	case -ENOMEM:
	case -EINTR:
	case -EBUSY:
	case -EAGAIN:
		return err;
	default:
		return -EFAULT;
	}
}

/*
 * A prefetch is nobody's duty, nor is read-ahead: they end with the mirror's last
 * user, and when the process lives for us alone.
 */
static bool given_up(struct hmmodp_chunk_fault *f)
{
	if (f->stop && READ_ONCE(*f->stop))
		return true;
	if (f->how & (HMMODP_FAULT_PREFETCH | HMMODP_FAULT_AHEAD) &&
	    (!READ_ONCE(f->mirror->owner) ||
	     atomic_read(&f->mirror->mm->mm_users) == 1))
		return true;
	return fatal_signal_pending(current);
}

static void back_off(unsigned int tries)
{
	if (tries < 4)
		cond_resched();
	else
		usleep_range(50 << min(tries - 4, 5U), 100 << min(tries - 4, 5U));
}

/*
 * Returns FRONT_ONLY where pages have come and the next waits for user space: whoever
 * wants the front can go on with it. To wait on would not be harmless, for user space
 * may take away pages as fast as it brings others (userfaultfd's write protection), so
 * that they would never all be there.
 */
#define FRONT_ONLY	1

static int fault_chunk(struct hmmodp_chunk_fault *f)
{
	struct mutex *lock = &f->mirror->fault_lock[hash_long(f->base >>
				HMMODP_CHUNK_SHIFT, ilog2(HMMODP_FAULT_LOCKS))];
	unsigned long deadline = jiffies + FAULT_BOUND_JIFFIES;
	unsigned int bad = 0, last_bad = UINT_MAX;
	unsigned int fixups = 0, tries = 0;
	bool tended = false;
	int err;

	while (!given_up(f)) {
		if (hmmodp_process_gone(f->mirror->mm))
			return -EFAULT;
		if (mutex_lock_killable(lock))
			break;
		err = hmmodp_fault_round(f, &bad);
		mutex_unlock(lock);
		if (!err)
			return 0;
		if (f->how & HMMODP_FAULT_AHEAD && (err != -EBUSY || tries == AHEAD_TRIES))
			return err;
		if (err == -EFAULT) {
			if ((bad > f->first || f->some) && f->how & HMMODP_FAULT_FRONT)
				return FRONT_ONLY;
			f->first = bad;		/* those before it have come */
			if (bad != last_bad)
				fixups = 0;
			last_bad = bad;
			if (fixups++ == FIXUP_LIMIT)
				return tended ? -EAGAIN : -EFAULT;
			err = fixup(f, bad, &tended);
			if (err == -EFAULT)
				return -EFAULT;
			if (!err) {
				deadline = jiffies + FAULT_BOUND_JIFFIES;
				tries = 0;
				continue;
			}
		}
		hmmodp_count(f->mirror, fault_retries, 1);
		if (err == -ENOMEM)
			hmmodp_reclaim_some(f->mirror, tries);
		if (time_after(jiffies, deadline))
			break;
		back_off(tries++);
	}
	return -EAGAIN;
}

/* As long as a chunk may take: there may be memory in a moment. */
static struct hmmodp_span *get_span(struct hmmodp_chunk_fault *f, unsigned long va)
{
	unsigned long deadline = jiffies + FAULT_BOUND_JIFFIES;
	struct hmmodp_span *span;
	unsigned int tries = 0;

	for (;;) {
		span = hmmodp_span_get(f->mirror, va);
		if (!IS_ERR(span) || given_up(f) || time_after(jiffies, deadline))
			return span;
		hmmodp_count(f->mirror, fault_retries, 1);
		hmmodp_reclaim_some(f->mirror, tries);
		back_off(tries++);
	}
}

/* The caller holds mm_users. Addresses are of pages. */
static int fault_pages(struct hmmodp_mirror *mirror, unsigned long va,
		       unsigned long end, unsigned int how, const bool *stop)
{
	struct hmmodp_chunk_fault f = {
		.mirror = mirror,
		.how = how,
		.stop = stop,
	};
	int err = 0;

	atomic_inc(&mirror->faults);
	smp_mb__after_atomic();		/* of two at the same time one knows of the other */
	for (; va < end && !err; va = f.base + HMMODP_CHUNK_SIZE) {
		hmmodp_reclaim_make_room(mirror);
		f.span = get_span(&f, va);
		if (IS_ERR(f.span)) {
			err = -EAGAIN;
			break;
		}
		f.chunk = hmmodp_span_chunk(f.span, va);
		f.base = va & ~(HMMODP_CHUNK_SIZE - 1);
		f.first = (va - f.base) >> PAGE_SHIFT;
		f.last = min(end - f.base, HMMODP_CHUNK_SIZE) >> PAGE_SHIFT;
		err = fault_chunk(&f);
		f.some = true;
		hmmodp_span_put(f.span);
	}
	atomic_dec(&mirror->faults);
	kfree(f.many);
	return err == FRONT_ONLY ? 0 : err;
}

/**
 * hmmodp_fault_how - the one way of a fault or prefetch
 * @mirror: the process
 * @va: first byte
 * @len: bytes > 0
 * @how: HMMODP_FAULT_*
 * @stop: -EAGAIN soon after this turns true; or NULL
 *
 * Context, return: as hmmodp_fault().
 */
int hmmodp_fault_how(struct hmmodp_mirror *mirror, unsigned long va, size_t len,
		     unsigned int how, const bool *stop)
{
	struct mm_struct *mm = mirror->mm;
	struct hmmodp_stopwatch watch;
	struct mem_cgroup *memcg;
	int err = -EFAULT;

	hmmodp_stopwatch_start(&watch);
	hmmodp_inject_delay();
	if (va < mm->task_size && len <= mm->task_size - va &&
	    mmget_not_zero(mm)) {
		/* the process pays for page tables too, not the worker that makes them */
		memcg = set_active_memcg(mirror->memcg);
		err = fault_pages(mirror, va & PAGE_MASK, PAGE_ALIGN(va + len),
				  how, stop);
		set_active_memcg(memcg);
		mmput(mm);
	}
	if (how & HMMODP_FAULT_AHEAD) {
		/* its pages are counted, that is all */
	} else if (how & HMMODP_FAULT_PREFETCH) {
		hmmodp_count(mirror, prefetches, 1);
		hmmodp_count(mirror, prefetch_errors, err ? 1 : 0);
	} else {
		hmmodp_count(mirror, fault_errors, err == -EFAULT ? 1 : 0);
		hmmodp_region_event(mirror, va, va + len - 1, HMMODP_FAULTS);
		hmmodp_stopwatch_stop(mirror, &watch);
	}
	trace_hmmodp_fault(va, len, how, err);
	return err;
}

int hmmodp_fault(struct hmmodp_mirror *mirror, unsigned long va, size_t len,
		 enum hmmodp_dir dir)
{
	return hmmodp_fault_how(mirror, va, len,
				dir == HMMODP_WRITE ? HMMODP_FAULT_WRITE : 0, NULL);
}
EXPORT_SYMBOL_GPL(hmmodp_fault);
