// SPDX-License-Identifier: GPL-2.0
/* The life of a device: made on a netdev, listed, registered, taken down. */
#include <linux/etherdevice.h>
#include <linux/if_arp.h>
#include <linux/if_vlan.h>
#include <linux/rculist.h>
#include <linux/rtnetlink.h>
#include <net/addrconf.h>
#include <rdma/ib_cache.h>
#include <rdma/ib_user_verbs.h>

#include "ah.h"
#include "caps.h"
#include "debug.h"
#include "dev.h"
#include "dm.h"
#include "mcast.h"
#include "pd.h"
#include "port.h"
#include "qp.h"
#include "qp_verbs.h"
#include "rdma.h"
#include "res.h"
#include "srq.h"
#include "xrc.h"

static LIST_HEAD(hroce_devs);			/* read under RCU */
static DEFINE_SPINLOCK(hroce_devs_lock);	/* protects changes of hroce_devs */
static DEFINE_MUTEX(hroce_add_lock);		/* one device a netdev: serialises adding */

/*
 * The device has its GID table, and no client yet. Called again when it moves to
 * another network namespace ("rdma dev set NAME netns"); it stays listed meanwhile.
 */
static int hroce_enable_driver(struct ib_device *ibdev)
{
	struct hroce_dev *dev = to_hdev(ibdev);
	bool first;

	spin_lock(&hroce_devs_lock);
	first = list_empty(&dev->list);
	if (first)
		list_add_tail_rcu(&dev->list, &hroce_devs);
	spin_unlock(&hroce_devs_lock);
	if (first)
		hroce_debug_add(dev);
	return 0;
}

/* The last call of a device's life, also of one that was never registered. */
static void hroce_dealloc_driver(struct ib_device *ibdev)
{
	struct hroce_dev *dev = to_hdev(ibdev);

	spin_lock(&hroce_devs_lock);
	list_del_rcu(&dev->list);
	spin_unlock(&hroce_devs_lock);
	synchronize_rcu();

	hroce_debug_del(dev);
	WARN_ON(!xa_empty(&dev->mrs));
	WARN_ON(!xa_empty(&dev->ahs));
	if (dev->hnet)
		hroce_net_put(dev->hnet);
	free_percpu(dev->stats);
	/* last: the network namespace lives as long as the netdev */
	netdev_put(dev->ndev, &dev->ndev_tracker);
}

