/* SPDX-License-Identifier: GPL-2.0 */
/* Capabilities: entries of ib_device_ops. */
#ifndef HROCE_CAPS_H
#define HROCE_CAPS_H

#include <rdma/ib_verbs.h>

int hroce_query_device(struct ib_device *ibdev, struct ib_device_attr *attr,
		       struct ib_udata *udata);
int hroce_query_pkey(struct ib_device *ibdev, u32 port, u16 index, u16 *pkey);
int hroce_get_port_immutable(struct ib_device *ibdev, u32 port,
			     struct ib_port_immutable *immutable);

#endif
