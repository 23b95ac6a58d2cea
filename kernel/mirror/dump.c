// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/debug/hmmodp/mirrors: a line for each mirror,
 *
 *	PID COMM bytes=N spans=N leaves=N tables=N pages=N
 *
 * and, in "spans", one for each span that holds something:
 *
 *	PID ADDRESS leaves=N tables=N pages=N
 *
 * bytes are of kernel memory; pages have a valid entry, those of leaves included.
 */
#include <linux/debugfs.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/seq_file.h>

#include "core.h"
#include "dump.h"
#include "inject.h"
#include "span.h"

static struct dentry *dump_dir;

struct totals {
	unsigned int spans, leaves, tables, pages;
};

static void add_span(struct totals *t, const struct hmmodp_span *span)
{
	unsigned int i;

	t->spans++;
	for (i = 0; i < HMMODP_SPAN_CHUNKS; i++) {
		t->leaves += !!READ_ONCE(span->chunk[i].leaf);
		t->tables += !!READ_ONCE(span->chunk[i].table);
		t->pages += READ_ONCE(span->chunk[i].populated);
	}
}

/* RCU read side. */
static void show_process(struct seq_file *seq, struct mm_struct *mm)
{
	struct task_struct *task = rcu_dereference(mm->owner);

	if (task)
		seq_printf(seq, "%d %s", task_tgid_nr(task), task->comm);
	else
		seq_puts(seq, "0 -");
}

static int mirrors_show(struct seq_file *seq, void *v)
{
	struct hmmodp_mirror *mirror;
	struct hmmodp_span *span;
	unsigned long i;

	rcu_read_lock();
	list_for_each_entry_rcu(mirror, &hmmodp_mirrors, list) {
		struct totals t = {};

		xa_for_each(&mirror->spans, i, span)
			add_span(&t, span);
		show_process(seq, mirror->mm);
		seq_printf(seq, " bytes=%ld spans=%u leaves=%u tables=%u pages=%u\n",
			   atomic_long_read(&mirror->bytes), t.spans, t.leaves,
			   t.tables, t.pages);
	}
	rcu_read_unlock();
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(mirrors);

static int spans_show(struct seq_file *seq, void *v)
{
	struct hmmodp_mirror *mirror;
	struct hmmodp_span *span;
	unsigned long i;

	rcu_read_lock();
	list_for_each_entry_rcu(mirror, &hmmodp_mirrors, list) {
		xa_for_each(&mirror->spans, i, span) {
			struct totals t = {};

			add_span(&t, span);
			if (!t.pages)
				continue;
			show_process(seq, mirror->mm);
			seq_printf(seq, " %#lx leaves=%u tables=%u pages=%u\n",
				   span->base, t.leaves, t.tables, t.pages);
		}
	}
	rcu_read_unlock();
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(spans);

void __init hmmodp_dump_init(void)
{
	dump_dir = debugfs_create_dir("hmmodp", NULL);
	debugfs_create_file("mirrors", 0400, dump_dir, NULL, &mirrors_fops);
	debugfs_create_file("spans", 0400, dump_dir, NULL, &spans_fops);
	hmmodp_inject_init(dump_dir);
}

void hmmodp_dump_exit(void)
{
	debugfs_remove(dump_dir);
}
