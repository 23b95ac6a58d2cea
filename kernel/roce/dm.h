/* SPDX-License-Identifier: GPL-2.0 */
/* Device memory: the NIC's own, which processes use by regions and mappings. */
#ifndef HROCE_DM_H
#define HROCE_DM_H

#include <rdma/ib_verbs.h>
#include <rdma/uverbs_ioctl.h>

struct hroce_mmap_entry;

struct hroce_dm {
	struct ib_dm ibdm;
	void *memory;		/* whole pages by vmalloc(), the entry's */
	size_t room;		/* bytes of it */
	struct hroce_mmap_entry *entry;
};

static inline struct hroce_dm *to_hdm(struct ib_dm *ibdm)
{
	return container_of(ibdm, struct hroce_dm, ibdm);
}

/* The driver's own attributes and methods of uverbs objects. */
extern const struct uapi_definition hroce_uapi[];

/* ib_device_ops */
struct ib_dm *hroce_alloc_dm(struct ib_device *ibdev, struct ib_ucontext *ibuc,
			     struct ib_dm_alloc_attr *attr,
			     struct uverbs_attr_bundle *attrs);
int hroce_dealloc_dm(struct ib_dm *ibdm, struct uverbs_attr_bundle *attrs);

#endif
