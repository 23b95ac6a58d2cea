// SPDX-License-Identifier: GPL-2.0
/* ibv_advise_mr(3): prefetch of on-demand regions. Errors as the man page has them. */
#include <rdma/ib_user_ioctl_verbs.h>
#include <rdma/uverbs_types.h>

#include "dev.h"
#include "mr.h"

/*
 * The region of a range, with a reference. ENOENT: no such key; EPERM: of another
 * PD, or not writable; EINVAL: not on demand; EFAULT: beyond its bounds.
 */
static struct hroce_mr *hroce_advised_mr(struct hroce_dev *dev, struct ib_pd *pd,
					 enum ib_uverbs_advise_mr_advice advice,
					 const struct ib_sge *sge)
{
	bool write = advice == IB_UVERBS_ADVISE_MR_ADVICE_PREFETCH_WRITE;
	struct hroce_mr *mr = hroce_mr_find(dev, sge->lkey);
	int err = 0;

	if (!mr)
		return ERR_PTR(-ENOENT);
	if (mr->kind != HROCE_MR_ODP)
		err = -EINVAL;
	else if (mr->ibmr.pd != pd || (write && !(mr->access & IB_ACCESS_LOCAL_WRITE)))
		err = -EPERM;
	else if (!hroce_mr_covers(mr, sge->addr, sge->length))
		err = -EFAULT;
	if (!err)
		return mr;
	hroce_mr_put(mr);
	return ERR_PTR(err);
}

/* All ranges are checked before the first is touched. */
static int hroce_advise_check(struct hroce_dev *dev, struct ib_pd *pd,
			      enum ib_uverbs_advise_mr_advice advice,
			      const struct ib_sge *sge, u32 num_sge)
{
	struct hroce_mr *mr;
	u32 i;

	for (i = 0; i < num_sge; i++) {
		mr = hroce_advised_mr(dev, pd, advice, &sge[i]);
		if (IS_ERR(mr))
			return PTR_ERR(mr);
		hroce_mr_put(mr);
	}
	return 0;
}

static int hroce_advise_one(struct hroce_dev *dev, struct ib_pd *pd,
			    enum ib_uverbs_advise_mr_advice advice, bool wait,
			    const struct ib_sge *sge)
{
	struct hroce_mr *mr;

	if (!sge->length)
		return 0;
	mr = hroce_advised_mr(dev, pd, advice, sge);
	if (IS_ERR(mr))
		return PTR_ERR(mr);
	return hroce_odp_prefetch(mr, advice, wait, sge->addr, sge->length);
}

int hroce_advise_mr(struct ib_pd *ibpd, enum ib_uverbs_advise_mr_advice advice,
		    u32 flags, struct ib_sge *sge, u32 num_sge,
		    struct uverbs_attr_bundle *attrs)
{
	struct hroce_dev *dev = to_hdev(ibpd->device);
	bool wait = flags & IB_UVERBS_ADVISE_MR_FLAG_FLUSH;
	int err;
	u32 i;

	switch (advice) {
	case IB_UVERBS_ADVISE_MR_ADVICE_PREFETCH:
	case IB_UVERBS_ADVISE_MR_ADVICE_PREFETCH_WRITE:
	case IB_UVERBS_ADVISE_MR_ADVICE_PREFETCH_NO_FAULT:
		break;
	default:
		return -EOPNOTSUPP;
	}
	err = hroce_advise_check(dev, ibpd, advice, sge, num_sge);
	for (i = 0; i < num_sge && !err; i++)
		err = hroce_advise_one(dev, ibpd, advice, wait, &sge[i]);
	return err;
}
