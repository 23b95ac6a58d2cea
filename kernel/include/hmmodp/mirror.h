/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The mirror: a device's translation of a process's addresses, kept in step
 * with the page tables by HMM. Nothing in it pins a page.
 *
 *	owner (a device) > mirror (per process) > span 64 MiB > chunk 2 MiB > page
 *
 * A user reaches memory in two steps that never nest:
 *
 *	done = hmmodp_access(m, va, len, dir, copy, ctx);    any context
 *	if (done < len)
 *		hmmodp_fault_async(m, va + done, len - done, ...);
 *
 * and starts over when the fault is served, because the pages may have gone
 * again by then.
 */
#ifndef HMMODP_MIRROR_H
#define HMMODP_MIRROR_H

#include <linux/atomic.h>
#include <linux/interval_tree.h>
#include <linux/types.h>

struct hmmodp_mirror;
struct hmmodp_fault;
struct seq_file;
struct workqueue_struct;

/**
 * enum hmmodp_dir - what the device does to the memory
 * @HMMODP_READ: it reads; needs pages that are present
 * @HMMODP_WRITE: it writes, or reads and writes (atomics); needs pages that the
 *	process may write, and marks them dirty
 */
enum hmmodp_dir {
	HMMODP_READ,
	HMMODP_WRITE,
};

/* What happens to pages, as it is counted. */
enum hmmodp_change {
	HMMODP_FAULTS,		/* made valid in a translation by a fault */
	HMMODP_INVALIDATIONS,	/* taken out of a translation by the kernel */
	HMMODP_PREFETCHES,	/* made valid by prefetch rather than by a fault */
	HMMODP_READAHEADS,	/* made valid ahead of a stream of faults */
	HMMODP_CHANGES,
	HMMODP_RECLAIMS = HMMODP_CHANGES,	/* given up to save memory */
};

/* What a fault had to do: nothing but look; map a page; wait for a device. */
enum hmmodp_fault_kind {
	HMMODP_FAULT_REFAULT,
	HMMODP_FAULT_MINOR,
	HMMODP_FAULT_MAJOR,
	HMMODP_FAULT_KINDS,
};

/* The first is of less than 1 us, each other of twice the time before it. */
#define HMMODP_LATENCY_BUCKETS	24

/**
 * struct hmmodp_stats - what a mirror counts for its owner
 * @page_faults: pages made valid in a translation by a fault
 * @page_invalidations: pages taken out of a translation by the kernel
 * @page_prefetch: pages made valid by prefetch rather than by a fault
 * @page_readahead: pages made valid ahead of a stream of faults
 * @page_readahead_hits: those of them that were used
 * @page_reclaims: pages given up to save memory
 * @fault_retries: rounds repeated for a transient reason
 * @fault_errors: faults that ended in a bad address
 * @prefetches: ranges asked for
 * @prefetch_errors: those of them that were not brought completely
 * @latency: faults by kind and time
 */
struct hmmodp_stats {
	atomic64_t page_faults;
	atomic64_t page_invalidations;
	atomic64_t page_prefetch;
	atomic64_t page_readahead;
	atomic64_t page_readahead_hits;
	atomic64_t page_reclaims;
	atomic64_t fault_retries;
	atomic64_t fault_errors;
	atomic64_t prefetches;
	atomic64_t prefetch_errors;
	atomic64_t latency[HMMODP_FAULT_KINDS][HMMODP_LATENCY_BUCKETS];
};

/**
 * struct hmmodp_region - a range that a user has a name for, and its counters
 * @pages: pages within it that changed, by enum hmmodp_change
 * @events: faults and invalidations that concerned it
 *
 * Embedded in what the user has; between hmmodp_region_add() and _del() the
 * mirror counts into it. The rest is the mirror's.
 */
struct hmmodp_region {
	atomic64_t pages[HMMODP_CHANGES];
	atomic64_t events[HMMODP_CHANGES];
	struct interval_tree_node range;
	struct hmmodp_mirror *mirror;
};

/**
 * struct hmmodp_owner - one device whose processes have mirrors
 * @stats: shared by all mirrors of this owner
 *
 * Embedded in the device; must outlive its mirrors.
 */
