// SPDX-License-Identifier: GPL-2.0
/* The notifier's questions about a page's age return bool. */
#include <linux/mmu_notifier.h>

static bool test_young(struct mmu_notifier *mn, struct mm_struct *mm, unsigned long va)
{
	return false;
}

const struct mmu_notifier_ops probe = { .test_young = test_young };
