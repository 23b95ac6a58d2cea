/* SPDX-License-Identifier: GPL-2.0 */
/* The port of a device, which is its netdev. */
#ifndef HROCE_PORT_H
#define HROCE_PORT_H

#include <rdma/ib_verbs.h>

struct hroce_dev;

/* dev->ndev is set. */
void hroce_port_init(struct hroce_dev *dev);

/* The netdev's state or MTU may have changed. Context: rtnl held. */
void hroce_port_update(struct hroce_dev *dev);

/* ib_device_ops */
int hroce_query_port(struct ib_device *ibdev, u32 port, struct ib_port_attr *attr);
int hroce_query_port_speed(struct ib_device *ibdev, u32 port, u64 *speed);
enum rdma_link_layer hroce_get_link_layer(struct ib_device *ibdev, u32 port);

#endif
