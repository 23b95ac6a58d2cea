/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An entry: what the mirror knows of one page, or of one huge leaf.
 *
 * One word, like a page table entry: flags below PAGE_SHIFT, page frame above.
 * Zero is absent. The legal transitions, who makes them, and under which hold
 * of the chunk's lock:
 *
 *	absent    -> read-only, writable	install		write
 *	absent    -> the same, brought ahead	install		write
 *	ahead     -> accessed			access		read, atomic
 *	read-only -> writable			install		write
 *	present   -> accessed			access		read, atomic
 *	writable  -> writable and dirty		access		read, atomic
 *	present   -> absent			clear		write
 *
 * Nothing else happens. In particular an entry never loses a right or changes
 * its page frame: the kernel announces both to the notifier first, so that they
 * pass through absent. Dirty and accessed end in absent only, where dirty is
 * handed to the page.
 */
#ifndef HMMODP_ENTRY_H
#define HMMODP_ENTRY_H

#include "kapi.h"

enum hmmodp_entry_bit {
	HMMODP_ENTRY_VALID_BIT,
	HMMODP_ENTRY_WRITABLE_BIT,	/* the process may write the page now */
	HMMODP_ENTRY_DIRTY_BIT,		/* the device wrote it, or is about to */
	HMMODP_ENTRY_ACCESSED_BIT,	/* the device read or wrote it */
	HMMODP_ENTRY_COHERENT_BIT,	/* device memory that the CPU can reach */
	HMMODP_ENTRY_AHEAD_BIT,		/* brought by read-ahead, not used so far */
};

#define HMMODP_ENTRY_VALID	BIT(HMMODP_ENTRY_VALID_BIT)
#define HMMODP_ENTRY_WRITABLE	BIT(HMMODP_ENTRY_WRITABLE_BIT)
#define HMMODP_ENTRY_DIRTY	BIT(HMMODP_ENTRY_DIRTY_BIT)
#define HMMODP_ENTRY_ACCESSED	BIT(HMMODP_ENTRY_ACCESSED_BIT)
#define HMMODP_ENTRY_COHERENT	BIT(HMMODP_ENTRY_COHERENT_BIT)
#define HMMODP_ENTRY_AHEAD	BIT(HMMODP_ENTRY_AHEAD_BIT)

static_assert(BITS_PER_LONG == 64, "an entry holds a page frame and its flags");
static_assert(HMMODP_ENTRY_AHEAD_BIT < PAGE_SHIFT, "flags end below it");

static inline unsigned long hmmodp_entry_make(unsigned long pfn,
					      unsigned long flags)
{
	return pfn << PAGE_SHIFT | flags;
}

static inline unsigned long hmmodp_entry_pfn(unsigned long entry)
{
	return entry >> PAGE_SHIFT;
}

/* May the device do this to the page right now, by kernel address? */
static inline bool hmmodp_entry_permits(unsigned long entry, bool write)
{
	unsigned long need = HMMODP_ENTRY_VALID |
			     (write ? HMMODP_ENTRY_WRITABLE : 0);

	return (entry & need) == need;
}

/* Do two entries stand for the same page? */
static inline bool hmmodp_entry_same_page(unsigned long a, unsigned long b)
{
	return a & b & HMMODP_ENTRY_VALID &&
	       hmmodp_entry_pfn(a) == hmmodp_entry_pfn(b);
}

/*
 * The entry after an install: what the page tables say now, and what the device
 * has done to the page so far.
 */
static inline unsigned long hmmodp_entry_merge(unsigned long old,
					       unsigned long new)
{
	unsigned long keep = HMMODP_ENTRY_DIRTY | HMMODP_ENTRY_ACCESSED |
			     HMMODP_ENTRY_AHEAD;

	if (!hmmodp_entry_same_page(old, new))
		return new;
	return (new & ~keep) | (old & keep);
}

/* May the device do this to the page, and is nothing to be noted, as it has before? */
static inline bool hmmodp_entry_is_warm(unsigned long entry, bool write)
{
	unsigned long need = HMMODP_ENTRY_VALID | HMMODP_ENTRY_ACCESSED |
			     (write ? HMMODP_ENTRY_WRITABLE | HMMODP_ENTRY_DIRTY : 0);

	return (entry & (need | HMMODP_ENTRY_AHEAD)) == need;
}

/*
 * Note an access, before it happens. Others may do so at the same time, all
 * holding the chunk's lock for read; that is why the bits are set atomically,
 * and looked at first, since after the first time they are set already.
 *
 * Returns whether this was the first use of a page that was brought ahead.
 */
static inline bool hmmodp_entry_touch(unsigned long *entry, bool write)
{
	unsigned long now = READ_ONCE(*entry);

	if (!(now & HMMODP_ENTRY_ACCESSED))
		set_bit(HMMODP_ENTRY_ACCESSED_BIT, entry);
	if (write && !(now & HMMODP_ENTRY_DIRTY))
		set_bit(HMMODP_ENTRY_DIRTY_BIT, entry);
	return now & HMMODP_ENTRY_AHEAD &&
	       test_and_clear_bit(HMMODP_ENTRY_AHEAD_BIT, entry);
}

#endif
