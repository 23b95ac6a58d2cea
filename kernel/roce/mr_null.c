// SPDX-License-Identifier: GPL-2.0
/* The null region, ibv_alloc_null_mr(3): for what of a message nobody wants. */
#include <linux/mm.h>

#include "mr.h"

/* Where discarded bytes go; never read, and shared by all who write. */
static u8 hroce_null_sink[PAGE_SIZE];

size_t hroce_null_access(size_t len, enum hmmodp_dir dir, hmmodp_actor_t actor, void *ctx)
{
	void *page = dir == HMMODP_WRITE ? hroce_null_sink : page_address(ZERO_PAGE(0));
	size_t left, piece;

	for (left = len; left; left -= piece) {
		piece = min_t(size_t, left, PAGE_SIZE);
		actor(ctx, page, piece);
	}
	return len;
}

struct ib_mr *hroce_reg_null_mr(struct ib_pd *ibpd)
{
	return hroce_reg_everywhere(ibpd, HROCE_MR_NULL, IB_ACCESS_LOCAL_WRITE);
}
