#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Garbage, cut off and mutated packets to UDP 4791 while checked traffic runs
# beside them: no complaint of the kernel, no byte out of place, traffic unharmed.
# HMMODP_LONG=1 goes on for a minute.
# timeout: 240
. rc/lib.sh
rc_programs fuzz
odp=--odp
[ "$NIC_TYPE" = hroce ] || odp=
seconds=$(long 15 60)
VICTIM_PORT=18516

traffic() { # until the fuzzer has ended, at least once
	local n=0
	until [ -e "$RC_TMP/fuzzed" ] && [ $n -gt 0 ]; do
		rc_pair rc_check "$odp" "$odp --both --iters 4 --max 32k --cold" || return
		n=$((n + 1))
	done > "$RC_TMP/traffic.log" 2>&1
	echo "$n runs of rc_check" >> "$RC_TMP/traffic.log"
}
fuzz() {
	local victim rc
	A timeout "$(patience 120)" "$FUZZ/pkt_fuzz" --dev "$DEV_A" --gid "$GID_A" --peer 10.0.0.2 \
		> "$RC_TMP/victim.log" 2>&1 & victim=$!
	B timeout "$(patience 120)" "$FUZZ/pkt_fuzz" --from 10.0.0.2 --to 10.0.0.1 --dev "$DEV_B" \
		--port $VICTIM_PORT --seconds "$seconds" "$CTL_A" > "$RC_TMP/fuzzer.log" 2>&1
	rc=$?
	[ $rc = 0 ] || kill $victim 2> /dev/null
	wait $victim || rc=1
	sed 's/^/# /' "$RC_TMP/fuzzer.log" "$RC_TMP/victim.log"
	return $rc
}
beside() { # the fuzzer's and the traffic's results
	local t rc
	rm -f "$RC_TMP/fuzzed"
	traffic & t=$!
	fuzz; rc=$?
	touch "$RC_TMP/fuzzed"
	wait $t || { cat "$RC_TMP/traffic.log"; return 1; }
	tail -n 1 "$RC_TMP/traffic.log"
	return $rc
}
up netns 1500
check "$seconds s of packets beside traffic" beside
sed -n 's/^# *//; s/^/# /; /packets\|queue pairs\|runs/p' "$RC_TMP/check.log"
check "traffic after it" rc_pair rc_check "$odp" "$odp --iters 6"
check "rdma_cm's QP 1 after it" rc_cm
hosts_down
finish
