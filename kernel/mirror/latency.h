/* SPDX-License-Identifier: GPL-2.0 */
/* How long faults take, by what they had to do. */
#ifndef HMMODP_LATENCY_H
#define HMMODP_LATENCY_H

#include <linux/types.h>

struct hmmodp_mirror;

struct hmmodp_stopwatch {
	u64 start_ns;
	unsigned long major, minor;	/* of the task, before */
};

void hmmodp_stopwatch_start(struct hmmodp_stopwatch *watch);
/* Enters the time into the owner's histogram of the fault's kind. */
void hmmodp_stopwatch_stop(struct hmmodp_mirror *mirror,
			   const struct hmmodp_stopwatch *watch);

#endif
