#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# RDS registers on demand what it cannot pin, which is what is mapped from a file system
# on persistent memory (DAX): the peer reads and writes a file that way, while the process
# keeps giving up its pages.
# timeout: 120
# last in its guest: of a device where RDS has done so it keeps a reference (seen on 7.3)
. lib/pair.sh
rds_up

# A disk of memory (memmap= on the command line), and a file system whose files are mapped
# right from it.
AT=/tmp/hmmodp-dax
dax_up() {
	local i
	modprobe -a nd_e820 nd_pmem || return
	for i in {1..100}; do [ -b /dev/pmem0 ] && break; sleep 0.05; done
	mkdir -p $AT
	mkfs.ext4 -q -F -b 4096 /dev/pmem0 && mount -o dax /dev/pmem0 $AT
}
faulting() {
	local n
	n=$(counter page_faults)
	"$@" || return
	sleep 0.05
	[ "$(counter page_faults)" -gt "$n" ] && return
	echo "it ended well, but without a page fault of the device"
	return 1
}
[ "$HOST" = A ] || dax_up || bail "no persistent memory"
both "a file, on demand" over_the_nic python3 lib/rds.py A dax -- \
	faulting over_the_nic python3 lib/rds.py B dax $AT/file
finish