static const struct ib_device_ops hroce_device_ops = {
	.owner = THIS_MODULE,
	.driver_id = HROCE_DRIVER,
	.uverbs_abi_ver = HROCE_UVERBS_ABI_VERSION,

	.advise_mr = hroce_advise_mr,
	.alloc_dm = hroce_alloc_dm,
	.alloc_hw_port_stats = hroce_alloc_hw_port_stats,
	.alloc_mr = hroce_alloc_mr,
	.alloc_mw = hroce_alloc_mw,
	.alloc_pd = hroce_alloc_pd,
	.alloc_ucontext = hroce_alloc_ucontext,
	.alloc_xrcd = hroce_alloc_xrcd,
	.attach_mcast = hroce_attach_mcast,
	.create_ah = hroce_create_ah,
	.create_cq = hroce_create_cq,
	.create_qp = hroce_create_qp,
	.create_srq = hroce_create_srq,
	.create_user_ah = hroce_create_ah,
	.dealloc_dm = hroce_dealloc_dm,
	.dealloc_driver = hroce_dealloc_driver,
	.dealloc_mw = hroce_dealloc_mw,
	.dealloc_pd = hroce_dealloc_pd,
	.dealloc_ucontext = hroce_dealloc_ucontext,
	.dealloc_xrcd = hroce_dealloc_xrcd,
	.dereg_mr = hroce_dereg_mr,
	.destroy_ah = hroce_destroy_ah,
	.destroy_cq = hroce_destroy_cq,
	.destroy_qp = hroce_destroy_qp,
	.detach_mcast = hroce_detach_mcast,
	.destroy_srq = hroce_destroy_srq,
	.disassociate_ucontext = hroce_disassociate_ucontext,
	.enable_driver = hroce_enable_driver,
	.fill_res_cq_entry = hroce_fill_res_cq,
	.fill_res_mr_entry = hroce_fill_res_mr,
	.fill_res_qp_entry = hroce_fill_res_qp,
	.fill_stat_mr_entry = hroce_fill_stat_mr,
	.get_dma_mr = hroce_get_dma_mr,
	.get_hw_stats = hroce_get_hw_stats,
	.get_link_layer = hroce_get_link_layer,
	.get_port_immutable = hroce_get_port_immutable,
	.map_mr_sg = hroce_map_mr_sg,
	.mmap = hroce_mmap,
	.mmap_free = hroce_mmap_free,
	.modify_qp = hroce_modify_qp,
	.modify_srq = hroce_modify_srq,
	.poll_cq = hroce_poll_cq,
	.post_recv = hroce_post_recv,
	.post_send = hroce_post_send,
	.hmmodp_resize_cq_op = hroce_resize_cq,
	.modify_cq = hroce_modify_cq,
	.post_srq_recv = hroce_post_srq_recv,
	.query_ah = hroce_query_ah,
	.query_device = hroce_query_device,
	.query_pkey = hroce_query_pkey,
	.query_port = hroce_query_port,
	.query_qp = hroce_query_qp,
	.query_ucontext = hroce_query_ucontext,
	.reg_dm_mr = hroce_reg_dm_mr,
	.query_srq = hroce_query_srq,
	.reg_user_mr = hroce_reg_user_mr,
	.reg_user_mr_dmabuf = hroce_reg_user_mr_dmabuf,
	.rereg_user_mr = hroce_rereg_user_mr,
	.req_notify_cq = hroce_req_notify_cq,

	INIT_RDMA_OBJ_SIZE(ib_ah, hroce_ah, ibah),
	INIT_RDMA_OBJ_SIZE(ib_cq, hroce_cq, ibcq),
	INIT_RDMA_OBJ_SIZE(ib_mw, hroce_mw, ibmw),
	INIT_RDMA_OBJ_SIZE(ib_pd, hroce_pd, ibpd),
	INIT_RDMA_OBJ_SIZE(ib_qp, hroce_qp, ibqp),
	INIT_RDMA_OBJ_SIZE(ib_srq, hroce_srq, ibsrq),
	INIT_RDMA_OBJ_SIZE(ib_ucontext, hroce_ucontext, ibuc),
	INIT_RDMA_OBJ_SIZE(ib_xrcd, hroce_xrcd, ibxrcd),
};

/* lo and its like have no address, but a node wants a GUID of its own. */
static void hroce_dev_guid(struct hroce_dev *dev)
{
	u8 mac[ETH_ALEN];

	if (is_zero_ether_addr(dev->ndev->dev_addr))
		eth_random_addr(mac);
	else
		ether_addr_copy(mac, dev->ndev->dev_addr);
	addrconf_addr_eui48((u8 *)&dev->ibdev.node_guid, mac);
}

static void hroce_dev_init(struct hroce_dev *dev, struct net_device *ndev)
{
	struct ib_device *ibdev = &dev->ibdev;

	ib_set_device_ops(ibdev, &hroce_device_ops);
	netdev_hold(ndev, &dev->ndev_tracker, GFP_KERNEL);
	dev->ndev = ndev;
	INIT_LIST_HEAD(&dev->list);
	xa_init_flags(&dev->mrs, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT |
		      XA_FLAGS_LOCK_BH);
	xa_init_flags(&dev->ahs, XA_FLAGS_ALLOC1 | XA_FLAGS_LOCK_IRQ);
	hroce_mcast_init(dev);
	hroce_port_init(dev);
	hroce_dev_guid(dev);

	ibdev->node_type = RDMA_NODE_IB_CA;
	ibdev->phys_port_cnt = 1;
	ibdev->num_comp_vectors = num_possible_cpus();
	ibdev->local_dma_lkey = 0;
	ibdev->driver_def = hroce_uapi;
	/* config/60-hroce.rules knows the device by this */
	strscpy(ibdev->node_desc, "hroce", sizeof(ibdev->node_desc));
	ibdev->uverbs_cmd_mask |= BIT_ULL(IB_USER_VERBS_CMD_POST_SEND) |
				  BIT_ULL(IB_USER_VERBS_CMD_REQ_NOTIFY_CQ);
	hmmodp_name_assigned_by_user(ibdev);
	hmmodp_set_query_port_speed(ibdev, hroce_query_port_speed);
}

