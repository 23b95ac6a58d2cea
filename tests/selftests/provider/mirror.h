/* SPDX-License-Identifier: GPL-2.0 */
/* What hmmodp says of this process's mirror in debugfs. */
#ifndef PROVIDER_MIRROR_H
#define PROVIDER_MIRROR_H

#include <stdbool.h>
#include "conn.h"

enum {
	MIRROR_SPAN = 64 << 20,
	MIRROR_TABLE = 4096,	/* bytes of one */
	MIRROR_STALE = 1 << 20,	/* bytes that a cgroup's numbers may be late by */
};

struct mirror_use {
	long bytes, spans, leaves, tables, pages;
};

/* Is it hmmodp that pages for this device? */
bool mirror_kept(struct rc_dev *d);
/* All zero if the process has no mirror. */
struct mirror_use mirror_use(void);

/* What the mirror may take, by the module's parameter; bytes. */
long mirror_limit(void);
/* Kernel memory that the process's cgroup pays for, "slab" or "pagetables"; bytes. */
long mirror_charged(const char *what);
/*
 * Is what debugfs shows what the cgroup pays for, since it paid @before? By the sizes
 * that objects have with all that the kernel's debugging adds to them.
 */
void mirror_check_charge(long before);

/*
 * Map the pages of one span, small or huge, into the process and its mirror, and
 * see what that takes. The process has mirrored nothing else.
 */
struct mirror_use mirror_weigh(struct rc_dev *d, bool huge);

#endif
