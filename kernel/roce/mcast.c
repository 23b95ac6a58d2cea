// SPDX-License-Identifier: GPL-2.0
/*
 * Multicast groups. A membership is one entry in a table of the device by group;
 * it ends before its QP does, which ib core sees to.
 */
#include <linux/hashtable.h>
#include <linux/rculist.h>
#include <linux/slab.h>

#include "mcast.h"
#include "qp.h"

struct hroce_member {
	struct hlist_node node;
	struct hroce_addr group;
	struct hroce_qp *qp;		/* under the lock only */
	struct hroce_qp_ref *ref;	/* of the same: for readers, who may be late */
	struct rcu_head rcu;
};

void hroce_mcast_init(struct hroce_dev *dev)
{
	mutex_init(&dev->mcast_lock);
	hash_init(dev->mcast);
}

static struct hroce_member *hroce_member_find(struct hroce_qp *qp,
					      const struct hroce_addr *group)
{
	struct hroce_member *m;

	hash_for_each_possible(qp->dev->mcast, m, node, ipv6_addr_hash(&group->ip))
		if (m->qp == qp && ipv6_addr_equal(&m->group.ip, &group->ip))
			return m;
	return NULL;
}

void hroce_mcast_each(struct hroce_dev *dev, const struct hroce_addr *group,
		      void (*one)(struct hroce_qp_ref *ref, void *ctx), void *ctx)
{
	struct hroce_member *m;

	hash_for_each_possible_rcu(dev->mcast, m, node, ipv6_addr_hash(&group->ip))
		if (ipv6_addr_equal(&m->group.ip, &group->ip))
			one(m->ref, ctx);
}

static int hroce_member_add(struct hroce_qp *qp, const struct hroce_addr *group)
{
	struct hroce_dev *dev = qp->dev;
	struct hroce_member *m;
	int err;

	if (hroce_member_find(qp, group))
		return 0;
	if (dev->num_members == HROCE_MAX_MCAST_MEMBERS)
		return -ENOMEM;
	m = kzalloc(sizeof(*m), GFP_KERNEL_ACCOUNT);
	if (!m)
		return -ENOMEM;
	m->group = *group;
	m->qp = qp;
	m->ref = qp->ref;
	err = hroce_net_join(dev->ndev, group);
	if (err) {
		kfree(m);
		return err;
	}
	dev->num_members++;
	hash_add_rcu(dev->mcast, &m->node, ipv6_addr_hash(&group->ip));
	return 0;
}

/* ib core has checked that it is a multicast GID, and the QP one for datagrams. */
int hroce_attach_mcast(struct ib_qp *ibqp, union ib_gid *gid, u16 lid)
{
	struct hroce_qp *qp = to_hqp(ibqp);
	struct hroce_addr group;
	int err;

	memcpy(group.ip.s6_addr, gid->raw, sizeof(group.ip));
	mutex_lock(&qp->dev->mcast_lock);
	err = hroce_member_add(qp, &group);
	mutex_unlock(&qp->dev->mcast_lock);
	return err;
}

int hroce_detach_mcast(struct ib_qp *ibqp, union ib_gid *gid, u16 lid)
{
	struct hroce_qp *qp = to_hqp(ibqp);
	struct hroce_dev *dev = qp->dev;
	struct hroce_member *m;
	struct hroce_addr group;

	memcpy(group.ip.s6_addr, gid->raw, sizeof(group.ip));
	mutex_lock(&dev->mcast_lock);
	m = hroce_member_find(qp, &group);
	if (m) {
		hash_del_rcu(&m->node);
		dev->num_members--;
		hroce_net_leave(dev->ndev, &group);
		kfree_rcu(m, rcu);
	}
	mutex_unlock(&dev->mcast_lock);
	return m ? 0 : -EINVAL;
}
