/* SPDX-License-Identifier: GPL-2.0 */
/* Read-ahead: bring what a stream of faults will want next. */
#ifndef HMMODP_AHEAD_H
#define HMMODP_AHEAD_H

#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "stream.h"

struct hmmodp_mirror;

struct hmmodp_ahead {
	/* Protects what is below; taken in softirq, within nothing but RCU. */
	spinlock_t lock;
	struct hmmodp_streams streams;
	/* What is to be brought; the oldest gives way when there is no room. */
	struct hmmodp_foreseen plan[HMMODP_STREAMS];
	unsigned int plans, next;
	struct work_struct work;
};

void hmmodp_ahead_init(struct hmmodp_ahead *ahead);

/**
 * hmmodp_ahead_fault - a fault on the device's behalf was served
 * Context: process, may sleep. The caller has a reference of the mirror.
 */
void hmmodp_ahead_fault(struct hmmodp_mirror *mirror, unsigned long va, size_t len,
			bool write);

/**
 * hmmodp_ahead_used - pages that were brought ahead are used for the first time
 * @va: an address in the last of them
 * @pages: how many
 * Context: bottom halves off. The caller uses the mirror.
 */
void hmmodp_ahead_used(struct hmmodp_mirror *mirror, unsigned long va,
		       unsigned int pages);

#endif
