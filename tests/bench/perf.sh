# SPDX-License-Identifier: GPL-2.0
# One perftest or iperf3 run between the two hosts; sourced by the guest's side
# of the bench and of the demo.
# shellcheck shell=bash
# shellcheck source=../vm/guest/hosts.sh
. /usr/share/hmmodp/hosts.sh

# perf_iterations SIZE: as many messages as make $BYTES, within limits
BYTES=${BYTES:-67108864}
perf_iterations() {
	local n=$((BYTES / $1))
	((n <= 1000)) || n=1000
	((n >= 8)) || n=8
	echo $n
}

# perf_run TEST SIZE ITERATIONS OPTION...: TEST is write_bw, send_lat, ... Prints
# the figure: MiB/s (average), Kmsg/s up to 64 bytes, or us (average). What went
# wrong is in /tmp/perf.log.
perf_run() {
	local test=$1 size=$2 n=$3 cmd; shift 3
	cmd=("ib_$test" -F -s "$size" -n "$n" "$@")
	case $test in *_bw) cmd+=(-t $((n < 64 ? n : 64)));; esac
	if ! pair "${cmd[@]}" -d "$DEV_A" -x "$GID_A" -- "${cmd[@]}" -d "$DEV_B" -x "$GID_B" "$CTL_A" > /tmp/perf.log 2>&1; then
		{ echo "${cmd[*]} failed; server:"; cat /tmp/server.log; } >> /tmp/perf.log
		return 1
	fi
	# size iterations peak average Mmsg/s, or: size iterations min max typical average
	awk -v test="$test" -v size="$size" '
		$1 == size && $2 ~ /^[0-9]+$/ && NF >= 5 {
			v = test ~ /_lat$/ ? $6 : size <= 64 ? $5 * 1000 : $4
		}
		END { if (v == "") exit 1; printf "%.2f\n", v }' /tmp/perf.log
}

# perf_tcp: MiB/s of one iperf3 stream from B to A, over the wire
perf_tcp() {
	A timeout 120 iperf3 -s -1 -B 10.0.0.1 > /tmp/server.log 2>&1 &
	local i
	for i in {1..100}; do
		A ss -Hltn 'sport = :5201' | grep -q . && break
		sleep 0.05
	done
	B timeout 120 iperf3 -c 10.0.0.1 -B 10.0.0.2 -t "${SECONDS_TCP:-3}" -f m > /tmp/perf.log 2>&1 || return
	wait
	awk '/receiver/ { for (i = 1; i < NF; i++) if ($(i + 1) == "Mbits/sec") printf "%.1f\n", $i * 1e6 / 8 / 1048576 }' /tmp/perf.log
}

nic_has_odp() { ibv_devinfo -v -d "$DEV_A" | awk '/rc_odp_caps:/ { rc = 1; next } /_odp_caps:/ { rc = 0 } rc && /SUPPORT_WRITE/ { found = 1 } END { exit !found }'; }
