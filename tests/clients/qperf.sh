#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# qperf, which finds its peer by rdma_cm: every test of RC that it has, those that
# verify their data included; some of them on demand as well.
# timeout: 240
. lib/clients.sh
qperf_test() { # TEST
	A timeout "$(patience 60)" qperf > /tmp/server.log 2>&1 & local s=$! rc
	for _ in {1..200}; do A ss -Hltn "sport = :19765" | grep -q . && break; sleep 0.05; done
	B timeout "$(patience 50)" qperf -cm 1 -t "$(long 1 5)" 10.0.0.1 "$1"; rc=$?
	B timeout "$(patience 20)" qperf 10.0.0.1 quit || rc=$?
	wait $s
	return $rc
}
up netns 4500
for t in rc_bw rc_bi_bw rc_lat rc_rdma_write_bw rc_rdma_write_lat rc_rdma_write_poll_lat rc_rdma_read_bw \
	rc_rdma_read_lat rc_compare_swap_mr rc_fetch_add_mr ver_rc_compare_swap ver_rc_fetch_add; do
	check "$t" through qperf_test $t
done
if [ "$NIC_TYPE" = hroce ]; then
	export HROCE_ODP=1
	for t in rc_bw rc_rdma_write_bw rc_rdma_read_bw ver_rc_fetch_add; do
		check "$t, ODP" faulted through qperf_test $t
	done
fi
hosts_down
finish
