#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# On-demand paging at scale: thousands of regions and queue pairs in one process;
# traffic all over 1 TiB by one implicit key under a memory cgroup of 64 MiB, with the
# mirror within its limit; the memory that a mirror takes for a page.
# HMMODP_LONG=1: 10,000 regions, 1,000 queue pairs; more of the 1 TiB.
# timeout: 180
. rc/lib.sh
[ "$NIC_TYPE" = hroce ] || skip_all "for hroce's mirror"
SCALE=$(rc_built "$RC_DIR/../provider" tebibyte) || bail "the programs do not build: $SCALE"

LIMIT_KIB=/sys/module/hmmodp/parameters/mirror_limit_kib
GROUP=/sys/fs/cgroup/odp_scale

run() { timeout "$LIMIT" "$SCALE/$1" --dev "$DEV_A" --gid "$GID_A" "${@:2}" | tee "$RC_TMP/run.log"; return "${PIPESTATUS[0]}"; }
say() { sed 's/^/# /' "$RC_TMP/run.log" >&3; }

weight() {
	[ ! -e /proc/lockdep_stats ] || { echo "locks that lockdep watches are larger"; return 4; }
	run weight || return
	say
}

many() { # PAIRS REGIONS: of which nothing is left afterwards
	run many --pairs "$1" --regions "$2" || return
	say
	[ "$(rdma resource show qp link "$DEV_A/1" | grep -vc 'lqpn 1 ')" = 0 ] || { rdma resource show qp; return 1; }
	! rdma resource show mr | grep "$DEV_A " || return
}

swap_on() {
	modprobe zram num_devices=1 && echo $((256 << 20)) > /sys/block/zram0/disksize &&
		mkswap /dev/zram0 > /dev/null && swapon /dev/zram0
}
restore() {
	swapoff /dev/zram0 2> /dev/null && modprobe -r zram
	[ ! -e $LIMIT_KIB ] || echo 0 > $LIMIT_KIB
	[ ! -d $GROUP ] || rmdir $GROUP
}
group() { # a memory cgroup of 64 MiB
	grep -qw memory /sys/fs/cgroup/cgroup.controllers &&
		echo +memory > /sys/fs/cgroup/cgroup.subtree_control &&
		mkdir $GROUP && echo $((64 << 20)) > $GROUP/memory.max
}
swapped() { awk '$1 == "pswpout" { print $2 }' /proc/vmstat; }
of_group() { awk -v n="$1" '$1 == n { print $2 }' $GROUP/memory.events; }

tebibyte() { # LIMIT-KIB PLACES ROUNDS
	local reclaims swap rc full
	echo "$1" > $LIMIT_KIB && group || return
	reclaims=$(nic_counter A page_reclaims) swap=$(swapped)
	( echo $BASHPID > $GROUP/cgroup.procs && run tebibyte --places "$2" --rounds "$3" )
	rc=$?
	full=$(of_group max)
	reclaims=$(($(nic_counter A page_reclaims) - reclaims)) swap=$(($(swapped) - swap))
	echo "$reclaims pages reclaimed, $swap swapped out, the group full $full times" | tee -a "$RC_TMP/run.log"
	cat $GROUP/memory.events
	[ "$(of_group oom_kill)" = 0 ] || rc=1
	rmdir $GROUP && say && [ $rc = 0 ] || return 1
	[ "$1" = 0 ] || [ $reclaims -gt "$2" ] || { echo "little was reclaimed"; return 1; }
	[ "$2" -lt 2400 ] || { [ "$full" -gt 0 ] && [ $swap -gt 0 ]; }	# there was more than fits
}

exec 3>&1
trap restore EXIT
up loop 9000
check "memory for a page, and for a huge page" weight
regions=$(long 2000 10000) pairs=$(long 100 500)
check "$regions regions, $((2 * pairs)) queue pairs" many "$pairs" "$regions"
swap_on || bail "no swap"
check "1 TiB, the default limit" tebibyte 0 "$(long 1000 3000)" "$(long 1 2)"
check "1 TiB, a limit of 1 MiB" tebibyte 1024 "$(long 2400 5000)" "$(long 1 4)"
hosts_down
finish
