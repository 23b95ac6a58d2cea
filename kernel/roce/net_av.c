// SPDX-License-Identifier: GPL-2.0
/* Address vectors: between the attributes of verbs and IP. */
#include <linux/etherdevice.h>
#include <net/ipv6.h>
#include <rdma/ib_cache.h>

#include "dev.h"

/* The netdev that the GID is of: the device's own, or a VLAN on it. */
static int hroce_av_oif(struct hroce_dev *dev, const struct ib_gid_attr *gid)
{
	struct net_device *ndev;
	int oif;

	rcu_read_lock();
	ndev = rdma_read_gid_attr_ndev_rcu(gid);
	oif = IS_ERR(ndev) ? dev->ndev->ifindex : ndev->ifindex;
	rcu_read_unlock();
	return oif;
}

/* A flow label for the port to be made of, where the application gives none. */
static u32 hroce_av_flow_label(const struct hroce_av *av)
{
	return rdma_calc_flow_label(ipv6_addr_hash(&av->saddr.ip),
				    ipv6_addr_hash(&av->daddr.ip));
}

int hroce_net_av_init(struct hroce_dev *dev, struct hroce_av *av,
		      const struct rdma_ah_attr *attr)
{
	const struct ib_global_route *grh;
	const struct ib_gid_attr *gid;

	if (attr->type != RDMA_AH_ATTR_TYPE_ROCE ||
	    !(rdma_ah_get_ah_flags(attr) & IB_AH_GRH))
		return -EINVAL;
	grh = rdma_ah_read_grh(attr);
	gid = grh->sgid_attr;
	if (!gid || gid->gid_type != IB_GID_TYPE_ROCE_UDP_ENCAP)
		return -EINVAL;

	memset(av, 0, sizeof(*av));
	memcpy(&av->saddr.ip, gid->gid.raw, sizeof(av->saddr.ip));
	memcpy(&av->daddr.ip, grh->dgid.raw, sizeof(av->daddr.ip));
	if (hroce_addr_is_v4(&av->saddr) != hroce_addr_is_v4(&av->daddr) ||
	    ipv6_addr_any(&av->daddr.ip))
		return -EINVAL;
	av->oif = hroce_av_oif(dev, gid);
	av->flow_label = grh->flow_label;
	av->sport = rdma_flow_label_to_udp_sport(grh->flow_label ?:
						 hroce_av_flow_label(av));
	av->tclass = grh->traffic_class;
	av->hop_limit = grh->hop_limit;
	av->sgid_index = grh->sgid_index;
	ether_addr_copy(av->dmac, attr->roce.dmac);
	return 0;
}

void hroce_net_av_to_attr(const struct hroce_av *av, struct rdma_ah_attr *attr)
{
	union ib_gid dgid;

	memset(attr, 0, sizeof(*attr));
	attr->type = RDMA_AH_ATTR_TYPE_ROCE;
	memcpy(dgid.raw, &av->daddr.ip, sizeof(dgid.raw));
	rdma_ah_set_grh(attr, &dgid, av->flow_label, av->sgid_index, av->hop_limit,
			av->tclass);
	rdma_ah_set_port_num(attr, 1);
	ether_addr_copy(attr->roce.dmac, av->dmac);
}
