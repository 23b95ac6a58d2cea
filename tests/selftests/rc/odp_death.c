// SPDX-License-Identifier: GPL-2.0
/*
 * Crossfire between a victim, the server, and a peer that outlives it. Once
 * traffic runs, the victim ends as it is told, in the middle of faults that
 * nobody will answer (--stall) or that begin all the time (--cold). The peer
 * must have correct bytes until then, and then an error for all that it wanted.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "crossfire.h"
#include "uffd.h"

#define WARM		10	/* messages that each side must have had before the end comes */
#define STALLED_MS	10000	/* a fault must come in this time */
#define PATIENCE_MS	60000
#define GONE		"gone"	/* argument of the program that comes after */
#define LINGER_US	300000

static const char *const hows[] = { "exec", "exit", "kill", "oom" };
enum { BY_EXEC, BY_EXIT, BY_KILL, BY_OOM };

struct victim {
	struct rc_cross c;
	atomic_bool warm, go_on;
	unsigned int how;
	bool stall, cold, heir;	/* heir: the userfaultfd survives the exec */
	int uffd;
};

/* Traffic until the end; it may hang in its own memory as well. */
static void *traffic(void *arg)
{
	struct victim *v = arg;

	for (;;) {
		if (v->c.status)
			rc_die("victim: %s", ibv_wc_status_str(v->c.status));
		rc_cross_post(&v->c);
		if (!rc_cross_poll(&v->c))
			sched_yield();
		/* What is delivered has its completion there; an acknowledgement may lag. */
		if (atomic_load(&v->warm) || v->c.delivered < WARM || v->c.received < 2 * WARM)
			continue;
		atomic_store(&v->warm, true);
		while (!atomic_load(&v->go_on))
			sched_yield();
	}
	return NULL;
}

/* Where the peer writes; the victim does not look at it. */
static void *throw_away(void *arg)
{
	struct victim *v = arg;

	for (;;) {
		if (madvise(v->c.mem.addr + v->c.quarter, v->c.quarter, MADV_DONTNEED))
			rc_die_errno("MADV_DONTNEED");
		usleep(300);
	}
	return NULL;
}

static void start(struct victim *v, void *(*what)(void *))
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, what, v))
		rc_die("no thread");
}

/* From now on each page is missing for ever. */
static void stall(struct victim *v)
{
	v->uffd = rc_uffd_open(UFFDIO_REGISTER_MODE_MISSING, v->heir ? 0 : O_CLOEXEC);
	rc_uffd_register(v->uffd, UFFDIO_REGISTER_MODE_MISSING, v->c.mem.addr, v->c.mem.len);
	if (madvise(v->c.mem.addr, v->c.mem.len, MADV_DONTNEED))
		rc_die_errno("MADV_DONTNEED");
}

/* The device must be in one of them. */
static void wait_stalled(struct victim *v)
{
	struct rc_uffd_fault fault;
	uint64_t end = rc_patience(STALLED_MS);

	do {
		if (rc_uffd_next(v->uffd, 1000, &fault) && fault.foreign)
			return;
	} while (rc_now_ms() < end);
	rc_die("victim: no fault of the device is under way");
}

static void be_victim(struct victim *v, const struct rc_link_opts *o, enum rc_mem_kind kind,
		      size_t size)
{
	char *argv[] = { "odp_death", GONE, NULL };

	rc_cross_open(&v->c, o, kind, size);
	start(v, traffic);
	while (!atomic_load(&v->warm))
		usleep(1000);
	if (v->stall)
		stall(v);
	if (v->cold)
		start(v, throw_away);
	atomic_store(&v->go_on, true);
	if (v->stall)
		wait_stalled(v);
	usleep(rc_below(&(struct rc_rng){ rc_now_ns() }, 200000));
	if (v->how == BY_OOM)
		pause();
	printf("victim ends\n");
	fflush(stdout);
	rc_send(v->c.sock, "x", 1);
	if (v->how == BY_EXEC)
		execv("/proc/self/exe", argv);
	if (v->how == BY_KILL)
		kill(getpid(), SIGKILL);
	exit(0);
}

