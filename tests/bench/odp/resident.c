// SPDX-License-Identifier: GPL-2.0
/* Kernel memory that the mirror takes for what it holds. */
#include "mirror.h"
#include "price.h"

/* First of all: the mirror is to hold nothing else. */
void measure_resident(struct rc_dev *d)
{
	struct mirror_use u;

	if (!mirror_kept(d))	/* another driver */
		return;
	u = mirror_weigh(d, false);
	report("mirror memory of a page", "4K pages", MIRROR_SPAN, "B", (double)u.bytes / u.pages);
	u = mirror_weigh(d, true);
	report("mirror memory of a huge page", "THP", MIRROR_SPAN, "B", (double)u.bytes / u.leaves);
}
