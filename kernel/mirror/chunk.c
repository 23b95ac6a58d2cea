// SPDX-License-Identifier: GPL-2.0
/*
 * What can be done to a chunk. Pure: no allocation, no locking, no page is
 * looked at, so that it is tested in user space (tests/unit/test_chunk.c).
 * Pages are counted from the start of the chunk, [first, last).
 */
#include "kapi.h"
#include "chunk.h"

void hmmodp_chunk_init(struct hmmodp_chunk *chunk)
{
	rwlock_init(&chunk->lock);
	chunk->populated = 0;
	chunk->hot = false;
	chunk->seen = false;
	chunk->leaf = 0;
	chunk->table = NULL;
}

/**
 * hmmodp_chunk_covers_locked - would an access to these pages succeed?
 * @chunk: held, read or write
 * @first: page
 * @last: page after the last
 * @write: the right wanted
 */
bool hmmodp_chunk_covers_locked(const struct hmmodp_chunk *chunk,
				unsigned int first, unsigned int last,
				bool write)
{
	if (chunk->leaf)
		return hmmodp_entry_permits(chunk->leaf, write);
	if (!chunk->table)
		return false;
	for (; first < last; first++)
		if (!hmmodp_entry_permits(READ_ONCE(chunk->table[first]), write))
			return false;
	return true;
}

/**
 * hmmodp_chunk_piece_locked - the first run of contiguous memory of a range
 * @chunk: held for read
 * @offset: first byte, from the start of the chunk
 * @len: bytes > 0, within the chunk
 * @write: the right wanted
 * @pfn: set to the page frame of the first byte
 * @used: pages that had been brought ahead and are used for the first time are added
 *
 * The pages are noted as accessed, and as dirty for a write.
 *
 * Return: bytes in the run, 0 if there is no access to the first of them.
 */
size_t hmmodp_chunk_piece_locked(struct hmmodp_chunk *chunk, size_t offset,
				 size_t len, bool write, unsigned long *pfn,
				 unsigned int *used)
{
	unsigned int page = offset >> PAGE_SHIFT;
	unsigned int last = (offset + len - 1) >> PAGE_SHIFT;
	unsigned long entry, next;

	if (!READ_ONCE(chunk->hot))
		WRITE_ONCE(chunk->hot, true);
	if (chunk->leaf) {
		if (!hmmodp_entry_permits(READ_ONCE(chunk->leaf), write))
			return 0;
		if (hmmodp_entry_touch(&chunk->leaf, write))
			*used += HMMODP_CHUNK_PAGES;
		*pfn = hmmodp_entry_pfn(chunk->leaf) + page;
		return len;
	}
	if (!chunk->table)
		return 0;

	entry = READ_ONCE(chunk->table[page]);
	if (!hmmodp_entry_permits(entry, write))
		return 0;
	*used += hmmodp_entry_touch(&chunk->table[page], write);
	next = hmmodp_entry_pfn(entry);
	*pfn = next;
	while (page < last) {
		entry = READ_ONCE(chunk->table[page + 1]);
		if (!hmmodp_entry_permits(entry, write) ||
		    hmmodp_entry_pfn(entry) != ++next)
			return ((size_t)(page + 1) << PAGE_SHIFT) - offset;
		*used += hmmodp_entry_touch(&chunk->table[++page], write);
	}
	return len;
}

/* Turns a leaf into a table that says the same. */
static void expand_leaf(struct hmmodp_chunk *chunk, unsigned long *table)
{
	unsigned int i;

	for (i = 0; i < HMMODP_CHUNK_PAGES; i++)
		table[i] = chunk->leaf + hmmodp_entry_make(i, 0);
	chunk->leaf = 0;
	chunk->table = table;
}

static inline void note(struct hmmodp_changed *changed, unsigned int page)
{
	__set_bit(page, changed->pages);
	changed->count++;
}

static void note_all(struct hmmodp_changed *changed)
{
	bitmap_fill(changed->pages, HMMODP_CHUNK_PAGES);
	changed->count += HMMODP_CHUNK_PAGES;
}

/**
 * hmmodp_chunk_install_locked - take over what the page tables say
 * @chunk: held for write
 * @first: page
 * @last: page after the last
 * @entries: of these pages; absent ones leave the chunk's as they are
 * @spare: a zeroed table; set to NULL if the chunk has taken it
 * @fresh: pages that became valid are added
 *
 * The page tables cannot have changed since @entries was made, which the caller
 * has made sure of under the lock. So a leaf under it says the same, though it
 * is odd to meet one, and is written out as a table.
 */
void hmmodp_chunk_install_locked(struct hmmodp_chunk *chunk,
				 unsigned int first, unsigned int last,
				 const unsigned long *entries,
				 unsigned long **spare,
				 struct hmmodp_changed *fresh)
{
	unsigned int before = fresh->count;
	unsigned long *old;

