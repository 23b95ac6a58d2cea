#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Byte-checked ODP traffic while the memory beneath it, on the sender and the
# receiver, is remapped, thrown away, protected, forked, collapsed into huge
# pages, compacted, moved, swapped out, freed lazily and merged.
# HMMODP_LONG=1 makes 20 runs in a row of all at once, and 5 of each alone.
# timeout: 400
. rc/lib.sh
rc_programs

all=remap,dontneed,mprotect,fork,collapse,compact,move,pageout,free,ksm,cold,mremap
shared=remap,dontneed,mprotect,compact,move,pageout,ksm,cold,mremap,punch
traffic="--mtu 4096 --depth 12 --max 1m"
# stock rxe's ODP is right only for whole pages in one packet and one SGE, and it
# forgets to dirty what it writes
if [ "$NIC_TYPE" != hroce ]; then
	traffic="--mtu 4096 --align 4096 --max 4096 --sge 1 --depth 60 --ops send,write,wimm,read"
	all=${all/,free/} shared=${shared/,free/}
fi

churn() { # MEM ACTIONS BATCHES: both sides; more batches until enough has happened
	local least=1
	case $2 in *,*) least=10;; esac	# of many, some have no luck
	rc_pair odp_churn "--odp --mem $1 --churn $2 --least $least" \
		"--odp --mem $1 --churn $2 --least $least $traffic --iters $3"
}

swap_on() {
	modprobe zram num_devices=1 2> /dev/null || return
	echo $((256 << 20)) > /sys/block/zram0/disksize &&
		mkswap /dev/zram0 > /dev/null && swapon /dev/zram0 && echo "# swap on zram"
}
restore() {
	[ -z "$disk" ] || umount "$disk"
	swapoff /dev/zram0 2> /dev/null && modprobe -r zram
	[ ! -e /sys/kernel/mm/ksm/run ] || echo 2 > /sys/kernel/mm/ksm/run
	echo 10000 > /sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs
}
# A file system on a disk, for files that are written back.
disk=
disk_on() {
	local n
	n=$(cat /sys/class/zram-control/hot_add) && echo $((192 << 20)) > "/sys/block/zram$n/disksize" &&
		mke2fs -q -t ext4 "/dev/zram$n" && mkdir -p /mnt/x/disk && mount "/dev/zram$n" /mnt/x/disk || return
	disk=/mnt/x/disk
	export TMPDIR=$disk
	echo "# files on ext4"
}
trap restore EXIT
swap_on
[ "$NIC_TYPE" != hroce ] || disk_on
if [ -e /sys/kernel/mm/ksm/run ]; then
	echo 1 > /sys/kernel/mm/ksm/run
	echo 500 > /sys/kernel/mm/ksm/pages_to_scan
fi
echo 0 > /sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs 2> /dev/null

up netns 9000
for ((run = 1; run <= $(long 1 20); run++)); do
	for a in ${all//,/ }; do
		[ "$run" -le 5 ] || break
		mem=thp
		case $a in
		remap|mprotect) mem=plain;;
		esac
		check "run $run: $a, $mem" churn $mem "$a" 6
	done
	check "run $run: all at once, small pages" churn plain "${all/collapse,/}" "$(long 16 24)"
	check "run $run: all at once, huge pages" churn thp "$all" "$(long 16 24)"
	check "run $run: all at once, memfd" churn memfd "$shared" "$(long 12 24)"
	[ -z "$disk" ] || check "run $run: all at once, a file on ext4" churn file "$shared,writeback" "$(long 8 24)"
done
hosts_down
finish
