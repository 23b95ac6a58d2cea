#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Bad input from user space: garbage in the shared rings, uverbs commands of odd
# sizes, odd mappings, limits and rules. Each is refused or harmless, and checked
# traffic beside it goes on. HMMODP_LONG=1 does more rounds.
# timeout: 300
. rc/lib.sh
rc_programs
odp=--odp
[ "$NIC_TYPE" = hroce ] || odp=

traffic() { # until told to end
	local n=0
	while [ ! -e "$RC_TMP/end" ] || [ $n = 0 ]; do
		rc_pair rc_check "$odp" "$odp --both --iters 3 --max 16k" || return
		n=$((n + 1))
	done > "$RC_TMP/traffic.log" 2>&1
}
attack() { A timeout "$(patience 150)" "$RC/hostile" --dev "$DEV_A" --gid "$GID_A" --attack "$1" --rounds "$(long 5 100)"; }
traffic_went_on() {
	touch "$RC_TMP/end"
	wait "$traffic_pid" || { cat "$RC_TMP/traffic.log"; return 1; }
}

up netns 1500
traffic & traffic_pid=$!
# stock rxe has rings of its own layout, and rules of its own
if [ "$NIC_TYPE" = hroce ]; then
	check "garbage in the rings" attack rings
	grep attacks "$RC_TMP/check.log" | head -n 1 | sed 's/^/# /'
	check "limits and rules" attack limits
fi
check "uverbs commands" attack commands
check "mappings" attack maps
check "traffic beside it" traffic_went_on
check "traffic after it" rc_pair rc_check "$odp" "$odp --iters 4"
hosts_down
finish
