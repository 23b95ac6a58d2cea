/* SPDX-License-Identifier: GPL-2.0 */
/* What the pure parts of the mirror take from the kernel, in user space. */
#ifndef HMMODP_KAPI_H
#define HMMODP_KAPI_H

#include <assert.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define BITS_PER_LONG	(CHAR_BIT * (int)sizeof(long))
#define BIT(n)		(1UL << (n))
#define PAGE_SHIFT	12

#define READ_ONCE(x)	__atomic_load_n(&(x), __ATOMIC_RELAXED)

static inline void set_bit(unsigned int bit, unsigned long *word)
{
	__atomic_fetch_or(word, BIT(bit), __ATOMIC_RELAXED);
}

/* The tests are the only thread, and do not look at locks. */
struct test_rwlock {};

#define rwlock_t		struct test_rwlock
#define rwlock_init(lock)	((void)(lock))

#endif
