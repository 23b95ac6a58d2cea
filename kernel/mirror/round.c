// SPDX-License-Identifier: GPL-2.0
/*
 * A round of a fault asks HMM what is present of a chunk around the wanted
 * pages, lets it fault those that are missing, and installs what it learnt:
 *
 *	seq = mmu_interval_read_begin()		waits while an invalidation runs
 *	under mmap_lock: hmm_range_fault()	may call handle_mm_fault()
 *	under the chunk's lock:
 *		mmu_interval_read_retry(seq)?	someone invalidated: start over
 *		install
 */
#include <linux/fs.h>
#include <linux/hmm.h>
#include <linux/magic.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "mm.h"
#include "inject.h"
#include "round.h"

/* HMM on [first, last); with @flags 0 it only looks. */
static int hmm_look(struct hmmodp_chunk_fault *f, unsigned int first, unsigned int last,
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

static unsigned long wanted_flags(const struct hmmodp_chunk_fault *f)
{
	return HMM_PFN_REQ_FAULT | (f->how & HMMODP_FAULT_WRITE ? HMM_PFN_REQ_WRITE : 0);
}

/* Did HMM see the page, with the right that is wanted? */
static bool usable(const struct hmmodp_chunk_fault *f, unsigned int page)
{
	unsigned long need = HMM_PFN_VALID | (f->how & HMMODP_FAULT_WRITE ? HMM_PFN_WRITE : 0);

	return (f->pages[page - f->low] & (need | HMM_PFN_ERROR)) == need;
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
static int hmm_fault(struct hmmodp_chunk_fault *f, unsigned int missing)
{
	int err;

	err = hmm_look(f, missing, missing + 1, wanted_flags(f));
	if (err || is_huge(f->pages[missing - f->low]))
		return err;
	return hmm_look(f, missing + 1, f->last, wanted_flags(f));
}

/* The first wanted page that HMM does not see, or not with the right; or last. */
static unsigned int first_missing(struct hmmodp_chunk_fault *f)
{
	unsigned int i;

	for (i = f->first; i < f->last; i++) {
		if (!usable(f, i))
			return i;
		if (is_huge(f->pages[i - f->low]))
			return f->last;
	}
	return i;
}

/*
 * A page of memfd_secret(): in nobody's reach but the process's, and without an address
 * in the kernel. HMM does not tell it from others.
 */
static inline bool is_secret(struct page *page)
{
	const struct address_space *mapping = READ_ONCE(page_folio(page)->mapping);

	if (!mapping || (unsigned long)mapping & (sizeof(long) - 1))	/* anonymous */
		return false;
	return mapping->host && mapping->host->i_sb->s_magic == SECRETMEM_MAGIC;
}

/*
 * HMM's word on a page as an entry, with @flags. The page cannot go, nor be cut off its
 * file: the caller has checked.
 */
static inline unsigned long entry_of(struct hmmodp_chunk_fault *f, unsigned int i,
				     unsigned long flags)
{
	unsigned long hmm_pfn = f->pages[i - f->low];
	struct page *page;

	if ((hmm_pfn & (HMM_PFN_VALID | HMM_PFN_ERROR)) != HMM_PFN_VALID)
		return 0;
	page = hmm_pfn_to_page(hmm_pfn);
	if (unlikely(is_secret(page))) {
		if (i >= f->first)
			f->secret = min(f->secret, i);
		return 0;
	}
	if (hmm_pfn & HMM_PFN_WRITE)
		flags |= HMMODP_ENTRY_WRITABLE;
	if (is_device_coherent_page(page))
		flags |= HMMODP_ENTRY_COHERENT;
	return hmmodp_entry_make(hmm_pfn & ~HMM_PFN_FLAGS, flags);
}

static void install_locked(struct hmmodp_chunk_fault *f, unsigned long **spare,
			   unsigned long **freed, struct hmmodp_changed *fresh)
	__must_hold(&f->chunk->lock)
{
	unsigned long flags = HMMODP_ENTRY_VALID |
			      (f->how & HMMODP_FAULT_AHEAD ? HMMODP_ENTRY_AHEAD : 0);
	bool write = f->how & HMMODP_FAULT_WRITE;
	unsigned long entry;
	unsigned int i;

	f->missing = f->last;
	if (is_huge(f->pages[f->first - f->low])) {
		entry = entry_of(f, f->first, flags);
		if (!hmmodp_entry_permits(entry, write))
			f->missing = f->first;
		hmmodp_chunk_install_leaf_locked(f->chunk, entry -
						 hmmodp_entry_make(f->first, 0),
						 freed, fresh);
		return;
	}
	for (i = f->low; i < f->high; i++) {
		entry = entry_of(f, i, flags);
		if (!hmmodp_entry_permits(entry, write) && i >= f->first)
			f->missing = min(f->missing, i);
		f->pages[i - f->low] = entry;
	}
	hmmodp_chunk_install_locked(f->chunk, f->low, f->high, f->pages, spare,
				    fresh);
	if (f->low == 0 && f->high == HMMODP_CHUNK_PAGES && f->chunk->table)
		f->chunk->seen = true;
}

static enum hmmodp_change change_by(unsigned int how)
{
	if (how & HMMODP_FAULT_AHEAD)
		return HMMODP_READAHEADS;
	return how & HMMODP_FAULT_PREFETCH ? HMMODP_PREFETCHES : HMMODP_FAULTS;
}

/*
 * Returns -EBUSY if what HMM said is out of date, or if the table that the chunk
 * had when the round began has gone.
 */
static int install(struct hmmodp_chunk_fault *f, unsigned long **spare)
{
	struct hmmodp_changed fresh = { .count = 0 };
	unsigned long *freed = NULL;
	int err = -EBUSY;

	write_lock_bh(&f->chunk->lock);
	if (!mmu_interval_read_retry(f->range.notifier, f->range.notifier_seq) &&
	    (f->chunk->table || *spare)) {
		install_locked(f, spare, &freed, &fresh);
		err = 0;
	}
	write_unlock_bh(&f->chunk->lock);
	hmmodp_table_discard(f->mirror, freed);
	hmmodp_count_pages(f->mirror, f->base, &fresh, change_by(f->how));
	return err;
}

static bool is_small(unsigned int low, unsigned int high)
{
	return high - low <= HMMODP_FEW_PAGES;
}

/* Look at pages [low, high), the wanted among them; forgets what was seen so far. */
static int set_window(struct hmmodp_chunk_fault *f, unsigned int low, unsigned int high)
{
	f->low = low;
	f->high = high;
	f->pages = f->few;
	if (!is_small(low, high)) {
		if (!f->many)
			f->many = kmalloc_array(HMMODP_CHUNK_PAGES,
						sizeof(*f->many), GFP_KERNEL);
		if (!f->many)
			return -ENOMEM;
		f->pages = f->many;
	}
	memset(f->pages, 0, (high - low) * sizeof(*f->pages));
	return 0;
}

/*
 * Few pages are faulted without a look before: one walk. Were they all there
 * already, *@known turns true.
 */
static int ask_for_few(struct hmmodp_chunk_fault *f, int *failed, bool *known)
{
	unsigned long faults = current->maj_flt + current->min_flt;
	int err;

	err = hmm_look(f, f->first, f->last, wanted_flags(f));
	*known = !err && current->maj_flt + current->min_flt == faults;
	if (!err || err == -EBUSY)
		return err;
	*failed = err;
	return hmm_look(f, f->first, f->last, 0);
}

/*
 * Many pages, or a look without faulting: what is there need not be asked for. Was
 * the first of them there, *@known turns true.
 */
static int ask_for_many(struct hmmodp_chunk_fault *f, int *failed, bool *known)
{
	unsigned int missing;
	int err;

	err = hmm_look(f, f->first, f->last, 0);
	if (err)
		return err;
	missing = first_missing(f);
	*known = missing > f->first;
	if (missing == f->last || f->how & HMMODP_FAULT_LOOK)
		return 0;
	err = hmm_fault(f, missing);
	if (!err || err == -EBUSY)
		return err;
	*failed = err;
	return hmm_look(f, missing, f->last, 0);
}

/*
 * What the process has touched before comes for the price of a glance at its page
 * table: of the whole chunk, once; later of a few neighbours.
 */
static int look_around(struct hmmodp_chunk_fault *f)
{
	unsigned int low = 0, high = HMMODP_CHUNK_PAGES;
	int err;

	if (READ_ONCE(f->chunk->seen)) {
		low = round_down(f->first, HMMODP_NEIGHBOUR_PAGES);
		high = round_up(f->last, HMMODP_NEIGHBOUR_PAGES);
	}
	if (low == f->low && high == f->high)
		return 0;
	err = set_window(f, low, high);
	return err ?: hmm_look(f, low, high, 0);
}

/*
 * Asks HMM for the wanted pages. On success *@failed is its verdict on the missing
 * ones, and what could be had is in f->pages, in any case all before the first it
 * could not. Where the wanted are new to the process the rest is likely to be too;
 * else it looks around.
 */
static int ask_hmm(struct hmmodp_chunk_fault *f, int *failed)
{
	bool few = is_small(f->first, f->last) && !(f->how & HMMODP_FAULT_LOOK);
	bool known = false;
	int err;

	*failed = 0;
	err = set_window(f, f->first, f->last);
	if (err)
		return err;
	err = few ? ask_for_few(f, failed, &known) : ask_for_many(f, failed, &known);
	if (err || *failed || !known || is_huge(f->pages[0]))
		return err;
	return look_around(f);
}

/*
 * Faults keep the memory of a process that has ended or exec'ed. Where they waited
 * for its userfaultfd they are woken when that is closed, and would now find zeros,
 * which were never in the process's memory and must not be sent in its name.
 */
bool hmmodp_process_gone(const struct mm_struct *mm)
{
#ifdef CONFIG_MEMCG
	return !rcu_access_pointer(mm->owner);
#else
	return false;
#endif
}

/* HMM does not tell them from others. They are written by CALL alone. */
static void deny_shadow_stacks(struct hmmodp_chunk_fault *f, int *failed)
{
	unsigned long start = f->base + ((unsigned long)f->low << PAGE_SHIFT);
	unsigned long end = f->base + ((unsigned long)f->high << PAGE_SHIFT);
	struct vm_area_struct *vma;
	unsigned long va = start;

	while (va < end) {
		vma = find_vma(f->mirror->mm, va);
		if (!vma || vma->vm_start >= end)
			return;
		va = vma->vm_end;
		if (!(vma->vm_flags & VM_SHADOW_STACK))
			continue;
		*failed = -EFAULT;
		for (va = max(vma->vm_start, start); va < min(vma->vm_end, end);
		     va += PAGE_SIZE)
			f->pages[(va - start) >> PAGE_SHIFT] &= ~HMM_PFN_WRITE;
	}
}

static int round_with_table(struct hmmodp_chunk_fault *f, unsigned int *bad,
			    unsigned long **spare)
{
	int failed;
	int err;

	f->range = (struct hmm_range) {
		.notifier = &f->span->notifier,
		.notifier_seq = mmu_interval_read_begin(&f->span->notifier),
	};
	if (mmap_read_lock_killable(f->mirror->mm))
		return -EINTR;
	err = ask_hmm(f, &failed);
	if (!err && hmmodp_may_have_shadow_stacks())
		deny_shadow_stacks(f, &failed);
	mmap_read_unlock(f->mirror->mm);
	/* again, for it may have ended while this waited */
	if (hmmodp_inject(HMMODP_INJECT_BUSY) || hmmodp_process_gone(f->mirror->mm))
		err = -EBUSY;
	if (err)
		return err;
	f->secret = f->last;
	err = install(f, spare);
	*bad = f->missing;
	if (f->secret == f->missing)
		failed = -EFAULT;
	if (err || f->missing == f->last || f->how & HMMODP_FAULT_LOOK)
		return err;
	if (!failed)		/* gone while we looked */
		return -EBUSY;
	return failed == -ENOMEM ? -ENOMEM : -EFAULT;
}

int hmmodp_fault_round(struct hmmodp_chunk_fault *f, unsigned int *bad)
{
	unsigned long *spare = NULL;
	bool covered;
	int err;

	read_lock_bh(&f->chunk->lock);
	covered = hmmodp_chunk_covers_locked(f->chunk, f->first, f->last,
					     f->how & HMMODP_FAULT_WRITE);
	read_unlock_bh(&f->chunk->lock);
	if (covered)
		return 0;

	if (!READ_ONCE(f->chunk->table)) {
		spare = hmmodp_table_alloc(f->mirror);
		if (!spare)
			return -ENOMEM;
	}
	err = round_with_table(f, bad, &spare);
	hmmodp_table_free(f->mirror, spare);
	return err;
}
