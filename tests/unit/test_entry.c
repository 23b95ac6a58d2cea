// SPDX-License-Identifier: GPL-2.0
/* The word that stands for a page: every combination of its flags. */
#include "roce/check.h"
#include "mirror/kapi.h"
#include "entry.h"

#define FLAGS	(HMMODP_ENTRY_AHEAD << 1)	/* so many combinations */
#define DONE	(HMMODP_ENTRY_DIRTY | HMMODP_ENTRY_ACCESSED)
#define KEPT	(DONE | HMMODP_ENTRY_AHEAD)

static void test_make(void)
{
	static const unsigned long pfns[] = { 1, 0x1234, 1UL << 40, (1UL << 52) - 1 };
	unsigned long flags, entry;
	unsigned int i;

	for (i = 0; i < 4; i++)
		for (flags = 0; flags < FLAGS; flags++) {
			entry = hmmodp_entry_make(pfns[i], flags);
			EXPECT_EQ(hmmodp_entry_pfn(entry), pfns[i]);
			EXPECT_EQ(entry & (FLAGS - 1), flags);
		}
}

static void test_permits(void)
{
	unsigned long flags, entry;
	bool valid, writable;

	for (flags = 0; flags < FLAGS; flags++) {
		entry = hmmodp_entry_make(77, flags);
		valid = flags & HMMODP_ENTRY_VALID;
		writable = flags & HMMODP_ENTRY_WRITABLE;
		EXPECT_EQ(hmmodp_entry_permits(entry, false), valid);
		EXPECT_EQ(hmmodp_entry_permits(entry, true), valid && writable);
	}
	EXPECT(!hmmodp_entry_permits(0, false));
}

/* What the device did to a page is kept, unless it is another page. */
static void test_merge(void)
{
	unsigned long a, b, old, new, merged;

	for (a = 0; a < FLAGS; a++)
		for (b = 0; b < FLAGS; b++) {
			b &= ~DONE;
			old = hmmodp_entry_make(77, a);
			new = hmmodp_entry_make(77, b);
			merged = hmmodp_entry_merge(old, new);
			if (a & b & HMMODP_ENTRY_VALID)
				EXPECT_EQ(merged, (new & ~KEPT) | (a & KEPT));
			else
				EXPECT_EQ(merged, new);
			new = hmmodp_entry_make(78, b);
			EXPECT_EQ(hmmodp_entry_merge(old, new), new);
			b |= DONE;
		}
}

static void test_touch(void)
{
	unsigned long flags, entry, now;

	for (flags = 0; flags < FLAGS; flags++) {
		entry = hmmodp_entry_make(77, flags);
		now = flags & ~HMMODP_ENTRY_AHEAD;
		EXPECT_EQ(hmmodp_entry_touch(&entry, false), !!(flags & HMMODP_ENTRY_AHEAD));
		EXPECT_EQ(entry, hmmodp_entry_make(77, now | HMMODP_ENTRY_ACCESSED));
		EXPECT(!hmmodp_entry_touch(&entry, true));
		EXPECT_EQ(entry, hmmodp_entry_make(77, now | DONE));
	}
}

int main(void)
{
	static const struct test tests[] = {
		{ "entry_make", test_make },
		{ "entry_permits", test_permits },
		{ "entry_merge", test_merge },
		{ "entry_touch", test_touch },
	};

	return test_main(tests, sizeof(tests) / sizeof(*tests));
}
