// SPDX-License-Identifier: GPL-2.0
/* Doing to memory in use whatever a process may do to it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "churn.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MPOL_MF_MOVE
#define MPOL_MF_MOVE (1 << 1)
#endif

#define PAUSE_US	300
#define MAX_SPANS	(RC_MAX_DEPTH * RC_MAX_SGE)
#define MOVE_PAGES	16
#define FREE_BYTES	(32 * RC_PAGE)
#define ANY_BYTES	(1024 * RC_PAGE)

/* Of free pages, for the one thread that churns. */
static uint8_t expected[RC_HUGE];

const char *const rc_churn_names[RC_CHURN_ACTIONS] = {
	[RC_CHURN_REMAP] = "remap", [RC_CHURN_DONTNEED] = "dontneed",
	[RC_CHURN_MPROTECT] = "mprotect", [RC_CHURN_FORK] = "fork",
	[RC_CHURN_COLLAPSE] = "collapse", [RC_CHURN_COMPACT] = "compact",
	[RC_CHURN_MOVE] = "move", [RC_CHURN_PAGEOUT] = "pageout",
	[RC_CHURN_FREE] = "free", [RC_CHURN_KSM] = "ksm",
	[RC_CHURN_COLD] = "cold", [RC_CHURN_MREMAP] = "mremap",
	[RC_CHURN_PUNCH] = "punch", [RC_CHURN_WRITEBACK] = "writeback",
};

uint32_t rc_churn_parse(const char *list)
{
	char *copy = strdup(list), *rest = copy, *name;
	uint32_t wanted = 0;
	int i;

	while ((name = strsep(&rest, ","))) {
		for (i = 0; i < RC_CHURN_ACTIONS && strcmp(name, rc_churn_names[i]); i++)
			;
		if (i == RC_CHURN_ACTIONS)
			rc_die("no churn is called '%s'", name);
		wanted |= 1u << i;
	}
	free(copy);
	return wanted;
}

static struct rc_flow *some_flow(struct rc_churn *c)
{
	return &c->e->flow[rc_below(&c->rng, c->e->job.qps)];
}

/* Whole pages somewhere in @s, up to @max bytes but at least one; none: false. */
static bool some_pages(struct rc_churn *c, struct rc_flow *f, struct rc_span *s, uint32_t max)
{
	uint32_t page = rc_mem_page(f->mem.kind), from = (s->off + page - 1) / page;
	uint32_t end = (s->off + s->len) / page, most = max > page ? max / page : 1, n;

	if (from >= end)
		return false;
	n = 1 + rc_below(&c->rng, end - from < most ? end - from : most);
	s->off = (from + rc_below(&c->rng, end - from - n + 1)) * page;
	s->len = n * page;
	return true;
}

static bool some_free(struct rc_churn *c, struct rc_flow *f, struct rc_span *s)
{
	int dir = rc_below(&c->rng, 2), me = c->e->me;
	struct rc_plan *p = &f->plan[dir];
	int i, n = f->on[dir] ? p->nfree[me] : 0, first = n ? rc_below(&c->rng, n) : 0;

	for (i = 0; i < n; i++) {
		*s = p->free[me][(first + i) % n];
		if (some_pages(c, f, s, FREE_BYTES))
			return true;
	}
	return false;
}

static struct rc_span anywhere(struct rc_churn *c, struct rc_flow *f)
{
	struct rc_span s = { 0, f->mem.len };

	some_pages(c, f, &s, ANY_BYTES);
	return s;
}

static void must_be(struct rc_churn *c, struct rc_flow *f, struct rc_span s, const char *what)
{
	size_t at = rc_differ(f->mem.addr + s.off, expected, s.len);

	if (at < s.len)
		rc_die("%s, batch %u: offset %zu of free pages after %s: expected %02x, got %02x",
		       c->e->me == RC_CLIENT ? "client" : "server", c->e->batch, s.off + at,
		       what, expected[at], f->mem.addr[s.off + at]);
}

static void scribble(struct rc_churn *c, struct rc_flow *f, struct rc_span s)
{
	rc_fill(rc_rng(&c->rng), expected, s.len);
	memcpy(f->mem.addr + s.off, expected, s.len);
}

static void advise(struct rc_flow *f, struct rc_span s, int advice)
{
	if (madvise(f->mem.addr + s.off, s.len, advice) && errno != EAGAIN &&
	    errno != EBUSY && errno != EINVAL && errno != ENOMEM)
		rc_die_errno("madvise %d", advice);
}

