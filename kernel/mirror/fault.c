// SPDX-License-Identifier: GPL-2.0
/*
 * Faults: bring pages into the translation.
 *
 * A round asks HMM what is present of a chunk around the wanted pages, lets it
 * fault those that are missing, and installs what it learnt:
 *
 *	seq = mmu_interval_read_begin()		waits while an invalidation runs
 *	under mmap_lock: hmm_range_fault()	may call handle_mm_fault()
 *	under the chunk's lock:
 *		mmu_interval_read_retry(seq)?	someone invalidated: start over
 *		install
 *
 * A round ends in one of three ways: the pages were there; a reason that will
 * pass, then it is repeated until a time bound; or HMM found a page it cannot
 * bring. The last is not yet the truth: HMM keeps mmap_lock throughout, and a
 * page that wants user space to act (userfaultfd) cannot wait for it that way.
 * So that page is faulted once more by fixup_user_fault(), which may drop the
 * lock and wait, and whose word is final.
 */
#include <linux/delay.h>
#include <linux/export.h>
#include <linux/hash.h>
#include <linux/hmm.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "core.h"
#include "span.h"
#include "trace.h"

/* How long a chunk may take, without progress, before the caller must know. */
#define FAULT_BOUND_JIFFIES	(5 * HZ)
/* So many times the final word may be "present" and HMM still see nothing. */
#define FIXUP_LIMIT		16
/* Neighbours looked at around the wanted pages when the chunk is not empty. */
#define NEIGHBOUR_PAGES		16U
/* Looking at so many pages takes no allocation. */
#define FEW_PAGES		(2 * NEIGHBOUR_PAGES)

/* The fault of one chunk. Pages are counted from the start of the chunk. */
struct chunk_fault {
	struct hmmodp_mirror *mirror;
	struct hmmodp_span *span;
	struct hmmodp_chunk *chunk;
	unsigned long base;		/* address of the chunk */
	unsigned int first, last;	/* pages wanted: [first, last) */
	bool write;
	const bool *stop;		/* give up when it turns true, or NULL */
	/* of the round under way */
	struct hmm_range range;
	unsigned int low, high;		/* pages looked at, the wanted among them */
	unsigned long *pages;		/* HMM's words on them, then entries */
	unsigned long few[FEW_PAGES];	/* where pages points, or else */
	unsigned long *many;		/* a chunk's worth, or NULL */
};

/* HMM on [first, last); with @flags 0 it only looks. */
static int hmm_look(struct chunk_fault *f, unsigned int first, unsigned int last,
		    unsigned long flags)
{
	if (first >= last)
		return 0;
	f->range.start = f->base + ((unsigned long)first << PAGE_SHIFT);
	f->range.end = f->base + ((unsigned long)last << PAGE_SHIFT);
	f->range.hmm_pfns = f->pages + (first - f->low);
	f->range.default_flags = flags;
	return hmm_range_fault(&f->range);
}

static bool is_huge(unsigned long hmm_pfn)
{
	return hmm_pfn & HMM_PFN_VALID &&
	       hmm_pfn_to_map_order(hmm_pfn) >= HMMODP_CHUNK_ORDER;
}

/*
 * Fault the wanted pages from @missing on, but first one of them alone: if it
 * comes as part of a huge page, the others need not be asked for, one by one.
 */
static int hmm_fault(struct chunk_fault *f, unsigned int missing)
{
	unsigned long flags = HMM_PFN_REQ_FAULT |
			      (f->write ? HMM_PFN_REQ_WRITE : 0);
	int err;

	err = hmm_look(f, missing, missing + 1, flags);
	if (err || is_huge(f->pages[missing - f->low]))
		return err;
	return hmm_look(f, missing + 1, f->last, flags);
}

/* The first wanted page that HMM does not see, or not with the right; or last. */
static unsigned int first_missing(struct chunk_fault *f)
{
	unsigned long need = HMM_PFN_VALID | (f->write ? HMM_PFN_WRITE : 0);
	unsigned int i;

	for (i = f->first; i < f->last; i++) {
		unsigned long seen = f->pages[i - f->low];

		if ((seen & (need | HMM_PFN_ERROR)) != need)
			return i;
		if (is_huge(seen))
			return f->last;
	}
	return i;
}

/* HMM's word on a page as an entry. The page cannot go: the caller has checked. */
static unsigned long entry_of(unsigned long hmm_pfn)
{
	unsigned long flags = HMMODP_ENTRY_VALID;

	if ((hmm_pfn & (HMM_PFN_VALID | HMM_PFN_ERROR)) != HMM_PFN_VALID)
		return 0;
	if (hmm_pfn & HMM_PFN_WRITE)
		flags |= HMMODP_ENTRY_WRITABLE;
	if (is_device_coherent_page(hmm_pfn_to_page(hmm_pfn)))
		flags |= HMMODP_ENTRY_COHERENT;
	return hmmodp_entry_make(hmm_pfn & ~HMM_PFN_FLAGS, flags);
}

