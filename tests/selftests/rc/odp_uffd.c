// SPDX-License-Identifier: GPL-2.0
/*
 * rc_check's traffic in memory whose faults a thread of the process answers.
 *
 *	missing	 before a batch all memory is thrown away. The thread brings each
 *		 page when it is asked for, some late, and while the batch runs throws
 *		 pages away again that no message changes.
 *	protect	 before a batch all memory is copied and protected from writing. On
 *		 the first write to a page its bytes must still be those of the copy,
 *		 then it is opened. Pages are copied and protected anew meanwhile.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine.h"
#include "uffd.h"

#define MAX_SPANS	(RC_MAX_DEPTH * RC_MAX_SGE)
#define AGAIN_BYTES	(32 * RC_PAGE)	/* thrown away or protected at once */

struct server {
	struct rc_engine *e;
	bool protect;
	int fd;
	size_t page;		/* bytes that are brought, and protected, at once */
	uint8_t **copy;		/* by flow: what memory was */
	bool **closed;		/* by flow and page: protected */
	pthread_mutex_t lock;	/* held while the thread does anything */
	bool busy, stop;	/* a batch is under way; the end */
	pthread_t thread;
	struct rc_rng rng;
	unsigned long faults, foreign, late, again;
};

static void *allocate(size_t len)
{
	void *p = calloc(1, len);

	if (!p)
		rc_die("no memory");
	return p;
}

static const char *side(struct server *s)
{
	return s->e->me == RC_CLIENT ? "client" : "server";
}

/* The page at @at must be as it was copied: nobody may have written it. */
static void must_be_unwritten(struct server *s, uint32_t flow, size_t off, const char *when)
{
	uint8_t *now = s->e->flow[flow].mem.addr + off;
	size_t at = rc_differ(now, s->copy[flow] + off, s->page);

	if (at < s->page)
		rc_die("%s, batch %u: protected page %zu was written, %s: byte %zu was %02x, is %02x",
		       side(s), s->e->batch, off / s->page, when, at, s->copy[flow][off + at],
		       now[at]);
}

static void open_page(struct server *s, uint32_t flow, size_t off)
{
	if (s->closed[flow][off / s->page])
		must_be_unwritten(s, flow, off, "when the first write was announced");
	s->closed[flow][off / s->page] = false;
	rc_uffd_protect(s->fd, s->e->flow[flow].mem.addr + off, s->page, false);
}

static void bring(struct server *s, uint32_t flow, size_t off)
{
	rc_uffd_copy(s->fd, s->e->flow[flow].mem.addr + off, s->copy[flow] + off, s->page);
}

static void answer(struct server *s, const struct rc_uffd_fault *fault)
{
	uint32_t i;

	for (i = 0; i < s->e->job.qps; i++) {
		struct rc_mem *m = &s->e->flow[i].mem;

		if (fault->at < m->addr || fault->at >= m->addr + m->len)
			continue;
		s->faults++;
		s->foreign += fault->foreign;
		if (!s->late || rc_once_in(&s->rng, 8)) {
			s->late++;
			usleep(1000 + rc_below(&s->rng, 4000));
		}
		if (s->protect != fault->protected)
			rc_die("a fault of the other sort");
		(s->protect ? open_page : bring)(s, i, (fault->at - m->addr) & ~(s->page - 1));
		return;
	}
	rc_die("a fault at %p, which is no memory of ours", (void *)fault->at);
}

static void throw_away(struct server *s, struct rc_flow *f, size_t off, size_t len)
{
	int how = rc_mem_private(f->mem.kind) ? MADV_DONTNEED : MADV_REMOVE;

	if (len && madvise(f->mem.addr + off, len, how))
		rc_die_errno("%s: madvise", side(s));
}

/* Pages that the batch does not change. */
static bool constant_pages(struct server *s, struct rc_flow *f, struct rc_span *to)
{
	static struct rc_span spans[MAX_SPANS];
	uint32_t from, end;
	int dir = rc_below(&s->rng, 2), me = s->e->me, n;
	struct rc_plan *p = &f->plan[dir];

	if (!f->on[dir])
		return false;
	n = rc_plan_pages(p, dir, me, false, spans, MAX_SPANS);
	if (p->nfree[me] && (!n || rc_once_in(&s->rng, 2)))
		*to = p->free[me][rc_below(&s->rng, p->nfree[me])];
	else if (n)
		*to = spans[rc_below(&s->rng, n)];
	else
		return false;
	from = (to->off + s->page - 1) & ~(s->page - 1);
	end = (to->off + to->len) & ~(s->page - 1);
	*to = (struct rc_span){ from, from < end ? end - from : 0 };
	return from < end;
}

static void throw_again(struct server *s, struct rc_flow *f)
{
	struct rc_span to;

	if (!constant_pages(s, f, &to))
		return;
	throw_away(s, f, to.off, to.len);
	s->again++;
}

/* What is closed already stays so, with the copy that it has. */
static void close_pages(struct server *s, uint32_t flow, size_t off, size_t len)
{
	struct rc_flow *f = &s->e->flow[flow];
	size_t at;

	rc_uffd_protect(s->fd, f->mem.addr + off, len, true);
	for (at = off; at < off + len; at += s->page) {
		bool *closed = &s->closed[flow][at / s->page];

		if (*closed)
			must_be_unwritten(s, flow, at, "in mid batch");
		else
			memcpy(s->copy[flow] + at, f->mem.addr + at, s->page);
		*closed = true;
	}
}

