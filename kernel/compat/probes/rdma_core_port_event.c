// SPDX-License-Identifier: GPL-2.0
/* ib core raises port events itself when the netdev goes up or down. */
#include <rdma/ib_verbs.h>

void probe(struct ib_device *ibdev, struct net_device *ndev)
{
	ib_dispatch_port_state_event(ibdev, ndev);
}
