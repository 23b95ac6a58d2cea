/* SPDX-License-Identifier: GPL-2.0 */
/* A mirror from within, and what its parts share. */
#ifndef HMMODP_CORE_H
#define HMMODP_CORE_H

#include <linux/hashtable.h>
#include <linux/interval_tree.h>
#include <linux/kref.h>
#include <linux/memcontrol.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include <hmmodp/mirror.h>

#include "ahead.h"

#define HMMODP_FAULT_LOCKS	32
#define HMMODP_SPAN_HINTS	8

struct hmmodp_changed;

/*
 * Users hold a count in @users, faults under way one in @ref, as do the users
 * together. Without users a mirror is no longer found and has no owner, but a
 * fault that hangs on user space may keep it for a while.
 */
struct hmmodp_mirror {
	struct mm_struct *mm;		/* kept by mmgrab(): may be dead */
	struct mem_cgroup *memcg;	/* pays for spans and tables */
	struct kref ref;
	struct work_struct free;
	/* all that is done for it; its own, for what hangs on this process */
	struct workqueue_struct *queue;
	unsigned int users;		/* protected by mirrors_lock */
	struct hlist_node node;		/* in mirrors, likewise */
	struct list_head list;		/* of all, for those who go over them; RCU */

	spinlock_t owner_lock;		/* protects owner, and it from going; softirq */
	struct hmmodp_owner *owner;	/* NULL once the last user has gone */

	struct xarray spans;		/* by address >> HMMODP_SPAN_SHIFT */
	struct mutex span_lock;		/* held to make and to take away a span */
	/* spans looked up lately, each at (address >> shift) % HINTS; RCU */
	struct hmmodp_span *hint[HMMODP_SPAN_HINTS];

	atomic_long_t bytes;		/* of spans and tables */
	atomic_t faults;		/* under way, each may add to bytes */
	struct mutex room_lock;		/* held to make room for them: others wait for it */
	unsigned long *spare;		/* an empty table, or NULL; by xchg() */
	unsigned long hand;		/* of the clock: the next span; span_lock */
	struct delayed_work idle;	/* armed while there are spans; holds a ref */
	atomic_t prefetches;		/* asynchronous ones under way */

	struct hmmodp_ahead ahead;

	struct mmu_notifier aging;	/* the kernel asks whether pages are in use */

	spinlock_t regions_lock;	/* protects regions */
	struct rb_root_cached regions;	/* by range */

	/*
	 * One fault at a time in a chunk, the others wait and find their pages
	 * present. By hash; faults of unrelated chunks that share a lock only
	 * wait. Not held while userfaultfd is waited for; a file's pages may be.
	 */
	struct mutex fault_lock[HMMODP_FAULT_LOCKS];
};

/* mirror.c */
int hmmodp_mirror_init(void);
void hmmodp_mirror_exit(void);		/* waits until there is none */
void hmmodp_mirror_unref(struct hmmodp_mirror *mirror);
extern struct list_head hmmodp_mirrors;		/* all of them; read under RCU */

/* fault.c */
enum {
	HMMODP_FAULT_WRITE	= 1 << 0,
	HMMODP_FAULT_PREFETCH	= 1 << 1,	/* nobody waits for it */
	HMMODP_FAULT_LOOK	= 1 << 2,	/* what the process has mapped, no more */
	HMMODP_FAULT_AHEAD	= 1 << 3,	/* nobody asked for it */
	HMMODP_FAULT_FRONT	= 1 << 4,	/* not the whole of it, where that takes long */
};

int hmmodp_fault_how(struct hmmodp_mirror *mirror, unsigned long va, size_t len,
		     unsigned int how, const bool *stop);

/* aging.c */
extern const struct mmu_notifier_ops hmmodp_aging_ops;

/* region.c */
void hmmodp_region_event(struct hmmodp_mirror *mirror, unsigned long start,
			 unsigned long last, enum hmmodp_change change);
/* Bytes of [va, va + len) that lie in one region, from the front. */
size_t hmmodp_region_clip(struct hmmodp_mirror *mirror, unsigned long va, size_t len);
/* Counts pages of the chunk at @base for the owner and for regions over them. */
void hmmodp_count_pages(struct hmmodp_mirror *mirror, unsigned long base,
			const struct hmmodp_changed *changed,
			enum hmmodp_change change);

/* Add to one of the owner's counters, if there still is an owner. */
#define hmmodp_count(mirror, counter, n)				\
do {									\
	struct hmmodp_mirror *m__ = (mirror);				\
	s64 n__ = (n);							\
									\
	if (n__) {							\
		spin_lock_bh(&m__->owner_lock);				\
		if (m__->owner)						\
			atomic64_add(n__, &m__->owner->stats.counter);	\
		spin_unlock_bh(&m__->owner_lock);				\
	}								\
} while (0)

#endif
