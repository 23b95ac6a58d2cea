/* SPDX-License-Identifier: GPL-2.0 */
/* Address handles: entries of ib_device_ops. */
#ifndef HROCE_AH_H
#define HROCE_AH_H

#include <rdma/ib_verbs.h>

int hroce_create_ah(struct ib_ah *ibah, struct rdma_ah_init_attr *attr,
		    struct ib_udata *udata);
int hroce_query_ah(struct ib_ah *ibah, struct rdma_ah_attr *attr);
int hroce_destroy_ah(struct ib_ah *ibah, u32 flags);

#endif
