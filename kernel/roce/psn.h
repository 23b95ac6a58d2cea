/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Packet sequence numbers: 24-bit serial arithmetic (IBTA 9.7.1, C9-76).
 * Pure; tests/unit/test_psn.c compiles it in user space.
 */
#ifndef HROCE_PSN_H
#define HROCE_PSN_H

#include <linux/types.h>

#define HROCE_PSN_MASK	0xffffffu

static inline u32 hroce_psn_add(u32 psn, u32 n)
{
	return (psn + n) & HROCE_PSN_MASK;
}

/* Distance from b to a, negative when a comes before b; -2^23 .. 2^23-1. */
static inline s32 hroce_psn_diff(u32 a, u32 b)
{
	return (s32)((a - b) << 8) >> 8;
}

static inline bool hroce_psn_before(u32 a, u32 b)
{
	return hroce_psn_diff(a, b) < 0;
}

/* Packets that a message of len bytes takes; an empty one takes a packet too. */
static inline u32 hroce_psn_count(u32 len, u32 mtu)
{
	return len ? (len - 1) / mtu + 1 : 1;
}

#endif
