// SPDX-License-Identifier: GPL-2.0
/* User contexts and protection domains: objects that only hold IDs. */
#include <linux/module.h>

#include "dev.h"
#include "mr.h"
#include "pd.h"
#include "udata.h"
#include <rdma/hroce-abi.h>

/* A program that uses a device keeps the module, but not the device. */
int hroce_alloc_ucontext(struct ib_ucontext *ibuc, struct ib_udata *udata)
{
	struct hroce_alloc_ucontext_resp resp = {
		.max_inline = HROCE_MAX_INLINE,
		.max_sge = HROCE_MAX_SGE,
	};

	int err;

	if (!try_module_get(THIS_MODULE))
		return -ENODEV;
	err = hroce_respond(udata, &resp, sizeof(resp));
	if (err)
		module_put(THIS_MODULE);
	return err;
}

/* Unloading waits for the device, and that for this to return. */
void hroce_dealloc_ucontext(struct ib_ucontext *ibuc)
{
	hroce_odp_context_release(container_of(ibuc, struct hroce_ucontext, ibuc));
	module_put(THIS_MODULE);
}

/* A process that imports a context needs to know nothing of it. */
int hroce_query_ucontext(struct ib_ucontext *ibuc, struct uverbs_attr_bundle *attrs)
{
	return 0;
}

/*
 * That this exists tells ib core that the device may go while processes have it
 * open: their rings are memory of their own, and all else is taken from them.
 */
void hroce_disassociate_ucontext(struct ib_ucontext *ibuc)
{
}

int hroce_alloc_pd(struct ib_pd *ibpd, struct ib_udata *udata)
{
	struct hroce_dev *dev = to_hdev(ibpd->device);
	int err;

	if (!atomic_add_unless(&dev->num_pds, 1, HROCE_MAX_PD))
		return -ENOMEM;
	err = hroce_respond(udata, NULL, 0);
	if (err)
		atomic_dec(&dev->num_pds);
	return err;
}

int hroce_dealloc_pd(struct ib_pd *ibpd, struct ib_udata *udata)
{
	atomic_dec(&to_hdev(ibpd->device)->num_pds);
	return 0;
}