/* Returns pages that became valid. */
static unsigned int install_locked(struct chunk_fault *f, unsigned long **spare,
				   unsigned long **freed)
	__must_hold(&f->chunk->lock)
{
	unsigned long seen = f->pages[f->first - f->low];
	unsigned int i;

	if (is_huge(seen))
		return hmmodp_chunk_install_leaf_locked(f->chunk,
				entry_of(seen) - hmmodp_entry_make(f->first, 0),
				freed);
	for (i = 0; i < f->high - f->low; i++)
		f->pages[i] = entry_of(f->pages[i]);
	return hmmodp_chunk_install_locked(f->chunk, f->low, f->high, f->pages,
					   spare);
}

/*
 * Returns -EBUSY if what HMM said is out of date, or if the table that the chunk
 * had when the round began has gone.
 */
static int install(struct chunk_fault *f, unsigned long **spare)
{
	unsigned long *freed = NULL;
	unsigned int fresh = 0;
	int err = -EBUSY;

	write_lock_bh(&f->chunk->lock);
	if (!mmu_interval_read_retry(f->range.notifier, f->range.notifier_seq) &&
	    (f->chunk->table || *spare)) {
		fresh = install_locked(f, spare, &freed);
		err = 0;
	}
	write_unlock_bh(&f->chunk->lock);
	kfree(freed);
	hmmodp_count(f->mirror, page_faults, fresh);
	return err;
}

/*
 * What to look at: all of an empty chunk, because what the process has touched
 * before comes for the price of a glance at its page table; later only a little
 * around the wanted, since the rest has been seen.
 */
static int choose_window(struct chunk_fault *f)
{
	if (READ_ONCE(f->chunk->populated)) {
		f->low = round_down(f->first, NEIGHBOUR_PAGES);
		f->high = round_up(f->last, NEIGHBOUR_PAGES);
	} else {
		f->low = 0;
		f->high = HMMODP_CHUNK_PAGES;
	}
	f->pages = f->few;
	if (f->high - f->low > FEW_PAGES) {
		if (!f->many)
			f->many = kmalloc_array(HMMODP_CHUNK_PAGES,
						sizeof(*f->many), GFP_KERNEL);
		if (!f->many)
			return -ENOMEM;
		f->pages = f->many;
	}
	memset(f->pages, 0, (f->high - f->low) * sizeof(*f->pages));
	return 0;
}

/*
 * Asks HMM. On success *@failed is its verdict on the missing pages, and what
 * could be had is in f->pages, in any case all before the first it could not.
 */
static int ask_hmm(struct chunk_fault *f, int *failed)
{
	unsigned int missing;
	int err;

	*failed = 0;
	err = hmm_look(f, f->low, f->high, 0);
	if (err)
		return err;
	missing = first_missing(f);
	if (missing == f->last)
		return 0;
	err = hmm_fault(f, missing);
	if (!err || err == -EBUSY)
		return err;
	*failed = err;
	return hmm_look(f, missing, f->last, 0);
}

static int round_with_table(struct chunk_fault *f, unsigned int *bad,
			    unsigned long **spare)
{
	int failed;
	int err;

	err = choose_window(f);
	if (err)
		return err;
	f->range = (struct hmm_range) {
		.notifier = &f->span->notifier,
		.notifier_seq = mmu_interval_read_begin(&f->span->notifier),
	};
	mmap_read_lock(f->mirror->mm);
	err = ask_hmm(f, &failed);
	mmap_read_unlock(f->mirror->mm);
	if (err)
		return err;
	*bad = first_missing(f);
	err = install(f, spare);
	if (err || *bad == f->last)
		return err;
	if (!failed)		/* gone while we looked */
		return -EBUSY;
	return failed == -ENOMEM ? -ENOMEM : -EFAULT;
}

/*
 * Returns 0: the wanted pages were present. -EFAULT: HMM could not bring page
 * *@bad, but all before it were present. Else the reason will pass.
 */
static int fault_round(struct chunk_fault *f, unsigned int *bad)
{
	unsigned long *spare = NULL;
	struct mem_cgroup *memcg;
	bool covered;
	int err;

	read_lock_bh(&f->chunk->lock);
	covered = hmmodp_chunk_covers_locked(f->chunk, f->first, f->last,
					     f->write);
	read_unlock_bh(&f->chunk->lock);
	if (covered)
		return 0;

	if (!READ_ONCE(f->chunk->table)) {
		memcg = set_active_memcg(f->mirror->memcg);
		spare = kcalloc(HMMODP_CHUNK_PAGES, sizeof(*spare),
				GFP_KERNEL_ACCOUNT);
		set_active_memcg(memcg);
		if (!spare)
			return -ENOMEM;
	}
	err = round_with_table(f, bad, &spare);
	kfree(spare);
	return err;
}

