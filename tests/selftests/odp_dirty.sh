#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# RDMA WRITE into pages just given up by MADV_FREE, then MADV_PAGEOUT: the kernel must not
# take what the NIC wrote for clean. That this can fail is shown by not telling the kernel.
# What stock rxe makes of the same, where it has such memory, is printed beside it.
# timeout: 120
. rc/lib.sh
. rc/memcg.sh
[ "$NIC_TYPE" = hroce ] || skip_all "for hroce"
PROVIDER=$(rc_built "$RC_DIR/../provider" provider) || bail "the program does not build: $PROVIDER"
inject=/sys/kernel/debug/hmmodp/inject

restore() {
	[ ! -e $inject ] || echo 0 > $inject/no_dirty
	swap_off
}
trap restore EXIT
swap_on 128 || bail "no swap"

lazyfree() { # sets LOST
	LOST=
	timeout "$(patience 60)" "$PROVIDER/lazyfree" --dev "$DEV_A" --gid "$GID_A" > "$RC_TMP/lazyfree" 2>&1
	local rc=$?
	cat "$RC_TMP/lazyfree"
	LOST=$(sed -n 's/^lost \([0-9]*\) of.*/\1/p' "$RC_TMP/lazyfree")
	return $rc
}
none_lost() {
	lazyfree && [ "$LOST" = 0 ] && [ "$(grep -c '^registering .*: done$' "$RC_TMP/lazyfree")" = 2 ]
}
some_lost() {
	local rc
	echo 1 > $inject/no_dirty || return
	lazyfree; rc=$?
	echo 0 > $inject/no_dirty
	[ $rc = 0 ] && [ "$LOST" -gt 0 ]
}
up loop 1500
check "no page that was written is lost" none_lost
check "without dirtying they are" some_lost
check "and none again" none_lost
hosts_down
if modprobe -n rdma_rxe 2> /dev/null; then
	NIC_TYPE=rxe up loop 1500
	lazyfree > /dev/null
	sed 's/^/# stock rxe: /' "$RC_TMP/lazyfree"
	hosts_down
fi
finish
