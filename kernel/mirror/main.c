// SPDX-License-Identifier: GPL-2.0
/* The module hmmodp: what lives as long as it is loaded. */
#include <linux/module.h>

#include "core.h"
#include "dump.h"
#include "reclaim.h"
#include "span.h"

static int __init hmmodp_init(void)
{
	int err;

	err = hmmodp_span_init();
	if (err)
		return err;
	err = hmmodp_mirror_init();
	if (err)
		goto span;
	err = hmmodp_reclaim_init();
	if (err)
		goto mirror;
	hmmodp_dump_init();
	return 0;

mirror:
	hmmodp_mirror_exit();
span:
	hmmodp_span_exit();
	return err;
}

static void __exit hmmodp_exit(void)
{
	hmmodp_dump_exit();
	hmmodp_reclaim_exit();
	hmmodp_mirror_exit();
	hmmodp_span_exit();
}

module_init(hmmodp_init);
module_exit(hmmodp_exit);

MODULE_DESCRIPTION("HMM mirror of process memory for on-demand paging");
MODULE_LICENSE("GPL");