static int hroce_dev_register(struct hroce_dev *dev, const char *name)
{
	int err;

	dev->stats = alloc_percpu(struct hroce_stats);
	if (!dev->stats)
		return -ENOMEM;
	dev->hnet = hroce_net_get(dev_net(dev->ndev));
	if (IS_ERR(dev->hnet)) {
		err = PTR_ERR(dev->hnet);
		dev->hnet = NULL;
		return err;
	}
	err = ib_device_set_netdev(&dev->ibdev, dev->ndev, 1);
	if (err)
		return err;
	return ib_register_device(&dev->ibdev, name, NULL);
}

/*
 * The netdev may have gone, or moved to another namespace, before the device
 * could be found by the notifier. With rtnl held, either it can be by now, or
 * the change is seen here.
 */
static void hroce_dev_recheck(struct net_device *ndev, const struct net *net)
{
	struct ib_device *ibdev;

	rtnl_lock();
	ibdev = ib_device_get_by_netdev(ndev, HROCE_DRIVER);
	if (ibdev) {
		if (ndev->reg_state != NETREG_REGISTERED || dev_net(ndev) != net)
			ib_unregister_device_queued(ibdev);
		ib_device_put(ibdev);
	}
	rtnl_unlock();
}

static bool hroce_dev_exists(struct net_device *ndev)
{
	struct ib_device *ibdev = ib_device_get_by_netdev(ndev, HROCE_DRIVER);

	if (!ibdev)
		return false;
	ib_device_put(ibdev);
	return true;
}

static int hroce_dev_add_locked(const char *name, struct net_device *ndev)
{
	const struct net *net = dev_net(ndev);
	struct hroce_dev *dev;
	int err;

	if (hroce_dev_exists(ndev))
		return -EEXIST;
	dev = ib_alloc_device(hroce_dev, ibdev);
	if (!dev)
		return -ENOMEM;
	hroce_dev_init(dev, ndev);
	err = hroce_dev_register(dev, name);
	if (err) {
		ib_dealloc_device(&dev->ibdev);
		return err;
	}
	/* dev may be gone already */
	hroce_dev_recheck(ndev, net);
	return 0;
}

int hroce_dev_add(const char *name, struct net_device *ndev)
{
	int err;

	if (is_vlan_dev(ndev)) {
		netdev_err(ndev, "hroce: a VLAN's addresses belong to the device below it\n");
		return -EOPNOTSUPP;
	}
	if (ndev->type != ARPHRD_ETHER && ndev->type != ARPHRD_LOOPBACK) {
		netdev_err(ndev, "hroce: not an Ethernet device\n");
		return -EOPNOTSUPP;
	}
	mutex_lock(&hroce_add_lock);
	err = hroce_dev_add_locked(name, ndev);
	mutex_unlock(&hroce_add_lock);
	return err;
}

bool hroce_dev_has_addr(struct hroce_dev *dev, const struct hroce_addr *addr)
{
	const struct ib_gid_attr *attr;
	union ib_gid gid;

	memcpy(gid.raw, &addr->ip, sizeof(gid.raw));
	attr = rdma_find_gid_by_port(&dev->ibdev, &gid, IB_GID_TYPE_ROCE_UDP_ENCAP, 1, NULL);
	if (IS_ERR(attr))
		return false;
	rdma_put_gid_attr(attr);
	return true;
}

struct hroce_dev *hroce_dev_by_netdev(struct net_device *ndev)
{
	struct hroce_dev *dev;

	if (is_vlan_dev(ndev))
		ndev = vlan_dev_real_dev(ndev);
	list_for_each_entry_rcu(dev, &hroce_devs, list)
		if (dev->ndev == ndev)
			return dev;
	return NULL;
}

static struct hroce_dev *hroce_dev_by_addr(const struct net *net,
					   const struct hroce_addr *addr)
{
	struct hroce_dev *dev;

	list_for_each_entry_rcu(dev, &hroce_devs, list)
		if (net_eq(dev_net(dev->ndev), net) && hroce_dev_has_addr(dev, addr))
			return dev;
	return NULL;
}

struct hroce_dev *hroce_dev_for_packet(const struct sk_buff *skb,
				       const struct hroce_addr *daddr)
{
	struct hroce_dev *dev = NULL;

	/* what the host sends to itself comes by lo, whatever the address */
	if (!(skb->dev->flags & IFF_LOOPBACK))
		dev = hroce_dev_by_netdev(skb->dev);
	return dev ? dev : hroce_dev_by_addr(dev_net(skb->dev), daddr);
}
