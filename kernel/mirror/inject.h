/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faults on purpose, for tests on stock kernels: /sys/kernel/debug/hmmodp/inject/.
 * Each file holds a number, 0 at first:
 *
 *	no_memory	one in so many allocations for a translation fails
 *	busy		one in so many rounds of a fault meets an invalidation
 *	delay_us	each fault takes so much longer
 *	no_dirty	one in so many written pages is not told so: loses what the
 *			device wrote, to show that tests notice
 */
#ifndef HMMODP_INJECT_H
#define HMMODP_INJECT_H

#include <linux/compiler.h>
#include <linux/types.h>

struct dentry;

enum hmmodp_injection {
	HMMODP_INJECT_NO_MEMORY,
	HMMODP_INJECT_BUSY,
	HMMODP_INJECT_DELAY_US,
	HMMODP_INJECT_NO_DIRTY,
	HMMODP_INJECTIONS,
};

extern u32 hmmodp_injected[HMMODP_INJECTIONS];

bool hmmodp_inject_hits(enum hmmodp_injection what);

/* Is it this one's turn? */
static inline bool hmmodp_inject(enum hmmodp_injection what)
{
	return unlikely(READ_ONCE(hmmodp_injected[what])) && hmmodp_inject_hits(what);
}

/* Context: process, may sleep. */
void hmmodp_inject_delay(void);

void hmmodp_inject_init(struct dentry *dir);

#endif
