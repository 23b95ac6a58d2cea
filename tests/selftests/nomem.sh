#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Allocations that fail, beneath the modules' own functions only: a verb says ENOMEM and
# leaves nothing behind, traffic goes on and loses no byte. For a kernel with fault
# injection (run test --debug-kernel).
# timeout: 300
. rc/lib.sh
rc_programs
[ "$NIC_TYPE" = hroce ] || skip_all "for hroce"
debugfs=/sys/kernel/debug
[ -e $debugfs/failslab/require-start ] || skip_all "no fault injection in this kernel; run test --debug-kernel has it"
PROVIDER=$(rc_built "$RC_DIR/../provider" nomem) || bail "the program does not build: $PROVIDER"

MANY=1000000	# more than will be refused: the kernel counts down from it
some_refused() { # KIND: since it was chosen, whoever noticed
	local n=$((MANY - $(cat $debugfs/"$1"/times)))
	echo "$n allocations were refused"
	[ $n -gt 0 ]
}
# Which allocations: those with a function of MODULE on the stack, also such as may sleep.
choose() { # KIND MODULE
	local dir=$debugfs/$1 setting range
	mapfile -t range < <(awk -v m="[$2]" '$4 == m && tolower($2) == "t" { print $1 }' /proc/kallsyms | sort | sed -n '1p;$p')
	[ ${#range[@]} = 2 ] || { echo "where is $2?"; return 1; }
	for setting in probability=0 interval=1 times=$MANY space=0 verbose=0 task-filter=N ignore-gfp-wait=N \
			stacktrace-depth=32 "require-start=0x${range[0]}" "require-end=0x${range[1]}"; do
		echo "${setting#*=}" > "$dir/${setting%%=*}" || return
	done
	[ "$1" != fail_page_alloc ] || { echo 0 > "$dir/min-order" && echo N > "$dir/ignore-gfp-highmem"; }
}
feed() { local kind; for kind in failslab fail_page_alloc; do echo 0 > $debugfs/$kind/probability; done; }
trap feed EXIT

verbs() { # KIND MODULE
	choose "$@" || return
	timeout "$(patience 100)" "$PROVIDER/nomem" --dev "$DEV_A" --gid "$GID_A" --faults $debugfs/"$1" --rounds "$(long 20 200)"
	local rc=$?
	feed
	some_refused "$1" || rc=1
	return $rc
}
wire() { # KIND MODULE: once both sides are under way
	local rc=0 i pid before
	choose "$@" || return
	before=$(nic_counter B sent_pkts)
	rc_pair rc_check --odp "--odp --both --cold --qps 4 --depth 8 --iters $(long 6 60) --timeout 16" & pid=$!
	for i in {1..400}; do
		[ $(($(nic_counter B sent_pkts) - before)) -lt 100 ] || break
		sleep 0.05
	done
	echo 5 > $debugfs/"$1"/probability
	wait $pid || rc=1
	feed
	some_refused "$1" || rc=1
	return $rc
}

for module in hroce hmmodp; do
	up loop 4500
	for kind in failslab fail_page_alloc; do
		check "$kind beneath $module: verbs" verbs $kind $module
		sed 's/^/# /' "$RC_TMP/check.log" | tail -n 2
	done
	hosts_down
	up netns 4500
	for kind in failslab fail_page_alloc; do
		check "$kind beneath $module: traffic" wire $kind $module
		sed 's/^/# /' "$RC_TMP/check.log" | tail -n 1
	done
	hosts_down
done
finish
