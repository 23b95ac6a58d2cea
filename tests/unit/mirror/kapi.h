/* SPDX-License-Identifier: GPL-2.0 */
/* What the pure parts of the mirror take from the kernel, in user space. */
#ifndef HMMODP_KAPI_H
#define HMMODP_KAPI_H

#include <assert.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define BITS_PER_LONG	(CHAR_BIT * (int)sizeof(long))
#define BIT(n)		(1UL << (n))
#define PAGE_SHIFT	12

#define unlikely(x)	__builtin_expect(!!(x), 0)

#define READ_ONCE(x)	__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v)	__atomic_store_n(&(x), v, __ATOMIC_RELAXED)

static inline void set_bit(unsigned int bit, unsigned long *word)
{
	__atomic_fetch_or(word, BIT(bit), __ATOMIC_RELAXED);
}

static inline void clear_bit(unsigned int bit, unsigned long *word)
{
	__atomic_fetch_and(word, ~BIT(bit), __ATOMIC_RELAXED);
}

static inline bool test_and_clear_bit(unsigned int bit, unsigned long *word)
{
	return __atomic_fetch_and(word, ~BIT(bit), __ATOMIC_RELAXED) & BIT(bit);
}

#define DECLARE_BITMAP(name, bits)	unsigned long name[(bits) / BITS_PER_LONG]

static inline void __set_bit(unsigned int bit, unsigned long *map)
{
	map[bit / BITS_PER_LONG] |= BIT(bit % BITS_PER_LONG);
}

static inline bool test_bit(unsigned int bit, const unsigned long *map)
{
	return map[bit / BITS_PER_LONG] >> bit % BITS_PER_LONG & 1;
}

static inline void bitmap_fill(unsigned long *map, unsigned int bits)
{
	memset(map, 0xff, bits / CHAR_BIT);
}

/* The tests are the only thread, and do not look at locks. */
struct test_rwlock {};

#define rwlock_t		struct test_rwlock
#define rwlock_init(lock)	((void)(lock))

#endif
