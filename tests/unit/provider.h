/* SPDX-License-Identifier: GPL-2.0 */
/* What the unit tests of the provider share: KTAP output, and rings without a kernel. */
#ifndef TEST_PROVIDER_H
#define TEST_PROVIDER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "queue.h"

static int test_failures;	/* checks of the running test that failed */

/* Checks go on after a failure; what is wrong is said where it is found. */
#define EXPECT(cond) do {						\
	if (!(cond)) {							\
		printf("  # %s:%d: %s\n", __FILE__, __LINE__, #cond);	\
		test_failures++;					\
	}								\
} while (0)

#define EXPECT_EQ(a, b) do {						\
	long long a_ = (long long)(a), b_ = (long long)(b);		\
	if (a_ != b_) {							\
		printf("  # %s:%d: %s is %lld, not %lld\n", __FILE__,	\
		       __LINE__, #a, a_, b_);				\
		test_failures++;					\
	}								\
} while (0)

struct test {
	const char *name;
	void (*run)(void);
};

static int test_main(const struct test *tests, int n)
{
	int failed = 0;
	int i;

	printf("KTAP version 1\n1..%d\n", n);
	for (i = 0; i < n; i++) {
		test_failures = 0;
		tests[i].run();
		printf("%sok %d %s\n", test_failures ? "not " : "", i + 1,
		       tests[i].name);
		failed += !!test_failures;
	}
	return failed != 0;
}

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
