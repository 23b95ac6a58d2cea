/* SPDX-License-Identifier: GPL-2.0 */
/* What differs between kernels in ib core and its surroundings. */
#ifndef HMMODP_COMPAT_RDMA_H
#define HMMODP_COMPAT_RDMA_H

#include <linux/mm.h>
#include <rdma/ib_umem.h>
#include <rdma/ib_verbs.h>
#include <rdma/uverbs_ioctl.h>

/* The last argument of create_cq(), and the udata in it; NULL of a kernel user. */
#ifdef HMMODP_HAVE_RDMA_CREATE_CQ_ATTRS
#define hmmodp_create_cq_arg	uverbs_attr_bundle

static inline struct ib_udata *hmmodp_create_cq_udata(struct uverbs_attr_bundle *arg)
{
	return arg ? &arg->driver_udata : NULL;
}
#else
#define hmmodp_create_cq_arg	ib_udata

static inline struct ib_udata *hmmodp_create_cq_udata(struct ib_udata *arg)
{
	return arg;
}
#endif

/* The operation that resizes a CQ, and the type of the length that it gets. */
#ifdef HMMODP_HAVE_RDMA_RESIZE_USER_CQ
#define hmmodp_resize_cq_op	resize_user_cq
#define hmmodp_cqe_t		unsigned int
#else
#define hmmodp_resize_cq_op	resize_cq
#define hmmodp_cqe_t		int
#endif

/* What stands before the udata of reg_user_mr(): a DMA handle, which a device
 * without alloc_dmah() never gets.
 */
#ifdef HMMODP_HAVE_RDMA_REG_USER_MR_DMAH
#define HMMODP_DMAH_ARG	struct ib_dmah *dmah,
#else
#define HMMODP_DMAH_ARG
#endif

/* The last argument of reg_user_mr_dmabuf(). */
#ifdef HMMODP_HAVE_RDMA_DMABUF_UDATA
#define hmmodp_dmabuf_arg	ib_udata
#else
#define hmmodp_dmabuf_arg	uverbs_attr_bundle
#endif

static inline struct ib_umem *hmmodp_umem_get(struct ib_device *ibdev,
					      unsigned long addr, size_t len,
					      int access)
{
#ifdef HMMODP_HAVE_RDMA_UMEM_GET_VA
	return ib_umem_get_va(ibdev, addr, len, access);
#else
	return ib_umem_get(ibdev, addr, len, access);
#endif
}

static inline void hmmodp_name_assigned_by_user(struct ib_device *ibdev)
{
#ifdef HMMODP_HAVE_RDMA_NAME_BY_USER
	ib_mark_name_assigned_by_user(ibdev);
#endif
}

/* Does ib core raise IB_EVENT_PORT_ACTIVE and _ERR by itself? */
static inline bool hmmodp_core_raises_port_events(void)
{
#ifdef HMMODP_HAVE_RDMA_CORE_PORT_EVENT
	return true;
#else
	return false;
#endif
}

/* The operation that says a port's speed in units of 100 Mb/s, of @attr as it is for
 * query_port().
 */
static inline void
hmmodp_set_query_port_speed(struct ib_device *ibdev,
			    int (*op)(struct ib_device *ibdev, u32 port, u64 *speed))
{
#ifdef HMMODP_HAVE_RDMA_QUERY_PORT_SPEED
	ibdev->ops.query_port_speed = op;
#endif
}

static inline int hmmodp_port_speed(struct ib_port_attr *attr, u64 *speed)
{
#ifdef HMMODP_HAVE_RDMA_QUERY_PORT_SPEED
	struct ib_port_speed_info info;
	int err = ib_port_attr_to_speed_info(attr, &info);

	if (!err)
		*speed = info.rate;
	return err;
#else
	return -EOPNOTSUPP;
#endif
}

/*
 * FLUSH and ATOMIC WRITE, by the numbers that later kernels give them. Without its
 * access bit there can be no FLUSH.
 */
#ifndef HMMODP_HAVE_RDMA_FLUSH
#define IB_UVERBS_WR_FLUSH		14
#define IB_UVERBS_WR_ATOMIC_WRITE	15
#define IB_UVERBS_WC_FLUSH		8
#define IB_UVERBS_WC_ATOMIC_WRITE	9
#define IB_OPCODE_RC_FLUSH		0x1c
#define IB_OPCODE_RC_ATOMIC_WRITE	0x1d
#define IB_ACCESS_FLUSH_GLOBAL		0
#define IB_DEVICE_FLUSH_GLOBAL		0
#define IB_DEVICE_ATOMIC_WRITE		BIT_ULL(40)
#endif

/* The same on demand, among the capabilities of a transport. */
#ifdef HMMODP_HAVE_RDMA_ODP_FLUSH
#define HMMODP_ODP_FLUSH		(IB_ODP_SUPPORT_FLUSH | IB_ODP_SUPPORT_ATOMIC_WRITE)
#else
#define HMMODP_ODP_FLUSH		0
#endif

static inline void hmmodp_vm_flags_set(struct vm_area_struct *vma,
				       unsigned long flags)
{
#ifdef HMMODP_HAVE_RDMA_VM_FLAGS_SET
	vm_flags_set(vma, flags);
#else
	vma->vm_flags |= flags;
#endif
}

#endif
