#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The guest's side of "run bench": guest.sh icount|real full|quick. On the veth wire,
# for each MTU: TCP, then hroce and rxe in the same boot, pinned and on demand.
# A line of JSON a measurement goes to /mnt/out/bench.jsonl.
# shellcheck source=perf.sh
. /usr/share/hmmodp/bench/perf.sh
mode=$1 set=$2 failed=0

if [ "$set" = quick ]; then mtus="9000" sizes="65536" lat_sizes="2" tests="write_bw" lats="send_lat"
else mtus="1500 9000" sizes="2 4096 65536 1048576" lat_sizes="2 65536" tests="write_bw read_bw send_bw" lats="send_lat read_lat"; fi

record() { # MTU NIC MEMORY TEST SIZE VALUE [RUN...]
	local runs="${*:7}"
	printf '{"kernel":"%s","mode":"%s","mtu":%s,"nic":"%s","memory":"%s","test":"%s","size":%s,"value":%s,"runs":[%s]}\n' \
		"$(uname -r)" "$mode" "${@:1:6}" "${runs// /,}" >> /mnt/out/bench.jsonl
	printf '%-5s %-6s %-7s %-9s %8s %12s %s\n' "${@:1:6}" "$runs"
}
measure() { # MTU NIC MEMORY TEST SIZE
	local opts=() runs=() n
	[ "$3" != odp ] || opts+=(--odp)
	# where a CPU is alone, the one who polls keeps the other from working
	case $mode:$4 in icount:read_*|icount:send_*) opts+=(-e);; esac
	n=$(perf_iterations "$5")
	for _ in $(seq "$(runs_of "$4" "$5")"); do
		if ! runs+=("$(perf_run "$4" "$5" "$n" "${opts[@]}")"); then
			[ "$2" != hroce ] || failed=$((failed + 1))
			{ echo "== $*"; cat /tmp/perf.log; } >> /mnt/out/failures.log
			record "$@" null
			return
		fi
	done
	record "$@" "$(median "${runs[@]}")" "${runs[@]}"
}
# A stream of small messages is over soon, and as fast as it happens to be: whether the
# receiver finds one message or many depends on when it gets the CPU.
runs_of() { # TEST SIZE
	if [[ $1 = *_bw ]] && [ "$2" -le 4096 ]; then echo 5; else echo 1; fi
}
median() { printf '%s\n' "$@" | sort -n | sed -n "$((($# + 1) / 2))p"; } # of an odd number

for mtu in $mtus; do
	for nic in hroce rxe; do
		NIC_TYPE=$nic hosts_up veth "$mtu" || { failed=$((failed + 1)); hosts_clean; continue; }
		if [ $nic = hroce ]; then
			tcp=$(perf_tcp) && record "$mtu" tcp - stream 131072 "$tcp"
		fi
		memories=pinned
		! nic_has_odp || memories+=" odp"
		for memory in $memories; do
			for t in $tests; do for s in $sizes; do measure "$mtu" $nic $memory "$t" "$s"; done; done
			for t in $lats; do for s in $lat_sizes; do measure "$mtu" $nic $memory "$t" "$s"; done; done
		done
		hosts_down
	done
done
echo "guest seconds: $(cut -d' ' -f1 /proc/uptime)"
exit $((failed > 0))
