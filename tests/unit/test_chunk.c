// SPDX-License-Identifier: GPL-2.0
/*
 * A chunk against a model that is one plain record a page. The test plays the
 * kernel (page tables that map, unmap, upgrade and collapse), HMM (which reads
 * them), and the device.
 */
#include "roce/check.h"
#include "mirror/kapi.h"
#include "chunk.c"

#define PAGES	HMMODP_CHUNK_PAGES
#define PAGE	BIT(PAGE_SHIFT)

/* The kernel's side. */
static struct {
	unsigned long pfn;	/* 0: not mapped */
	bool writable;
} pt[PAGES];
static bool pt_huge;

/* What the chunk should know. */
static struct {
	bool valid, writable, dirty;
	unsigned long pfn;
} model[PAGES];

static struct hmmodp_chunk chunk;

static unsigned long random_below(unsigned long n)
{
	return test_random() % n;
}

static unsigned long fresh_pfn(void)
{
	/* now and then beside the last one, so that there are runs */
	static unsigned long last = 1000;

	last = random_below(4) ? last + 1 : 1000 + random_below(1000000);
	return last;
}

static void start(void)
{
	memset(pt, 0, sizeof(pt));
	memset(model, 0, sizeof(model));
	pt_huge = false;
	hmmodp_chunk_init(&chunk);
}

static void expect_agreement(void)
{
	unsigned int i, populated = 0;

	for (i = 0; i < PAGES; i++) {
		EXPECT_EQ(hmmodp_chunk_covers_locked(&chunk, i, i + 1, false),
			  model[i].valid);
		EXPECT_EQ(hmmodp_chunk_covers_locked(&chunk, i, i + 1, true),
			  model[i].valid && model[i].writable);
		populated += model[i].valid;
	}
	EXPECT_EQ(chunk.populated, populated);
	EXPECT(!chunk.leaf || !chunk.table);
	/* an empty chunk holds no memory */
	EXPECT(populated || (!chunk.table && !chunk.leaf));
}

/* Of a chunk's pages just these changed. */
static void expect_changed(const struct hmmodp_changed *changed, const bool *expected)
{
	unsigned int i, count = 0;

	for (i = 0; i < PAGES; i++) {
		EXPECT_EQ(test_bit(i, changed->pages), expected[i]);
		count += expected[i];
	}
	EXPECT_EQ(changed->count, count);
}

/* The notifier: pages [first, last) are about to change. */
static void invalidate(unsigned int first, unsigned int last)
{
	struct hmmodp_dirty dirty = { .count = 0 };
	struct hmmodp_changed gone = { .count = 0 };
	bool told[PAGES] = { false }, expected[PAGES] = { false };
	unsigned int next = first, i;
	unsigned long *freed;

	if (chunk.leaf) {
		/* all of it goes; all of it is told by one page frame */
		bool was_dirty = model[0].dirty;
		unsigned long pfn = model[0].pfn;

		hmmodp_chunk_clear_locked(&chunk, &next, last, &dirty, &freed, &gone);
		memset(expected, true, sizeof(expected));
		expect_changed(&gone, expected);
		EXPECT_EQ(next, last);
		EXPECT_EQ(dirty.count, was_dirty);
		EXPECT(!was_dirty || dirty.pfn[0] == pfn);
		EXPECT(!freed);
		memset(model, 0, sizeof(model));
		return;
	}
	while (next < last) {
		unsigned int before = next;

		hmmodp_chunk_clear_locked(&chunk, &next, last, &dirty, &freed, &gone);
		EXPECT(next > before);
		EXPECT(dirty.count <= HMMODP_DIRTY_BATCH);
		while (dirty.count) {
			unsigned long pfn = dirty.pfn[--dirty.count];

			for (i = first; i < last; i++)
				if (model[i].dirty && model[i].pfn == pfn && !told[i])
					break;
			EXPECT(i < last);
			if (i < last)
				told[i] = true;
		}
		free(freed);
	}
	for (i = first; i < last; i++) {
		EXPECT_EQ(told[i], model[i].dirty);
		expected[i] = model[i].valid;
		memset(&model[i], 0, sizeof(model[i]));
	}
	expect_changed(&gone, expected);
}

static unsigned long pt_entry(unsigned int i)
{
	return hmmodp_entry_make(pt[i].pfn, HMMODP_ENTRY_VALID |
				 (pt[i].writable ? HMMODP_ENTRY_WRITABLE : 0));
}

