// SPDX-License-Identifier: GPL-2.0
/*
 * weight --dev NAME --gid INDEX: the memory that a mirror takes for a page of 4 KiB
 * and for a huge page, its share of the span included.
 */
#include <stdio.h>
#include "loop.h"
#include "mirror.h"

enum { MOST_LEAF = 64, MOST_PAGE_TENTHS = 85 };	/* bytes */

int main(int argc, char **argv)
{
	static const struct option options[] = { RC_LINK_OPTIONS, { } };
	struct rc_link_opts link = RC_LINK_DEFAULTS;
	struct mirror_use u;
	struct rc_dev d;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!rc_link_option(&link, c, optarg))
			return 2;
	rc_dev_open(&d, &link);
	u = mirror_weigh(&d, false);
	printf("a page: %.3f bytes\n", (double)u.bytes / u.pages);
	EXPECT(u.bytes >= u.pages * (long)sizeof(uint64_t));
	EXPECT(u.bytes * 10 <= u.pages * MOST_PAGE_TENTHS);
	u = mirror_weigh(&d, true);
	printf("a huge page: %.3f bytes\n", (double)u.bytes / u.leaves);
	EXPECT(u.bytes >= u.leaves * (long)sizeof(uint64_t));
	EXPECT(u.bytes <= u.leaves * MOST_LEAF);
	rc_dev_close(&d);
	return 0;
}
