/* SPDX-License-Identifier: GPL-2.0 */
/* The device: one per "rdma link add", and the small objects that only hold IDs. */
#ifndef HROCE_DEV_H
#define HROCE_DEV_H

#include <linux/hashtable.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/sizes.h>
#include <linux/xarray.h>
#include <rdma/ib_verbs.h>
#include <rdma/hroce-abi.h>
#include <hmmodp/mirror.h>

#include "net.h"
#include "stats.h"

/* Limits that the device advertises and checks. */
#define HROCE_MAX_QP		65536
#define HROCE_MAX_QP_WR		16384
#define HROCE_MAX_CQ		65536
#define HROCE_MAX_CQE		SZ_1M
#define HROCE_MAX_FAST_PAGES	512	/* of a fast registration */
#define HROCE_MAX_SRQ		65536
#define HROCE_MAX_SRQ_WR	16384
#define HROCE_MAX_MR		SZ_4M
#define HROCE_MAX_PD		65536
#define HROCE_MAX_AH		65536
#define HROCE_MAX_SGE		32
#define HROCE_MAX_INLINE	512	/* bytes */
#define HROCE_MAX_RD_ATOMIC	128
#define HROCE_MAX_MSG_BYTES	SZ_2G
#define HROCE_GID_TBL_LEN	32
#define HROCE_MAX_MCAST_MEMBERS	4096	/* QPs in groups, all together */
#define HROCE_MAX_DM_BYTES	SZ_16M	/* of one ibv_alloc_dm() */
#define HROCE_ALL_DM_BYTES	SZ_64M	/* of all */
#define HROCE_ACK_DELAY		14	/* local_ca_ack_delay, 4.096 us << 14 = 67 ms */

struct hroce_qp_ref;

struct hroce_dev {
	struct ib_device ibdev;
	struct net_device *ndev;	/* a reference is held */
	netdevice_tracker ndev_tracker;
	struct hroce_net *hnet;
	struct hmmodp_owner odp;
	struct hroce_stats __percpu *stats;
	struct xarray mrs;		/* key >> 8 -> struct hroce_mr, read under RCU; BH */
	struct xarray ahs;		/* number -> struct hroce_ah, under xa_lock */
	u32 mr_next;			/* where to look for a free index, under xa_lock */
	u32 ah_next;			/* likewise */
	u32 kernel_ah_next;		/* likewise */
	atomic_t num_pds;
	atomic_t num_cqs;
	atomic_t num_qps;
	atomic64_t dm_bytes;		/* device memory given out */
	atomic_t num_srqs;
	struct hroce_qp_ref __rcu *gsi;	/* QP 1 */
	struct mutex mcast_lock;	/* protects changes of mcast; num_members */
	DECLARE_HASHTABLE(mcast, 6);	/* multicast memberships by group, read under RCU */
	u32 num_members;
	struct dentry *debug;
	struct list_head list;		/* of all devices; device.c's lock, read under RCU */
	u32 max_mtu;			/* path MTU in bytes that fits the netdev */
	enum ib_port_state port_state;	/* last reported; written under rtnl */
};

static inline struct hroce_dev *to_hdev(struct ib_device *ibdev)
{
	return container_of(ibdev, struct hroce_dev, ibdev);
}

/* A process's use of the device. */
struct hroce_ucontext {
	struct ib_ucontext ibuc;
	struct hmmodp_mirror *mirror;	/* of its first ODP region; kept for others */
};

struct hroce_pd {
	struct ib_pd ibpd;
};

struct hroce_ah {
	struct ib_ah ibah;
	struct hroce_av av;
	u32 number;
};

static inline struct hroce_ah *to_hah(struct ib_ah *ibah)
{
	return container_of(ibah, struct hroce_ah, ibah);
}

/* ib core knows the drivers of the kernel tree only. */
#define HROCE_DRIVER	((enum rdma_driver_id)HROCE_DRIVER_ID)

/**
 * hroce_dev_add - make a device on a netdev and register it
 * Return: 0; -EEXIST: the netdev has one; -EOPNOTSUPP: not Ethernet, or a VLAN
 *	(its addresses are GIDs of the device below); or what hroce_net_get() or
 *	ib core say.
 */
int hroce_dev_add(const char *name, struct net_device *ndev);

/* The device on this netdev, or on the one below this VLAN. RCU read side. */
struct hroce_dev *hroce_dev_by_netdev(struct net_device *ndev);

/*
 * The device that a packet for QP 1 is for: by the netdev it came in by, else
 * (lo) by its destination address. RCU read side; valid until it ends.
 */
struct hroce_dev *hroce_dev_for_packet(const struct sk_buff *skb,
				       const struct hroce_addr *daddr);

/* Does the device own this address (has a RoCE v2 GID of it)? Any context. */
bool hroce_dev_has_addr(struct hroce_dev *dev, const struct hroce_addr *addr);

/* Copy the address vector of a user's AH. Any context.
 * Return: 0 or -EINVAL: no such AH, or of another PD.
 */
int hroce_ah_copy_av(struct hroce_dev *dev, struct ib_pd *pd, u32 number,
		     struct hroce_av *av);

#endif
