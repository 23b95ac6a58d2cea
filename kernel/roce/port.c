// SPDX-License-Identifier: GPL-2.0
/* The port: its netdev's state, speed and MTU as verbs know them, and events. */
#include <linux/netdevice.h>
#include <rdma/ib_addr.h>
#include <rdma/ib_mad.h>

#include "dev.h"
#include "port.h"
#include "rdma.h"

static enum ib_port_state hroce_port_state(const struct hroce_dev *dev)
{
	return netif_running(dev->ndev) && netif_carrier_ok(dev->ndev) ?
		IB_PORT_ACTIVE : IB_PORT_DOWN;
}

/* The path MTU that leaves room for the headers; the smallest when none does. */
static u32 hroce_port_mtu(const struct hroce_dev *dev)
{
	enum ib_mtu mtu = iboe_get_mtu(READ_ONCE(dev->ndev->mtu));

	return ib_mtu_enum_to_int(mtu ? mtu : IB_MTU_256);
}

void hroce_port_init(struct hroce_dev *dev)
{
	dev->max_mtu = hroce_port_mtu(dev);
	dev->port_state = hroce_port_state(dev);
}

static void hroce_port_event(struct hroce_dev *dev, enum ib_event_type type)
{
	struct ib_event ev = {
		.device = &dev->ibdev,
		.element.port_num = 1,
		.event = type,
	};

	ib_dispatch_event(&ev);
}

void hroce_port_update(struct hroce_dev *dev)
{
	enum ib_port_state state = hroce_port_state(dev);

	WRITE_ONCE(dev->max_mtu, hroce_port_mtu(dev));
	if (hmmodp_core_raises_port_events() || state == dev->port_state)
		return;
	dev->port_state = state;
	hroce_port_event(dev, state == IB_PORT_ACTIVE ? IB_EVENT_PORT_ACTIVE :
							 IB_EVENT_PORT_ERR);
}

int hroce_query_port(struct ib_device *ibdev, u32 port, struct ib_port_attr *attr)
{
	struct hroce_dev *dev = to_hdev(ibdev);

	attr->state = hroce_port_state(dev);
	attr->phys_state = attr->state == IB_PORT_ACTIVE ? IB_PORT_PHYS_STATE_LINK_UP :
			   netif_running(dev->ndev) ? IB_PORT_PHYS_STATE_POLLING :
						      IB_PORT_PHYS_STATE_DISABLED;
	attr->max_mtu = IB_MTU_4096;
	attr->active_mtu = ib_mtu_int_to_enum(READ_ONCE(dev->max_mtu));
	attr->gid_tbl_len = HROCE_GID_TBL_LEN;
	attr->pkey_tbl_len = 1;
	attr->ip_gids = true;
	attr->port_cap_flags = IB_PORT_CM_SUP;
	attr->max_msg_sz = HROCE_MAX_MSG_BYTES;
	attr->max_vl_num = 1;
	/* a netdev on its way out has no speed */
	if (ib_get_eth_speed(ibdev, port, &attr->active_speed, &attr->active_width)) {
		attr->active_speed = IB_SPEED_SDR;
		attr->active_width = IB_WIDTH_1X;
	}
	return 0;
}

int hroce_query_port_speed(struct ib_device *ibdev, u32 port, u64 *speed)
{
	struct ib_port_attr attr = {};

	hroce_query_port(ibdev, port, &attr);
	return hmmodp_port_speed(&attr, speed);
}

enum rdma_link_layer hroce_get_link_layer(struct ib_device *ibdev, u32 port)
{
	return IB_LINK_LAYER_ETHERNET;
}
