/* SPDX-License-Identifier: GPL-2.0 */
/* /sys/kernel/debug/hmmodp: the mirrors as they are. */
#ifndef HMMODP_DUMP_H
#define HMMODP_DUMP_H

void hmmodp_dump_init(void);
void hmmodp_dump_exit(void);

#endif
