// SPDX-License-Identifier: GPL-2.0
/* Rings: their memory and how user space maps it. */
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "rdma.h"
#include "ring.h"

/*
 * Held by the ring's owner and, for the time of the call, by hroce_mmap(). The
 * mappings themselves hold the pages one by one, so they may outlive all of it,
 * the module included.
 */
struct hroce_mmap_entry {
	struct rdma_user_mmap_entry rdma;
	void *ring;
	size_t length;
};

static struct hroce_mmap_entry *to_hentry(struct rdma_user_mmap_entry *entry)
{
	return container_of(entry, struct hroce_mmap_entry, rdma);
}

static int hroce_ring_publish(struct ib_ucontext *ucontext, struct hroce_ringbuf *rb,
			      size_t length)
{
	struct hroce_mmap_entry *e;
	int err;

	e = kzalloc(sizeof(*e), GFP_KERNEL_ACCOUNT);
	if (!e)
		return -ENOMEM;
	e->ring = rb->ring;
	e->length = length;
	err = rdma_user_mmap_entry_insert(ucontext, &e->rdma, length);
	if (err) {
		kfree(e);
		return err;
	}
	rb->entry = e;
	return 0;
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
		err = hroce_ring_publish(ucontext, rb, length);
		if (err) {
			vfree(rb->ring);
			rb->ring = NULL;
			return err;
		}
	}
	if (info) {
		info->offset = ucontext ?
			rdma_user_mmap_get_offset(&rb->entry->rdma) : 0;
		info->length = length;
		info->entries = rb->entries;
		info->stride = rb->stride;
	}
	return 0;
}

void hroce_ring_destroy(struct hroce_ringbuf *rb)
{
	if (rb->entry)
		rdma_user_mmap_entry_remove(&rb->entry->rdma);
	else
		vfree(rb->ring);
	rb->ring = NULL;
	rb->entry = NULL;
}

void hroce_mmap_free(struct rdma_user_mmap_entry *entry)
{
	struct hroce_mmap_entry *e = to_hentry(entry);

	vfree(e->ring);
	kfree(e);
}

static int hroce_ring_map(const struct hroce_mmap_entry *e, struct vm_area_struct *vma)
{
	size_t off;
	int err;

	for (off = 0; off < e->length; off += PAGE_SIZE) {
		err = vm_insert_page(vma, vma->vm_start + off,
				     vmalloc_to_page(e->ring + off));
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
	err = hroce_ring_map(to_hentry(entry), vma);
	rdma_user_mmap_entry_put(entry);
	return err;
}
