// SPDX-License-Identifier: GPL-2.0
/*
 * mirror_test [-d DIR] [cases [NAME]]       each case in a process of its own
 * mirror_test stress SECONDS [SEED]
 *
 * KTAP on the standard output. DIR is on a file system with a block device.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "test.h"

const char *test_dir;

void test_fail(const char *file, int line, const char *what)
{
	printf("# %s:%d: not so: %s\n", file, line, what);
	fflush(stdout);
	_exit(1);
}

void test_skip(const char *why)
{
	printf("# skipped: %s\n", why);
	fflush(stdout);
	_exit(4);
}

static const struct test_case *const groups[] = {
	cases_basic, cases_mm, cases_swap, cases_user, cases_more,
};

unsigned int slowness(void)
{
	const char *slow = getenv("HMMODP_SLOW");

	return slow && atoi(slow) > 0 ? atoi(slow) : 1;
}

static int run_cases(const char *only)
{
	unsigned int n = 0, passed = 0, failed = 0, skipped = 0, i;
	const struct test_case *c;

	for (i = 0; i < sizeof(groups) / sizeof(*groups); i++) {
		for (c = groups[i]; c->name; c++) {
			struct timespec a, b;
			int status;
			pid_t pid;

			if (only && !strstr(c->name, only))
				continue;
			fflush(stdout);
			clock_gettime(CLOCK_MONOTONIC, &a);
			pid = fork();
			if (!pid) {
				alarm(120 * slowness());
				c->run();
				fflush(stdout);
				_exit(0);
			}
			waitpid(pid, &status, 0);
			clock_gettime(CLOCK_MONOTONIC, &b);
			n++;
			if (!status) {
				printf("ok %u %s", n, c->name);
				passed++;
			} else if (WIFEXITED(status) && WEXITSTATUS(status) == 4) {
				printf("ok %u %s # SKIP", n, c->name);
				skipped++;
			} else {
				printf("not ok %u %s (status %#x)", n, c->name, status);
				failed++;
			}
			printf(" # %.1f s\n", b.tv_sec - a.tv_sec +
			       (b.tv_nsec - a.tv_nsec) / 1e9);
		}
	}
	printf("1..%u\n# %u passed, %u failed, %u skipped\n", n, passed, failed,
	       skipped);
	if (failed)
		return 1;
	return passed ? 0 : 4;
}

int main(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "-d")) {
		test_dir = argv[2];
		argc -= 2;
		argv += 2;
	}
	if (argc > 1 && !strcmp(argv[1], "stress"))
		return stress(argc > 2 ? atoi(argv[2]) : 10,
			      argc > 3 ? strtoull(argv[3], NULL, 0) : (__u64)time(NULL));
	return run_cases(argc > 2 ? argv[2] : NULL);
}