static void close_again(struct server *s, uint32_t flow)
{
	size_t len = s->e->flow[flow].mem.len, off, n;

	off = rc_below(&s->rng, len / s->page) * s->page;
	n = s->page < AGAIN_BYTES ? (1 + rc_below(&s->rng, AGAIN_BYTES / s->page)) * s->page :
				    s->page;
	close_pages(s, flow, off, n < len - off ? n : len - off);
	s->again++;
}

static void *work(void *arg)
{
	struct server *s = arg;
	struct rc_uffd_fault fault;
	uint32_t flow;

	while (!__atomic_load_n(&s->stop, __ATOMIC_ACQUIRE)) {
		bool is_fault = rc_uffd_next(s->fd, 1, &fault);

		pthread_mutex_lock(&s->lock);
		flow = rc_below(&s->rng, s->e->job.qps);
		if (is_fault)
			answer(s, &fault);
		/* not only when idle: there may be no end of faults */
		if (s->busy && (!is_fault || rc_once_in(&s->rng, 4))) {
			if (s->protect)
				close_again(s, flow);
			else
				throw_again(s, &s->e->flow[flow]);
		}
		pthread_mutex_unlock(&s->lock);
	}
	return NULL;
}

static void before(struct rc_engine *e)
{
	struct server *s = e->ctx;
	uint32_t i;

	for (i = 0; i < e->job.qps; i++) {
		struct rc_flow *f = &e->flow[i];

		/* reading it brings what is missing, so not with the lock held */
		if (!s->protect)
			memcpy(s->copy[i], f->mem.addr, f->mem.len);
		pthread_mutex_lock(&s->lock);
		if (s->protect)
			close_pages(s, i, 0, f->mem.len);
		else
			throw_away(s, f, 0, f->mem.len);
		pthread_mutex_unlock(&s->lock);
	}
}

static void set_busy(struct server *s, bool on)
{
	pthread_mutex_lock(&s->lock);
	s->busy = on;
	pthread_mutex_unlock(&s->lock);
}

static void busy(struct rc_engine *e)
{
	set_busy(e->ctx, true);
}

/* Pages that were never opened have not changed. */
static void quiet(struct rc_engine *e)
{
	struct server *s = e->ctx;
	uint32_t i;
	size_t at;

	set_busy(s, false);
	for (i = 0; i < e->job.qps && s->protect; i++) {
		struct rc_flow *f = &e->flow[i];

		pthread_mutex_lock(&s->lock);
		for (at = 0; at < f->mem.len; at += s->page) {
			if (s->closed[i][at / s->page])
				must_be_unwritten(s, i, at, "unannounced");
			s->closed[i][at / s->page] = false;
		}
		rc_uffd_protect(s->fd, f->mem.addr, f->mem.len, false);
		pthread_mutex_unlock(&s->lock);
	}
}

static void start(struct server *s)
{
	uint64_t mode = s->protect ? UFFDIO_REGISTER_MODE_WP : UFFDIO_REGISTER_MODE_MISSING;
	struct rc_engine *e = s->e;
	uint32_t i;

	s->fd = rc_uffd_open(mode, O_CLOEXEC);
	s->copy = allocate(e->job.qps * sizeof(*s->copy));
	s->closed = allocate(e->job.qps * sizeof(*s->closed));
	for (i = 0; i < e->job.qps; i++) {
		struct rc_mem *m = &e->flow[i].mem;

		s->copy[i] = allocate(m->len);
		s->closed[i] = allocate(m->len / s->page);
		/* the last page may be untouched yet: there is nothing to protect */
		memset(m->addr + e->flow[i].layout.len, 0, m->len - e->flow[i].layout.len);
		rc_uffd_register(s->fd, mode, m->addr, m->len);
	}
	pthread_mutex_init(&s->lock, NULL);
	s->rng.state = rc_mix(e->job.seed, e->me, 0xfd);
	e->ctx = s;
	e->before = before;
	e->busy = busy;
	e->quiet = quiet;
	if (pthread_create(&s->thread, NULL, work, s))
		rc_die("no thread");
}

static void finish(struct server *s)
{
	__atomic_store_n(&s->stop, true, __ATOMIC_RELEASE);
	pthread_join(s->thread, NULL);
	close(s->fd);
	printf("%s answered: faults=%lu device=%lu late=%lu again=%lu\n", side(s), s->faults,
	       s->foreign, s->late, s->again);
	/* few huge pages lie between messages */
	if (!s->foreign || (!s->again && (s->protect || s->page == RC_PAGE)))
		rc_die("nothing was tested");
}

static void usage(void)
{
	fprintf(stderr, "odp_uffd --missing|--protect [OPTIONS] [HOST]\n%s", rc_engine_usage);
	exit(2);
}

int main(int argc, char **argv)
{
	struct rc_engine e = { .batch = 0 };
	struct server s = { .e = &e };
	struct option options[64];
	int c, n, sort = 0;

	for (n = 0; rc_engine_options[n].name; n++)
		options[n] = rc_engine_options[n];
	options[n++] = (struct option){ "missing", no_argument, &sort, 1 };
	options[n++] = (struct option){ "protect", no_argument, &sort, 2 };
	options[n] = (struct option){ 0 };
	rc_engine_defaults(&e.opts, &e.job);
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (c && !rc_engine_option(&e.opts, &e.job, c, optarg))
			usage();
	if (!sort)
		usage();
	s.protect = sort == 2;
	s.page = rc_mem_page(e.opts.mem);
	e.opts.odp = true;
	e.opts.link.server = argv[optind];
	rc_engine_open(&e);
	start(&s);
	while (rc_engine_more(&e))
		rc_engine_batch(&e);
	finish(&s);
	rc_engine_close(&e);
	return 0;
}
