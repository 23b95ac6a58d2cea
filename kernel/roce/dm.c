// SPDX-License-Identifier: GPL-2.0
/*
 * Device memory (ibv_alloc_dm). A software NIC has none but the host's; what the
 * verbs promise holds: it is nobody's address space, only regions and mappings of
 * this object reach it, and it is there and zero from the start.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <rdma/hroce-abi.h>
#include <rdma/uverbs_std_types.h>

#include "dev.h"
#include "dm.h"
#include "ring.h"

#define UVERBS_MODULE_NAME hroce
#include <rdma/uverbs_named_ioctl.h>

static struct hroce_dm *hroce_dm_make(struct ib_ucontext *ibuc, size_t room)
{
	struct hroce_dm *dm = kzalloc(sizeof(*dm), GFP_KERNEL_ACCOUNT);

	if (!dm)
		return ERR_PTR(-ENOMEM);
	dm->room = room;
	dm->memory = __vmalloc(room, GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN);
	if (!dm->memory) {
		kfree(dm);
		return ERR_PTR(-ENOMEM);
	}
	dm->entry = hroce_mmap_publish(ibuc, dm->memory, room);
	if (IS_ERR(dm->entry)) {
		int err = PTR_ERR(dm->entry);

		vfree(dm->memory);
		kfree(dm);
		return ERR_PTR(err);
	}
	return dm;
}

static void hroce_dm_free(struct hroce_dev *dev, struct hroce_dm *dm)
{
	hroce_mmap_remove(dm->entry);
	atomic64_sub(dm->room, &dev->dm_bytes);
	kfree(dm);
}

/* attr->alignment is a logarithm; more than a page is not to be had. */
struct ib_dm *hroce_alloc_dm(struct ib_device *ibdev, struct ib_ucontext *ibuc,
			     struct ib_dm_alloc_attr *attr,
			     struct uverbs_attr_bundle *attrs)
{
	struct hroce_dev *dev = to_hdev(ibdev);
	struct hroce_dm *dm;
	size_t room;
	u64 offset;
	int err;

	if (attr->flags || attr->alignment > PAGE_SHIFT)
		return ERR_PTR(-EOPNOTSUPP);
	if (!attr->length || attr->length > HROCE_MAX_DM_BYTES)
		return ERR_PTR(-EINVAL);
	room = PAGE_ALIGN(attr->length);
	if (atomic64_add_return(room, &dev->dm_bytes) > HROCE_ALL_DM_BYTES) {
		atomic64_sub(room, &dev->dm_bytes);
		return ERR_PTR(-ENOMEM);
	}
	dm = hroce_dm_make(ibuc, room);
	if (IS_ERR(dm)) {
		atomic64_sub(room, &dev->dm_bytes);
		return ERR_CAST(dm);
	}
	offset = hroce_mmap_offset(dm->entry);
	err = uverbs_copy_to(attrs, HROCE_ATTR_ALLOC_DM_OFFSET, &offset, sizeof(offset));
	if (err) {
		hroce_dm_free(dev, dm);
		return ERR_PTR(err);
	}
	return &dm->ibdm;
}

/* No region of it is left: ib core counts them. Mappings keep their pages. */
int hroce_dealloc_dm(struct ib_dm *ibdm, struct uverbs_attr_bundle *attrs)
{
	hroce_dm_free(to_hdev(ibdm->device), to_hdm(ibdm));
	return 0;
}

/* What a process that imports one needs to map it. */
static int UVERBS_HANDLER(HROCE_METHOD_DM_QUERY)(struct uverbs_attr_bundle *attrs)
{
	struct ib_uobject *uobj = uverbs_attr_get_uobject(attrs, HROCE_ATTR_QUERY_DM_HANDLE);
	struct hroce_dm *dm = to_hdm(uobj->object);
	u64 offset = hroce_mmap_offset(dm->entry);
	u64 length = dm->ibdm.length;
	int err;

	err = uverbs_copy_to(attrs, HROCE_ATTR_QUERY_DM_OFFSET, &offset, sizeof(offset));
	if (err)
		return err;
	return uverbs_copy_to(attrs, HROCE_ATTR_QUERY_DM_LENGTH, &length, sizeof(length));
}

#define HROCE_OUT_U64(id)	UVERBS_ATTR_PTR_OUT(id, UVERBS_ATTR_TYPE(u64), UA_MANDATORY)

DECLARE_UVERBS_NAMED_METHOD(HROCE_METHOD_DM_QUERY,
			    UVERBS_ATTR_IDR(HROCE_ATTR_QUERY_DM_HANDLE, UVERBS_OBJECT_DM,
					    UVERBS_ACCESS_READ, UA_MANDATORY),
			    HROCE_OUT_U64(HROCE_ATTR_QUERY_DM_OFFSET),
			    HROCE_OUT_U64(HROCE_ATTR_QUERY_DM_LENGTH));

ADD_UVERBS_METHODS(hroce_dm_methods, UVERBS_OBJECT_DM,
		   &UVERBS_METHOD(HROCE_METHOD_DM_QUERY));

ADD_UVERBS_ATTRIBUTES_SIMPLE(hroce_alloc_dm_attrs, UVERBS_OBJECT_DM,
			     UVERBS_METHOD_DM_ALLOC,
			     HROCE_OUT_U64(HROCE_ATTR_ALLOC_DM_OFFSET));

const struct uapi_definition hroce_uapi[] = {
	UAPI_DEF_CHAIN_OBJ_TREE(UVERBS_OBJECT_DM, &hroce_dm_methods),
	UAPI_DEF_CHAIN_OBJ_TREE(UVERBS_OBJECT_DM, &hroce_alloc_dm_attrs),
	{},
};
