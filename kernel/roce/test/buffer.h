/* SPDX-License-Identifier: GPL-2.0 */
/* Buffers that move, see hroce-selftest.h. Context: process, may sleep. */
#ifndef HROCE_TEST_BUFFER_H
#define HROCE_TEST_BUFFER_H

#include <linux/types.h>

/* Its file's descriptor, or -EINVAL, -ENOMEM, or why there is none. */
int buffer_new(u64 size);
/* 0, -EBADF or -EINVAL: no buffer of these; -EBUSY: pinned; -ENOMEM. */
int buffer_move(int fd);

#endif
