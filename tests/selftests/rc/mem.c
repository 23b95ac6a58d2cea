// SPDX-License-Identifier: GPL-2.0
/* Test memory of several kinds. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mem.h"
#include "util.h"

static const char *const names[RC_MEM_KINDS] = {
	[RC_MEM_PLAIN] = "plain", [RC_MEM_THP] = "thp",
	[RC_MEM_MEMFD] = "memfd", [RC_MEM_FILE] = "file",
	[RC_MEM_HUGETLB] = "hugetlb", [RC_MEM_HUGEFD] = "hugefd",
};

enum rc_mem_kind rc_mem_kind(const char *name)
{
	int i;

	for (i = 0; i < RC_MEM_KINDS; i++)
		if (!strcmp(name, names[i]))
			return i;
	rc_die("no kind of memory is called '%s'", name);
}

const char *rc_mem_name(enum rc_mem_kind kind)
{
	return names[kind];
}

bool rc_mem_private(enum rc_mem_kind kind)
{
	return kind == RC_MEM_PLAIN || kind == RC_MEM_THP || kind == RC_MEM_HUGETLB;
}

static bool of_pool(enum rc_mem_kind kind)
{
	return kind == RC_MEM_HUGETLB || kind == RC_MEM_HUGEFD;
}

uint32_t rc_mem_page(enum rc_mem_kind kind)
{
	return of_pool(kind) ? RC_HUGE : RC_PAGE;
}

static int backing_file(enum rc_mem_kind kind, size_t len)
{
	const char *dir = getenv("TMPDIR");
	char path[256];
	int fd;

	if (rc_mem_private(kind))
		return -1;
	if (kind == RC_MEM_MEMFD || kind == RC_MEM_HUGEFD) {
		fd = memfd_create("rc", MFD_CLOEXEC | (of_pool(kind) ? MFD_HUGETLB : 0));
	} else {
		snprintf(path, sizeof(path), "%s/rc-XXXXXX", dir ? dir : "/tmp");
		fd = mkstemp(path);
		if (fd >= 0)
			unlink(path);
	}
	if (fd < 0 || ftruncate(fd, len))
		rc_die_errno("%s of %zu bytes", names[kind], len);
	return fd;
}

/*
 * Far below where the kernel puts mappings by itself, so that nobody's mapping
 * lands in a hole that a test makes.
 */
static void *next_address(size_t len)
{
	static uintptr_t next = 1ul << 44;
	void *p = (void *)next;

	next += (len + (1ul << 30)) & ~((1ul << 30) - 1);
	return p;
}

void rc_mem_get(struct rc_mem *m, enum rc_mem_kind kind, size_t len)
{
	size_t align = kind == RC_MEM_THP ? RC_HUGE : rc_mem_page(kind);
	size_t page = rc_mem_page(kind);

	m->kind = kind;
	m->len = (len + page - 1) & ~(page - 1);
	m->fd = backing_file(kind, m->len);
	m->map_len = m->len + align;
	m->map = mmap(next_address(m->map_len), m->map_len, PROT_NONE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (m->map == MAP_FAILED)
		rc_die_errno("mmap of %zu bytes", m->map_len);
	m->addr = (uint8_t *)(((uintptr_t)m->map + align - 1) & ~(uintptr_t)(align - 1));
	rc_mem_remap(m, 0, m->len);
}

void rc_mem_remap(const struct rc_mem *m, size_t off, size_t len)
{
	int flags = m->fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
	void *p;

	if (m->kind == RC_MEM_HUGETLB)
		flags |= MAP_HUGETLB;
	p = mmap(m->addr + off, len, PROT_READ | PROT_WRITE, flags | MAP_FIXED,
		 m->fd, m->fd < 0 ? 0 : off);
	if (p == MAP_FAILED)
		rc_die_errno("mmap of %s", names[m->kind]);
	if (m->kind == RC_MEM_PLAIN || m->kind == RC_MEM_THP)
		madvise(p, len, m->kind == RC_MEM_THP ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
}

void *rc_mem_elsewhere(void)
{
	return (void *)(1ul << 43);
}

void rc_mem_put(struct rc_mem *m)
{
	munmap(m->map, m->map_len);
	if (m->fd >= 0)
		close(m->fd);
	m->map = NULL;
}