	if (!chunk->table) {
		if (chunk->leaf)
			expand_leaf(chunk, *spare);
		else
			chunk->table = *spare;
		*spare = NULL;
	}
	for (; first < last; first++, entries++) {
		if (!(*entries & HMMODP_ENTRY_VALID))
			continue;
		old = &chunk->table[first];
		if (!(*old & HMMODP_ENTRY_VALID))
			note(fresh, first);
		*old = hmmodp_entry_merge(*old, *entries);
	}
	chunk->hot = true;
	chunk->populated += fresh->count - before;
	if (!chunk->populated) {
		*spare = chunk->table;
		chunk->table = NULL;
	}
}

/**
 * hmmodp_chunk_install_leaf_locked - the CPU maps the chunk as one huge page
 * @chunk: held for write
 * @leaf: entry of the first page; the others follow it
 * @freed: set to a table that is no longer wanted, or NULL
 * @fresh: pages that became valid are added
 */
void hmmodp_chunk_install_leaf_locked(struct hmmodp_chunk *chunk,
				      unsigned long leaf, unsigned long **freed,
				      struct hmmodp_changed *fresh)
{
	unsigned long flags = HMMODP_ENTRY_DIRTY | HMMODP_ENTRY_ACCESSED;
	unsigned long merged = hmmodp_entry_merge(chunk->leaf, leaf);
	unsigned int i;

	if (!chunk->leaf && !chunk->table)
		note_all(fresh);
	for (i = 0; chunk->table && i < HMMODP_CHUNK_PAGES; i++) {
		unsigned long old = chunk->table[i];

		if (!(old & HMMODP_ENTRY_VALID))
			note(fresh, i);
		merged |= hmmodp_entry_merge(old, leaf + hmmodp_entry_make(i, 0)) &
			  flags;
	}
	*freed = chunk->table;
	chunk->table = NULL;
	chunk->leaf = merged;
	chunk->hot = true;
	chunk->populated = HMMODP_CHUNK_PAGES;
}

/* Returns whether the entry was valid; its page frame goes to @dirty if need be. */
static bool clear_entry(unsigned long *entry, struct hmmodp_dirty *dirty)
{
	unsigned long old = *entry;

	if (old & HMMODP_ENTRY_DIRTY)
		dirty->pfn[dirty->count++] = hmmodp_entry_pfn(old);
	*entry = 0;
	return old & HMMODP_ENTRY_VALID;
}

static void clear_leaf(struct hmmodp_chunk *chunk, struct hmmodp_dirty *dirty,
		       struct hmmodp_changed *gone)
{
	clear_entry(&chunk->leaf, dirty);
	note_all(gone);
	chunk->populated = 0;
}

/**
 * hmmodp_chunk_clear_locked - make pages absent
 * @chunk: held for write
 * @next: page to begin with, moved on as pages are cleared
 * @last: page after the last
 * @dirty: gets the page frames that were dirty; one of a huge leaf
 * @freed: set to the table once the chunk is empty, else to NULL
 * @gone: pages that became absent are added
 *
 * Ends early, with *@next < @last, when @dirty is full: the caller empties it
 * and comes again. A huge leaf goes whole, even if only part was asked for.
 */
void hmmodp_chunk_clear_locked(struct hmmodp_chunk *chunk, unsigned int *next,
			       unsigned int last, struct hmmodp_dirty *dirty,
			       unsigned long **freed,
			       struct hmmodp_changed *gone)
{
	*freed = NULL;
	if (chunk->leaf) {
		if (dirty->count == HMMODP_DIRTY_BATCH)
			return;
		clear_leaf(chunk, dirty, gone);
	}
	for (; chunk->populated && *next < last; (*next)++) {
		if (dirty->count == HMMODP_DIRTY_BATCH)
			return;
		if (!clear_entry(&chunk->table[*next], dirty))
			continue;
		note(gone, *next);
		chunk->populated--;
	}
	*next = last;
	if (!chunk->populated) {
		*freed = chunk->table;
		chunk->table = NULL;
		chunk->seen = false;
	}
}

/* Has the device used the page of the entry? */
static bool entry_young(unsigned long *entry, bool clear)
{
	if (!(READ_ONCE(*entry) & HMMODP_ENTRY_ACCESSED))
		return false;
	if (clear)
		clear_bit(HMMODP_ENTRY_ACCESSED_BIT, entry);
	return true;
}

/**
 * hmmodp_chunk_young_locked - have pages been used since this was last asked?
 * @chunk: held for read or write
 * @first: page
 * @last: page after the last
 * @clear: from now on they have not
 */
bool hmmodp_chunk_young_locked(struct hmmodp_chunk *chunk, unsigned int first,
			       unsigned int last, bool clear)
{
	bool young = false;

	if (chunk->leaf)
		return entry_young(&chunk->leaf, clear);
	for (; chunk->table && first < last; first++)
		young |= entry_young(&chunk->table[first], clear);
	return young;
}
