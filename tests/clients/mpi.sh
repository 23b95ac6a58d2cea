#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# UCX and Open MPI on it over the device alone (no shared memory, no TCP): RC and UD
# transports, pinned and on demand. MPI data is checked byte by byte.
# timeout: 400
. lib/clients.sh
command -v ucx_perftest > /dev/null && command -v mpicc > /dev/null || skip_all "no UCX or Open MPI"
MPI=$(rc_built mpi mpi_check) || bail "mpi_check does not build: $MPI"
export UCX_LOG_LEVEL=warn UCX_WARN_UNUSED_ENV_VARS=n OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

ucx() { # TRANSPORT TEST SIZE
	PORT=13337 through pair env UCX_TLS="$1" UCX_NET_DEVICES="$DEV_A:1" ucx_perftest -t "$2" -s "$3" -n "$(long 50 1000)" -w 5 -- \
		env UCX_TLS="$1" UCX_NET_DEVICES="$DEV_B:1" ucx_perftest "$CTL_A" -t "$2" -s "$3" -n "$(long 50 1000)" -w 5
}
mpi() { # TRANSPORT
	local before
	before=$(nic_counter A sent_pkts)
	timeout "$LIMIT" mpirun --oversubscribe --bind-to none -np 3 --mca pml ucx --mca osc ucx --mca btl ^openib,tcp,vader,sm \
		-x UCX_TLS="$1,self" -x UCX_NET_DEVICES="$DEV_A:1" -x UCX_LOG_LEVEL -x HROCE_ODP "$MPI/mpi_check" || return
	sleep 0.05
	[ "$(nic_counter A sent_pkts)" -gt $((before + 1000)) ] || { echo "not over the device"; return 1; }
}
all() { # MODE COMMAND...
	local t
	for t in rc_verbs ud_verbs; do
		check "ucx_perftest tag_bw, $t, $1" "${@:2}" ucx $t tag_bw 65536
		check "ucx_perftest tag_lat, $t, $1" "${@:2}" ucx $t tag_lat 8
		check "ucx_perftest am, put, get, $t, $1" "${@:2}" ucx_each $t
		check "Open MPI, $t, $1" "${@:2}" mpi $t
	done
}
ucx_each() { local t; for t in ucp_am_bw ucp_put_bw ucp_get; do ucx "$1" $t 4096 || return; done; }
up loop 4500
all pinned
if [ "$NIC_TYPE" = hroce ]; then
	export HROCE_ODP=1
	all ODP faulted
fi
hosts_down
finish
