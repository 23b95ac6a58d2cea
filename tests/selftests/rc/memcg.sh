# SPDX-License-Identifier: GPL-2.0
# Memory control groups for tests, and a swap disk. Source it behind lib.sh.
# shellcheck shell=bash
# "ip netns exec" hides what lies below /sys, so the groups are mounted again.
MEMCG=/mnt/x/cgroup

memcg_start() {
	mkdir -p "$MEMCG" && mount -t cgroup2 cgroup2 "$MEMCG" &&
		echo +memory > "$MEMCG/cgroup.subtree_control" ||
		bail "no memory control groups"
}
memcg_stop() {
	local g
	for g in "$MEMCG"/hmmodp-rc-*/; do
		[ ! -e "$g" ] || memcg_del "$g"
	done
	mountpoint -q "$MEMCG" && umount "$MEMCG"
}
# memcg_add NAME LIMIT SWAP: a group, $GROUP is its folder, "${IN_GROUP[@]}" the
# words that put a command into it
memcg_add() {
	GROUP=$MEMCG/hmmodp-rc-$1
	mkdir "$GROUP" && echo "$2" > "$GROUP/memory.max" && echo "$3" > "$GROUP/memory.swap.max" || return
	# shellcheck disable=SC2016
	IN_GROUP=(bash -c 'echo 0 > "$0/cgroup.procs" && exec "$@"' "$GROUP")
}
memcg_del() { # FOLDER
	local i
	echo 1 > "$1/cgroup.kill"
	for i in {1..50}; do rmdir "$1" 2> /dev/null && return; sleep 0.1; done
	echo "control group with processes that do not end: $(xargs < "$1/cgroup.procs")"
	return 1
}
memcg_event() { sed -n "s/^$2 //p" "$1/memory.events"; } # FOLDER NAME

swap_on() { # MIB
	modprobe zram num_devices=1 && echo $(($1 << 20)) > /sys/block/zram0/disksize &&
		mkswap /dev/zram0 > /dev/null && swapon /dev/zram0 && echo "# swap on zram"
}
swap_off() { swapoff /dev/zram0 2> /dev/null && modprobe -r zram; }
swapped() { awk '/^pswp(in|out) / { print $2 }' /proc/vmstat | paste -sd ' '; }
