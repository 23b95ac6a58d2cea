/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The provider's objects, and what its files offer each other: the entries of
 * verbs_context_ops, by file.
 */
#ifndef HROCE_H
#define HROCE_H

#include <pthread.h>
#include <infiniband/driver.h>
#include "queue.h"
#include "wqe.h"

struct hroce_context {
	struct verbs_context ibv_ctx;
	bool all_on_demand;		/* HROCE_ODP=1 */
	bool refused;			/* write() to the device; atomic */
};

struct hroce_cq {
	struct verbs_cq vcq;
	pthread_spinlock_t lock;	/* protects queue and cqe */
	struct hroce_queue queue;
	const struct hroce_cqe *cqe;	/* current one of the extended CQ */
	bool single_threaded;		/* extended CQ: the lock is not taken */
};

struct hroce_qp {
	struct verbs_qp vqp;
	pthread_spinlock_t sq_lock;	/* protects sq and wr_* */
	pthread_spinlock_t rq_lock;	/* protects rq; never held with sq_lock */
	struct hroce_queue sq;
	struct hroce_queue rq;		/* no ring where the QP has an SRQ */

	/* of the batch between ibv_wr_start() and ibv_wr_complete() */
	struct hroce_send_wqe *wr_wqe;	/* what the setters work on */
	uint32_t wr_first;		/* sq.own before the batch */
	int wr_err;			/* first error in the batch */
};

struct hroce_srq {
	struct verbs_srq vsrq;
	pthread_spinlock_t lock;	/* protects queue */
	struct hroce_queue queue;
};

static inline struct hroce_cq *to_hcq(struct ibv_cq *ibcq)
{
	return container_of(ibcq, struct hroce_cq, vcq.cq);
}

static inline struct hroce_qp *to_hqp(struct ibv_qp *ibqp)
{
	return container_of(ibqp, struct hroce_qp, vqp.qp);
}

static inline struct hroce_srq *to_hsrq(struct ibv_srq *ibsrq)
{
	return container_of(ibsrq, struct hroce_srq, vsrq.srq);
}

/* Does the QP take send requests in this state? C10 of the IB specification. */
static inline bool hroce_can_post_send(const struct ibv_qp *ibqp)
{
	return ibqp->state != IBV_QPS_RESET && ibqp->state != IBV_QPS_INIT &&
	       ibqp->state != IBV_QPS_RTR;
}

/* verbs.c */
int hroce_query_device(struct ibv_context *context,
		       const struct ibv_query_device_ex_input *input,
		       struct ibv_device_attr_ex *attr, size_t attr_size);
int hroce_query_port(struct ibv_context *context, uint8_t port,
		     struct ibv_port_attr *attr);
int hroce_query_rt_values(struct ibv_context *context,
			  struct ibv_values_ex *values);
struct ibv_mr *hroce_reg_mr(struct ibv_pd *pd, void *addr, size_t length,
			    uint64_t hca_va, int access);
struct ibv_mr *hroce_reg_dmabuf_mr(struct ibv_pd *pd, uint64_t offset, size_t length,
				   uint64_t iova, int fd, int access);
struct ibv_mr *hroce_alloc_null_mr(struct ibv_pd *pd);
int hroce_rereg_mr(struct verbs_mr *vmr, int flags, struct ibv_pd *pd,
		   void *addr, size_t length, int access);
int hroce_dereg_mr(struct verbs_mr *vmr);
struct ibv_mr *hroce_import_mr(struct ibv_pd *pd, uint32_t handle);
void hroce_unimport_mr(struct ibv_mr *ibmr);

/* pd.c */
struct ibv_pd *hroce_alloc_pd(struct ibv_context *context);
int hroce_dealloc_pd(struct ibv_pd *ibpd);
struct ibv_pd *hroce_import_pd(struct ibv_context *context, uint32_t handle);
void hroce_unimport_pd(struct ibv_pd *ibpd);
struct ibv_td *hroce_alloc_td(struct ibv_context *context,
			      struct ibv_td_init_attr *attr);
int hroce_dealloc_td(struct ibv_td *ibtd);
struct ibv_pd *
hroce_alloc_parent_domain(struct ibv_context *context,
			  struct ibv_parent_domain_init_attr *attr);
/* Memory for an object of this PD, zeroed; by its allocator where it has one. */
void *hroce_object_alloc(struct ibv_pd *ibpd, size_t size);
void hroce_object_free(struct ibv_pd *ibpd, void *object);

