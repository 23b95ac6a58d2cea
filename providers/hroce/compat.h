/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The only home of differences between releases of rdma-core. CMake finds them
 * out by compiling probes/NAME.c and defines HROCE_PROBE_NAME where it passes.
 */
#ifndef HROCE_COMPAT_H
#define HROCE_COMPAT_H

#include <infiniband/driver.h>

static inline int
hroce_compat_get_context(struct verbs_context *ctx, struct ibv_get_context *cmd,
		      size_t cmd_size, struct ib_uverbs_get_context_resp *resp,
		      size_t resp_size)
{
#ifdef HROCE_PROBE_GET_CONTEXT_FD_ARR
	return ibv_cmd_get_context(ctx, cmd, cmd_size, NULL, resp, resp_size);
#else
	return ibv_cmd_get_context(ctx, cmd, cmd_size, resp, resp_size);
#endif
}

static inline int
hroce_compat_create_cq_ex(struct ibv_context *ctx,
		       const struct ibv_cq_init_attr_ex *attr,
		       struct verbs_cq *cq, struct ibv_create_cq_ex *cmd,
		       size_t cmd_size,
		       struct ib_uverbs_ex_create_cq_resp *resp,
		       size_t resp_size)
{
#ifdef HROCE_PROBE_CREATE_CQ_PROV_ATTR
	return ibv_cmd_create_cq_ex(ctx, attr, NULL, cq, cmd, cmd_size,
				    resp, resp_size, 0);
#else
	return ibv_cmd_create_cq_ex(ctx, attr, cq, cmd, cmd_size,
				    resp, resp_size, 0);
#endif
}

static inline int
hroce_compat_create_qp_ex(struct ibv_context *ctx, struct verbs_qp *qp,
		       struct ibv_qp_init_attr_ex *attr,
		       struct ibv_create_qp_ex *cmd, size_t cmd_size,
		       struct ib_uverbs_ex_create_qp_resp *resp,
		       size_t resp_size)
{
#ifdef HROCE_PROBE_CREATE_QP_DRIVER_ATTRS
	return ibv_cmd_create_qp_ex2(ctx, qp, attr, cmd, cmd_size,
				     resp, resp_size, NULL);
#else
	return ibv_cmd_create_qp_ex2(ctx, qp, attr, cmd, cmd_size,
				     resp, resp_size);
#endif
}

static inline int
hroce_compat_reg_dmabuf_mr(struct ibv_pd *pd, uint64_t offset, size_t length,
			   uint64_t iova, int fd, int access, struct verbs_mr *vmr)
{
#ifdef HROCE_PROBE_REG_DMABUF_DRIVER
	return ibv_cmd_reg_dmabuf_mr(pd, offset, length, iova, fd, access, vmr, NULL);
#else
	return ibv_cmd_reg_dmabuf_mr(pd, offset, length, iova, fd, access, vmr);
#endif
}

/*
 * What a parent domain is asked to allow: memory that a confidential guest shares.
 * The device has no DMA that would need it, so any memory will do.
 */
#ifdef HROCE_PROBE_CC_UNPROTECTED
#define HROCE_PD_ALLOW_UNPROTECTED	IBV_PARENT_DOMAIN_INIT_ATTR_ALLOW_CC_UNPROTECTED_ALLOC
#else
#define HROCE_PD_ALLOW_UNPROTECTED	0
#endif

#ifdef HROCE_PROBE_QUERY_PORT_SPEED
#define HROCE_QUERY_PORT_SPEED_OP	.query_port_speed = ibv_cmd_query_port_speed,
#else
#define HROCE_QUERY_PORT_SPEED_OP
#endif

/* ATOMIC WRITE and FLUSH; where there are none, nobody can ask for them. */
#ifdef HROCE_PROBE_WR_FLUSH
#define HROCE_QP_EX_WITH_FLUSH			IBV_QP_EX_WITH_FLUSH
#define HROCE_QP_EX_WITH_ATOMIC_WRITE		IBV_QP_EX_WITH_ATOMIC_WRITE
#define hroce_set_wr_flush(qpx, fn)		((qpx)->wr_flush = (fn))
#define hroce_set_wr_atomic_write(qpx, fn)	((qpx)->wr_atomic_write = (fn))
#else
#define HROCE_QP_EX_WITH_FLUSH			0
#define HROCE_QP_EX_WITH_ATOMIC_WRITE		0
#define hroce_set_wr_flush(qpx, fn)		((void)(qpx), (void)(fn))
#define hroce_set_wr_atomic_write(qpx, fn)	((void)(qpx), (void)(fn))
#endif

#endif
