/* SPDX-License-Identifier: GPL-2.0 */
/* The QP's entries of ib_device_ops, and the receive path's upper end. */
#ifndef HROCE_QP_VERBS_H
#define HROCE_QP_VERBS_H

#include <linux/skbuff.h>
#include <rdma/ib_verbs.h>

int hroce_create_qp(struct ib_qp *ibqp, struct ib_qp_init_attr *init,
		    struct ib_udata *udata);
int hroce_modify_qp(struct ib_qp *ibqp, struct ib_qp_attr *attr, int mask,
		    struct ib_udata *udata);
int hroce_query_qp(struct ib_qp *ibqp, struct ib_qp_attr *attr, int mask,
		   struct ib_qp_init_attr *init);
int hroce_destroy_qp(struct ib_qp *ibqp, struct ib_udata *udata);
int hroce_post_send(struct ib_qp *ibqp, const struct ib_send_wr *wr,
		    const struct ib_send_wr **bad_wr);
int hroce_post_recv(struct ib_qp *ibqp, const struct ib_recv_wr *wr,
		    const struct ib_recv_wr **bad_wr);

/* hroce_rcv_t: where received buffers enter. */
void hroce_qp_receive(struct sk_buff *skb);

int hroce_qp_init(void);	/* module load: QPN table, work queue */
void hroce_qp_exit(void);

#endif
