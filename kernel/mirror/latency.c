// SPDX-License-Identifier: GPL-2.0
/* Histograms of fault latency. */
#include <linux/export.h>
#include <linux/ktime.h>
#include <linux/log2.h>
#include <linux/sched.h>
#include <linux/seq_file.h>

#include "core.h"
#include "latency.h"

/*
 * The memory manager counts what it did for us among this task's faults: none is
 * that the page was there and only we did not know it.
 */
void hmmodp_stopwatch_start(struct hmmodp_stopwatch *watch)
{
	watch->major = current->maj_flt;
	watch->minor = current->min_flt;
	watch->start_ns = ktime_get_ns();
}

static enum hmmodp_fault_kind kind_of(const struct hmmodp_stopwatch *watch)
{
	if (current->maj_flt != watch->major)
		return HMMODP_FAULT_MAJOR;
	return current->min_flt != watch->minor ? HMMODP_FAULT_MINOR :
						  HMMODP_FAULT_REFAULT;
}

void hmmodp_stopwatch_stop(struct hmmodp_mirror *mirror,
			   const struct hmmodp_stopwatch *watch)
{
	u64 us = (ktime_get_ns() - watch->start_ns) / 1000;
	unsigned int bucket = us ? min(ilog2(us) + 1, HMMODP_LATENCY_BUCKETS - 1) : 0;

	hmmodp_count(mirror, latency[kind_of(watch)][bucket], 1);
}

static const char *const kind_names[HMMODP_FAULT_KINDS] = {
	[HMMODP_FAULT_REFAULT] = "refault",
	[HMMODP_FAULT_MINOR] = "minor",
	[HMMODP_FAULT_MAJOR] = "major",
};

void hmmodp_latency_show(struct seq_file *seq, const struct hmmodp_stats *stats)
{
	unsigned int kind, i;
	u64 n;

	seq_puts(seq, "# faults by kind and latency in us\n");
	for (kind = 0; kind < HMMODP_FAULT_KINDS; kind++) {
		for (i = 0; i < HMMODP_LATENCY_BUCKETS; i++) {
			n = atomic64_read(&stats->latency[kind][i]);
			if (!n)
				continue;
			if (i == HMMODP_LATENCY_BUCKETS - 1)
				seq_printf(seq, "%s %lu- %llu\n", kind_names[kind],
					   BIT(i - 1), n);
			else
				seq_printf(seq, "%s %lu-%lu %llu\n", kind_names[kind],
					   i ? BIT(i - 1) : 0, BIT(i) - 1, n);
		}
	}
}
EXPORT_SYMBOL_GPL(hmmodp_latency_show);
