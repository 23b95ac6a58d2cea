/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A chunk: the translation of one aligned 2 MiB of a process's addresses.
 *
 *	leaf	table	the chunk
 *	0	NULL	holds nothing
 *	entry	NULL	is mapped by the CPU as one huge page: one entry for it all
 *	0	entries	has an entry for each page; some of them are valid
 *
 * A huge leaf is never split: when part of it is invalidated, all of it goes.
 * The CPU's huge mapping does the same, for the kernel either splits it, and
 * announces that for its whole length, or takes it whole. So nothing is lost
 * that would not be gone in a moment, and no memory is wanted at a place where
 * there may be none.
 */
#ifndef HMMODP_CHUNK_H
#define HMMODP_CHUNK_H

#include "kapi.h"
#include "entry.h"

#define HMMODP_CHUNK_SHIFT	21
#define HMMODP_CHUNK_SIZE	BIT(HMMODP_CHUNK_SHIFT)
#define HMMODP_CHUNK_ORDER	(HMMODP_CHUNK_SHIFT - PAGE_SHIFT)
#define HMMODP_CHUNK_PAGES	((unsigned int)BIT(HMMODP_CHUNK_ORDER))

struct hmmodp_chunk {
	/*
	 * Protects all below. Taken in softirq, so that process context turns
	 * bottom halves off, and nothing may be locked within it that is ever
	 * held with them on. Read: look, access. Write: install, clear.
	 */
	rwlock_t lock;
	unsigned int populated;		/* pages with a valid entry */
	bool hot;			/* used since the clock's hand passed; no lock */
	bool seen;			/* all of it was looked at since it was empty */
	unsigned long leaf;
	unsigned long *table;
};

/* Page frames whose dirty entries were cleared and that must be told. */
#define HMMODP_DIRTY_BATCH	64
struct hmmodp_dirty {
	unsigned int count;
	unsigned long pfn[HMMODP_DIRTY_BATCH];
};

/* Pages of a chunk that became valid, or absent. */
struct hmmodp_changed {
	unsigned int count;
	DECLARE_BITMAP(pages, HMMODP_CHUNK_PAGES);
};

void hmmodp_chunk_init(struct hmmodp_chunk *chunk);

/*
 * The entry of a page, noted as accessed; 0 without access to it. Else as
 * hmmodp_chunk_piece_locked().
 */
static inline unsigned long hmmodp_chunk_page_locked(struct hmmodp_chunk *chunk,
						     unsigned int page, bool write,
						     unsigned int *used)
{
	unsigned long *slot = chunk->table ? &chunk->table[page] : &chunk->leaf;
	unsigned long entry = READ_ONCE(*slot);

	if (unlikely(!READ_ONCE(chunk->hot)))
		WRITE_ONCE(chunk->hot, true);
	if (unlikely(!hmmodp_entry_is_warm(entry, write))) {
		if (!hmmodp_entry_permits(entry, write))
			return 0;
		if (hmmodp_entry_touch(slot, write))
			*used += chunk->table ? 1 : HMMODP_CHUNK_PAGES;
	}
	return chunk->table ? entry : entry + hmmodp_entry_make(page, 0);
}

bool hmmodp_chunk_covers_locked(const struct hmmodp_chunk *chunk,
				unsigned int first, unsigned int last,
				bool write);
size_t hmmodp_chunk_piece_locked(struct hmmodp_chunk *chunk, size_t offset,
				 size_t len, bool write, unsigned long *pfn,
				 unsigned int *used);
void hmmodp_chunk_install_locked(struct hmmodp_chunk *chunk,
				 unsigned int first, unsigned int last,
				 const unsigned long *entries,
				 unsigned long **spare,
				 struct hmmodp_changed *fresh);
void hmmodp_chunk_install_leaf_locked(struct hmmodp_chunk *chunk,
				      unsigned long leaf, unsigned long **freed,
				      struct hmmodp_changed *fresh);
void hmmodp_chunk_clear_locked(struct hmmodp_chunk *chunk, unsigned int *next,
			       unsigned int last, struct hmmodp_dirty *dirty,
			       unsigned long **freed,
			       struct hmmodp_changed *gone);
bool hmmodp_chunk_young_locked(struct hmmodp_chunk *chunk, unsigned int first,
			       unsigned int last, bool clear);

#endif
