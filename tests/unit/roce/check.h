/* SPDX-License-Identifier: GPL-2.0 */
/* What the unit tests of the NIC's pure parts share: KTAP output, packets in hex. */
#ifndef TEST_ROCE_CHECK_H
#define TEST_ROCE_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
									\
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

static inline int test_main(const struct test *tests, int n)
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

/* A fixed sequence, the same everywhere. */
static inline unsigned int test_random(void)
{
	static unsigned long long state = 88172645463325252ull;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state >> 16;
}

/* A copy of exactly len bytes, so that ASAN sees one too many. */
static inline unsigned char *test_exact(const void *bytes, size_t len)
{
	unsigned char *copy = malloc(len ? len : 1);

	if (!copy)
		abort();
	memcpy(copy, bytes, len);
	return copy;
}

static inline size_t test_unhex(const char *hex, unsigned char *to)
{
	size_t n = 0;

	for (; sscanf(hex, "%2hhx", to + n) == 1; hex += 2)
		n++;
	return n;
}

#endif
