// SPDX-License-Identifier: GPL-2.0
/* hroce: load and unload, links by netlink, and news from the netdevs. */
#include <linux/module.h>
#include <linux/netdevice.h>
#include <rdma/rdma_netlink.h>

#include "debug.h"
#include "dev.h"
#include "icrc.h"
#include "mr.h"
#include "net.h"
#include "port.h"
#include "qp_verbs.h"

static int hroce_netdev_event(struct notifier_block *nb, unsigned long event, void *arg)
{
	struct net_device *ndev = netdev_notifier_info_to_dev(arg);
	struct ib_device *ibdev = ib_device_get_by_netdev(ndev, HROCE_DRIVER);

	if (!ibdev)
		return NOTIFY_DONE;
	switch (event) {
	case NETDEV_UNREGISTER:
		/* gone, or off to another namespace, where it has no link */
		ib_unregister_device_queued(ibdev);
		break;
	case NETDEV_UP:
	case NETDEV_DOWN:
	case NETDEV_CHANGE:
	case NETDEV_CHANGEMTU:
		hroce_port_update(to_hdev(ibdev));
		break;
	}
	ib_device_put(ibdev);
	return NOTIFY_DONE;
}

static struct notifier_block hroce_netdev_notifier = {
	.notifier_call = hroce_netdev_event,
};

/* "rdma link add NAME type hroce netdev IF" */
static int hroce_newlink(const char *name, struct net_device *ndev)
{
	return hroce_dev_add(name, ndev);
}

static struct rdma_link_ops hroce_link_ops = {
	.type = "hroce",
	.newlink = hroce_newlink,
};

static int __init hroce_module_init(void)
{
	int err;

	err = hroce_icrc_init();
	if (err)
		return err;
	err = hroce_moving_module_init();
	if (err)
		goto err_icrc;
	err = hroce_qp_init();
	if (err)
		goto err_moving;
	err = hroce_net_init(hroce_qp_receive);
	if (err)
		goto err_qp;
	err = register_netdevice_notifier(&hroce_netdev_notifier);
	if (err)
		goto err_net;
	hroce_debug_init();
	rdma_link_register(&hroce_link_ops);
	return 0;

err_net:
	hroce_net_exit();
err_qp:
	hroce_qp_exit();
err_moving:
	hroce_moving_module_exit();
err_icrc:
	hroce_icrc_exit();
	return err;
}

static void __exit hroce_module_exit(void)
{
	/* no device can come any more, then those that are there go */
	rdma_link_unregister(&hroce_link_ops);
	ib_unregister_driver(HROCE_DRIVER);
	unregister_netdevice_notifier(&hroce_netdev_notifier);
	hroce_debug_exit();
	hroce_net_exit();
	hroce_qp_exit();
	hroce_moving_module_exit();
	hroce_icrc_exit();
}

module_init(hroce_module_init);
module_exit(hroce_module_exit);

MODULE_DESCRIPTION("Software RoCEv2 NIC with on-demand paging");
MODULE_LICENSE("GPL");
MODULE_ALIAS_RDMA_LINK("hroce");
