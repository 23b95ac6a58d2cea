/* SPDX-License-Identifier: GPL-2.0 */
/* A mirror from within, and what its parts share. */
#ifndef HMMODP_CORE_H
#define HMMODP_CORE_H

#include <linux/hashtable.h>
#include <linux/kref.h>
#include <linux/memcontrol.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/xarray.h>

#include <hmmodp/mirror.h>

#define HMMODP_FAULT_LOCKS	32
#define HMMODP_SPAN_HINTS	8

/*
 * Users hold a count in @users, faults under way one in @ref, as do the users
 * together. Without users a mirror is no longer found and has no owner, but a
 * fault that hangs on user space may keep it for a while.
 */
struct hmmodp_mirror {
	struct mm_struct *mm;		/* kept by mmgrab(): may be dead */
	struct mem_cgroup *memcg;	/* pays for spans and tables */
	struct kref ref;
	unsigned int users;		/* protected by mirrors_lock */
	struct hlist_node node;		/* in mirrors, likewise */

	spinlock_t owner_lock;		/* protects owner, and it from going */
	struct hmmodp_owner *owner;	/* NULL once the last user has gone */

	struct xarray spans;		/* by address >> HMMODP_SPAN_SHIFT */
	struct mutex span_lock;		/* held to make a span */
	/* spans looked up lately, each at (address >> shift) % HINTS; no lock */
	struct hmmodp_span *hint[HMMODP_SPAN_HINTS];

	/*
	 * One fault at a time in a chunk, the others wait and find their pages
	 * present. By hash; faults of unrelated chunks that share a lock only
	 * wait. Never held while waiting for user space.
	 */
	struct mutex fault_lock[HMMODP_FAULT_LOCKS];
};

void hmmodp_mirror_unref(struct hmmodp_mirror *mirror);

/* fault.c, async.c */
int hmmodp_fault_unless(struct hmmodp_mirror *mirror, unsigned long va,
			size_t len, enum hmmodp_dir dir, const bool *stop);
int hmmodp_async_init(void);
void hmmodp_async_exit(void);

/* Add to one of the owner's counters, if there still is an owner. */
#define hmmodp_count(mirror, counter, n)				\
do {									\
	struct hmmodp_mirror *m__ = (mirror);				\
	s64 n__ = (n);							\
									\
	if (n__) {							\
		spin_lock(&m__->owner_lock);				\
		if (m__->owner)						\
			atomic64_add(n__, &m__->owner->stats.counter);	\
		spin_unlock(&m__->owner_lock);				\
	}								\
} while (0)

#endif
