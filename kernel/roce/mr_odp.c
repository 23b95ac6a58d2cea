// SPDX-License-Identifier: GPL-2.0
/* On-demand regions: a range of the process's mirror. Alone in calling it. */
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/uaccess.h>

#include "dev.h"
#include "mr.h"

/* The whole address space, whatever is mapped there. */
bool hroce_odp_is_implicit(u64 start, u64 length)
{
	return !start && length == U64_MAX;
}

/*
 * Costs the same whatever the length: nothing of the range need be mapped, and
 * all regions of the process share one mirror.
 */
int hroce_odp_init(struct hroce_dev *dev, struct hroce_mr *mr, u64 start)
{
	struct hmmodp_mirror *mirror;
	u64 end;

	if (check_add_overflow(start, mr->length, &end) || end > TASK_SIZE)
		return -EINVAL;
	mirror = hmmodp_mirror_get(&dev->odp);
	if (IS_ERR(mirror))
		return PTR_ERR(mirror);
	mr->odp.mirror = mirror;
	mr->odp.va = start;
	mr->kind = HROCE_MR_ODP;
	return 0;
}

void hroce_odp_release(struct hroce_mr *mr)
{
	hmmodp_mirror_put(mr->odp.mirror);
}

static unsigned long hroce_odp_va(const struct hroce_mr *mr, u64 va)
{
	return mr->odp.va + (va - mr->iova);
}

size_t hroce_odp_access(struct hroce_mr *mr, u64 va, size_t len,
			enum hmmodp_dir dir, hmmodp_actor_t actor, void *ctx)
{
	return hmmodp_access(mr->odp.mirror, hroce_odp_va(mr, va), len, dir, actor, ctx);
}

struct hmmodp_fault *hroce_mr_fault_async(struct hroce_mr *mr, u64 va, size_t len,
					  enum hmmodp_dir dir,
					  hmmodp_fault_done_t done, void *ctx)
{
	if (WARN_ON_ONCE(mr->kind != HROCE_MR_ODP))
		return ERR_PTR(-ENOMEM);
	return hmmodp_fault_async(mr->odp.mirror, hroce_odp_va(mr, va), len, dir,
				  done, ctx);
}