struct hmmodp_owner {
	struct hmmodp_stats stats;
};

/**
 * hmmodp_mirror_get - the mirror of the calling process for a device
 * @owner: the device
 *
 * All regions of one process on one device share one mirror, so this costs the
 * same whatever the region's length.
 *
 * Context: process, may sleep; current->mm must not be NULL.
 * Return: a mirror with a reference, or ERR_PTR: -ENOMEM, -EINVAL (no mm),
 *	-ERESTARTNOINTR: a signal; for the system call to return as it is.
 */
struct hmmodp_mirror *hmmodp_mirror_get(struct hmmodp_owner *owner);

/**
 * hmmodp_mirror_hold - one more reference for a caller who has one
 *
 * Context: process, may sleep.
 */
void hmmodp_mirror_hold(struct hmmodp_mirror *mirror);

/**
 * hmmodp_mirror_put - give back a reference
 * @mirror: from hmmodp_mirror_get()
 *
 * The last one takes the mirror down. Faults still under way hold references
 * of their own.
 *
 * Context: process, may sleep.
 */
void hmmodp_mirror_put(struct hmmodp_mirror *mirror);

/**
 * typedef hmmodp_actor_t - what hmmodp_access() does with each piece
 * @ctx: the caller's
 * @kaddr: kernel address of the piece; valid during the call only
 * @len: bytes in the piece, > 0; it may cross pages where they are contiguous
 *
 * Called with the piece's chunk locked against invalidation and bottom halves
 * off: must not sleep, fault, or call the mirror.
 */
typedef void (*hmmodp_actor_t)(void *ctx, void *kaddr, size_t len);

/**
 * hmmodp_access - hand the present pages of a range to an actor, in order
 * @mirror: the process
 * @va: first byte, any alignment
 * @len: bytes
 * @dir: HMMODP_WRITE stops at a page that is not writable in the translation,
 *	and marks each page dirty before the actor sees it
 * @actor: called once per contiguous piece
 * @ctx: passed to @actor
 *
 * Context: any but hard interrupt; does not sleep.
 * Return: bytes handed to the actor, from the front. Less than @len means that
 *	the page at @va plus that is absent or lacks the right: fault it.
 */
size_t hmmodp_access(struct hmmodp_mirror *mirror, unsigned long va, size_t len,
		     enum hmmodp_dir dir, hmmodp_actor_t actor, void *ctx);

/**
 * hmmodp_fault - bring a range into the translation and wait for it
 * @mirror: the process; need not be the caller's
 * @va: first byte, any alignment
 * @len: bytes > 0; all of them are faulted
 * @dir: the rights wanted
 *
 * Context: process, may sleep, no lock held that the memory manager takes.
 * Return: 0: each page was present at some instant of the call; it may be gone
 *	again. -EFAULT: some page is not mapped, or not with the right, or the
 *	process is gone. -EAGAIN: a transient reason outlasted the bound; try
 *	again later. Nothing else.
 */
int hmmodp_fault(struct hmmodp_mirror *mirror, unsigned long va, size_t len,
		 enum hmmodp_dir dir);

/**
 * typedef hmmodp_fault_done_t - an asynchronous fault has been served
 * @ctx: the caller's
 * @err: as hmmodp_fault() returns
 *
 * Process context, may sleep, no lock held.
 */
typedef void (*hmmodp_fault_done_t)(void *ctx, int err);

/**
 * hmmodp_fault_async - hmmodp_fault() on a work queue, of as much as need be
 * @mirror: the process
 * @va: first byte
 * @len: bytes > 0; hmmodp_fault_most() of them come, not more
 * @dir: the rights wanted
 * @done: called exactly once, unless hmmodp_fault_cancel() came first; may be
 *	called before this function returns. With 0 also where pages have come from
 *	the front, and one behind them waits for user space, or is bad
 * @ctx: passed to @done
 *
 * Context: any but hard interrupt; does not sleep.
 * Return: the fault with a reference that the caller gives back by
 *	hmmodp_fault_put(), or ERR_PTR(-ENOMEM), and then @done is not called.
 */
