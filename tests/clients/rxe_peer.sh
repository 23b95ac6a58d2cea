#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Unmodified programs between hroce and stock rdma_rxe, either as the server; hroce's
# memory is on demand, with HMMODP_LONG=1 pinned first. What validates its data comes
# first. No XRC and no libfabric RxM, which rxe cannot; no mckey, which ends before rxe has
# sent anything; and no NVMe or NFS, which want both ends in one network namespace, where
# one of the two has the port.
# timeout: 900
. lib/clients.sh
. lib/programs.sh
[ "$NIC_TYPE" = hroce ] || skip_all "for hroce"
modprobe -n rdma_rxe 2> /dev/null || skip_all "no rdma_rxe in this kernel"
MPI=$(rc_built mpi mpi_check) || bail "mpi_check does not build: $MPI"
export UCX_LOG_LEVEL=warn UCX_WARN_UNUSED_ENV_VARS=n UCX_VFS_ENABLE=n
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

pingpong() { # PROGRAM OPTIONS
	# shellcheck disable=SC2086
	pair "$1" -d "$DEV_A" -g "$GID_A" $2 -- "$1" -d "$DEV_B" -g "$GID_B" $2 "$CTL_A"
}
perf() { # PROGRAM OPTIONS
	# shellcheck disable=SC2086
	pair "$1" -F -d "$DEV_A" -x "$GID_A" $2 -- "$1" -F -d "$DEV_B" -x "$GID_B" $2 "$CTL_A"
}
fabric() {
	PORT=47592 pair fi_pingpong -p verbs -e msg -c -I 20 -S 65536 -- \
		fi_pingpong -p verbs -e msg -c -I 20 -S 65536 10.0.0.1
}
# ranks TRANSPORTS COMMAND...: two, each with a device; both are in the first namespace,
# where devices of all namespaces are to be seen. UCX drops datagrams of IPv4.
ranks() {
	# shellcheck disable=SC2016
	local pick='dev=($1 $2) gid=($3 $4) n=$OMPI_COMM_WORLD_RANK
		UCX_NET_DEVICES=${dev[n]}:1 UCX_IB_GID_INDEX=${gid[n]} exec "${@:5}"'
	UCX_TLS=$1,self timeout "$LIMIT" mpirun --oversubscribe --bind-to none -np 2 --mca btl self \
		--mca pml ucx --mca osc ucx bash -c "$pick" x "$DEV_A" "$DEV_B" "$GID6_A" "$GID6_B" "${@:2}"
}
validated() {
	local test
	for test in "ibv_rc_pingpong -s 65536" "ibv_rc_pingpong -e -s 4097" "ibv_srq_pingpong" \
		"ibv_uc_pingpong -s 16384" "ibv_ud_pingpong -s 1024"; do
		in_mode "$WHO, $test" try through pingpong "${test%% *}" "${test#ibv_*_pingpong} -c -n 50"
	done
	in_mode "$WHO, rping" try through cm_pair 7174 rping -s -a 10.0.0.1 -C 10 -V -- rping -c -a 10.0.0.1 -C 10 -V
	in_mode "$WHO, rping, IPv6" try through cm_pair 7174 rping -s -a fd00::1 -C 10 -V -- rping -c -a fd00::1 -C 10 -V
	in_mode "$WHO, rcopy" try through rcopy_test
	in_mode "$WHO, qperf ver_rc_fetch_add" try through qperf_test ver_rc_fetch_add
	in_mode "$WHO, fi_pingpong" try through fabric
	in_mode "$WHO, Open MPI, RC" try through ranks rc_verbs,ud_verbs "$MPI/mpi_check"
	in_mode "$WHO, Open MPI, UD" try through ranks ud_verbs "$MPI/mpi_check"
}
others() {
	local test
	for test in "ib_write_bw -s 65536 -t 16" "ib_read_bw -s 65536 -t 16" "ib_send_bw -s 65536 -t 16" \
		"ib_write_lat -s 1024" "ib_read_lat -s 1024" "ib_send_lat -s 1024" \
		"ib_atomic_bw -A FETCH_AND_ADD" "ib_atomic_lat -A CMP_AND_SWAP" \
		"ib_send_bw --use-srq -q 4 -s 4096" "ib_write_bw -b -q 4 -s 16384 -t 8"; do
		in_mode "$WHO, $test" try through perf "${test%% *}" "${test#* } -n 40"
	done
	for test in "ib_write_bw -c UC -s 16384" "ib_send_lat -c UC -s 1024" "ib_send_bw -c UD -s 1024"; do
		in_mode "$WHO, $test" try sent perf "${test%% *}" "${test#* } -n 40"
	done
	in_mode "$WHO, ucmatose" try through cm_pair 7471 ucmatose -c 4 -C 10 -- ucmatose -s 10.0.0.1 -c 4 -C 10
	in_mode "$WHO, udaddy" try through cm_pair 7174 udaddy -c 2 -C 10 -S 500 -- udaddy -s 10.0.0.1 -c 2 -C 10 -S 500
	in_mode "$WHO, riostream" try through cm_pair 7471 riostream -T v -S 4096 -C 20 -b 10.0.0.1 -- riostream -T v -S 4096 -C 20 -s 10.0.0.1
	in_mode "$WHO, rdma_client and rdma_server" try through cm_pair 7471 rdma_server -- rdma_client -s 10.0.0.1
	in_mode "$WHO, qperf rc_rdma_write_bw" try through qperf_test rc_rdma_write_bw
	in_mode "$WHO, fio write" try through fio_test write
	in_mode "$WHO, fio read" try through fio_test read
	in_mode "$WHO, ucx_perftest, RC" try through ranks rc_verbs,ud_verbs ucx_perftest -t tag_bw -s 20000 -n 20 -w 5
	in_mode "$WHO, ucx_perftest, UD" try through ranks ud_verbs ucx_perftest -t tag_bw -s 20000 -n 20 -w 5
}
role() { # NIC_TYPE_A NIC_TYPE_B HOST-OF-HROCE
	export NIC_TYPE_A=$1 NIC_TYPE_B=$2
	WHO="client $2, server $1" FAULTS_AT=$3
	up mixed 4500
	keep_order
	"$(long on_demand both_modes)" validated
	"$(long on_demand both_modes)" others
	hosts_down
}
role hroce rxe A
role rxe hroce B
finish
