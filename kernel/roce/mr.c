// SPDX-License-Identifier: GPL-2.0
/* Memory regions: keys, checks, life and death, whatever the memory behind. */
#include <linux/overflow.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <rdma/uverbs_ioctl.h>

#include "dev.h"
#include "dm.h"
#include "mr.h"

/*
 * A key is an index and an 8-bit tag: index << 8 | tag. Index 0 is never given
 * away; indices go round, so that one comes back late, and the tag is random, so
 * that a key left over from before hardly fits the next region.
 */
#define HROCE_KEY_TAG_BITS	8

#define HROCE_ACCESS_KNOWN	(IB_ACCESS_LOCAL_WRITE | IB_ACCESS_REMOTE_WRITE | \
				 IB_ACCESS_REMOTE_READ | IB_ACCESS_REMOTE_ATOMIC | \
				 IB_ACCESS_ON_DEMAND | IB_ACCESS_HUGETLB | \
				 IB_ACCESS_MW_BIND | IB_ZERO_BASED | \
				 IB_ACCESS_FLUSH_GLOBAL | \
				 IB_ACCESS_OPTIONAL)

#define HROCE_ACCESS_REMOTE	(IB_ACCESS_REMOTE_WRITE | IB_ACCESS_REMOTE_READ | \
				 IB_ACCESS_REMOTE_ATOMIC)

/* What the kernel's local_dma_lkey, key 0, stands for; on all devices. */
static struct hroce_mr hroce_local_dma = {
	.kind = HROCE_MR_DMA,
	.access = IB_ACCESS_LOCAL_WRITE,
	.length = U64_MAX,
	.refs = REFCOUNT_INIT(1),
};

struct hroce_mr *hroce_mr_lookup(struct hroce_dev *dev, u32 key)
{
	struct hroce_mr *mr;

	if (!key) {
		refcount_inc(&hroce_local_dma.refs);
		return &hroce_local_dma;
	}
	rcu_read_lock();
	mr = xa_load(&dev->mrs, key >> HROCE_KEY_TAG_BITS);
	if (mr && !refcount_inc_not_zero(&mr->refs))
		mr = NULL;
	rcu_read_unlock();
	return mr;
}

struct hroce_mr *hroce_mr_find(struct hroce_dev *dev, u32 key)
{
	struct hroce_mr *mr = key ? hroce_mr_lookup(dev, key) : NULL;

	if (!mr || mr->ibmr.lkey == key)
		return mr;
	hroce_mr_put(mr);
	return NULL;
}

bool hroce_mr_covers(const struct hroce_mr *mr, u64 va, u64 len)
{
	return va >= mr->iova && len <= mr->length &&
	       va - mr->iova <= mr->length - len;
}

/* A window is for those on the other side, and maybe for those of one QP alone. */
static bool hroce_window_opens(const struct hroce_mr *mr, u32 qpn, int access)
{
	if (mr->window.target->kind == HROCE_MR_FAST)
		return true;
	if (mr->window.qpn && mr->window.qpn != qpn)
		return false;
	return access & HROCE_ACCESS_REMOTE;
}

static int hroce_mr_check(const struct hroce_mr *mr, u32 key, struct ib_pd *pd, u32 qpn,
			  int access, u64 va, u64 len, bool kernel)
{
	if (key != mr->ibmr.lkey || mr->kind == HROCE_MR_UNBOUND ||
	    mr->kind == HROCE_MR_FAST)
		return -EINVAL;
	if (mr->kind == HROCE_MR_WINDOW && !hroce_window_opens(mr, qpn, access))
		return -EINVAL;
	if (mr->kind == HROCE_MR_DMA && !kernel)
		return -EINVAL;
	if (key && pd != mr->ibmr.pd)
		return -EINVAL;
	if ((mr->access & access) != access)
		return -EACCES;
	if (len && !hroce_mr_covers(mr, va, len))
		return -ERANGE;
	return 0;
}

struct hroce_mr *hroce_mr_get(struct hroce_dev *dev, u32 key, struct ib_pd *pd, u32 qpn,
			      int access, u64 va, u64 len, bool kernel)
{
	struct hroce_mr *mr = hroce_mr_lookup(dev, key);
	int err;

	if (!mr)
		return ERR_PTR(-EINVAL);
	err = hroce_mr_check(mr, key, pd, qpn, access, va, len, kernel);
	if (err) {
		hroce_mr_put(mr);
		return ERR_PTR(err);
	}
	return mr;
}

void hroce_mr_put(struct hroce_mr *mr)
{
	if (!refcount_dec_and_test(&mr->refs))
		return;
	if (mr->kind == HROCE_MR_WINDOW)
		hroce_window_free(mr);
	else
		complete(&mr->idle);
}

