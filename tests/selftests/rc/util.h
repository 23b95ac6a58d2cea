/* SPDX-License-Identifier: GPL-2.0 */
/* Failing with text, time, and pseudo-random numbers that both sides repeat. */
#ifndef RC_UTIL_H
#define RC_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RC_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Print "PROGRAM: text" on stderr and exit 1. */
void rc_die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
/* The same with errno's text. */
void rc_die_errno(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

uint64_t rc_now_ms(void);
/* When to give up: in @ms, later by what $HMMODP_SLOW says of a slow kernel. */
uint64_t rc_patience(uint64_t ms);
uint64_t rc_now_ns(void);

struct rc_rng {
	uint64_t state;
};

uint64_t rc_rng(struct rc_rng *r);
/* 0 .. n - 1; n > 0 */
uint32_t rc_below(struct rc_rng *r, uint32_t n);
/* true once in n */
bool rc_once_in(struct rc_rng *r, uint32_t n);
void rc_fill(uint64_t seed, void *to, size_t len);
/* A seed of its own for each combination of numbers. */
uint64_t rc_mix(uint64_t a, uint64_t b, uint64_t c);

/* First index at which the two differ, or len. */
size_t rc_differ(const void *a, const void *b, size_t len);

/* Memory that the kernel uses for itself, from /proc/meminfo. */
uint64_t rc_kernel_kib(void);

uint64_t rc_number(const char *text);	/* with a suffix k, m, g or t */

#endif
