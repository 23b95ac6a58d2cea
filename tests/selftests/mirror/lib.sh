# SPDX-License-Identifier: GPL-2.0
# Around the tests of the mirror: modules, swap, a file system on a disk.
# Source it as mirror/lib.sh.
# shellcheck shell=bash

# A disk in memory of SIZE-MiB; prints its name.
mirror_disk() { # SIZE-MiB
	local n
	if [ -e /sys/class/zram-control/hot_add ] || modprobe -q zram num_devices=0; then
		n=$(cat /sys/class/zram-control/hot_add) || return 1
		echo "$1M" > "/sys/block/zram$n/disksize" || return 1
		echo "/dev/zram$n"
	else
		return 1
	fi
}

mirror_mkfs() { # DISK
	mkfs.ext4 -q "$1" 2> /dev/null || busybox mke2fs -b 4096 "$1" > /dev/null
}

mirror_up() {
	local disk
	cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
	[ -e /dev/hmmodp_selftest ] || modprobe hmmodp_selftest || { echo "Bail out! no hmmodp_selftest"; exit 1; }
	MIRROR_TEST=$PWD/mirror/mirror_test
	if [ ! -x "$MIRROR_TEST" ]; then
		make -s -C mirror OUT=/tmp || exit 1
		MIRROR_TEST=/tmp/mirror_test
	fi
	if disk=$(mirror_disk 256) && mkswap -q "$disk" > /dev/null && swapon "$disk"; then
		MIRROR_SWAP=$disk
	else
		echo "# no swap: its tests are skipped"
	fi
	if disk=$(mirror_disk 64) && mirror_mkfs "$disk" && mkdir -p /tmp/mirror-disk &&
	   mount -t ext4 "$disk" /tmp/mirror-disk; then
		MIRROR_DIR=/tmp/mirror-disk
	else
		echo "# no file system on a disk: its test is skipped"
	fi
	echo 1 > /proc/sys/vm/overcommit_memory
	echo 8 > /proc/sys/vm/nr_hugepages
	[ ! -e /sys/kernel/mm/ksm/run ] || { echo 1 > /sys/kernel/mm/ksm/run; echo 1000 > /sys/kernel/mm/ksm/pages_to_scan; }
}

# Ends the script with CODE; the module must go, or something leaked.
mirror_down() { # CODE
	local code=$1
	[ -z "$MIRROR_DIR" ] || umount "$MIRROR_DIR"
	[ -z "$MIRROR_SWAP" ] || swapoff "$MIRROR_SWAP"
	[ ! -e /sys/kernel/mm/ksm/run ] || echo 0 > /sys/kernel/mm/ksm/run
	echo 0 > /proc/sys/vm/nr_hugepages
	if ! rmmod hmmodp_selftest; then
		echo "# hmmodp_selftest does not unload"
		code=1
	fi
	exit "$code"
}
