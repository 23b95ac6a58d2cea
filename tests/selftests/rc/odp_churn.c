// SPDX-License-Identifier: GPL-2.0
/* rc_check's traffic while the memory beneath it is churned. */
#include <stdio.h>
#include <stdlib.h>

#include "churn.h"

static void usage(void)
{
	int i;

	fprintf(stderr, "odp_churn [OPTIONS] [HOST]\n%s   --churn LIST      (none) of", rc_engine_usage);
	for (i = 0; i < RC_CHURN_ACTIONS; i++)
		fprintf(stderr, " %s", rc_churn_names[i]);
	fprintf(stderr, "; needs --odp\n"
		"   --least N          (0) of each side: more batches until one has churned so often\n");
	exit(2);
}

static void report(const struct rc_churn *c)
{
	int i;

	printf("%s churned:", c->e->me == RC_CLIENT ? "client" : "server");
	for (i = 0; i < RC_CHURN_ACTIONS; i++)
		if (c->wanted & 1u << i)
			printf(" %s=%llu", rc_churn_names[i], (unsigned long long)c->done[i]);
	putchar('\n');
}

int main(int argc, char **argv)
{
	struct rc_engine e = { .batch = 0 };
	struct rc_churn churn = { .wanted = 0 };
	struct option options[64];
	int c, n;

	for (n = 0; rc_engine_options[n].name; n++)
		options[n] = rc_engine_options[n];
	options[n++] = (struct option){ "churn", required_argument, NULL, 'C' };
	options[n++] = (struct option){ "least", required_argument, NULL, 'L' };
	options[n] = (struct option){ 0 };
	rc_engine_defaults(&e.opts, &e.job);
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'C')
			churn.wanted = rc_churn_parse(optarg);
		else if (c == 'L' && (churn.least = rc_number(optarg)))
			e.job.open_end = 1;
		else if (!rc_engine_option(&e.opts, &e.job, c, optarg))
			usage();
	}
	if (churn.wanted && !e.opts.odp)
		usage();
	e.opts.link.server = argv[optind];
	e.opts.churn = churn.wanted;
	rc_engine_open(&e);
	if (churn.wanted)
		rc_churn_start(&churn, &e);
	while (rc_engine_more(&e))
		rc_engine_batch(&e);
	if (churn.wanted)
		report(&churn);
	rc_engine_close(&e);
	return 0;
}
