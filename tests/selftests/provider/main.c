// SPDX-License-Identifier: GPL-2.0
/* provider --dev NAME --gid INDEX CASE: one case of the provider's behaviour. */
#include <stdio.h>
#include <string.h>
#include "loop.h"

static const struct loop_case cases[] = {
	{ "full", case_full },
	{ "bad_wr", case_bad_wr },
	{ "inline", case_inline },
	{ "threads", case_threads },
	{ "flush", case_flush },
	{ "silent_error", case_silent_error },
	{ "mute_peer", case_mute_peer },
	{ "prompt", case_prompt },
	{ "reset", case_reset },
	{ "reset_timer", case_reset_timer },
	{ "events", case_events },
	{ "stream", case_stream },
	{ "stream_ends", case_stream_ends },
	{ "wr", case_wr },
	{ "cq_ex", case_cq_ex },
	{ "resize_cq", case_resize_cq },
	{ "resize_cq_bad", case_resize_cq_bad },
	{ "moderation", case_moderation },
	{ "null", case_null },
	{ "implicit", case_implicit },
	{ "odp_kinds", case_odp_kinds },
	{ "rereg", case_rereg },
	{ "all_on_demand", case_all_on_demand },
	{ "mw1", case_mw1 },
	{ "mw2", case_mw2 },
	{ "mw_rules", case_mw_rules },
	{ "mw_storm", case_mw_storm },
	{ "mw_exit", case_mw_exit },
	{ "atomic_write", case_atomic_write },
	{ "flush_data", case_flush_data },
	{ "word", case_word },
	{ "ring_back", case_ring_back },
	{ "counted_once", case_counted_once },
	{ "advise_errors", case_advise_errors },
	{ "advise", case_advise },
	{ "read_ahead", case_read_ahead },
	{ "ahead_full", case_ahead_full },
	{ "slow_page", case_slow_page },
	{ "slow_behind", case_slow_behind },
	{ "slow_asked", case_slow_asked },
	{ "slow_series", case_slow_series },
	{ "slow_repeat", case_slow_repeat },
	{ "lost", case_lost },
	{ "tight", case_tight },
	{ "secret", case_secret },
	{ "slow_closing", case_slow_closing },
	{ "ud_odp", case_ud_odp },
	{ "mcast", case_mcast },
	{ "mcast_errors", case_mcast_errors },
	{ "dm", case_dm },
	{ "dm_errors", case_dm_errors },
	{ "dmabuf", case_dmabuf },
	{ "dmabuf_moves", case_dmabuf_moves },
	{ "parent_domain", case_parent_domain },
	{ "ud_srq", case_ud_srq },
	{ "ud_error", case_ud_error },
	{ "srq", case_srq },
	{ "srq_resize", case_srq_resize },
	{ "srq_limit", case_srq_limit },
	{ "srq_last_wqe", case_srq_last_wqe },
	{ "srq_broken", case_srq_broken },
	{ "uc_broken", case_uc_broken },
	{ "uc_srq", case_uc_srq },
	{ "uc_errors", case_uc_errors },
	{ "uc_parked", case_uc_parked },
	{ "uc_lossy", case_uc_lossy },
	{ "xrc", case_xrc },
	{ "xrc_errors", case_xrc_errors },
	{ "xrc_shared", case_xrc_shared },
	{ "kernel_user", case_kernel_user },
	{ "fork", case_fork },
	{ "counted_out", case_counted_out },
	{ "import", case_import },
	{ "credentials", case_credentials },
};

int main(int argc, char **argv)
{
	static const struct option options[] = { RC_LINK_OPTIONS, { } };
	struct rc_link_opts link = RC_LINK_DEFAULTS;
	struct rc_dev d;
	unsigned int i;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!rc_link_option(&link, c, optarg))
			return 2;
	for (i = 0; i < RC_ARRAY_SIZE(cases); i++) {
		if (optind >= argc) {	/* list them */
			puts(cases[i].name);
			continue;
		}
		if (strcmp(argv[optind], cases[i].name))
			continue;
		if (ibv_fork_init())
			rc_die_errno("ibv_fork_init");
		rc_dev_open(&d, &link);
		cases[i].run(&d);
		rc_dev_close(&d);
		return 0;
	}
	return optind < argc ? 2 : 0;
}
