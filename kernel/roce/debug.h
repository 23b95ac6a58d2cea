/* SPDX-License-Identifier: GPL-2.0 */
/* What a device shows in debugfs. Nothing depends on it: failures are ignored. */
#ifndef HROCE_DEBUG_H
#define HROCE_DEBUG_H

struct hroce_dev;

/* Context: process. The device has its name. */
void hroce_debug_add(struct hroce_dev *dev);
void hroce_debug_del(struct hroce_dev *dev);

void hroce_debug_init(void);
void hroce_debug_exit(void);

#endif