static bool do_remap(struct rc_churn *c, struct rc_flow *f)
{
	struct rc_span s;

	if (!some_free(c, f, &s))
		return false;
	scribble(c, f, s);
	usleep(PAUSE_US);
	must_be(c, f, s, "writing");
	if (munmap(f->mem.addr + s.off, s.len))
		rc_die_errno("munmap");
	if (rc_once_in(&c->rng, 2))
		usleep(PAUSE_US);
	rc_mem_remap(&f->mem, s.off, s.len);
	if (rc_mem_private(f->mem.kind))
		memset(expected, 0, s.len);
	must_be(c, f, s, "mapping anew");
	return true;
}

static bool do_dontneed(struct rc_churn *c, struct rc_flow *f)
{
	struct rc_span s;

	if (!rc_mem_private(f->mem.kind) && rc_once_in(&c->rng, 2)) {
		advise(f, anywhere(c, f), MADV_DONTNEED);
		return true;
	}
	if (!some_free(c, f, &s))
		return false;
	scribble(c, f, s);
	advise(f, s, MADV_DONTNEED);
	if (rc_mem_private(f->mem.kind))
		memset(expected, 0, s.len);
	must_be(c, f, s, "MADV_DONTNEED");
	return true;
}

static void protect(struct rc_flow *f, struct rc_span s, int prot)
{
	if (mprotect(f->mem.addr + s.off, s.len, prot))
		rc_die_errno("mprotect");
}

static bool do_mprotect(struct rc_churn *c, struct rc_flow *f)
{
	static struct rc_span sources[MAX_SPANS];
	int dir = rc_below(&c->rng, 2), n = 0;
	struct rc_span s;

	if (f->on[dir] && rc_once_in(&c->rng, 2))
		n = rc_plan_pages(&f->plan[dir], dir, c->e->me, false, sources, MAX_SPANS);
	if (n) {
		s = sources[rc_below(&c->rng, n)];
		if (!some_pages(c, f, &s, ANY_BYTES))
			return false;
		protect(f, s, PROT_READ);
		usleep(PAUSE_US);
		protect(f, s, PROT_READ | PROT_WRITE);
		return true;
	}
	if (!some_free(c, f, &s))
		return false;
	scribble(c, f, s);
	protect(f, s, PROT_NONE);
	usleep(PAUSE_US);
	protect(f, s, PROT_READ | PROT_WRITE);
	must_be(c, f, s, "mprotect");
	return true;
}

