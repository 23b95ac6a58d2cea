/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's short type names, for pure kernel files compiled in user space. */
#ifndef TEST_ROCE_LINUX_TYPES_H
#define TEST_ROCE_LINUX_TYPES_H

#include_next <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;

#ifndef __packed
#define __packed	__attribute__((packed))
#endif

#endif
