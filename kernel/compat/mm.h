/* SPDX-License-Identifier: GPL-2.0 */
/* Kernel differences around memory. */
#ifndef HMMODP_COMPAT_MM_H
#define HMMODP_COMPAT_MM_H

#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/shrinker.h>
#include <linux/slab.h>

/* Allocation by object, of 7.x; macros, so that no probe is needed. */
#ifndef kmalloc_obj
#define kmalloc_obj(obj, gfp)	kmalloc(sizeof(obj), gfp)
#endif
#ifndef kzalloc_obj
#define kzalloc_obj(obj, gfp)	kzalloc(sizeof(obj), gfp)
#endif

/* There are none before 6.6. */
#ifndef VM_SHADOW_STACK
#define VM_SHADOW_STACK	VM_NONE
#endif

/* Only where the CPU has them. */
static inline bool hmmodp_may_have_shadow_stacks(void)
{
#ifdef X86_FEATURE_USER_SHSTK
	return cpu_feature_enabled(X86_FEATURE_USER_SHSTK);
#else
	return VM_SHADOW_STACK != VM_NONE;
#endif
}

/* What the questions about a page's age return. */
#ifdef HMMODP_HAVE_MM_YOUNG_BOOL
#define hmmodp_young_t	bool
#else
#define hmmodp_young_t	int
#endif

/*
 * A shrinker with these two operations, or NULL. Older kernels have the caller
 * provide its memory; @room is where.
 */
static inline struct shrinker *
hmmodp_shrinker_register(struct shrinker *room, const char *name,
			 unsigned long (*count)(struct shrinker *s,
						struct shrink_control *sc),
			 unsigned long (*scan)(struct shrinker *s,
					       struct shrink_control *sc))
{
#ifdef HMMODP_HAVE_MM_SHRINKER_ALLOC
	struct shrinker *s = shrinker_alloc(0, "%s", name);

	if (!s)
		return NULL;
	s->count_objects = count;
	s->scan_objects = scan;
	s->seeks = DEFAULT_SEEKS;
	shrinker_register(s);
	return s;
#else
	room->count_objects = count;
	room->scan_objects = scan;
	room->seeks = DEFAULT_SEEKS;
	return register_shrinker(room, "%s", name) ? NULL : room;
#endif
}

static inline void hmmodp_shrinker_unregister(struct shrinker *s)
{
#ifdef HMMODP_HAVE_MM_SHRINKER_ALLOC
	shrinker_free(s);
#else
	unregister_shrinker(s);
#endif
}

#endif
