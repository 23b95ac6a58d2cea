/* SPDX-License-Identifier: GPL-2.0 */
/* What "rdma resource show -dd" says of objects beyond what ib core knows. */
#ifndef HROCE_RES_H
#define HROCE_RES_H

#include <rdma/ib_verbs.h>

/*
 * ib_device_ops. Snapshots: the objects' owners go on meanwhile.
 * Return: 0, or -EMSGSIZE: no room in @msg.
 */
int hroce_fill_res_qp(struct sk_buff *msg, struct ib_qp *ibqp);
int hroce_fill_res_cq(struct sk_buff *msg, struct ib_cq *ibcq);
int hroce_fill_res_mr(struct sk_buff *msg, struct ib_mr *ibmr);

#endif
