// SPDX-License-Identifier: GPL-2.0
/* Every RC operation between two processes, every byte checked. */
#include <stdio.h>
#include <stdlib.h>

#include "engine.h"

int main(int argc, char **argv)
{
	struct rc_engine e = { .batch = 0 };
	int c;

	rc_engine_defaults(&e.opts, &e.job);
	while ((c = getopt_long(argc, argv, "", rc_engine_options, NULL)) != -1)
		if (!rc_engine_option(&e.opts, &e.job, c, optarg)) {
			fprintf(stderr, "rc_check [OPTIONS] [HOST]\n%s", rc_engine_usage);
			return 2;
		}
	e.opts.link.server = argv[optind];
	rc_engine_open(&e);
	while (rc_engine_more(&e))
		rc_engine_batch(&e);
	rc_engine_close(&e);
	return 0;
}
