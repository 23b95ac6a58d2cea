// SPDX-License-Identifier: GPL-2.0
/* Failing with text, time, and pseudo-random numbers that both sides repeat. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "util.h"

void rc_die(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: FAIL ", program_invocation_short_name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

void rc_die_errno(const char *fmt, ...)
{
	int err = errno;
	va_list ap;

	fprintf(stderr, "%s: FAIL ", program_invocation_short_name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, ": %s\n", strerror(err));
	exit(1);
}

uint64_t rc_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

uint64_t rc_now_ms(void)
{
	return rc_now_ns() / 1000000;
}

uint64_t rc_patience(uint64_t ms)
{
	const char *slow = getenv("HMMODP_SLOW");

	return rc_now_ms() + ms * (slow && atoi(slow) > 0 ? atoi(slow) : 1);
}

uint64_t rc_rng(struct rc_rng *r)
{
	uint64_t z = (r->state += 0x9e3779b97f4a7c15ull);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

uint32_t rc_below(struct rc_rng *r, uint32_t n)
{
	return (rc_rng(r) >> 32) * n >> 32;
}

bool rc_once_in(struct rc_rng *r, uint32_t n)
{
	return rc_below(r, n) == 0;
}

uint64_t rc_mix(uint64_t a, uint64_t b, uint64_t c)
{
	struct rc_rng r = { a };

	r.state = rc_rng(&r) ^ b;
	r.state = rc_rng(&r) ^ c;
	return rc_rng(&r);
}

void rc_fill(uint64_t seed, void *to, size_t len)
{
	uint64_t x = seed | 1;
	uint8_t *p = to;

	for (; len; p += 8) {
		size_t n = len < 8 ? len : 8;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		memcpy(p, &x, n);
		len -= n;
	}
}

size_t rc_differ(const void *a, const void *b, size_t len)
{
	const uint8_t *p = a, *q = b;
	size_t i;

	if (memcmp(a, b, len) == 0)
		return len;
	for (i = 0; p[i] == q[i]; i++)
		;
	return i;
}

uint64_t rc_number(const char *text)
{
	static const char suffix[] = "kmgt";
	const char *s;
	char *end;
	uint64_t v;

	errno = 0;
	v = strtoull(text, &end, 0);
	if (end == text || errno)
		rc_die("'%s' is not a number", text);
	if (!*end)
		return v;
	s = strchr(suffix, *end | 0x20);
	if (!s || end[1])
		rc_die("'%s' is not a number", text);
	return v << (10 * (s - suffix + 1));
}

uint64_t rc_kernel_kib(void)
{
	static const char *const fields[] = {
		"Slab:", "KernelStack:", "PageTables:", "VmallocUsed:", "Percpu:",
	};
	FILE *f = fopen("/proc/meminfo", "r");
	uint64_t sum = 0, v;
	char name[64];
	size_t i;

	if (!f)
		rc_die_errno("/proc/meminfo");
	while (fscanf(f, "%63s %lu%*[^\n]", name, &v) == 2)
		for (i = 0; i < RC_ARRAY_SIZE(fields); i++)
			if (!strcmp(name, fields[i]))
				sum += v;
	fclose(f);
	return sum;
}
