/* SPDX-License-Identifier: GPL-2.0 */
/* What the unit tests of the provider share: rings without a kernel. */
#ifndef TEST_PROVIDER_H
#define TEST_PROVIDER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ktap.h"
#include "queue.h"

/*
 * A ring of exactly the length that is needed, so that ASAN sees a byte too
 * many, with both indices at @start.
 */
static inline void test_queue_open(struct hroce_queue *q, uint32_t entries,
				   size_t header, uint32_t max_sge,
				   uint32_t max_inline, uint32_t start)
{
	uint32_t payload = max_sge * sizeof(struct hroce_sge);
	struct hroce_ring_info info = {
		.entries = entries,
		.max_sge = max_sge,
		.max_inline = max_inline,
	};
	struct hroce_ring *ring;

	if (payload < max_inline)
		payload = max_inline;
	info.stride = (header + payload + 15) / 16 * 16;
	info.length = HROCE_RING_ENTRIES + entries * info.stride;
	ring = aligned_alloc(16, info.length);
	if (!ring)
		abort();
	memset(ring, 0xa5, info.length);
	if (hroce_queue_init(q, ring, &info, header))
		abort();
	ring->producer = start;
	ring->consumer = start;
	ring->doorbell = 0;
	q->own = start;
	q->peer = start;
}

static inline void test_queue_close(struct hroce_queue *q)
{
	free(q->ring);
}

#endif