struct hmmodp_fault *hmmodp_fault_async(struct hmmodp_mirror *mirror,
					unsigned long va, size_t len,
					enum hmmodp_dir dir,
					hmmodp_fault_done_t done, void *ctx);

/**
 * struct hmmodp_other_ops - memory that is no process's, and that somebody else keeps
 * track of
 * @serve: bring it; process context, may sleep. Returns as hmmodp_fault() does, and
 *	-EAGAIN soon after *@stop has turned true
 * @put: the fault is over; process context, may sleep
 */
struct hmmodp_other_ops {
	int (*serve)(void *other, const bool *stop);
	void (*put)(void *other);
};

/**
 * hmmodp_fault_other - hmmodp_fault_async() for such memory
 * @queue: of the caller, destroyed before @ops go: a fault that is cancelled may stay a
 *	while
 * @ops: what to do
 * @other: the memory, with a reference that is put when the fault is over
 * @done: and @ctx: as of hmmodp_fault_async()
 *
 * Context, return: as hmmodp_fault_async(); with ERR_PTR() the reference is the caller's.
 */
struct hmmodp_fault *hmmodp_fault_other(struct workqueue_struct *queue,
					const struct hmmodp_other_ops *ops, void *other,
					hmmodp_fault_done_t done, void *ctx);

/**
 * hmmodp_fault_most - what a fault of hmmodp_fault_async() brings at most
 *
 * Context: any.
 * Return: bytes, 2 MiB to 16 MiB; it follows the limit on a mirror.
 */
size_t hmmodp_fault_most(void);

/**
 * hmmodp_fault_cancel - make sure that done is not running and never will
 * @fault: from hmmodp_fault_async()
 *
 * Waits for a @done that has begun, but never for the fault itself, which may
 * hang on user space (userfaultfd): such a fault ends by itself, unheard.
 * Must not be called from @done, nor under a lock that @done takes.
 *
 * Context: process, may sleep.
 * Return: true if it is this call by which done never comes.
 */
bool hmmodp_fault_cancel(struct hmmodp_fault *fault);

/**
 * hmmodp_fault_put - give back the reference of hmmodp_fault_async()
 * @fault: may be NULL
 *
 * Context: any but hard interrupt. May be called from its done.
 */
void hmmodp_fault_put(struct hmmodp_fault *fault);

/**
 * hmmodp_prefetch - bring a range into the translation, if that can be done
 * @mirror: the process; need not be the caller's
 * @va: first byte, any alignment
 * @len: bytes > 0
 * @dir: the rights wanted
 * @may_fault: else take over what the process has mapped, and no more
 *
 * Ends early when the process or the mirror's last user goes.
 *
 * Context, return: as hmmodp_fault(). Without @may_fault an address that is not
 *	mapped is no error.
 */
int hmmodp_prefetch(struct hmmodp_mirror *mirror, unsigned long va, size_t len,
		    enum hmmodp_dir dir, bool may_fault);

/**
 * hmmodp_prefetch_async - the same on a work queue
 *
 * Nobody is told; the owner's counters are. When too many of the mirror are under
 * way, or there is no memory, it is done before this returns.
 *
 * Context: process, may sleep, no lock held that the memory manager takes.
 */
void hmmodp_prefetch_async(struct hmmodp_mirror *mirror, unsigned long va, size_t len,
			   enum hmmodp_dir dir, bool may_fault);

/**
 * hmmodp_region_add - have what happens to a range counted
 * @region: zeroed or not; its counters start at 0
 * @mirror: with a reference that outlives the region
 * @va: first byte
 * @len: bytes > 0; cut at the end of the address space
 *
 * Context: process.
 */
void hmmodp_region_add(struct hmmodp_region *region, struct hmmodp_mirror *mirror,
		       unsigned long va, size_t len);
/* No more of that. Context: process. */
void hmmodp_region_del(struct hmmodp_region *region);

/* Prints the histograms, a line a bucket that is not empty. */
void hmmodp_latency_show(struct seq_file *seq, const struct hmmodp_stats *stats);

#endif
