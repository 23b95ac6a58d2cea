/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory regions: key -> memory, pinned, on-demand or the kernel's own; and windows
 * to them, whose keys are of the same kind.
 */
#ifndef HROCE_MR_H
#define HROCE_MR_H

#include <linux/completion.h>
#include <linux/refcount.h>
#include <rdma/ib_verbs.h>
#include <rdma/hroce-abi.h>
#include <hmmodp/mirror.h>

#include "rdma.h"

struct hroce_dev;
struct dma_buf;
struct hroce_dmabuf;
struct hroce_moving;
struct hroce_ucontext;
struct seq_file;

enum hroce_mr_kind {
	HROCE_MR_PINNED,	/* ib_umem, memory of the device, a dma-buf */
	HROCE_MR_MOVING,	/* a dma-buf whose exporter moves it; see mr_moving.c */
	HROCE_MR_ODP,		/* a range of a mirror */
	HROCE_MR_DMA,		/* all kernel addresses, kernel users only */
	HROCE_MR_WINDOW,	/* part of another region; see mw.c */
	HROCE_MR_UNBOUND,	/* no memory: a memory window that is not bound */
	HROCE_MR_NULL,		/* no memory: 0 to read, nowhere to write */
	HROCE_MR_FAST,		/* a list of kernel pages without a key; see frwr.c */
};

struct hroce_mr {
	struct ib_mr ibmr;	/* lkey, rkey (equal), pd, length, iova */
	enum hroce_mr_kind kind;
	int access;		/* IB_ACCESS_* granted */
	u64 iova;		/* the first byte's address on the wire and in SGEs */
	u64 length;		/* bytes; U64_MAX: all of an address space */
	u64 start;		/* the process's address of iova, user regions only */
	struct rcu_head rcu;
	refcount_t refs;	/* one is the registration's */
	atomic_t windows;	/* bound to it; HROCE_NO_WINDOWS: none can be any more */
	struct completion idle;	/* refs came to 0 */
	union {
		struct {
			struct ib_umem *umem;	/* NULL: not a process's memory */
			struct hroce_dmabuf *dmabuf; /* whose pages they are, or NULL */
			struct page **pages;
			unsigned int first_off;	/* of iova in pages[0] */
		} pin;
		struct {
			struct hmmodp_mirror *mirror;
			struct hmmodp_region region;
		} odp;
		struct hroce_moving *moving;
		struct {
			struct hroce_mr *target;	/* whose memory; a reference */
			struct hroce_mr *unbound;	/* what has the key afterwards */
			u32 qpn;	/* the one QP that may use it; 0: all of the PD */
		} window;			/* @start: of iova, in target's addresses */
		enum ib_mw_type mw_type;	/* unbound */
		struct {
			u64 *pages;	/* their addresses */
			u32 num;
			u32 max;
		} fast;
	};
};

/* A region that is going, or about to be changed. */
#define HROCE_NO_WINDOWS	INT_MIN

