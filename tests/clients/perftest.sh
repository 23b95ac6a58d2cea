#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# perftest, over RC: every verb, bandwidth and latency, pinned and ODP, polling and
# events, 2 bytes to 8 MiB, 16 queue pairs. And with shared receive queues, over XRC, UC
# and UD, and connected by rdma_cm. HMMODP_LONG=1 takes more sizes.
# timeout: 720
. lib/clients.sh

perf() { # PROGRAM OPTIONS
	# shellcheck disable=SC2086
	through pair "$1" -F -d "$DEV_A" -x "$GID_A" $2 -- "$1" -F -d "$DEV_B" -x "$GID_B" $2 "$CTL_A"
}
perf_odp() { faulted perf "$@"; }

# iterations SIZE: few where messages are large, perftest wants at least 5
iterations() { local n=$(($(long 2 64) * 1048576 / $1)); echo $((n < 5 ? 5 : n > 100 ? 100 : n)); }

bandwidth() { # VERB SIZE MODE OPTIONS
	local n
	n=$(iterations "$2")
	check "ib_$1_bw $2 bytes, $3" "$5" "ib_$1_bw" "-s $2 -n $n -t $((n < 16 ? n : 16)) $4"
}
modes() { # FUNCTION...: with MODE OPTIONS COMMAND
	"$@" pinned "" perf
	[ "$NIC_TYPE" != hroce ] || "$@" ODP --odp perf_odp
}
up netns 4500
sizes() { # MODE OPTIONS COMMAND
	local size verb
	for size in $(long "2 65536" "2 4096 65536 1048576") $(long "${2:+8388608}" 8388608); do
		for verb in write read send; do bandwidth $verb "$size" "$@"; done
	done
}
modes sizes
atomic() {
	local type
	for type in FETCH_AND_ADD CMP_AND_SWAP; do
		check "ib_atomic_bw $type, $1" "$3" ib_atomic_bw "-A $type -n 50 $2"
		check "ib_atomic_lat $type, $1" "$3" ib_atomic_lat "-A $type -n 50 $2"
	done
}
modes atomic
latency() {
	local verb
	for verb in write read send; do
		check "ib_${verb}_lat, $1" "$3" "ib_${verb}_lat" "-s 2 -n 50 $2"
		check "ib_${verb}_lat 64 KiB, $1" "$3" "ib_${verb}_lat" "-s 65536 -n 20 $2"
	done
}
modes latency
# perftest has no events for WRITE
events() {
	check "ib_send_bw -e, $1" "$3" ib_send_bw "-e -s 65536 -n 50 -t 16 $2"
	check "ib_read_bw -e, $1" "$3" ib_read_bw "-e -s 65536 -n 50 -t 16 $2"
	check "ib_send_lat -e, $1" "$3" ib_send_lat "-e -s 1024 -n 50 $2"
	check "ib_read_lat -e, $1" "$3" ib_read_lat "-e -s 1024 -n 50 $2"
	check "ib_atomic_bw -e, $1" "$3" ib_atomic_bw "-e -n 50 $2"
}
modes events
many() {
	local verb
	for verb in write read send; do
		check "ib_${verb}_bw, 16 queue pairs, $1" "$3" "ib_${verb}_bw" "-q 16 -s 16384 -n 10 -t 8 $2"
	done
	check "ib_write_bw both ways, $1" "$3" ib_write_bw "-b -s 65536 -n 20 -t 16 $2"
	check "ib_send_bw both ways, $1" "$3" ib_send_bw "-b -s 65536 -n 20 -t 16 $2"
	check "ib_send_bw inline, $1" "$3" ib_send_bw "-I 64 -s 64 -n 100 $2"
}
modes many
shared() {
	check "ib_send_bw --use-srq, 4 queue pairs, $1" "$3" ib_send_bw "--use-srq -q 4 -s 4096 -n 50 $2"
	check "ib_send_lat --use-srq, $1" "$3" ib_send_lat "--use-srq -s 1024 -n 50 $2"
	check "ib_send_bw -c XRC, $1" "$3" ib_send_bw "-c XRC -s 4096 -n 50 $2"
	check "ib_write_bw -c XRC, $1" "$3" ib_write_bw "-c XRC -s 65536 -n 50 -t 16 $2"
	check "ib_read_bw -c XRC, $1" "$3" ib_read_bw "-c XRC -s 65536 -n 50 -t 16 $2"
}
[ "$NIC_TYPE" != hroce ] || modes shared
# perftest has ODP for RC alone, all else by the provider's setting; and the server of a
# bandwidth test of UC or UD sends nothing
keep_order
perf_one_way() { # PROGRAM OPTIONS
	# shellcheck disable=SC2086
	sent pair "$1" -F -d "$DEV_A" -x "$GID_A" $2 -- "$1" -F -d "$DEV_B" -x "$GID_B" $2 "$CTL_A"
}
unreliable() {
	local test
	for test in "ib_send_bw -c UC -s 4096" "ib_send_bw -c UC -s 65536" "ib_write_bw -c UC -s 65536" \
		"ib_send_lat -c UC -s 1024" "ib_write_lat -c UC -s 1024" \
		"ib_send_bw -c UD -s 1024" "ib_send_bw -c UD -s 4096" "ib_send_bw -c UD -e -s 1024" \
		"ib_send_lat -c UD -s 1024" "ib_send_lat -c UD -e -s 1024"; do
		in_mode "$test" perf_one_way "${test%% *}" "${test#* } -n 50"
	done
}
# perftest's client connects as soon as it has shaken hands, when its server only goes to
# listen; refused for that (REJ reason 8, no such service), it crashes in trying again.
perf_cm() { # PROGRAM OPTIONS
	local i rc
	for i in 1 2 3; do
		# shellcheck disable=SC2086
		LIMIT=$(patience 30) sent cm_pair 18515 "$1" -F -R $2 -- "$1" -F -R $2 10.0.0.1 > "$RC_TMP/cm.log" 2>&1
		rc=$?
		cat "$RC_TMP/cm.log"
		grep -q 'RDMA_CM_EVENT_REJECTED; error: 8\.' "$RC_TMP/cm.log" || return $rc
		echo "# try $i of the next one came before its server listened" >> "$RC_TMP/tries"
	done
	return $rc
}
by_cm() {
	local test tests=("ib_send_bw -s 4096" "ib_write_bw -s 65536" "ib_send_bw -c UD -s 1024")
	[ "$(long 0 1)" = 0 ] || tests+=("ib_read_bw -s 65536" "ib_atomic_bw -A FETCH_AND_ADD"
		"ib_send_lat -s 1024" "ib_write_lat -s 1024" "ib_read_lat -s 1024")
	for test in "${tests[@]}"; do
		in_mode "$test, rdma_cm" perf_cm "${test%% *}" "${test#* } -n 50"
	done
}
both_modes unreliable
"$(long on_demand both_modes)" by_cm
hosts_down
finish
