// SPDX-License-Identifier: GPL-2.0
/* Faults on purpose, see inject.h. */
#include <linux/atomic.h>
#include <linux/debugfs.h>
#include <linux/delay.h>

#include "inject.h"

u32 hmmodp_injected[HMMODP_INJECTIONS];
static atomic_t turns[HMMODP_INJECTIONS];

bool hmmodp_inject_hits(enum hmmodp_injection what)
{
	u32 n = READ_ONCE(hmmodp_injected[what]);

	return n && (u32)atomic_inc_return(&turns[what]) % n == 0;
}

void hmmodp_inject_delay(void)
{
	u32 us = READ_ONCE(hmmodp_injected[HMMODP_INJECT_DELAY_US]);

	if (unlikely(us))
		fsleep(us);
}

void __init hmmodp_inject_init(struct dentry *dir)
{
	static const char *const names[HMMODP_INJECTIONS] = {
		[HMMODP_INJECT_NO_MEMORY] = "no_memory",
		[HMMODP_INJECT_BUSY] = "busy",
		[HMMODP_INJECT_DELAY_US] = "delay_us",
		[HMMODP_INJECT_NO_DIRTY] = "no_dirty",
	};
	unsigned int i;

	dir = debugfs_create_dir("inject", dir);
	for (i = 0; i < HMMODP_INJECTIONS; i++)
		debugfs_create_u32(names[i], 0600, dir, &hmmodp_injected[i]);
}
