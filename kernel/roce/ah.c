// SPDX-License-Identifier: GPL-2.0
/* Address handles and their numbers, by which send requests name them. */
#include "ah.h"
#include "dev.h"
#include "udata.h"
#include <rdma/hroce-abi.h>

/* Users' numbers and the kernel's come from ranges of their own, so that users
 * cannot use up the connection manager's.
 */
#define HROCE_USER_AHS		XA_LIMIT(1, HROCE_MAX_AH)
#define HROCE_KERNEL_AHS	XA_LIMIT(HROCE_MAX_AH + 1, S32_MAX)

/*
 * The numbers are looked up by requesters, in any context; hence the lock with
 * interrupts off. The memory of an AH is ib core's to free, so nobody keeps a
 * pointer past the lock.
 */
static int hroce_ah_number_user(struct hroce_dev *dev, struct hroce_ah *ah)
{
	return xa_alloc_cyclic_irq(&dev->ahs, &ah->number, ah, HROCE_USER_AHS,
				   &dev->ah_next, GFP_KERNEL_ACCOUNT);
}

/* A kernel user may create one with a spinlock held. */
static int hroce_ah_number_kernel(struct hroce_dev *dev, struct hroce_ah *ah)
{
	unsigned long flags;
	int err;

	xa_lock_irqsave(&dev->ahs, flags);
	err = __xa_alloc_cyclic(&dev->ahs, &ah->number, ah, HROCE_KERNEL_AHS,
				&dev->kernel_ah_next, GFP_ATOMIC);
	xa_unlock_irqrestore(&dev->ahs, flags);
	return err;
}

static void hroce_ah_unpublish(struct hroce_dev *dev, struct hroce_ah *ah)
{
	unsigned long flags;

	xa_lock_irqsave(&dev->ahs, flags);
	__xa_erase(&dev->ahs, ah->number);
	xa_unlock_irqrestore(&dev->ahs, flags);
}

int hroce_create_ah(struct ib_ah *ibah, struct rdma_ah_init_attr *attr,
		    struct ib_udata *udata)
{
	struct hroce_dev *dev = to_hdev(ibah->device);
	struct hroce_create_ah_resp resp = {};
	struct hroce_ah *ah = to_hah(ibah);
	int err;

	err = hroce_net_av_init(dev, &ah->av, attr->ah_attr);
	if (err)
		return err;
	err = udata ? hroce_ah_number_user(dev, ah) : hroce_ah_number_kernel(dev, ah);
	if (err < 0)
		return -ENOMEM;
	resp.ah = ah->number;
	err = hroce_respond_all(udata, &resp, sizeof(resp));
	if (err)
		hroce_ah_unpublish(dev, ah);
	return err;
}

int hroce_query_ah(struct ib_ah *ibah, struct rdma_ah_attr *attr)
{
	hroce_net_av_to_attr(&to_hah(ibah)->av, attr);
	return 0;
}

int hroce_destroy_ah(struct ib_ah *ibah, u32 flags)
{
	hroce_ah_unpublish(to_hdev(ibah->device), to_hah(ibah));
	return 0;
}

int hroce_ah_copy_av(struct hroce_dev *dev, struct ib_pd *pd, u32 number,
		     struct hroce_av *av)
{
	struct hroce_ah *ah;
	unsigned long flags;
	int err = -EINVAL;

	xa_lock_irqsave(&dev->ahs, flags);
	ah = xa_load(&dev->ahs, number);
	if (ah && ah->ibah.pd == pd) {
		*av = ah->av;
		err = 0;
	}
	xa_unlock_irqrestore(&dev->ahs, flags);
	return err;
}