/* In mid batch: the child writes its copies of pages that the device writes here. */
static bool do_fork(struct rc_churn *c, struct rc_flow *f)
{
	struct rc_span s = anywhere(c, f);
	pid_t pid;
	int status;

	if (!rc_mem_private(f->mem.kind))
		return false;
	pid = fork();
	if (pid < 0)
		return false;
	if (!pid) {
		volatile uint8_t *p = f->mem.addr + s.off;
		uint32_t i;

		for (i = 0; i < s.len; i += RC_PAGE)
			p[i] = ~p[i];
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		rc_die("the child of a fork died of signal %d", WTERMSIG(status));
	return true;
}

static bool do_collapse(struct rc_churn *c, struct rc_flow *f)
{
	uintptr_t start = (uintptr_t)f->mem.addr;
	uint32_t first = -start & (RC_HUGE - 1), huge;
	struct rc_span s;

	if (f->layout.len < first + RC_HUGE)
		return false;
	huge = (f->layout.len - first) / RC_HUGE;
	s = (struct rc_span){ first + rc_below(&c->rng, huge) * RC_HUGE, RC_HUGE };
	if (madvise(f->mem.addr + s.off, s.len, MADV_COLLAPSE))
		return false;
	if (some_free(c, f, &s) && rc_mem_private(f->mem.kind))
		advise(f, s, MADV_DONTNEED);
	return true;
}

static bool do_compact(struct rc_churn *c, struct rc_flow *f)
{
	int fd = open("/proc/sys/vm/compact_memory", O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, "1", 1) == 1;

	(void)c;
	(void)f;
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool do_move(struct rc_churn *c, struct rc_flow *f)
{
	struct rc_span s = anywhere(c, f);
	int node[MOVE_PAGES], was[MOVE_PAGES], is[MOVE_PAGES], i;
	void *page[MOVE_PAGES];
	bool moved = false;

	for (i = 0; i < MOVE_PAGES; i++)
		page[i] = f->mem.addr + s.off + (size_t)i * RC_PAGE % s.len;
	if (syscall(SYS_move_pages, 0, MOVE_PAGES, page, NULL, was, 0) < 0)
		return false;
	for (i = 0; i < MOVE_PAGES; i++) {
		node[i] = was[i] == 0;
		is[i] = -1;
	}
	if (syscall(SYS_move_pages, 0, MOVE_PAGES, page, node, is, MPOL_MF_MOVE) < 0)
		return false;
	for (i = 0; i < MOVE_PAGES; i++)
		moved |= was[i] >= 0 && is[i] == node[i];
	return moved;
}

static bool do_pageout(struct rc_churn *c, struct rc_flow *f)
{
	struct rc_span s = anywhere(c, f);

	return !madvise(f->mem.addr + s.off, s.len, MADV_PAGEOUT);
}

static bool do_ksm(struct rc_churn *c, struct rc_flow *f)
{
	struct rc_span s = anywhere(c, f);

	if (madvise(f->mem.addr + s.off, s.len, MADV_MERGEABLE))
		return false;
	usleep(10 * PAUSE_US);
	if (rc_once_in(&c->rng, 2))
		advise(f, s, MADV_UNMERGEABLE);
	return true;
}

static bool do_cold(struct rc_churn *c, struct rc_flow *f)
{
	struct rc_span s = anywhere(c, f);

	return !madvise(f->mem.addr + s.off, s.len, MADV_COLD);
}

static bool do_mremap(struct rc_churn *c, struct rc_flow *f)
{
	void *at, *away;
	struct rc_span s;

	if (!some_free(c, f, &s))
		return false;
	scribble(c, f, s);
	at = f->mem.addr + s.off;
	away = mremap(at, s.len, s.len, MREMAP_MAYMOVE | MREMAP_FIXED, rc_mem_elsewhere());
	/* advice for a part of it has made it several mappings */
	if (away == MAP_FAILED && errno == EFAULT)
		return false;
	if (away == MAP_FAILED)
		rc_die_errno("mremap");
	usleep(PAUSE_US);
	if (rc_differ(away, expected, s.len) != s.len)
		rc_die("batch %u: moved pages have other bytes", c->e->batch);
	if (mremap(away, s.len, s.len, MREMAP_MAYMOVE | MREMAP_FIXED, at) != at)
		rc_die_errno("mremap back");
	must_be(c, f, s, "mremap");
	return true;
}

static bool do_punch(struct rc_churn *c, struct rc_flow *f)
{
	struct rc_span s;

	if (f->mem.fd < 0 || !some_free(c, f, &s))
		return false;
	scribble(c, f, s);
	if (fallocate(f->mem.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, s.off, s.len))
		return false;
	memset(expected, 0, s.len);
	must_be(c, f, s, "punching a hole");
	return true;
}

static bool do_writeback(struct rc_churn *c, struct rc_flow *f)
{
	int fd;

	(void)c;
	if (f->mem.fd < 0 || fdatasync(f->mem.fd))
		return false;
	fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (write(fd, "1", 1) != 1)
		rc_die_errno("drop_caches");
	close(fd);
	return true;
}

static bool (*const actions[RC_CHURN_ACTIONS])(struct rc_churn *, struct rc_flow *) = {
	[RC_CHURN_REMAP] = do_remap, [RC_CHURN_DONTNEED] = do_dontneed,
	[RC_CHURN_MPROTECT] = do_mprotect, [RC_CHURN_FORK] = do_fork,
	[RC_CHURN_COLLAPSE] = do_collapse, [RC_CHURN_COMPACT] = do_compact,
	[RC_CHURN_MOVE] = do_move, [RC_CHURN_PAGEOUT] = do_pageout,
	[RC_CHURN_KSM] = do_ksm, [RC_CHURN_COLD] = do_cold,
	[RC_CHURN_MREMAP] = do_mremap, [RC_CHURN_PUNCH] = do_punch,
	[RC_CHURN_WRITEBACK] = do_writeback,
};

static void *work(void *arg)
{
	struct rc_churn *c = arg;

	while (!atomic_load(&c->stop)) {
		int i = rc_below(&c->rng, RC_CHURN_ACTIONS);

		/* compaction goes over all memory: not too often */
		if (!(c->wanted & 1u << i) || !actions[i] ||
		    (i == RC_CHURN_COMPACT && !rc_once_in(&c->rng, 10)))
			continue;
		if (actions[i](c, some_flow(c)))
			c->done[i]++;
		usleep(PAUSE_US);
	}
	return NULL;
}

/* Bytes that the batch will overwrite need not survive until then. */
static void free_targets(struct rc_churn *c, struct rc_flow *f)
{
	static struct rc_span s[MAX_SPANS];
	int dir, i, n;

	for (dir = 0; dir < 2; dir++) {
		n = f->on[dir] ? rc_plan_pages(&f->plan[dir], dir, c->e->me, true, s, MAX_SPANS) : 0;
		for (i = 0; i < n; i++) {
			advise(f, s[i], MADV_FREE);
			c->done[RC_CHURN_FREE]++;
		}
	}
}

/* In the child: the copy must be what it was, but for what the child writes. */
static void child(struct rc_flow *f, uint8_t *copy, int pipe_fd)
{
	uint32_t i;
	size_t at;
	char c;

	for (i = 0; i < f->layout.len; i += 2 * RC_PAGE)
		f->mem.addr[i] = copy[i] = ~copy[i];
	if (read(pipe_fd, &c, 1) != 0)
		_exit(3);
	at = rc_differ(f->mem.addr, copy, f->layout.len);
	if (at == f->layout.len)
		_exit(0);
	fprintf(stderr, "odp_churn: FAIL the child's copy changed at offset %zu: expected %02x, got %02x\n",
		at, copy[at], f->mem.addr[at]);
	_exit(1);
}

static void fork_watcher(struct rc_churn *c)
{
	struct rc_flow *f = some_flow(c);
	uint8_t *copy = malloc(f->layout.len);
	int fds[2];

	if (!copy || pipe2(fds, O_CLOEXEC))
		rc_die_errno("pipe");
	memcpy(copy, f->mem.addr, f->layout.len);
	fflush(NULL);
	c->child = fork();
	if (c->child < 0)
		rc_die_errno("fork");
	if (!c->child) {
		close(fds[1]);
		child(f, copy, fds[0]);
	}
	close(fds[0]);
	c->child_pipe = fds[1];
	free(copy);
	c->done[RC_CHURN_FORK]++;
}

static void before(struct rc_engine *e)
{
	struct rc_churn *c = e->ctx;
	uint32_t i;

	if (!rc_mem_private(e->opts.mem))
		return;
	if ((c->wanted & 1u << RC_CHURN_FORK) && e->batch % 3 == 0)
		fork_watcher(c);
	for (i = 0; i < e->job.qps && (c->wanted & 1u << RC_CHURN_FREE); i++)
		if (!c->child)
			free_targets(c, &e->flow[i]);
}

static void busy(struct rc_engine *e)
{
	struct rc_churn *c = e->ctx;

	atomic_store(&c->stop, false);
	if (pthread_create(&c->thread, NULL, work, c))
		rc_die("no thread");
}

static void quiet(struct rc_engine *e)
{
	struct rc_churn *c = e->ctx;
	uint32_t i;
	int status;

	atomic_store(&c->stop, true);
	pthread_join(c->thread, NULL);
	if (c->child) {
		close(c->child_pipe);
		if (waitpid(c->child, &status, 0) != c->child || status)
			rc_die("the forked child ended with status %#x, batch %u", status, e->batch);
		c->child = 0;
	}
	/* pages that the device has written since MADV_FREE are not clean */
	for (i = 0; i < 3 * e->job.qps && (c->wanted & 1u << RC_CHURN_FREE); i++) {
		struct rc_flow *f = &e->flow[i % e->job.qps];

		/* thrice: what the device has just used looks young at first */
		madvise(f->mem.addr, f->layout.len, MADV_PAGEOUT);
	}
}

static bool unfinished(struct rc_engine *e)
{
	struct rc_churn *c = e->ctx;
	uint64_t sum = 0;
	int i;

	for (i = 0; i < RC_CHURN_ACTIONS; i++)
		sum += c->done[i];
	return sum < c->least;
}

void rc_churn_start(struct rc_churn *c, struct rc_engine *e)
{
	c->e = e;
	c->rng.state = rc_mix(e->job.seed, e->me, 0xc0ffee);
	e->ctx = c;
	e->before = before;
	e->busy = busy;
	e->quiet = quiet;
	e->unfinished = unfinished;
}
