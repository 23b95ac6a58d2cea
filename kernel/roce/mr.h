/* SPDX-License-Identifier: GPL-2.0 */
/* Memory regions: key -> memory, pinned, on-demand or the kernel's own. */
#ifndef HROCE_MR_H
#define HROCE_MR_H

#include <linux/completion.h>
#include <linux/refcount.h>
#include <rdma/ib_verbs.h>
#include <hmmodp/mirror.h>

#include "rdma.h"

struct hroce_dev;

enum hroce_mr_kind {
	HROCE_MR_PINNED,	/* ib_umem */
	HROCE_MR_ODP,		/* a range of a mirror */
	HROCE_MR_DMA,		/* all kernel addresses, kernel users only */
};

struct hroce_mr {
	struct ib_mr ibmr;	/* lkey, rkey (equal), pd, length, iova */
	enum hroce_mr_kind kind;
	int access;		/* IB_ACCESS_* granted */
	u64 iova;		/* the first byte's address on the wire and in SGEs */
	u64 length;		/* bytes */
	struct rcu_head rcu;
	refcount_t refs;	/* one is the registration's */
	struct completion idle;	/* refs came to 0 */
	union {
		struct {
			struct ib_umem *umem;
			struct page **pages;
			unsigned int first_off;	/* of iova in pages[0] */
		} pin;
		struct {
			struct hmmodp_mirror *mirror;
			unsigned long va;	/* the process's address of iova */
		} odp;
	};
};

static inline struct hroce_mr *to_hmr(struct ib_mr *ibmr)
{
	return container_of(ibmr, struct hroce_mr, ibmr);
}

/**
 * hroce_mr_get - find the region that an access names, and check it
 * @key: lkey or rkey, the whole 32 bits; key 0 is the kernel's local_dma_lkey
 *	and is taken from kernel QPs only
 * @pd: that the region must belong to
 * @access: IB_ACCESS_* that it must grant, all of them; 0: local read
 * @va: first byte, in the region's address space
 * @len: bytes; with 0, key, PD and address are not checked against bounds
 * @kernel: may it be a HROCE_MR_DMA region
 * Context: any but hard interrupt.
 * Return: with a reference, or ERR_PTR: -EINVAL no such key, wrong PD; -EACCES
 *	a right is missing; -ERANGE out of bounds.
 */
struct hroce_mr *hroce_mr_get(struct hroce_dev *dev, u32 key, struct ib_pd *pd,
			      int access, u64 va, u64 len, bool kernel);
void hroce_mr_put(struct hroce_mr *mr);

/**
 * hroce_mr_access - hand a range that hroce_mr_get() has checked to an actor
 * See hmmodp_access(). Only an on-demand region can return less than @len.
 */
size_t hroce_mr_access(struct hroce_mr *mr, u64 va, size_t len,
		       enum hmmodp_dir dir, hmmodp_actor_t actor, void *ctx);

/**
 * hroce_mr_fault_async - serve the fault that made hroce_mr_access() short
 * See hmmodp_fault_async(). The MR's reference is not needed for the fault.
 */
struct hmmodp_fault *hroce_mr_fault_async(struct hroce_mr *mr, u64 va, size_t len,
					  enum hmmodp_dir dir,
					  hmmodp_fault_done_t done, void *ctx);

/* mr_odp.c, for mr.c: the on-demand kind of the above */
bool hroce_odp_is_implicit(u64 start, u64 length);
int hroce_odp_init(struct hroce_dev *dev, struct hroce_mr *mr, u64 start);
void hroce_odp_release(struct hroce_mr *mr);
size_t hroce_odp_access(struct hroce_mr *mr, u64 va, size_t len,
			enum hmmodp_dir dir, hmmodp_actor_t actor, void *ctx);

/* mr_pin.c, for mr.c: the pinned kind */
int hroce_pin_init(struct hroce_dev *dev, struct hroce_mr *mr, u64 start);
void hroce_pin_release(struct hroce_mr *mr);
size_t hroce_pin_access(struct hroce_mr *mr, u64 va, size_t len,
			hmmodp_actor_t actor, void *ctx);

/* ib_device_ops */
struct ib_mr *hroce_reg_user_mr(struct ib_pd *ibpd, u64 start, u64 length, u64 iova,
				int access, HMMODP_DMAH_ARG struct ib_udata *udata);
struct ib_mr *hroce_get_dma_mr(struct ib_pd *ibpd, int access);
int hroce_dereg_mr(struct ib_mr *ibmr, struct ib_udata *udata);

#endif
