// SPDX-License-Identifier: GPL-2.0
/* Multicast groups of the netdev: what IP lets in, and what switches are told. */
#include <linux/igmp.h>
#include <linux/inetdevice.h>
#include <linux/rtnetlink.h>
#include <net/addrconf.h>

#include "net.h"

int hroce_net_join(struct net_device *ndev, const struct hroce_addr *group)
{
	struct in_device *in_dev;
	int err = 0;

	rtnl_lock();
	if (!hroce_addr_is_v4(group)) {
		err = ipv6_dev_mc_inc(ndev, &group->ip);
	} else {
		in_dev = __in_dev_get_rtnl(ndev);
		if (in_dev)
			ip_mc_inc_group(in_dev, group->ip.s6_addr32[3]);
		else
			err = -ENODEV;
	}
	rtnl_unlock();
	return err;
}

/* A netdev that has lost its IP in the meantime has left its groups by that. */
void hroce_net_leave(struct net_device *ndev, const struct hroce_addr *group)
{
	struct in_device *in_dev;

	rtnl_lock();
	if (!hroce_addr_is_v4(group)) {
		ipv6_dev_mc_dec(ndev, &group->ip);
	} else {
		in_dev = __in_dev_get_rtnl(ndev);
		if (in_dev)
			ip_mc_dec_group(in_dev, group->ip.s6_addr32[3]);
	}
	rtnl_unlock();
}
