#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# UCX's own benchmark and Open MPI over UCX, by the device alone (no TCP, no shared
# memory): RC with UD to set it up, and UD; pinned, and on demand as the provider's
# setting and UCX's own registration without pinning make it (its global addresses want
# mlx5's own interface). What MPI brings is checked byte by byte.
# timeout: 400
. lib/clients.sh
command -v ucx_perftest > /dev/null && command -v mpicc > /dev/null || skip_all "no UCX or Open MPI"
MPI=$(rc_built mpi mpi_check) || bail "mpi_check does not build: $MPI"
export UCX_LOG_LEVEL=warn UCX_WARN_UNUSED_ENV_VARS=n UCX_VFS_ENABLE=n
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
RC=rc_verbs,ud_verbs UD=ud_verbs

# ranks N TRANSPORTS COMMAND...: N processes on the one device
ranks() {
	timeout "$LIMIT" mpirun --oversubscribe --bind-to none -np "$1" --mca btl self \
		--mca pml ucx --mca osc ucx -x UCX_TLS="$2,self" -x UCX_NET_DEVICES="$DEV_A:1" "${@:3}"
}
perf() { # TRANSPORTS TEST
	ranks 2 "$1" ucx_perftest -t "$2" -s "$(long 20000 1048576)" -n "$(long 20 1000)" -w 5
}
mpi() { ranks "$(long 3 6)" "$1" "$MPI/mpi_check"; }

up loop 4500
for t in RC UD; do
	check "ucx_perftest tag_bw, $t" through perf "${!t}" tag_bw
	check "Open MPI, $t" through mpi "${!t}"
done
check "ucx_perftest ucp_get, RC" through perf $RC ucp_get
check "ucx_perftest ucp_am_lat, UD" through perf $UD ucp_am_lat
odp() { # VARIABLE=VALUE COMMAND...
	export "${1?}"
	faulted "${@:2}"; local rc=$?
	unset "${1%%=*}"
	return $rc
}
if [ "$NIC_TYPE" = hroce ]; then
	check "Open MPI, RC, every registration on demand" odp HROCE_ODP=1 through mpi $RC
	check "Open MPI, UD, every registration on demand" odp HROCE_ODP=1 through mpi $UD
	check "Open MPI, RC, explicit regions of UCX" odp UCX_REG_NONBLOCK_MEM_TYPES=host through mpi $RC
fi
hosts_down
finish
