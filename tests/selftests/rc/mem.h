/* SPDX-License-Identifier: GPL-2.0 */
/* Test memory of several kinds. */
#ifndef RC_MEM_H
#define RC_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RC_PAGE 4096u
#define RC_HUGE (2u << 20)

enum rc_mem_kind {
	RC_MEM_PLAIN,	/* anonymous, small pages */
	RC_MEM_THP,	/* anonymous, 2 MiB aligned, huge pages wanted */
	RC_MEM_MEMFD,	/* shared memory file */
	RC_MEM_FILE,	/* shared mapping of a file in $TMPDIR */
	RC_MEM_HUGETLB,	/* anonymous, of the pool of huge pages */
	RC_MEM_HUGEFD,	/* shared memory file of that pool */
	RC_MEM_KINDS
};

struct rc_mem {
	uint8_t *addr;
	size_t len;	/* whole pages, of rc_mem_page() */
	enum rc_mem_kind kind;
	int fd;		/* -1: anonymous */
	void *map;	/* with what was mapped for alignment */
	size_t map_len;
};

enum rc_mem_kind rc_mem_kind(const char *name);
const char *rc_mem_name(enum rc_mem_kind kind);
/* The least that can be mapped. */
uint32_t rc_mem_page(enum rc_mem_kind kind);
/* Private memory reads as zero after MADV_DONTNEED, shared memory as before. */
bool rc_mem_private(enum rc_mem_kind kind);
void rc_mem_get(struct rc_mem *m, enum rc_mem_kind kind, size_t len);
/* Map pages [off, off + len) anew where they were. */
void rc_mem_remap(const struct rc_mem *m, size_t off, size_t len);
void rc_mem_put(struct rc_mem *m);
/* An address where up to 2 MiB may be mapped for a while, by one at a time. */
void *rc_mem_elsewhere(void);

#endif
