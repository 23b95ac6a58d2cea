#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Processes that end while RDMA uses their memory: by exec, exit, kill -9 and for
# want of memory, in the middle of page faults. The other side gets an error, the
# next connection works, and the modules can be unloaded.
# HMMODP_LONG=1 makes 20 rounds.
# timeout: 300
. rc/lib.sh
. rc/memcg.sh
rc_programs
[ "$NIC_TYPE" = hroce ] || skip_all "for hroce"
inject=/sys/kernel/debug/hmmodp/inject

restore() {
	[ ! -e $inject ] || echo 0 > $inject/delay_us
	memcg_stop
}
trap restore EXIT

# death CODE OPTIONS [SIZE]: the victim ends with CODE, the peer well
death() {
	local rc
	rc_pair odp_death "$2 --size ${3:-8m}" "$2 --size ${3:-8m}" > "$RC_TMP/peer.log" 2>&1
	rc=$?
	cat "$RC_TMP/peer.log"
	[ "$rc" = "$1" ] && grep '^peer: .* then ' "$RC_TMP/peer.log" > "$RC_TMP/said" ||
		{ echo "code $rc where $1 was due; victim:"; cat /tmp/server.log; return 1; }
	rc_pair rc_check "--odp --quiet" "--odp --quiet --iters 2 --depth 8"
}
slow() { # MICROSECONDS COMMAND...: with faults so slow
	local rc
	echo "$1" > $inject/delay_us || return
	"${@:2}"; rc=$?
	echo 0 > $inject/delay_us
	return $rc
}
# In a group that holds half of the victim's region, without swap
oom() { # MEM
	local rc=0 killed
	memcg_add oom 40M 0 || return
	IN_A=("${IN_GROUP[@]}")
	death 137 "--how oom --mem $1" 64m || rc=1
	IN_A=()
	killed=$(memcg_event "$GROUP" oom_kill)
	[ "$killed" -ge 1 ] || { echo "oom_kill $killed"; cat "$GROUP/memory.events"; rc=1; }
	memcg_del "$GROUP" || rc=1
	return $rc
}
unload() {
	local i
	hosts_down
	for i in {1..50}; do
		modprobe -r hroce hmmodp 2> "$RC_TMP/unload.log" && [ ! -e /sys/module/hmmodp ] && return
		sleep 0.1
	done
	cat "$RC_TMP/unload.log"
	grep -H . /sys/module/{hroce,hmmodp}/refcnt
	return 1
}

memcg_start
up netns 9000
for ((run = 1; run <= $(long 1 20); run++)); do
	for how in exec:0 exit:0 kill:137; do
		code=${how#*:} how=${how%:*}
		check "round $run: $how in traffic" death "$code" "--how $how"
		check "round $run: $how with faults that nobody answers" death "$code" "--how $how --stall"
		check "round $run: $how with slow faults" slow 20000 death "$code" "--how $how --cold"
	done
	check "round $run: exec, the faults are inherited" death 0 "--how exec --stall --heir"
	check "round $run: kill in traffic, huge pages" death 137 "--how kill --cold --mem thp"
	check "round $run: out of memory" oom plain
	check "round $run: out of memory, huge pages" oom thp
	check "round $run: unload" unload
	up netns 9000
done
hosts_down
finish
