// SPDX-License-Identifier: GPL-2.0
/* Rings, and how user space maps them and other memory of the device. */
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "rdma.h"
#include "ring.h"

/*
 * Held by the memory's owner and, for the time of the call, by hroce_mmap(). The
 * mappings themselves hold the pages one by one, so they may outlive all of it,
 * the module included.
 */
struct hroce_mmap_entry {
	struct rdma_user_mmap_entry rdma;
	void *memory;
	size_t length;
};

static struct hroce_mmap_entry *to_hentry(struct rdma_user_mmap_entry *entry)
{
	return container_of(entry, struct hroce_mmap_entry, rdma);
}

struct hroce_mmap_entry *hroce_mmap_publish(struct ib_ucontext *ucontext, void *memory,
					    size_t length)
{
	struct hroce_mmap_entry *e;
	int err;

	e = kzalloc(sizeof(*e), GFP_KERNEL_ACCOUNT);
	if (!e)
		return ERR_PTR(-ENOMEM);
	e->memory = memory;
	e->length = length;
	err = rdma_user_mmap_entry_insert(ucontext, &e->rdma, length);
	if (err) {
		kfree(e);
		return ERR_PTR(err);
	}
	return e;
}

u64 hroce_mmap_offset(const struct hroce_mmap_entry *e)
{
	return rdma_user_mmap_get_offset(&e->rdma);
}

void hroce_mmap_remove(struct hroce_mmap_entry *e)
{
	rdma_user_mmap_entry_remove(&e->rdma);
}

int hroce_ring_create(struct ib_ucontext *ucontext, struct hroce_ringbuf *rb,
		      u32 entries, u32 stride, struct hroce_ring_info *info)
{
	gfp_t gfp = ucontext ? GFP_KERNEL_ACCOUNT : GFP_KERNEL;
	size_t length;
	int err;

	memset(rb, 0, sizeof(*rb));
	if (!entries || entries > 1u << 31 || stride > U32_MAX - 15)
		return -EINVAL;
	rb->entries = roundup_pow_of_two(entries);
	rb->stride = round_up(stride, 16);
	if (check_mul_overflow((size_t)rb->entries, (size_t)rb->stride, &length) ||
	    check_add_overflow(length, (size_t)HROCE_RING_ENTRIES, &length) ||
	    length > rounddown(U32_MAX, PAGE_SIZE))
		return -EINVAL;
	length = PAGE_ALIGN(length);

	rb->ring = __vmalloc(length, gfp | __GFP_ZERO | __GFP_NOWARN);
	if (!rb->ring)
		return -ENOMEM;
	if (ucontext) {
		rb->entry = hroce_mmap_publish(ucontext, rb->ring, length);
		if (IS_ERR(rb->entry)) {
			err = PTR_ERR(rb->entry);
			vfree(rb->ring);
			memset(rb, 0, sizeof(*rb));
			return err;
		}
	}
	if (info) {
		info->offset = ucontext ? hroce_mmap_offset(rb->entry) : 0;
		info->length = length;
		info->entries = rb->entries;
		info->stride = rb->stride;
	}
	return 0;
}

void hroce_ring_destroy(struct hroce_ringbuf *rb)
{
	if (rb->entry)
		hroce_mmap_remove(rb->entry);
	else
		vfree(rb->ring);
	rb->ring = NULL;
	rb->entry = NULL;
}

void hroce_mmap_free(struct rdma_user_mmap_entry *entry)
{
	struct hroce_mmap_entry *e = to_hentry(entry);

	vfree(e->memory);
	kfree(e);
}

static int hroce_mmap_all(const struct hroce_mmap_entry *e, struct vm_area_struct *vma)
{
	size_t off;
	int err;

	for (off = 0; off < e->length; off += PAGE_SIZE) {
		err = vm_insert_page(vma, vma->vm_start + off,
				     vmalloc_to_page(e->memory + off));
		if (err)
			return err;
	}
	return 0;
}

/* A child of fork() gets no mapping: two processes cannot work on one ring. */
int hroce_mmap(struct ib_ucontext *ucontext, struct vm_area_struct *vma)
{
	struct rdma_user_mmap_entry *entry;
	int err;

	/* also checks that the mapping is shared and has the length announced */
	entry = rdma_user_mmap_entry_get(ucontext, vma);
	if (!entry)
		return -EINVAL;
	hmmodp_vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP | VM_DONTCOPY);
	err = hroce_mmap_all(to_hentry(entry), vma);
	rdma_user_mmap_entry_put(entry);
	return err;
}
