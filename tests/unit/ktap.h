/* SPDX-License-Identifier: GPL-2.0 */
/* What all unit tests share: checks and KTAP output. */
#ifndef TEST_KTAP_H
#define TEST_KTAP_H

#include <stdio.h>

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

#endif
