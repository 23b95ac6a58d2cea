// SPDX-License-Identifier: GPL-2.0
/* On-demand regions: a range of the process's mirror. */
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/uaccess.h>
#include <net/netlink.h>
#include <rdma/rdma_netlink.h>
#include <rdma/restrack.h>

#include "dev.h"
#include "mr.h"

/* The whole address space, whatever is mapped there. */
bool hroce_odp_is_implicit(u64 start, u64 length)
{
	return !start && length == U64_MAX;
}

/*
 * The context keeps the mirror of its first region, so that a program which
 * registers and deregisters all the time does not build it up all the time.
 */
static void hroce_odp_keep(struct hroce_dev *dev, struct hroce_ucontext *uc)
{
	struct hmmodp_mirror *mirror;

	if (!uc || READ_ONCE(uc->mirror))
		return;
	mirror = hmmodp_mirror_get(&dev->odp);
	if (!IS_ERR(mirror) && cmpxchg(&uc->mirror, NULL, mirror))
		hmmodp_mirror_put(mirror);
}

void hroce_odp_context_release(struct hroce_ucontext *uc)
{
	if (uc->mirror)
		hmmodp_mirror_put(uc->mirror);
}

/*
 * Costs the same whatever the length: nothing of the range need be mapped, and
 * all regions of the process share one mirror.
 */
int hroce_odp_init(struct hroce_dev *dev, struct hroce_mr *mr,
		   struct hroce_ucontext *uc)
{
	struct hmmodp_mirror *mirror;
	u64 end;

	if (!hroce_odp_is_implicit(mr->start, mr->length) &&
	    (check_add_overflow(mr->start, mr->length, &end) || end > TASK_SIZE))
		return -EINVAL;
	mirror = hmmodp_mirror_get(&dev->odp);
	if (IS_ERR(mirror))
		return PTR_ERR(mirror);
	hroce_odp_keep(dev, uc);
	hmmodp_region_add(&mr->odp.region, mirror, mr->start, mr->length);
	mr->odp.mirror = mirror;
	mr->kind = HROCE_MR_ODP;
	return 0;
}

void hroce_odp_release(struct hroce_mr *mr)
{
	hmmodp_region_del(&mr->odp.region);
	hmmodp_mirror_put(mr->odp.mirror);
}

static unsigned long hroce_odp_va(const struct hroce_mr *mr, u64 va)
{
	return mr->start + (va - mr->iova);
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
	if (mr->kind == HROCE_MR_WINDOW) {
		va = hroce_window_va(mr, va);
		mr = mr->window.target;
	}
	if (mr->kind == HROCE_MR_MOVING)
		return hroce_moving_fault_async(mr, done, ctx);
	if (WARN_ON_ONCE(mr->kind != HROCE_MR_ODP))
		return ERR_PTR(-ENOMEM);
	return hmmodp_fault_async(mr->odp.mirror, hroce_odp_va(mr, va), len, dir,
				  done, ctx);
}

int hroce_odp_prefetch(struct hroce_mr *mr, enum ib_uverbs_advise_mr_advice advice,
		       bool wait, u64 va, size_t len)
{
	bool fault = advice != IB_UVERBS_ADVISE_MR_ADVICE_PREFETCH_NO_FAULT;
	enum hmmodp_dir dir = advice == IB_UVERBS_ADVISE_MR_ADVICE_PREFETCH_WRITE ?
			      HMMODP_WRITE : HMMODP_READ;
	struct hmmodp_mirror *mirror = mr->odp.mirror;
	int err = 0;

	va = hroce_odp_va(mr, va);
	hmmodp_mirror_hold(mirror);
	hroce_mr_put(mr);
	if (wait)
		err = hmmodp_prefetch(mirror, va, len, dir, fault);
	else
		hmmodp_prefetch_async(mirror, va, len, dir, fault);
	hmmodp_mirror_put(mirror);
	return err;
}

void hroce_odp_latency_show(struct seq_file *seq, const struct hroce_dev *dev)
{
	hmmodp_latency_show(seq, &dev->odp.stats);
}

/* "rdma statistic show mr", with the names that mlx5 has given these. */
int hroce_fill_stat_mr(struct sk_buff *msg, struct ib_mr *ibmr)
{
	struct hroce_mr *mr = to_hmr(ibmr);
	const struct hmmodp_region *r = &mr->odp.region;
	const struct {
		const char *name;
		const atomic64_t *value;
	} shown[] = {
		{ "page_faults", &r->pages[HMMODP_FAULTS] },
		{ "page_faults_handled", &r->events[HMMODP_FAULTS] },
		{ "page_invalidations", &r->pages[HMMODP_INVALIDATIONS] },
		{ "page_invalidations_handled", &r->events[HMMODP_INVALIDATIONS] },
		{ "page_prefetch", &r->pages[HMMODP_PREFETCHES] },
		{ "page_readahead", &r->pages[HMMODP_READAHEADS] },
	};
	struct nlattr *table;
	unsigned int i;

	if (mr->kind != HROCE_MR_ODP)
		return 0;
	table = nla_nest_start(msg, RDMA_NLDEV_ATTR_STAT_HWCOUNTERS);
	if (!table)
		return -EMSGSIZE;
	for (i = 0; i < ARRAY_SIZE(shown); i++) {
		if (rdma_nl_stat_hwcounter_entry(msg, shown[i].name,
						 atomic64_read(shown[i].value))) {
			nla_nest_cancel(msg, table);
			return -EMSGSIZE;
		}
	}
	nla_nest_end(msg, table);
	return 0;
}
