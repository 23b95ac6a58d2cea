// SPDX-License-Identifier: GPL-2.0
/* Streams of faults, and what is foreseen of them. */
#include "roce/check.h"
#include "mirror/kapi.h"
#include "stream.c"

#define PAGE	BIT(PAGE_SHIFT)
#define BASE	(1UL << 30)

static struct hmmodp_streams s;
static struct hmmodp_foreseen next;

static void anew(void)
{
	memset(&s, 0, sizeof(s));
}

static bool fault(unsigned long va, unsigned long len)
{
	return hmmodp_streams_fault(&s, va, len, true, &next);
}

static void expect_next(unsigned long va, unsigned long len, long step, unsigned int count)
{
	EXPECT_EQ(next.va, va);
	EXPECT_EQ(next.len, len);
	EXPECT_EQ(next.count, count);
	EXPECT(count == 1 || next.step == step);
	EXPECT(next.write);
}

/* From the third piece on, twice as much each time it is used, up to the bound. */
static void test_forward(void)
{
	unsigned long len = 16 * PAGE, end = BASE + 3 * len, n = 2 * len;
	unsigned int i;

	anew();
	EXPECT(!fault(BASE, len));
	EXPECT(!fault(BASE + len, len));
	EXPECT(fault(BASE + 2 * len, len));
	for (i = 0; i < 20; i++) {
		expect_next(end, n, 0, 1);
		EXPECT(n <= end - BASE && n <= HMMODP_AHEAD_BYTES);
		/* the last piece before it says nothing new, its first page does */
		EXPECT(!hmmodp_streams_used(&s, end - PAGE, &next));
		EXPECT(hmmodp_streams_used(&s, end, &next));
		end += n;
		n = 2 * n > HMMODP_AHEAD_BYTES ? HMMODP_AHEAD_BYTES : 2 * n;
	}
}

static void test_backward_and_stride(void)
{
	static const long steps[] = { -1, -3, 5, 100, -8000 };
	unsigned int i;

	for (i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		long step = steps[i] * (long)PAGE;
		unsigned long va = BASE;

		anew();
		EXPECT(!fault(va, PAGE));
		EXPECT(!fault(va += step, PAGE));
		EXPECT(fault(va += step, PAGE));
		expect_next(va + step, PAGE, step, 2);
		EXPECT(hmmodp_streams_used(&s, va + step, &next));
		expect_next(va + 3 * step, PAGE, step, 4);
		/* the next of these does not come in time */
		EXPECT(fault(va + 3 * step, PAGE));
		expect_next(va + 7 * step, PAGE, step, 8);
	}
}

/* Messages of any size, one after the other: pieces of the size that was last. */
static void test_sizes_vary(void)
{
	anew();
	EXPECT(!fault(BASE, PAGE));
	EXPECT(!fault(BASE + PAGE, 7 * PAGE));
	EXPECT(fault(BASE + 8 * PAGE, 2 * PAGE));
	expect_next(BASE + 10 * PAGE, 4 * PAGE, 0, 1);
	EXPECT(fault(BASE + 14 * PAGE, 3 * PAGE));
	expect_next(BASE + 17 * PAGE, 12 * PAGE, 0, 1);
}

static void test_interleaved(void)
{
	unsigned int i, piece;
	bool more = false;

	anew();
	for (piece = 0; piece < 3; piece++)
		for (i = 0; i < HMMODP_STREAMS; i++) {
			more = fault(BASE + i * (i + 7) * BIT(18) + piece * 4 * PAGE, 4 * PAGE);
			EXPECT_EQ(more, piece == 2);
		}
}

/* One place that is faulted over and over takes nothing from the streams there are. */
static void test_same_place(void)
{
	unsigned int i;

	anew();
	EXPECT(!fault(BASE, PAGE));
	EXPECT(!fault(BASE + PAGE, PAGE));
	for (i = 0; i < 2 * HMMODP_STREAMS; i++)
		EXPECT(!fault(BASE << 1, 4 * PAGE));
	EXPECT(fault(BASE + 2 * PAGE, PAGE));
	expect_next(BASE + 3 * PAGE, 2 * PAGE, 0, 1);
	/* and may begin one itself */
	EXPECT(!fault((BASE << 1) + 4 * PAGE, 4 * PAGE));
	EXPECT(fault((BASE << 1) + 8 * PAGE, 4 * PAGE));
}

/* No habit, nothing foreseen; and it cannot run away, whatever comes. */
static void test_no_habit(void)
{
	unsigned long wanted = 0, ahead = 0, i;

	anew();
	for (i = 0; i < 100000; i++) {
		unsigned long va = ((unsigned long)test_random() << 20 | test_random()) &
				   (BIT(47) - 1) & ~(PAGE - 1);
		unsigned long len = PAGE * (1 + test_random() % 16);

		wanted += len;
		if (fault(va, len))
			ahead += next.len * next.count;
	}
	EXPECT(ahead * 100 < wanted);
	for (i = 0; i < 100000; i++) {
		unsigned long va = BASE + test_random() % 64 * PAGE;
		unsigned long len = PAGE * (1 + test_random() % 4);
		bool more = i & 1 ? fault(va, len) : hmmodp_streams_used(&s, va, &next);

		if (!more)
			continue;
		EXPECT(next.len && !(next.len % PAGE) && !(next.va % PAGE));
		EXPECT(next.len * next.count <= HMMODP_AHEAD_BYTES);
	}
}

/* Nothing beyond the ends of the address space. */
static void test_ends(void)
{
	unsigned long top = (unsigned long)LONG_MAX + 1 - 8 * PAGE;
	unsigned int i;

	anew();
	for (i = 0; i < 8; i++)
		if (fault(top + i * PAGE, PAGE))
			EXPECT(next.va + next.len <= (unsigned long)LONG_MAX + 1);
	anew();
	for (i = 8; i--;)
		if (fault(i * PAGE, PAGE)) 
			EXPECT(next.va <= i * PAGE &&
			       (next.count - 1) * -next.step <= (long)next.va);
}

int main(void)
{
	static const struct test tests[] = {
		{ "stream_forward", test_forward },
		{ "stream_backward_and_stride", test_backward_and_stride },
		{ "stream_sizes_vary", test_sizes_vary },
		{ "stream_interleaved", test_interleaved },
		{ "stream_same_place", test_same_place },
		{ "stream_no_habit", test_no_habit },
		{ "stream_ends", test_ends },
	};

	return test_main(tests, sizeof(tests) / sizeof(*tests));
}
