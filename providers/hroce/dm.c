// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Device memory: allocated by the kernel's part, and mapped here for copying. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <rdma/ib_user_ioctl_cmds.h>
#include <infiniband/cmd_ioctl.h>
#include "hroce.h"

_Static_assert(HROCE_ATTR_ALLOC_DM_OFFSET == 1 << UVERBS_ID_NS_SHIFT,
	       "the driver's range");

struct hroce_dm {
	struct verbs_dm vdm;
	uint8_t *memory;
	size_t length;		/* bytes that may be used */
	size_t mapped;		/* whole pages */
};

static struct hroce_dm *to_hdm(struct ibv_dm *ibdm)
{
	return container_of(ibdm, struct hroce_dm, vdm.dm);
}

/*
 * As hardware has it, and as programs test it: offset and length go by words of
 * four bytes. EFAULT: they do not, or reach beyond the memory.
 */
static int hroce_dm_check(const struct hroce_dm *dm, uint64_t offset, size_t length)
{
	if (offset % 4 || length % 4 || offset > dm->length ||
	    length > dm->length - offset)
		return EFAULT;
	return 0;
}

static int hroce_memcpy_to_dm(struct ibv_dm *ibdm, uint64_t offset,
			      const void *from, size_t length)
{
	struct hroce_dm *dm = to_hdm(ibdm);
	int err = hroce_dm_check(dm, offset, length);

	if (!err)
		memcpy(dm->memory + offset, from, length);
	return err;
}

static int hroce_memcpy_from_dm(void *to, struct ibv_dm *ibdm, uint64_t offset,
				size_t length)
{
	struct hroce_dm *dm = to_hdm(ibdm);
	int err = hroce_dm_check(dm, offset, length);

	if (!err)
		memcpy(to, dm->memory + offset, length);
	return err;
}

static int hroce_dm_map(struct hroce_dm *dm, struct ibv_context *context,
			uint64_t offset, uint64_t length)
{
	size_t page = sysconf(_SC_PAGESIZE);
	void *memory;

	dm->length = length;
	dm->mapped = (length + page - 1) / page * page;
	memory = mmap(NULL, dm->mapped, PROT_READ | PROT_WRITE, MAP_SHARED,
		      context->cmd_fd, offset);
	if (memory == MAP_FAILED)
		return errno;
	/* the kernel gives a child of fork() nothing of it either */
	dm->memory = memory;
	dm->vdm.dm.memcpy_to_dm = hroce_memcpy_to_dm;
	dm->vdm.dm.memcpy_from_dm = hroce_memcpy_from_dm;
	return 0;
}

struct ibv_dm *hroce_alloc_dm(struct ibv_context *context,
			      struct ibv_alloc_dm_attr *attr)
{
	DECLARE_COMMAND_BUFFER(cmd, UVERBS_OBJECT_DM, UVERBS_METHOD_DM_ALLOC, 1);
	struct hroce_dm *dm;
	uint64_t offset;
	int err;

	if (!check_comp_mask(attr->comp_mask, 0)) {
		errno = EOPNOTSUPP;
		return NULL;
	}
	dm = calloc(1, sizeof(*dm));
	if (!dm)
		return NULL;

	fill_attr_out_ptr(cmd, HROCE_ATTR_ALLOC_DM_OFFSET, &offset);
	err = ibv_cmd_alloc_dm(context, attr, &dm->vdm, cmd);
	if (!err) {
		err = hroce_dm_map(dm, context, offset, attr->length);
		if (err)
			ibv_cmd_free_dm(&dm->vdm);
	}
	if (err) {
		free(dm);
		errno = err;
		return NULL;
	}
	return &dm->vdm.dm;
}

int hroce_free_dm(struct ibv_dm *ibdm)
{
	struct hroce_dm *dm = to_hdm(ibdm);
	int err = ibv_cmd_free_dm(&dm->vdm);

	if (!err)
		hroce_unimport_dm(ibdm);
	return err;
}

struct ibv_dm *hroce_import_dm(struct ibv_context *context, uint32_t handle)
{
	DECLARE_COMMAND_BUFFER(cmd, UVERBS_OBJECT_DM, HROCE_METHOD_DM_QUERY, 3);
	uint64_t offset, length;
	struct hroce_dm *dm;
	int err;

	dm = calloc(1, sizeof(*dm));
	if (!dm)
		return NULL;

	fill_attr_in_obj(cmd, HROCE_ATTR_QUERY_DM_HANDLE, handle);
	fill_attr_out_ptr(cmd, HROCE_ATTR_QUERY_DM_OFFSET, &offset);
	fill_attr_out_ptr(cmd, HROCE_ATTR_QUERY_DM_LENGTH, &length);
	err = execute_ioctl(context, cmd);
	if (!err)
		err = hroce_dm_map(dm, context, offset, length);
	if (err) {
		free(dm);
		errno = err;
		return NULL;
	}
	dm->vdm.dm.context = context;
	dm->vdm.dm.handle = handle;
	dm->vdm.handle = handle;
	return &dm->vdm.dm;
}

void hroce_unimport_dm(struct ibv_dm *ibdm)
{
	struct hroce_dm *dm = to_hdm(ibdm);

	munmap(dm->memory, dm->mapped);
	free(dm);
}

struct ibv_mr *hroce_reg_dm_mr(struct ibv_pd *pd, struct ibv_dm *ibdm,
			       uint64_t offset, size_t length,
			       unsigned int access)
{
	struct verbs_mr *vmr;
	int err;

	vmr = calloc(1, sizeof(*vmr));
	if (!vmr)
		return NULL;

	err = ibv_cmd_reg_dm_mr(pd, &to_hdm(ibdm)->vdm, offset, length, access,
				vmr, NULL);
	if (err) {
		free(vmr);
		errno = err;
		return NULL;
	}
	return &vmr->ibv_mr;
}
