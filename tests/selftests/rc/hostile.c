// SPDX-License-Identifier: GPL-2.0
/*
 * Bad input from user space. Every round is a process of its own, some of which
 * are killed in the middle, so that the kernel must clean up after them.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hostile.h"

static const struct attack {
	const char *name;
	void (*run)(struct rc_dev *d, struct rc_rng *r, uint64_t ms);
	bool once;
} attacks[] = {
	{ "rings", hostile_rings, false },
	{ "commands", hostile_commands, false },
	{ "maps", hostile_maps, false },
	{ "limits", hostile_limits, true },
};

#define ROUND_MS	1500
#define GRACE_MS	20000

static void round_of(const struct attack *a, const struct rc_link_opts *link, uint64_t seed)
{
	struct rc_rng r = { seed };
	struct rc_dev d;

	rc_dev_open(&d, link);
	a->run(&d, &r, ROUND_MS);
	fflush(NULL);
	/* the kernel takes down whatever is left */
	_exit(0);
}

static void run_round(const struct attack *a, const struct rc_link_opts *link, struct rc_rng *r)
{
	uint64_t seed = rc_rng(r), end = rc_now_ms() + ROUND_MS + GRACE_MS;
	bool murder = !a->once && rc_once_in(r, 3);
	pid_t pid, got;
	int status;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		rc_die_errno("fork");
	if (!pid)
		round_of(a, link, seed);
	if (murder) {
		usleep(1000 * (100 + rc_below(r, ROUND_MS)));
		kill(pid, SIGKILL);
	}
	while (!(got = waitpid(pid, &status, WNOHANG)) && rc_now_ms() < end)
		usleep(10000);
	if (got != pid)
		rc_die("%s, seed %llu: process %d does not end", a->name,
		       (unsigned long long)seed, pid);
	if (murder && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return;
	/* the library below is not meant to survive rings that lie */
	if (WIFSIGNALED(status) && a->run == hostile_rings && WTERMSIG(status) == SIGSEGV)
		return;
	if (status)
		rc_die("%s, seed %llu: ended with status %#x", a->name, (unsigned long long)seed,
		       status);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		RC_LINK_OPTIONS, { "attack", required_argument, NULL, 'a' },
		{ "rounds", required_argument, NULL, 'n' }, { "seed", required_argument, NULL, 'S' }, { }
	};
	struct rc_link_opts link = RC_LINK_DEFAULTS;
	struct rc_rng r = { rc_now_ns() };
	const struct attack *a = NULL;
	uint64_t rounds = 4;
	size_t i;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'a') {
			for (i = 0; i < RC_ARRAY_SIZE(attacks); i++)
				if (!strcmp(optarg, attacks[i].name))
					a = &attacks[i];
		} else if (c == 'n') {
			rounds = rc_number(optarg);
		} else if (c == 'S') {
			r.state = rc_number(optarg);
		} else if (!rc_link_option(&link, c, optarg)) {
			return 2;
		}
	}
	if (!a)
		rc_die("--attack rings, commands, maps or limits");
	printf("seed %llu\n", (unsigned long long)r.state);
	for (i = 0; i < (a->once ? 1 : rounds); i++)
		run_round(a, &link, &r);
	return 0;
}
