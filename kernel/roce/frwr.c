// SPDX-License-Identifier: GPL-2.0
/*
 * Fast registration, for kernel users: a key and a list of pages, put together by a send
 * request. The registration is a window (mw.c) to that list, which has no key without it.
 * There is no DMA device, so that the addresses of pages are the kernel's own pointers.
 */
#include <linux/overflow.h>
#include <linux/slab.h>

#include "dev.h"
#include "mr.h"

struct ib_mr *hroce_alloc_mr(struct ib_pd *ibpd, enum ib_mr_type type, u32 max_num_sg)
{
	struct hroce_mr *mr;
	int err;

	if (type != IB_MR_TYPE_MEM_REG)
		return ERR_PTR(-EOPNOTSUPP);
	if (!max_num_sg || max_num_sg > HROCE_MAX_FAST_PAGES)
		return ERR_PTR(-EINVAL);
	mr = hroce_mr_alloc(ibpd, 0, 0, 0, GFP_KERNEL);
	if (!mr)
		return ERR_PTR(-ENOMEM);
	mr->kind = HROCE_MR_FAST;
	mr->fast.max = max_num_sg;
	mr->fast.pages = kvcalloc(max_num_sg, sizeof(*mr->fast.pages), GFP_KERNEL);
	err = mr->fast.pages ? hroce_mr_publish(to_hdev(ibpd->device), mr) : -ENOMEM;
	if (!err)
		return &mr->ibmr;
	kvfree(mr->fast.pages);
	kfree(mr);
	return ERR_PTR(err);
}

static int hroce_fast_page(struct ib_mr *ibmr, u64 addr)
{
	struct hroce_mr *mr = to_hmr(ibmr);

	if (mr->fast.num == mr->fast.max)
		return -ENOMEM;
	mr->fast.pages[mr->fast.num++] = addr;
	return 0;
}

/* Its user does so only while it is not registered. */
int hroce_map_mr_sg(struct ib_mr *ibmr, struct scatterlist *sg, int sg_nents,
		    unsigned int *sg_offset)
{
	to_hmr(ibmr)->fast.num = 0;
	return ib_sg_to_pages(ibmr, sg, sg_nents, sg_offset, hroce_fast_page);
}

/* The addresses of a list of pages are offsets from the first one's beginning. */
size_t hroce_fast_access(struct hroce_mr *mr, u64 off, size_t len, hmmodp_actor_t actor,
			 void *ctx)
{
	const u32 size = mr->ibmr.page_size;
	const u64 *page = &mr->fast.pages[off / size];
	size_t left = len, skip = off % size, n;
	u64 piece;

	while (left) {
		piece = *page++ + skip;
		n = size - skip;
		skip = 0;
		while (n < left && *page == piece + n) {
			page++;
			n += size;
		}
		n = min(n, left);
		actor(ctx, (void *)(uintptr_t)piece, n);
		left -= n;
	}
	return len;
}

static struct hroce_mr *hroce_fast_make(struct ib_pd *pd, const struct hroce_bind *b,
					struct hroce_mr *target)
{
	const struct ib_mr *list = &target->ibmr;
	u64 start, end;

	if (target->kind != HROCE_MR_FAST || list->pd != pd || !target->fast.num || !b->length)
		return ERR_PTR(-EINVAL);
	start = b->addr % list->page_size;
	if (check_add_overflow(start, b->length, &end) ||
	    end > (u64)target->fast.num * list->page_size)
		return ERR_PTR(-EINVAL);
	return hroce_window_make(target, target, b, start, b->access);
}

int hroce_mr_register(struct hroce_dev *dev, struct ib_pd *pd, const struct hroce_bind *b)
{
	struct hroce_mr *target = b->key ? hroce_mr_lookup(dev, b->key) : NULL, *mr;
	int err = 0;

	if (!target)
		return -EINVAL;
	mr = hroce_fast_make(pd, b, target);
	if (IS_ERR(mr)) {
		err = PTR_ERR(mr);
	} else if (!hroce_mr_replace(dev, target, mr)) {
		hroce_window_drop(&mr);
		err = -EINVAL;
	}
	hroce_mr_put(target);
	return err;
}

void hroce_fast_release(struct hroce_mr *mr)
{
	kvfree(mr->fast.pages);
}
