/* SPDX-License-Identifier: GPL-2.0 */
/* What the unit tests of the NIC's pure parts share: numbers, packets in hex. */
#ifndef TEST_ROCE_CHECK_H
#define TEST_ROCE_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../ktap.h"

/* A fixed sequence, the same everywhere. */
static inline unsigned int test_random(void)
{
	static unsigned long long state = 88172645463325252ull;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state >> 16;
}

/* A copy of exactly len bytes, so that ASAN sees one too many. */
static inline unsigned char *test_exact(const void *bytes, size_t len)
{
	unsigned char *copy = malloc(len ? len : 1);

	if (!copy)
		abort();
	memcpy(copy, bytes, len);
	return copy;
}

static inline size_t test_unhex(const char *hex, unsigned char *to)
{
	size_t n = 0;

	for (; sscanf(hex, "%2hhx", to + n) == 1; hex += 2)
		n++;
	return n;
}

#endif