/* dm.c */
struct ibv_dm *hroce_alloc_dm(struct ibv_context *context,
			      struct ibv_alloc_dm_attr *attr);
int hroce_free_dm(struct ibv_dm *ibdm);
struct ibv_dm *hroce_import_dm(struct ibv_context *context, uint32_t handle);
void hroce_unimport_dm(struct ibv_dm *ibdm);
struct ibv_mr *hroce_reg_dm_mr(struct ibv_pd *pd, struct ibv_dm *ibdm,
			       uint64_t offset, size_t length,
			       unsigned int access);

/* mw.c */
struct ibv_mw *hroce_alloc_mw(struct ibv_pd *pd, enum ibv_mw_type type);
int hroce_dealloc_mw(struct ibv_mw *mw);
int hroce_bind_mw(struct ibv_qp *ibqp, struct ibv_mw *mw,
		  struct ibv_mw_bind *bind);

/* ah.c */
struct ibv_ah *hroce_create_ah(struct ibv_pd *pd, struct ibv_ah_attr *attr);
int hroce_destroy_ah(struct ibv_ah *ibah);

/* cq.c */
struct ibv_cq *hroce_create_cq(struct ibv_context *context, int cqe,
			       struct ibv_comp_channel *channel,
			       int comp_vector);
int hroce_cq_setup(struct hroce_cq *cq, struct ibv_context *context,
		   const struct hroce_ring_info *info);
void hroce_cq_clean(struct ibv_cq *ibcq, uint32_t qp_num);
int hroce_resize_cq(struct ibv_cq *ibcq, int cqe);
int hroce_modify_cq(struct ibv_cq *ibcq, struct ibv_modify_cq_attr *attr);
int hroce_destroy_cq(struct ibv_cq *ibcq);
int hroce_poll_cq(struct ibv_cq *ibcq, int num_entries, struct ibv_wc *wc);

/* cq_ex.c */
struct ibv_cq_ex *hroce_create_cq_ex(struct ibv_context *context,
				     struct ibv_cq_init_attr_ex *attr);
void hroce_cq_ex_setup(struct ibv_cq_ex *cqx, uint64_t wc_flags);

/* qp.c */
struct ibv_qp *hroce_create_qp(struct ibv_pd *pd,
			       struct ibv_qp_init_attr *attr);
struct ibv_qp *hroce_create_qp_ex(struct ibv_context *context,
				  struct ibv_qp_init_attr_ex *attr);
int hroce_modify_qp(struct ibv_qp *ibqp, struct ibv_qp_attr *attr, int mask);
int hroce_query_qp(struct ibv_qp *ibqp, struct ibv_qp_attr *attr, int mask,
		   struct ibv_qp_init_attr *init);
int hroce_destroy_qp(struct ibv_qp *ibqp);

/* send.c */
int hroce_doorbell(struct ibv_qp *ibqp);
int hroce_post_send(struct ibv_qp *ibqp, struct ibv_send_wr *wr,
		    struct ibv_send_wr **bad_wr);

/* recv.c */
int hroce_post_recv(struct ibv_qp *ibqp, struct ibv_recv_wr *wr,
		    struct ibv_recv_wr **bad_wr);
int hroce_post_srq_recv(struct ibv_srq *ibsrq, struct ibv_recv_wr *wr,
			struct ibv_recv_wr **bad_wr);

/* srq.c */
struct ibv_srq *hroce_create_srq(struct ibv_pd *pd,
				 struct ibv_srq_init_attr *attr);
int hroce_modify_srq(struct ibv_srq *ibsrq, struct ibv_srq_attr *attr,
		     int mask);
int hroce_query_srq(struct ibv_srq *ibsrq, struct ibv_srq_attr *attr);
int hroce_destroy_srq(struct ibv_srq *ibsrq);
struct ibv_srq *hroce_create_srq_ex(struct ibv_context *context,
				    struct ibv_srq_init_attr_ex *attr);
int hroce_get_srq_num(struct ibv_srq *ibsrq, uint32_t *srq_num);

/* xrc.c */
struct ibv_xrcd *hroce_open_xrcd(struct ibv_context *context,
				 struct ibv_xrcd_init_attr *attr);
int hroce_close_xrcd(struct ibv_xrcd *xrcd);
struct ibv_qp *hroce_open_qp(struct ibv_context *context,
			     struct ibv_qp_open_attr *attr);

/* wr.c */
bool hroce_wr_supported(enum ibv_qp_type type, uint64_t send_ops);
void hroce_wr_setup(struct ibv_qp_ex *qpx, uint64_t send_ops);

#endif
