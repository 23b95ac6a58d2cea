// SPDX-License-Identifier: GPL-2.0
/* /sys/kernel/debug/hroce/DEVICE/fault_latency */
#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "debug.h"
#include "dev.h"
#include "mr.h"

static struct dentry *hroce_debug_dir;

static int fault_latency_show(struct seq_file *seq, void *v)
{
	hroce_odp_latency_show(seq, seq->private);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(fault_latency);

void hroce_debug_add(struct hroce_dev *dev)
{
	dev->debug = debugfs_create_dir(dev_name(&dev->ibdev.dev), hroce_debug_dir);
	debugfs_create_file("fault_latency", 0400, dev->debug, dev, &fault_latency_fops);
}

void hroce_debug_del(struct hroce_dev *dev)
{
	debugfs_remove(dev->debug);
}

void __init hroce_debug_init(void)
{
	hroce_debug_dir = debugfs_create_dir("hroce", NULL);
}

void hroce_debug_exit(void)
{
	debugfs_remove(hroce_debug_dir);
}