/* Fault or look: HMM reads [first, last) of the page tables. */
static void install(unsigned int first, unsigned int last)
{
	unsigned long entries[PAGES] = { 0 };
	unsigned long *spare, *freed = NULL;
	struct hmmodp_changed fresh = { .count = 0 };
	bool expected[PAGES] = { false };
	unsigned int i;

	if (pt_huge) {
		hmmodp_chunk_install_leaf_locked(&chunk, pt_entry(0), &freed, &fresh);
		first = 0;
		last = PAGES;
		free(freed);
	} else {
		for (i = first; i < last; i++)
			if (pt[i].pfn)
				entries[i - first] = pt_entry(i);
		spare = calloc(PAGES, sizeof(*spare));
		hmmodp_chunk_install_locked(&chunk, first, last, entries, &spare,
					    &fresh);
		free(spare);
	}
	for (i = first; i < last; i++) {
		if (!pt[i].pfn)
			continue;
		expected[i] = !model[i].valid;
		model[i].valid = true;
		model[i].writable = pt[i].writable;
		model[i].pfn = pt[i].pfn;
	}
	expect_changed(&fresh, expected);
}

/* By the short way, for one page, or by the long one. */
static size_t access_by(size_t offset, size_t len, bool write, unsigned long *pfn,
			unsigned int *used)
{
	unsigned long entry;

	if (offset % PAGE + len > PAGE || random_below(2))
		return hmmodp_chunk_piece_locked(&chunk, offset, len, write, pfn, used);
	entry = hmmodp_chunk_page_locked(&chunk, offset >> PAGE_SHIFT, write, used);
	if (!entry)
		return 0;
	*pfn = hmmodp_entry_pfn(entry);
	/* all is noted */
	EXPECT(chunk.hot);
	entry = hmmodp_chunk_page_locked(&chunk, offset >> PAGE_SHIFT, write, used);
	EXPECT(hmmodp_entry_is_warm(entry, write));
	EXPECT_EQ(hmmodp_entry_pfn(entry), *pfn);
	return len;
}

static void access_at(size_t offset, size_t len, bool write)
{
	unsigned long pfn = 0;
	unsigned int used = 0;
	size_t got, want = 0;
	unsigned int page, i;

	/* the model's run: page by page while allowed and contiguous */
	for (page = offset >> PAGE_SHIFT; want < len; page++) {
		size_t in_page = PAGE - (want ? 0 : offset % PAGE);

		if (!model[page].valid || (write && !model[page].writable))
			break;
		if (want && model[page].pfn != model[page - 1].pfn + 1)
			break;
		want += in_page < len - want ? in_page : len - want;
	}
	got = access_by(offset, len, write, &pfn, &used);
	EXPECT_EQ(got, want);
	EXPECT_EQ(used, 0);
	if (!got)
		return;
	EXPECT_EQ(pfn, model[offset >> PAGE_SHIFT].pfn);
	if (!write)
		return;
	/* a leaf is dirty as one */
	if (chunk.leaf)
		for (i = 0; i < PAGES; i++)
			model[i].dirty = true;
	else
		for (i = offset >> PAGE_SHIFT; i <= (offset + got - 1) >> PAGE_SHIFT; i++)
			model[i].dirty = true;
}

static void kernel_maps(unsigned int first, unsigned int last)
{
	for (; first < last; first++)
		if (!pt[first].pfn) {
			pt[first].pfn = fresh_pfn();
			pt[first].writable = random_below(3);
		}
}

static void kernel_unmaps(unsigned int first, unsigned int last)
{
	invalidate(first, last);
	if (pt_huge) {		/* split first, which is announced for all of it */
		invalidate(0, PAGES);
		pt_huge = false;
	}
	for (; first < last; first++)
		pt[first].pfn = 0;
}

/* Without telling: a right is gained. */
static void kernel_upgrades(unsigned int first, unsigned int last)
{
	if (pt_huge) {
		first = 0;
		last = PAGES;
	}
	for (; first < last; first++)
		pt[first].writable = true;
}

static void kernel_collapses(void)
{
	unsigned long pfn = 512 * (2 + random_below(10000));
	bool writable = random_below(2);
	unsigned int i;

	invalidate(0, PAGES);
	for (i = 0; i < PAGES; i++) {
		pt[i].pfn = pfn + i;
		pt[i].writable = writable;
	}
	pt_huge = true;
}

static void random_range(unsigned int *first, unsigned int *last)
{
	unsigned int max = random_below(3) ? 16 : PAGES;

	*first = random_below(PAGES);
	*last = *first + 1 + random_below(max);
	if (*last > PAGES)
		*last = PAGES;
}