size_t hroce_mr_access(struct hroce_mr *mr, u64 va, size_t len,
		       enum hmmodp_dir dir, hmmodp_actor_t actor, void *ctx)
{
	switch (mr->kind) {
	case HROCE_MR_PINNED:
		return hroce_pin_access(mr, va, len, actor, ctx);
	case HROCE_MR_MOVING:
		return hroce_moving_access(mr, va, len, actor, ctx);
	case HROCE_MR_ODP:
		return hroce_odp_access(mr, va, len, dir, actor, ctx);
	case HROCE_MR_DMA:
		/* no DMA device: addresses are the kernel's own pointers */
		if (len)
			actor(ctx, (void *)(uintptr_t)va, len);
		return len;
	case HROCE_MR_WINDOW:
		return hroce_mr_access(mr->window.target, hroce_window_va(mr, va), len,
				       dir, actor, ctx);
	case HROCE_MR_FAST:
		return hroce_fast_access(mr, va, len, actor, ctx);
	case HROCE_MR_NULL:
		return hroce_null_access(len, dir, actor, ctx);
	case HROCE_MR_UNBOUND:
		break;
	}
	return 0;
}

struct hroce_mr *hroce_mr_alloc(struct ib_pd *pd, u64 length, u64 iova, int access,
				gfp_t gfp)
{
	struct hroce_mr *mr = kzalloc(sizeof(*mr), gfp);

	if (!mr)
		return NULL;
	mr->access = access;
	mr->length = length;
	mr->iova = iova;
	refcount_set(&mr->refs, 1);
	init_completion(&mr->idle);
	mr->ibmr.device = pd->device;
	mr->ibmr.pd = pd;
	mr->ibmr.length = length;
	mr->ibmr.iova = iova;
	return mr;
}

/* From now on it can be found, so it must be complete but for the key. */
int hroce_mr_publish(struct hroce_dev *dev, struct hroce_mr *mr)
{
	u32 index, key;
	int err;

	err = xa_alloc_cyclic_bh(&dev->mrs, &index, NULL, XA_LIMIT(1, HROCE_MAX_MR),
				 &dev->mr_next, GFP_KERNEL_ACCOUNT);
	if (err < 0)
		return -ENOMEM;
	key = index << HROCE_KEY_TAG_BITS |
	      (get_random_u32() & GENMASK(HROCE_KEY_TAG_BITS - 1, 0));
	mr->ibmr.lkey = key;
	mr->ibmr.rkey = key;
	/* the slot is reserved, this cannot fail */
	xa_store_bh(&dev->mrs, index, mr, GFP_KERNEL);
	return 0;
}

bool hroce_mr_replace(struct hroce_dev *dev, struct hroce_mr *old, struct hroce_mr *mr)
{
	/* neither needs memory nor can fail, there is an entry */
	return xa_cmpxchg_bh(&dev->mrs, old->ibmr.lkey >> HROCE_KEY_TAG_BITS, old, mr,
			     GFP_ATOMIC) == old;
}

struct hroce_mr *hroce_mr_take(struct hroce_dev *dev, u32 key)
{
	return xa_erase_bh(&dev->mrs, key >> HROCE_KEY_TAG_BITS);
}

void hroce_mr_finish(struct hroce_mr *mr)
{
	hroce_mr_put(mr);
	wait_for_completion(&mr->idle);
}

static void hroce_mr_release(struct hroce_mr *mr)
{
	switch (mr->kind) {
	case HROCE_MR_PINNED:
		hroce_pin_release(mr);
		break;
	case HROCE_MR_MOVING:
		hroce_moving_release(mr);
		break;
	case HROCE_MR_ODP:
		hroce_odp_release(mr);
		break;
	case HROCE_MR_FAST:
		hroce_fast_release(mr);
		break;
	case HROCE_MR_DMA:
	case HROCE_MR_NULL:
	case HROCE_MR_WINDOW:
	case HROCE_MR_UNBOUND:
		break;
	}
	kfree_rcu(mr, rcu);
}

static int hroce_mr_check_reg(u64 start, u64 length, u64 iova, int access)
{
	u64 last;

	if (access & ~HROCE_ACCESS_KNOWN)
		return -EOPNOTSUPP;
	if ((access & (IB_ACCESS_REMOTE_WRITE | IB_ACCESS_REMOTE_ATOMIC)) &&
	    !(access & IB_ACCESS_LOCAL_WRITE))
		return -EINVAL;
	if ((access & IB_ACCESS_ON_DEMAND) && hroce_odp_is_implicit(start, length))
		return iova ? -EINVAL : 0;
	if (!length || check_add_overflow(iova, length - 1, &last))
		return -EINVAL;
	return 0;
}