/* The final word on a page: 0, -EFAULT, or a reason that will pass. */
static int fixup(struct chunk_fault *f, unsigned int bad)
{
	struct mm_struct *mm = f->mirror->mm;
	bool unlocked = false;
	int err;

	mmap_read_lock(mm);
	err = fixup_user_fault(mm, f->base + ((unsigned long)bad << PAGE_SHIFT),
			       FAULT_FLAG_REMOTE |
			       (f->write ? FAULT_FLAG_WRITE : 0), &unlocked);
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

static bool given_up(struct chunk_fault *f)
{
	return (f->stop && READ_ONCE(*f->stop)) || fatal_signal_pending(current);
}

static void back_off(unsigned int tries)
{
	if (tries < 4)
		cond_resched();
	else
		usleep_range(50 << min(tries - 4, 5U), 100 << min(tries - 4, 5U));
}

static int fault_chunk(struct chunk_fault *f)
{
	struct mutex *lock = &f->mirror->fault_lock[hash_long(f->base >>
				HMMODP_CHUNK_SHIFT, ilog2(HMMODP_FAULT_LOCKS))];
	unsigned long deadline = jiffies + FAULT_BOUND_JIFFIES;
	unsigned int bad = 0, last_bad = UINT_MAX;
	unsigned int fixups = 0, tries = 0;
	int err;

	while (!given_up(f)) {
		mutex_lock(lock);
		err = fault_round(f, &bad);
		mutex_unlock(lock);
		if (!err)
			return 0;
		if (err == -EFAULT) {
			if (bad != last_bad)
				fixups = 0;
			last_bad = bad;
			if (fixups++ == FIXUP_LIMIT)
				return -EFAULT;
			err = fixup(f, bad);
			if (err == -EFAULT)
				return -EFAULT;
			if (!err) {
				deadline = jiffies + FAULT_BOUND_JIFFIES;
				tries = 0;
				continue;
			}
		}
		hmmodp_count(f->mirror, fault_retries, 1);
		if (time_after(jiffies, deadline))
			break;
		back_off(tries++);
	}
	return -EAGAIN;
}

/* The caller holds mm_users. Addresses are of pages. */
static int fault_pages(struct hmmodp_mirror *mirror, unsigned long va,
		       unsigned long end, bool write, const bool *stop)
{
	struct chunk_fault f = {
		.mirror = mirror,
		.write = write,
		.stop = stop,
	};
	int err = 0;

	for (; va < end && !err; va = f.base + HMMODP_CHUNK_SIZE) {
		f.span = hmmodp_span_get(mirror, va);
		if (IS_ERR(f.span)) {
			err = -EAGAIN;
			break;
		}
		f.chunk = hmmodp_span_chunk(f.span, va);
		f.base = va & ~(HMMODP_CHUNK_SIZE - 1);
		f.first = (va - f.base) >> PAGE_SHIFT;
		f.last = min(end - f.base, HMMODP_CHUNK_SIZE) >> PAGE_SHIFT;
		err = fault_chunk(&f);
	}
	kfree(f.many);
	return err;
}

/**
 * hmmodp_fault_unless - hmmodp_fault() that can be told to give up
 * @mirror: the process
 * @va: first byte
 * @len: bytes > 0
 * @dir: the rights wanted
 * @stop: -EAGAIN soon after this turns true; or NULL
 *
 * Context, return: as hmmodp_fault().
 */
int hmmodp_fault_unless(struct hmmodp_mirror *mirror, unsigned long va,
			size_t len, enum hmmodp_dir dir, const bool *stop)
{
	struct mm_struct *mm = mirror->mm;
	int err = -EFAULT;

	if (va < mm->task_size && len <= mm->task_size - va &&
	    mmget_not_zero(mm)) {
		err = fault_pages(mirror, va & PAGE_MASK, PAGE_ALIGN(va + len),
				  dir == HMMODP_WRITE, stop);
		mmput(mm);
	}
	if (err == -EFAULT)
		hmmodp_count(mirror, fault_errors, 1);
	trace_hmmodp_fault(va, len, dir == HMMODP_WRITE, err);
	return err;
}

int hmmodp_fault(struct hmmodp_mirror *mirror, unsigned long va, size_t len,
		 enum hmmodp_dir dir)
{
	return hmmodp_fault_unless(mirror, va, len, dir, NULL);
}
EXPORT_SYMBOL_GPL(hmmodp_fault);