struct hroce_mw {
	struct ib_mw ibmw;
	struct hroce_mr *unbound;
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
 * @qpn: the QP that asks
 * @access: IB_ACCESS_* that it must grant, all of them; 0: local read
 * @va: first byte, in the region's address space
 * @len: bytes; 0 lies within any bounds
 * @kernel: may it be a HROCE_MR_DMA region
 * Context: any but hard interrupt.
 * Return: with a reference, or ERR_PTR: -EINVAL no such key, wrong PD; -EACCES
 *	a right is missing; -ERANGE out of bounds.
 */
struct hroce_mr *hroce_mr_get(struct hroce_dev *dev, u32 key, struct ib_pd *pd, u32 qpn,
			      int access, u64 va, u64 len, bool kernel);
void hroce_mr_put(struct hroce_mr *mr);

/* The region of a key, whatever it grants; with a reference, or NULL. */
struct hroce_mr *hroce_mr_find(struct hroce_dev *dev, u32 key);
/* Do these bytes lie in it? */
bool hroce_mr_covers(const struct hroce_mr *mr, u64 va, u64 len);

/**
 * hroce_mr_access - hand a range that hroce_mr_get() has checked to an actor
 * See hmmodp_access(). Only an on-demand region, or one of a dma-buf that moves, can
 * return less than @len.
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

/**
 * hroce_mw_bind - bind a memory window, or unbind one of type 1
 * @ended: the binding that this has put an end to, or NULL; see hroce_window_ended()
 * Context: any but hard interrupt.
 * Return: 0, -ENOMEM, or -EINVAL: against the rules (IBTA 10.6.7.2), nothing is changed.
 */
int hroce_mw_bind(struct hroce_dev *dev, struct ib_pd *pd, u32 qpn,
		  const struct hroce_bind *b, struct hroce_mr **ended);

/**
 * hroce_mr_invalidate - end a binding by its key
 * Return: 0 or -EINVAL: no such key, or nothing that @pd and @qpn may invalidate.
 */
int hroce_mr_invalidate(struct hroce_dev *dev, struct ib_pd *pd, u32 qpn, u32 key,
			struct hroce_mr **ended);

/*
 * Are all accesses through a binding that has been ended over? Then it is gone and the
 * pointer cleared; true also if there was none. Else ask again, or drop it.
 */
bool hroce_window_ended(struct hroce_mr **ended);
void hroce_window_drop(struct hroce_mr **ended);

/* mr.c, for mw.c and mr_null.c */
struct hroce_mr *hroce_mr_alloc(struct ib_pd *pd, u64 length, u64 iova, int access,
				gfp_t gfp);
int hroce_mr_publish(struct hroce_dev *dev, struct hroce_mr *mr);
/* A region of all addresses, of a kind that has no memory of its own to set up. */
struct ib_mr *hroce_reg_everywhere(struct ib_pd *ibpd, enum hroce_mr_kind kind, int access);
/* The region of a key but for its tag; with a reference, or NULL. */
struct hroce_mr *hroce_mr_lookup(struct hroce_dev *dev, u32 key);
/* In the place of another that has the same key. False: it is not there any more. */
bool hroce_mr_replace(struct hroce_dev *dev, struct hroce_mr *old, struct hroce_mr *mr);
/* Whatever the key stands for, out of the table; the entry's reference is the caller's. */
struct hroce_mr *hroce_mr_take(struct hroce_dev *dev, u32 key);
/* Take the registration's reference away, and wait for the others. */
void hroce_mr_finish(struct hroce_mr *mr);

/**
 * hroce_window_make - a window that is not in the table yet
 * @target: a reference is taken
 * @unbound: the entry that it will take the place of afterwards
 * @b: length, address and tag of the key
 * @start: of the first byte, in target's addresses
 * Context: any but hard interrupt. Return: or ERR_PTR(-ENOMEM).
 */
struct hroce_mr *hroce_window_make(struct hroce_mr *target, struct hroce_mr *unbound,
				   const struct hroce_bind *b, u64 start, int access);

/* mr_null.c */
struct ib_mr *hroce_reg_null_mr(struct ib_pd *ibpd);
size_t hroce_null_access(size_t len, enum hmmodp_dir dir, hmmodp_actor_t actor, void *ctx);

/* frwr.c: a list of pages as memory, for mr.c; and registering it. */
size_t hroce_fast_access(struct hroce_mr *mr, u64 off, size_t len, hmmodp_actor_t actor,
			 void *ctx);
void hroce_fast_release(struct hroce_mr *mr);
int hroce_mr_register(struct hroce_dev *dev, struct ib_pd *pd, const struct hroce_bind *b);

/* mw.c, for mr.c */
void hroce_window_free(struct hroce_mr *mr);
/* Where a byte of a window lies in its target's addresses. */
static inline u64 hroce_window_va(const struct hroce_mr *mr, u64 va)
{
	return mr->start + (va - mr->iova);
}

/* mr_odp.c, for mr.c: the on-demand kind of the above */
bool hroce_odp_is_implicit(u64 start, u64 length);
int hroce_odp_init(struct hroce_dev *dev, struct hroce_mr *mr,
		   struct hroce_ucontext *uc);
void hroce_odp_release(struct hroce_mr *mr);
size_t hroce_odp_access(struct hroce_mr *mr, u64 va, size_t len,
			enum hmmodp_dir dir, hmmodp_actor_t actor, void *ctx);

/*
 * One range of ibv_advise_mr(); @advice is one that we know. Takes over the region's
 * reference and gives it back first: a prefetch needs the mirror only, and one that
 * hangs on user space must not keep the region from going.
 */
int hroce_odp_prefetch(struct hroce_mr *mr, enum ib_uverbs_advise_mr_advice advice,
		       bool wait, u64 va, size_t len);
/* pd.c: what a context has kept for its regions. */
void hroce_odp_context_release(struct hroce_ucontext *uc);

/* Prints the fault latencies of a device. */
void hroce_odp_latency_show(struct seq_file *seq, const struct hroce_dev *dev);

/*
 * mr_pin.c, for mr.c and mr_dmabuf.c: the pinned kind. Of the kernel's memory at a byte of
 * @memory: 0, -ENOMEM, or -EOPNOTSUPP: it is not made of pages.
 */
int hroce_pin_init_kernel(struct hroce_mr *mr, void *memory, u64 offset);
int hroce_pin_init(struct hroce_dev *dev, struct hroce_mr *mr);
void hroce_pin_release(struct hroce_mr *mr);
size_t hroce_pin_access(struct hroce_mr *mr, u64 va, size_t len,
			hmmodp_actor_t actor, void *ctx);
/* The same, of pages in a row and a byte of them. */
size_t hroce_pages_access(struct page **pages, u64 off, size_t len, hmmodp_actor_t actor,
			  void *ctx);

/*
 * mr_dmabuf.c, for mr.c: a dma-buf, from a byte of it. May sleep.
 * Return: 0, -EBADF or -EINVAL: no dma-buf, or not within it; -EOPNOTSUPP: not memory
 * that the CPU can use; or the exporter's.
 */
int hroce_dmabuf_init(struct hroce_mr *mr, int fd, u64 offset);
void hroce_dmabuf_put(struct hroce_dmabuf *dmabuf);

/*
 * mr_moving.c, for mr_dmabuf.c and mr.c: a dma-buf that moves. It is not pinned, and is
 * faulted where it has moved; but it was there once. Takes over the buffer's reference if
 * it returns 0. Return: as hroce_dmabuf_init().
 */
int hroce_moving_init(struct hroce_mr *mr, struct dma_buf *buf, u64 offset);
void hroce_moving_release(struct hroce_mr *mr);
size_t hroce_moving_access(struct hroce_mr *mr, u64 va, size_t len,
			   hmmodp_actor_t actor, void *ctx);
struct hmmodp_fault *hroce_moving_fault_async(struct hroce_mr *mr, hmmodp_fault_done_t done,
					      void *ctx);
int hroce_moving_module_init(void);
void hroce_moving_module_exit(void);

/* ib_device_ops */
struct ib_mr *hroce_reg_user_mr(struct ib_pd *ibpd, u64 start, u64 length, u64 iova,
				int access, HMMODP_DMAH_ARG struct ib_udata *udata);
struct ib_mr *hroce_rereg_user_mr(struct ib_mr *ibmr, int flags, u64 start, u64 length,
				  u64 iova, int access, struct ib_pd *ibpd,
				  struct ib_udata *udata);
int hroce_advise_mr(struct ib_pd *ibpd, enum ib_uverbs_advise_mr_advice advice,
		    u32 flags, struct ib_sge *sge, u32 num_sge,
		    struct uverbs_attr_bundle *attrs);
int hroce_fill_stat_mr(struct sk_buff *msg, struct ib_mr *ibmr);
struct ib_mr *hroce_reg_dm_mr(struct ib_pd *ibpd, struct ib_dm *ibdm,
			      struct ib_dm_mr_attr *attr, struct uverbs_attr_bundle *attrs);
struct ib_mr *hroce_reg_user_mr_dmabuf(struct ib_pd *ibpd, u64 offset, u64 length, u64 iova,
				       int fd, int access,
				       HMMODP_DMAH_ARG struct hmmodp_dmabuf_arg *arg);
struct ib_mr *hroce_get_dma_mr(struct ib_pd *ibpd, int access);
int hroce_dereg_mr(struct ib_mr *ibmr, struct ib_udata *udata);
struct ib_mr *hroce_alloc_mr(struct ib_pd *ibpd, enum ib_mr_type type, u32 max_num_sg);
int hroce_map_mr_sg(struct ib_mr *ibmr, struct scatterlist *sg, int sg_nents,
		    unsigned int *sg_offset);
int hroce_alloc_mw(struct ib_mw *ibmw, struct ib_udata *udata);
int hroce_dealloc_mw(struct ib_mw *ibmw);

#endif
