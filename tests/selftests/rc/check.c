// SPDX-License-Identifier: GPL-2.0
/* Comparing memory with the models and saying exactly what is wrong. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

#define SHOWN		32
#define LATER_US	500000

static void print_bytes(const char *name, const uint8_t *p, size_t n)
{
	size_t i;

	fprintf(stderr, "  %s", name);
	for (i = 0; i < n; i++)
		fprintf(stderr, " %02x", p[i]);
	fputc('\n', stderr);
}

/* At @off of the mapping the bytes differ; they may up to @end. */
static void wrong(struct rc_engine *e, struct rc_flow *f, uint32_t off, uint32_t end,
		  const char *when)
{
	const uint8_t *got = f->mem.addr + off, *expected = f->model.side[e->me] + off;
	uint32_t n = end - off, bad = 0, i;
	int dir;

	for (i = 0; i < n; i++)
		bad += got[i] != expected[i];
	fprintf(stderr, "%s: FAIL %s, QP %d of %u, batch %u, seed %llu, %s:\n"
		"  offset %u of the mapping (page %u + %u), address %p: expected %02x, got %02x; %u bytes differ up to offset %u\n",
		program_invocation_short_name, e->me == RC_CLIENT ? "client" : "server",
		(int)(f - e->flow), e->job.qps, e->batch, (unsigned long long)e->job.seed, when,
		off, off / RC_PAGE, off % RC_PAGE, (const void *)got, expected[0], got[0], bad, end);
	if (n > SHOWN)
		n = SHOWN;
	print_bytes("expected", expected, n);
	print_bytes("got     ", got, n);
	for (dir = 0; dir < 2; dir++)
		if (f->on[dir])
			rc_plan_explain(stderr, &f->plan[dir], dir, e->me, off);
	usleep(LATER_US);
	fprintf(stderr, "  half a second later %s\n",
		memcmp(got, expected, end - off) ? "still wrong" : "it is right");
	exit(1);
}

void rc_check_memory(struct rc_engine *e, struct rc_flow *f, const char *when)
{
	size_t at = rc_differ(f->mem.addr, f->model.side[e->me], f->layout.len);

	if (at < f->layout.len)
		wrong(e, f, at, f->layout.len, when);
	e->bytes += f->layout.len;
}

void rc_check_spans(struct rc_engine *e, struct rc_flow *f, const struct rc_span *s,
		    int n, const char *when)
{
	for (; n--; s++) {
		size_t at = rc_differ(f->mem.addr + s->off,
				      f->model.side[e->me] + s->off, s->len);

		if (at < s->len)
			wrong(e, f, s->off + at, s->off + s->len, when);
	}
}
