#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# qperf, which finds its peer by rdma_cm: every test of RC that it has, those that
# verify their data included; pinned and on demand.
# timeout: 240
. lib/clients.sh
. lib/programs.sh
up netns 4500
all() {
	local t
	for t in rc_bw rc_bi_bw rc_lat rc_rdma_write_bw rc_rdma_write_lat rc_rdma_write_poll_lat rc_rdma_read_bw \
		rc_rdma_read_lat rc_compare_swap_mr rc_fetch_add_mr ver_rc_compare_swap ver_rc_fetch_add; do
		in_mode "$t" through qperf_test $t
	done
}
both_modes all
hosts_down
finish