static void test_model(void)
{
	unsigned int round, first, last;
	size_t offset, len;

	start();
	for (round = 0; round < 60000; round++) {
		random_range(&first, &last);
		switch (random_below(16)) {
		case 0:
			kernel_unmaps(first, last);
			break;
		case 1:
		case 2:
			kernel_maps(first, last);
			break;
		case 3:
			kernel_upgrades(first, last);
			break;
		case 4:
			if (!random_below(20))
				kernel_collapses();
			break;
		case 5:
			if (!random_below(10))
				kernel_unmaps(0, PAGES);
			break;
		case 6:
		case 7:
		case 8:
			install(first, last);
			break;
		default:
			offset = random_below(PAGES * PAGE);
			len = 1 + random_below(random_below(2) ? 5000 : 100000);
			if (len > PAGES * PAGE - offset)
				len = PAGES * PAGE - offset;
			access_at(offset, len, random_below(2));
			break;
		}
		if (round % 16 == 0 || test_failures)
			expect_agreement();
		if (test_failures)
			break;
	}
	invalidate(0, PAGES);
	expect_agreement();
}

/* More dirty pages than a batch holds: none is forgotten, all in few rounds. */
static void test_many_dirty(void)
{
	unsigned int i;

	start();
	for (i = 0; i < PAGES; i++) {
		pt[i].pfn = 5000 + 2 * i;
		pt[i].writable = true;
	}
	install(0, PAGES);
	for (i = 0; i < PAGES; i++)
		access_at(i * PAGE, 1, true);
	invalidate(3, PAGES - 3);
	expect_agreement();
	invalidate(0, PAGES);
	expect_agreement();
}

/* A dirty leaf under a table install keeps its dirt, page by page. */
static void test_leaf_to_table(void)
{
	unsigned int i;

	start();
	kernel_collapses();
	kernel_upgrades(0, PAGES);
	install(0, 1);
	EXPECT(chunk.leaf && !chunk.table);
	access_at(12345, 7, true);
	pt_huge = false;
	install(4, 9);
	EXPECT(!chunk.leaf && chunk.table);
	expect_agreement();
	for (i = 0; i < PAGES; i += 37)
		access_at(i * PAGE + 1, 3 * PAGE < (PAGES - i) * PAGE - 1 ? 3 * PAGE : 1,
			  false);
	invalidate(0, PAGES);
	expect_agreement();
}

/* And the other way round, for dirty pages of the same huge page. */
static void test_table_to_leaf(void)
{
	unsigned int i;

	start();
	for (i = 0; i < PAGES; i++) {
		pt[i].pfn = 512 * 9 + i;
		pt[i].writable = true;
	}
	install(0, PAGES);
	access_at(77 * PAGE, 1, true);
	pt_huge = true;
	install(0, 1);
	EXPECT(chunk.leaf && !chunk.table);
	EXPECT(chunk.leaf & HMMODP_ENTRY_DIRTY);
	EXPECT_EQ(hmmodp_entry_pfn(chunk.leaf), 512 * 9);
	for (i = 0; i < PAGES; i++)
		model[i].dirty = true;
	invalidate(5, 6);
	expect_agreement();
}

/* Young is what was accessed since it was last cleared, and nothing else. */
static void test_young(void)
{
	unsigned int i;

	start();
	for (i = 0; i < PAGES; i++)
		pt[i].pfn = 7000 + i;
	EXPECT(!hmmodp_chunk_young_locked(&chunk, 0, PAGES, false));
	install(0, PAGES);
	EXPECT(!hmmodp_chunk_young_locked(&chunk, 0, PAGES, false));
	access_at(10 * PAGE, 2 * PAGE, false);
	for (i = 0; i < PAGES; i++)
		EXPECT_EQ(hmmodp_chunk_young_locked(&chunk, i, i + 1, false),
			  i == 10 || i == 11);
	EXPECT(hmmodp_chunk_young_locked(&chunk, 11, PAGES, true));
	EXPECT(!hmmodp_chunk_young_locked(&chunk, 11, PAGES, false));
	EXPECT(hmmodp_chunk_young_locked(&chunk, 0, 11, true));
	EXPECT(!hmmodp_chunk_young_locked(&chunk, 0, PAGES, false));
	/* and what was dirty still is */
	kernel_upgrades(0, PAGES);
	install(0, PAGES);
	access_at(20 * PAGE, 1, true);
	EXPECT(hmmodp_chunk_young_locked(&chunk, 20, 21, true));
	expect_agreement();
	invalidate(0, PAGES);
}

int main(void)
{
	static const struct test tests[] = {
		{ "chunk_model", test_model },
		{ "chunk_many_dirty", test_many_dirty },
		{ "chunk_leaf_to_table", test_leaf_to_table },
		{ "chunk_table_to_leaf", test_table_to_leaf },
		{ "chunk_young", test_young },
	};

	return test_main(tests, sizeof(tests) / sizeof(*tests));
}