/* A user's region, complete but for its key. */
static struct hroce_mr *hroce_mr_make(struct ib_pd *ibpd, u64 start, u64 length, u64 iova,
				      int access, struct hroce_ucontext *uc)
{
	struct hroce_dev *dev = to_hdev(ibpd->device);
	struct hroce_mr *mr;
	int err;

	if (access & IB_ZERO_BASED)
		iova = 0;
	err = hroce_mr_check_reg(start, length, iova, access);
	if (err)
		return ERR_PTR(err);
	mr = hroce_mr_alloc(ibpd, length, iova, access & ~IB_ACCESS_OPTIONAL,
			    GFP_KERNEL_ACCOUNT);
	if (!mr)
		return ERR_PTR(-ENOMEM);
	mr->start = start;
	if (access & IB_ACCESS_ON_DEMAND)
		err = hroce_odp_init(dev, mr, uc);
	else
		err = hroce_pin_init(dev, mr);
	if (!err)
		return mr;
	kfree(mr);
	return ERR_PTR(err);
}

/*
 * What the verb is to be about; most callers say nothing, and mean their memory. So do
 * the kernel's own users (ib_reg_user_mr()), who have no udata.
 */
static int hroce_reg_flags(struct ib_udata *udata, u32 *flags)
{
	struct hroce_reg_mr_req req = {};
	int err;

	*flags = 0;
	if (!udata)
		return 0;
	err = ib_copy_from_udata(&req, udata, min(sizeof(req), udata->inlen));
	if (err)
		return err;
	*flags = req.flags;
	return req.flags & ~HROCE_REG_NULL || req.reserved ? -EOPNOTSUPP : 0;
}

struct ib_mr *hroce_reg_user_mr(struct ib_pd *ibpd, u64 start, u64 length, u64 iova,
				int access, HMMODP_DMAH_ARG struct ib_udata *udata)
{
	struct hroce_ucontext *uc = rdma_udata_to_drv_context(udata, struct hroce_ucontext,
							      ibuc);
	struct hroce_mr *mr;
	u32 flags;
	int err;

	err = hroce_reg_flags(udata, &flags);
	if (err)
		return ERR_PTR(err);
	if (flags & HROCE_REG_NULL)
		return hroce_reg_null_mr(ibpd);
	mr = hroce_mr_make(ibpd, start, length, iova, access, uc);
	if (IS_ERR(mr))
		return ERR_CAST(mr);
	err = hroce_mr_publish(to_hdev(ibpd->device), mr);
	if (err) {
		hroce_mr_release(mr);
		return ERR_PTR(err);
	}
	return &mr->ibmr;
}

/*
 * A new region takes over the old one's key, in one step; whoever has found the
 * old one goes on with that until it is deregistered, which ib core does next. So
 * nothing is ever half changed, and on an error the old one is as it was.
 */
struct ib_mr *hroce_rereg_user_mr(struct ib_mr *ibmr, int flags, u64 start, u64 length,
				  u64 iova, int access, struct ib_pd *ibpd,
				  struct ib_udata *udata)
{
	struct hroce_ucontext *uc = rdma_udata_to_drv_context(udata, struct hroce_ucontext,
							      ibuc);
	struct hroce_mr *old = to_hmr(ibmr), *mr;

	if (flags & ~(IB_MR_REREG_TRANS | IB_MR_REREG_PD | IB_MR_REREG_ACCESS))
		return ERR_PTR(-EOPNOTSUPP);
	if (old->kind != HROCE_MR_ODP && !(old->kind == HROCE_MR_PINNED && old->pin.umem))
		return ERR_PTR(-EOPNOTSUPP);
	if (!(flags & IB_MR_REREG_TRANS)) {
		start = old->start;
		length = old->length;
		iova = old->iova;
	}
	mr = hroce_mr_make(flags & IB_MR_REREG_PD ? ibpd : ibmr->pd, start, length, iova,
			   flags & IB_MR_REREG_ACCESS ? access : old->access, uc);
	if (IS_ERR(mr))
		return ERR_CAST(mr);
	if (atomic_cmpxchg(&old->windows, 0, HROCE_NO_WINDOWS)) {
		hroce_mr_release(mr);
		return ERR_PTR(-EBUSY);
	}
	mr->ibmr.lkey = ibmr->lkey;
	mr->ibmr.rkey = ibmr->rkey;
	hroce_mr_replace(to_hdev(ibmr->device), old, mr);
	return &mr->ibmr;
}

/* A region of memory that is not the caller's address space: set up, but no key yet. */
static struct hroce_mr *hroce_mr_foreign(struct ib_pd *ibpd, u64 length, u64 iova, int access)
{
	struct hroce_mr *mr;

