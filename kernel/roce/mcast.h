/* SPDX-License-Identifier: GPL-2.0 */
/* Multicast: which datagram QPs have joined which groups (IBTA 10.5). */
#ifndef HROCE_MCAST_H
#define HROCE_MCAST_H

#include <rdma/ib_verbs.h>

#include "dev.h"

struct hroce_qp_ref;

void hroce_mcast_init(struct hroce_dev *dev);

/**
 * hroce_mcast_each - call for each QP of a device that has joined a group
 * The QP behind the reference may be going: it is to be taken as if just looked up.
 * Context: softirq, RCU read side.
 */
void hroce_mcast_each(struct hroce_dev *dev, const struct hroce_addr *group,
		      void (*one)(struct hroce_qp_ref *ref, void *ctx), void *ctx);

/* ib_device_ops */
int hroce_attach_mcast(struct ib_qp *ibqp, union ib_gid *gid, u16 lid);
int hroce_detach_mcast(struct ib_qp *ibqp, union ib_gid *gid, u16 lid);

#endif
