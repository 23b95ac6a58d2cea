// SPDX-License-Identifier: GPL-2.0
/* The module hmmodp: what lives as long as it is loaded. */
#include <linux/module.h>

#include "core.h"

static int __init hmmodp_init(void)
{
	return hmmodp_async_init();
}

static void __exit hmmodp_exit(void)
{
	hmmodp_async_exit();
	rcu_barrier();
}

module_init(hmmodp_init);
module_exit(hmmodp_exit);

MODULE_DESCRIPTION("HMM mirror of process memory for on-demand paging");
MODULE_LICENSE("GPL");
