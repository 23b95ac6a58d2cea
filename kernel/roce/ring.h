/* SPDX-License-Identifier: GPL-2.0 */
/* Rings shared with user space, or the kernel's own; see hroce-abi.h. */
#ifndef HROCE_RING_H
#define HROCE_RING_H

#include <linux/types.h>
#include <rdma/hroce-abi.h>
#include <rdma/ib_verbs.h>

/**
 * struct hroce_ringbuf - the kernel's side of a ring
 * @ring: the shared memory; NULL when there is no such queue
 * @entries: a power of two
 * @stride: bytes
 * @index: this side's index, private, so that user space cannot bend it
 * @entry: how user space maps it; NULL for a kernel ring
 */
struct hroce_ringbuf {
	struct hroce_ring *ring;
	u32 entries;
	u32 stride;
	u32 index;
	struct hroce_mmap_entry *entry;
};

static inline void *hroce_ring_at(const struct hroce_ringbuf *rb, u32 index)
{
	return (void *)rb->ring + HROCE_RING_ENTRIES +
	       (size_t)(index & (rb->entries - 1)) * rb->stride;
}

/* The other side's index, as it stands; not trustworthy for a user's ring. */
static inline u32 hroce_ring_producer(const struct hroce_ringbuf *rb)
{
	/* before the entries it announces are read */
	return smp_load_acquire(&rb->ring->producer);
}

static inline u32 hroce_ring_consumer(const struct hroce_ringbuf *rb)
{
	/* before the entries it gives back are written */
	return smp_load_acquire(&rb->ring->consumer);
}

/**
 * hroce_ring_create - allocate a ring and make it mappable
 * @ucontext: NULL for a kernel ring
 * @rb: filled in
 * @entries: at least that many, rounded up to a power of two
 * @stride: bytes, rounded up to 16
 * @info: offset, length, entries and stride filled in; may be NULL for a kernel
 *	ring
 * Context: process. Return: 0 or -errno.
 */
int hroce_ring_create(struct ib_ucontext *ucontext, struct hroce_ringbuf *rb,
		      u32 entries, u32 stride, struct hroce_ring_info *info);
void hroce_ring_destroy(struct hroce_ringbuf *rb);

/**
 * hroce_mmap_publish - let the processes of a context map memory
 * @memory: whole pages by vmalloc(); belongs to the entry from then on
 * @length: bytes
 * Context: process. Return: or ERR_PTR, @memory is still the caller's.
 */
struct hroce_mmap_entry *hroce_mmap_publish(struct ib_ucontext *ucontext, void *memory,
					    size_t length);
/* What mmap() of the uverbs command file wants. */
u64 hroce_mmap_offset(const struct hroce_mmap_entry *e);
/* No new mappings; the memory is freed when those that are just being made are. */
void hroce_mmap_remove(struct hroce_mmap_entry *e);

/* ib_device_ops */
int hroce_mmap(struct ib_ucontext *ucontext, struct vm_area_struct *vma);
void hroce_mmap_free(struct rdma_user_mmap_entry *entry);

#endif
