// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Protection domains, thread domains, and the parent domains that join them. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "compat.h"
#include "hroce.h"

struct hroce_td {
	struct ibv_td td;
	atomic_uint users;	/* parent domains */
};

/*
 * A parent domain stands for the protection domain that it is of wherever the
 * kernel is concerned. Queues are memory of the kernel, which both sides map; so
 * what its allocator is asked for is the provider's part of queue pairs only.
 */
struct hroce_pd {
	struct ibv_pd pd;
	atomic_uint users;	/* parent domains of this one */
	struct hroce_pd *of;	/* of a parent domain only, as all that follows */
	struct hroce_td *td;
	void *(*alloc)(struct ibv_pd *pd, void *context, size_t size,
		       size_t alignment, uint64_t type);
	void (*free)(struct ibv_pd *pd, void *context, void *ptr,
		     uint64_t type);
	void *context;
};

/* In front of each object. */
struct hroce_object {
	bool custom;		/* the allocator's memory, not the heap's */
} __attribute__((aligned(64)));

static struct hroce_pd *to_hpd(struct ibv_pd *ibpd)
{
	return container_of(ibpd, struct hroce_pd, pd);
}

struct ibv_pd *hroce_alloc_pd(struct ibv_context *context)
{
	struct ib_uverbs_alloc_pd_resp resp;
	struct ibv_alloc_pd cmd;
	struct hroce_pd *pd;
	int err;

	pd = calloc(1, sizeof(*pd));
	if (!pd)
		return NULL;

	err = ibv_cmd_alloc_pd(context, &pd->pd, &cmd, sizeof(cmd), &resp,
			       sizeof(resp));
	if (err) {
		free(pd);
		errno = err;
		return NULL;
	}
	return &pd->pd;
}

int hroce_dealloc_pd(struct ibv_pd *ibpd)
{
	struct hroce_pd *pd = to_hpd(ibpd);
	int err;

	if (atomic_load(&pd->users))
		return EBUSY;
	if (pd->of) {
		if (pd->td)
			atomic_fetch_sub(&pd->td->users, 1);
		atomic_fetch_sub(&pd->of->users, 1);
	} else {
		err = ibv_cmd_dealloc_pd(ibpd);
		if (err)
			return err;
	}
	free(pd);
	return 0;
}

struct ibv_pd *hroce_import_pd(struct ibv_context *context, uint32_t handle)
{
	struct hroce_pd *pd = calloc(1, sizeof(*pd));

	if (!pd)
		return NULL;
	pd->pd.context = context;
	pd->pd.handle = handle;
	return &pd->pd;
}

void hroce_unimport_pd(struct ibv_pd *ibpd)
{
	free(to_hpd(ibpd));
}

struct ibv_td *hroce_alloc_td(struct ibv_context *context,
			      struct ibv_td_init_attr *attr)
{
	struct hroce_td *td;

	if (attr->comp_mask) {
		errno = EOPNOTSUPP;
		return NULL;
	}
	td = calloc(1, sizeof(*td));
	if (!td)
		return NULL;
	td->td.context = context;
	return &td->td;
}

int hroce_dealloc_td(struct ibv_td *ibtd)
{
	struct hroce_td *td = container_of(ibtd, struct hroce_td, td);

	if (atomic_load(&td->users))
		return EBUSY;
	free(td);
	return 0;
}

static int hroce_parent_domain_check(struct ibv_context *context,
				     const struct ibv_parent_domain_init_attr *attr)
{
	if (!attr->pd || attr->pd->context != context ||
	    (attr->td && attr->td->context != context))
		return EINVAL;
	if (!check_comp_mask(attr->comp_mask,
			     IBV_PARENT_DOMAIN_INIT_ATTR_ALLOCATORS |
			     IBV_PARENT_DOMAIN_INIT_ATTR_PD_CONTEXT |
			     HROCE_PD_ALLOW_UNPROTECTED))
		return EOPNOTSUPP;
	if ((attr->comp_mask & IBV_PARENT_DOMAIN_INIT_ATTR_ALLOCATORS) &&
	    (!attr->alloc || !attr->free))
		return EINVAL;
	return to_hpd(attr->pd)->of ? EINVAL : 0;
}

struct ibv_pd *
hroce_alloc_parent_domain(struct ibv_context *context,
			  struct ibv_parent_domain_init_attr *attr)
{
	struct hroce_pd *pd;
	int err = hroce_parent_domain_check(context, attr);

	if (err) {
		errno = err;
		return NULL;
	}
	pd = calloc(1, sizeof(*pd));
	if (!pd)
		return NULL;

	pd->pd.context = attr->pd->context;
	pd->pd.handle = attr->pd->handle;
	pd->of = to_hpd(attr->pd);
	atomic_fetch_add(&pd->of->users, 1);
	if (attr->td) {
		pd->td = container_of(attr->td, struct hroce_td, td);
		atomic_fetch_add(&pd->td->users, 1);
	}
	if (attr->comp_mask & IBV_PARENT_DOMAIN_INIT_ATTR_ALLOCATORS) {
		pd->alloc = attr->alloc;
		pd->free = attr->free;
	}
	if (attr->comp_mask & IBV_PARENT_DOMAIN_INIT_ATTR_PD_CONTEXT)
		pd->context = attr->pd_context;
	return &pd->pd;
}

void *hroce_object_alloc(struct ibv_pd *ibpd, size_t size)
{
	struct hroce_pd *pd = ibpd ? to_hpd(ibpd) : NULL;
	void *memory = IBV_ALLOCATOR_USE_DEFAULT;
	struct hroce_object *o;

	size += sizeof(*o);
	if (pd && pd->alloc)
		memory = pd->alloc(ibpd, pd->context, size, sizeof(*o), 0);
	if (!memory) {
		errno = ENOMEM;
		return NULL;
	}
	o = memory;
	if (memory == IBV_ALLOCATOR_USE_DEFAULT) {
		o = NULL;
		errno = posix_memalign((void **)&o, sizeof(*o), size);
		if (!o)
			return NULL;
	}
	memset(o, 0, size);
	o->custom = memory != IBV_ALLOCATOR_USE_DEFAULT;
	return o + 1;
}

void hroce_object_free(struct ibv_pd *ibpd, void *object)
{
	struct hroce_object *o = (struct hroce_object *)object - 1;

	if (o->custom)
		to_hpd(ibpd)->free(ibpd, to_hpd(ibpd)->context, o, 0);
	else
		free(o);
}
