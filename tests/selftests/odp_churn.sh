#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Byte-checked ODP traffic while the memory beneath it, on the sender and the
# receiver, is remapped, thrown away, protected, forked, collapsed into huge
# pages, compacted, moved, swapped out, freed lazily and merged.
# HMMODP_LONG=1 makes 20 runs in a row of each.
# timeout: 400
. rc/lib.sh
rc_programs

all=remap,dontneed,mprotect,fork,collapse,compact,move,pageout,free,ksm
shared=remap,dontneed,mprotect,compact,move,pageout,ksm
traffic="--mtu 4096 --depth 12 --max 1m"
# stock rxe's ODP is right only for whole pages in one packet and one SGE, and it
# forgets to dirty what it writes
if [ "$NIC_TYPE" != hroce ]; then
	traffic="--mtu 4096 --align 4096 --max 4096 --sge 1 --depth 60 --ops send,write,wimm,read"
	all=${all/,free/} shared=${shared/,free/}
fi

churn() { # MEM ACTIONS BATCHES: both sides; each action must have happened
	local mem=$1 list=$2 a
	rc_pair odp_churn "--odp --mem $mem --churn $list" \
		"--odp --mem $mem --churn $list $traffic --iters $3" > "$RC_TMP/client.log" 2>&1 ||
		{ cat "$RC_TMP/client.log"; return 1; }
	case $list in *,*) list=remap,dontneed;; esac	# of many, some have no luck
	for a in ${list//,/ }; do
		case $a in move) [ -e /sys/devices/system/node/node1 ] || continue;; esac
		cat "$RC_TMP/client.log" /tmp/server.log | grep -q " $a=[1-9]" ||
			{ echo "$a never happened"; cat "$RC_TMP/client.log" /tmp/server.log; return 1; }
	done
}

swap_on() {
	modprobe zram num_devices=1 2> /dev/null || return
	echo $((256 << 20)) > /sys/block/zram0/disksize &&
		mkswap /dev/zram0 > /dev/null && swapon /dev/zram0 && echo "# swap on zram"
}
restore() {
	swapoff /dev/zram0 2> /dev/null && modprobe -r zram
	[ ! -e /sys/kernel/mm/ksm/run ] || echo 2 > /sys/kernel/mm/ksm/run
	echo 10000 > /sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs
}
trap restore EXIT
swap_on
if [ -e /sys/kernel/mm/ksm/run ]; then
	echo 1 > /sys/kernel/mm/ksm/run
	echo 500 > /sys/kernel/mm/ksm/pages_to_scan
fi
echo 0 > /sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs 2> /dev/null

up netns 9000
for ((run = 1; run <= $(long 1 20); run++)); do
	for a in ${all//,/ }; do
		mem=thp
		case $a in
		move) [ -e /sys/devices/system/node/node1 ] || continue;;
		remap|mprotect) mem=plain;;
		esac
		check "run $run: $a, $mem" churn $mem "$a" 6
	done
	check "run $run: all at once, small pages" churn plain "${all/collapse,/}" "$(long 16 24)"
	check "run $run: all at once, huge pages" churn thp "$all" "$(long 16 24)"
	check "run $run: all at once, memfd" churn memfd "$shared" "$(long 12 24)"
done
hosts_down
finish
