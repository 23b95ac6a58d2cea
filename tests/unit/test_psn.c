// SPDX-License-Identifier: GPL-2.0
/* 24-bit serial numbers, against arithmetic that does not wrap. */
#include "roce/check.h"
#include "psn.h"

static const u32 starts[] = { 0, 1, 0x7fffff, 0x800000, 0xfffffe, 0xffffff };
#define N(a)	(sizeof(a) / sizeof((a)[0]))

static void test_add_wraps(void)
{
	EXPECT_EQ(hroce_psn_add(0xffffff, 1), 0);
	EXPECT_EQ(hroce_psn_add(0xfffff0, 0x20), 0x10);
	EXPECT_EQ(hroce_psn_add(5, (u32)-6), 0xffffff);
	EXPECT_EQ(hroce_psn_add(0, 0x1000000), 0);
}

static void test_diff_undoes_add(void)
{
	static const s32 steps[] = { 0, 1, -1, 2, -2, 1000, -1000, 0x7fffff, -0x800000 };
	unsigned int i, j;
	u32 there;

	for (i = 0; i < N(starts); i++)
		for (j = 0; j < N(steps); j++) {
			there = hroce_psn_add(starts[i], steps[j]);
			EXPECT(there <= HROCE_PSN_MASK);
			EXPECT_EQ(hroce_psn_diff(there, starts[i]), steps[j]);
			EXPECT_EQ(hroce_psn_before(there, starts[i]), steps[j] < 0);
		}
	for (i = 0; i < 100000; i++) {
		u32 a = test_random() & HROCE_PSN_MASK;
		s32 step = (s32)(test_random() << 8) >> 8;

		EXPECT_EQ(hroce_psn_diff(hroce_psn_add(a, step), a), step);
	}
}

static void test_diff_ignores_upper_bits(void)
{
	EXPECT_EQ(hroce_psn_diff(0xab000003, 0xcd000001), 2);
	EXPECT_EQ(hroce_psn_diff(0xff000000, 0x00ffffff), 1);
}

static void test_count(void)
{
	EXPECT_EQ(hroce_psn_count(0, 256), 1);
	EXPECT_EQ(hroce_psn_count(1, 256), 1);
	EXPECT_EQ(hroce_psn_count(256, 256), 1);
	EXPECT_EQ(hroce_psn_count(257, 256), 2);
	EXPECT_EQ(hroce_psn_count(0x80000000u, 256), 0x800000);
	EXPECT_EQ(hroce_psn_count(0xffffffffu, 4096), 0x100000);
}

int main(void)
{
	static const struct test tests[] = {
		{ "psn_add_wraps", test_add_wraps },
		{ "psn_diff_undoes_add", test_diff_undoes_add },
		{ "psn_diff_ignores_upper_bits", test_diff_ignores_upper_bits },
		{ "psn_count", test_count },
	};

	return test_main(tests, N(tests));
}