	if (access & (IB_ACCESS_ON_DEMAND | IB_ACCESS_HUGETLB | ~HROCE_ACCESS_KNOWN))
		return ERR_PTR(-EOPNOTSUPP);
	mr = hroce_mr_alloc(ibpd, length, iova, access & ~IB_ACCESS_OPTIONAL,
			    GFP_KERNEL_ACCOUNT);
	return mr ? mr : ERR_PTR(-ENOMEM);
}

static struct ib_mr *hroce_mr_foreign_publish(struct hroce_mr *mr, int err)
{
	if (err) {
		kfree(mr);
		return ERR_PTR(err);
	}
	err = hroce_mr_publish(to_hdev(mr->ibmr.device), mr);
	if (err) {
		hroce_mr_release(mr);
		return ERR_PTR(err);
	}
	return &mr->ibmr;
}

/* ib core has checked that the range lies in it, and that addresses shall be from 0. */
struct ib_mr *hroce_reg_dm_mr(struct ib_pd *ibpd, struct ib_dm *ibdm,
			      struct ib_dm_mr_attr *attr, struct uverbs_attr_bundle *attrs)
{
	struct hroce_mr *mr = hroce_mr_foreign(ibpd, attr->length, 0,
					       attr->access_flags & ~IB_ZERO_BASED);

	if (IS_ERR(mr))
		return ERR_CAST(mr);
	return hroce_mr_foreign_publish(mr, hroce_pin_init_kernel(mr, to_hdm(ibdm)->memory,
								  attr->offset));
}

struct ib_mr *hroce_reg_user_mr_dmabuf(struct ib_pd *ibpd, u64 offset, u64 length, u64 iova,
				       int fd, int access,
				       HMMODP_DMAH_ARG struct hmmodp_dmabuf_arg *arg)
{
	struct hroce_mr *mr;
	int err;

	if (access & IB_ZERO_BASED)
		iova = 0;
	err = hroce_mr_check_reg(0, length, iova, access);
	if (err)
		return ERR_PTR(err);
	mr = hroce_mr_foreign(ibpd, length, iova, access & ~IB_ZERO_BASED);
	if (IS_ERR(mr))
		return ERR_CAST(mr);
	return hroce_mr_foreign_publish(mr, hroce_dmabuf_init(mr, fd, offset));
}

struct ib_mr *hroce_reg_everywhere(struct ib_pd *ibpd, enum hroce_mr_kind kind, int access)
{
	struct hroce_mr *mr;
	int err;

	mr = hroce_mr_alloc(ibpd, U64_MAX, 0, access, GFP_KERNEL_ACCOUNT);
	if (!mr)
		return ERR_PTR(-ENOMEM);
	mr->kind = kind;
	err = hroce_mr_publish(to_hdev(ibpd->device), mr);
	if (err) {
		kfree(mr);
		return ERR_PTR(err);
	}
	return &mr->ibmr;
}

/* Not for the other side: it could name any address of the kernel, mapped or not. */
struct ib_mr *hroce_get_dma_mr(struct ib_pd *ibpd, int access)
{
	if (access & HROCE_ACCESS_REMOTE)
		return ERR_PTR(-EOPNOTSUPP);
	return hroce_reg_everywhere(ibpd, HROCE_MR_DMA, access);
}

/* A list of pages, and what is registered of it if anything is. */
static void hroce_fast_withdraw(struct hroce_mr *mr)
{
	struct hroce_mr *entry = hroce_mr_take(to_hdev(mr->ibmr.device), mr->ibmr.lkey);

	if (entry != mr)
		hroce_window_drop(&entry);
}

/*
 * Nobody finds it any more; those who have found it are waited for. With windows bound
 * to it, it stays (IBTA 10.6.7.1).
 */
int hroce_dereg_mr(struct ib_mr *ibmr, struct ib_udata *udata)
{
	struct hroce_mr *mr = to_hmr(ibmr);
	int windows;

	if (mr->kind == HROCE_MR_FAST) {
		hroce_fast_withdraw(mr);
		goto gone;
	}
	windows = atomic_cmpxchg(&mr->windows, 0, HROCE_NO_WINDOWS);
	if (windows && windows != HROCE_NO_WINDOWS)
		return -EBUSY;
	/* unless another has taken over its key */
	xa_cmpxchg_bh(&to_hdev(ibmr->device)->mrs, ibmr->lkey >> HROCE_KEY_TAG_BITS, mr,
		      NULL, 0);
gone:
	hroce_mr_finish(mr);
	hroce_mr_release(mr);
	return 0;
}
