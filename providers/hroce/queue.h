/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Our side of a ring shared with the kernel; its layout is in rdma/hroce-abi.h.
 *
 * We produce into send and receive queues and consume completion queues. Our
 * index is kept here and published once per batch; the kernel's is read from
 * the ring only when what we saw last does not suffice, so that in a steady
 * stream the two sides seldom fetch each other's cache line.
 *
 * The caller holds the lock of the object that the queue belongs to.
 */
#ifndef HROCE_QUEUE_H
#define HROCE_QUEUE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <rdma/hroce-abi.h>

/**
 * struct hroce_queue - a mapped ring and where we are in it
 * @ring: the mapping; NULL where the object has no such queue
 * @own: our index; from the published one up to it, entries are being built,
 *	or have been read but not given back
 * @peer: the kernel's index when we last looked
 * @mask: entries - 1
 * @stride: bytes from one entry to the next
 * @max_sge: scatter/gather elements that fit in an entry
 * @max_inline: bytes of inline data that fit in an entry
 * @length: bytes mapped
 */
struct hroce_queue {
	struct hroce_ring *ring;
	uint32_t own;
	uint32_t peer;
	uint32_t mask;
	uint32_t stride;
	uint32_t max_sge;
	uint32_t max_inline;
	uint32_t length;
};

/* queue.c */
int hroce_queue_map(struct hroce_queue *q, int cmd_fd,
		    const struct hroce_ring_info *info, size_t header);
void hroce_queue_unmap(struct hroce_queue *q);

/*
 * Take over a mapping of a new ring. @header: bytes of an entry before its
 * elements or inline data. The kernel is trusted not to attack us, but not to
 * be free of errors: refuse what would make us write past the mapping.
 */
static inline int hroce_queue_init(struct hroce_queue *q, void *mapping,
				   const struct hroce_ring_info *info,
				   size_t header)
{
	uint64_t payload = (uint64_t)info->max_sge * sizeof(struct hroce_sge);

	if (payload < info->max_inline)
		payload = info->max_inline;
	if (!info->entries || (info->entries & (info->entries - 1)) ||
	    info->stride % 16 || info->stride < header + payload ||
	    info->length < HROCE_RING_ENTRIES +
			   (uint64_t)info->entries * info->stride)
		return EPROTO;

	*q = (struct hroce_queue) {
		.ring = mapping,
		.mask = info->entries - 1,
		.stride = info->stride,
		.max_sge = info->max_sge,
		.max_inline = info->max_inline,
		.length = info->length,
	};
	return 0;
}

static inline void *hroce_queue_entry(const struct hroce_queue *q,
				      uint32_t index)
{
	return (char *)q->ring + HROCE_RING_ENTRIES +
	       (size_t)(index & q->mask) * q->stride;
}

/* Producer: no room for another entry? */
static inline bool hroce_queue_full(struct hroce_queue *q)
{
	if (q->own - q->peer <= q->mask)
		return false;
	q->peer = __atomic_load_n(&q->ring->consumer, __ATOMIC_ACQUIRE);
	return q->own - q->peer > q->mask;
}

/* Producer: the entry to build next; it counts when own is advanced past it. */
static inline void *hroce_queue_head(const struct hroce_queue *q)
{
	return hroce_queue_entry(q, q->own);
}

/* Producer: let the kernel see all entries up to own. */
static inline void hroce_queue_submit(struct hroce_queue *q)
{
	__atomic_store_n(&q->ring->producer, q->own, __ATOMIC_RELEASE);
}

/*
 * Producer of receive requests, after submitting: does the kernel want to be told
 * of them? The fence orders our index before the look, as the kernel orders its
 * wish before looking at our index, so that not both miss each other.
 */
static inline bool hroce_queue_wants_doorbell(const struct hroce_queue *q)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return __atomic_load_n(&q->ring->doorbell, __ATOMIC_RELAXED);
}

/*
 * Producer: follow a kernel that has dropped what was queued, whether it did so
 * by zeroing both indices or by moving its own up to ours.
 */
static inline void hroce_queue_drop(struct hroce_queue *q)
{
	q->peer = __atomic_load_n(&q->ring->consumer, __ATOMIC_ACQUIRE);
	q->own = q->peer;
	hroce_queue_submit(q);
}

/* Consumer: the oldest entry not read yet, or NULL. */
static inline const void *hroce_queue_peek(struct hroce_queue *q)
{
	if (q->own == q->peer) {
		q->peer = __atomic_load_n(&q->ring->producer, __ATOMIC_ACQUIRE);
		if (q->own == q->peer)
			return NULL;
	}
	return hroce_queue_entry(q, q->own);
}

/* Consumer: give back to the kernel all entries before own. */
static inline void hroce_queue_release(struct hroce_queue *q)
{
	__atomic_store_n(&q->ring->consumer, q->own, __ATOMIC_RELEASE);
}

#endif