/* The victim said that it goes, before it went; or goes now without a word. */
static void must_be_dead(struct rc_cross *c, bool told)
{
	struct pollfd p = { .fd = c->sock, .events = POLLIN };

	if (poll(&p, 1, told ? 0 : PATIENCE_MS) != 1)
		rc_die("peer: %s, but the victim lives", ibv_wc_status_str(c->status));
}

static void be_peer(const struct rc_link_opts *o, enum rc_mem_kind kind, size_t size, bool told)
{
	struct rc_cross c = { .status = 0 };
	uint64_t last = rc_now_ms();

	rc_cross_open(&c, o, kind, size);
	while (!c.status || c.sends || c.receives) {
		rc_cross_post(&c);
		if (rc_cross_poll(&c)) {
			last = rc_now_ms();
			if (c.status)
				must_be_dead(&c, told);
			continue;
		}
		if (rc_now_ms() - last > PATIENCE_MS)
			rc_die("peer: no completion any more, %d sends and %d receives open, status %s",
			       c.sends, c.receives, ibv_wc_status_str(c.status));
		sched_yield();
	}
	if (rc_qp_state(c.qp) != IBV_QPS_ERR)
		rc_die("peer: the QP is in state %d", rc_qp_state(c.qp));
	if (c.sent < WARM || c.received < WARM)
		rc_die("peer: there was hardly any traffic");
	rc_cross_check_written(&c);
	printf("peer: %llu sent, %llu received, then %s\n", (unsigned long long)c.sent,
	       (unsigned long long)c.received, ibv_wc_status_str(c.status));
	rc_cross_close(&c);
}

static void usage(void)
{
	fprintf(stderr, "odp_death " RC_LINK_USAGE " --size BYTES --mem KIND [HOST]\n"
		"   --how exec|exit|kill|oom, both sides\n"
		" the victim:\n"
		"   --stall  faults are under way that nobody answers\n"
		"   --heir   nor does the program that comes after exec, but it holds them\n"
		"   --cold   pages are thrown away all the time\n");
	exit(2);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		RC_LINK_OPTIONS,
		{ "how", required_argument, NULL, 'h' },
		{ "stall", no_argument, NULL, 's' },
		{ "heir", no_argument, NULL, 'i' },
		{ "cold", no_argument, NULL, 'c' },
		{ "size", required_argument, NULL, 'S' },
		{ "mem", required_argument, NULL, 'm' },
		{ }
	};
	struct rc_link_opts link = RC_LINK_DEFAULTS;
	enum rc_mem_kind kind = RC_MEM_PLAIN;
	struct victim v = { .how = BY_EXIT };
	size_t size = 8 << 20;
	int c;

	if (argc == 2 && !strcmp(argv[1], GONE)) {
		usleep(LINGER_US);
		return 0;
	}
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (rc_link_option(&link, c, optarg))
			continue;
		if (c == 'h') {
			for (v.how = 0; v.how < RC_ARRAY_SIZE(hows); v.how++)
				if (!strcmp(optarg, hows[v.how]))
					break;
			if (v.how == RC_ARRAY_SIZE(hows))
				usage();
		} else if (c == 's') {
			v.stall = true;
		} else if (c == 'i') {
			v.heir = true;
		} else if (c == 'c') {
			v.cold = true;
		} else if (c == 'S') {
			size = rc_number(optarg);
		} else if (c == 'm') {
			kind = rc_mem_kind(optarg);
		} else {
			usage();
		}
	}
	link.server = argv[optind];
	if (link.server)
		be_peer(&link, kind, size, v.how != BY_OOM);
	else
		be_victim(&v, &link, kind, size);
	return 0;
}
