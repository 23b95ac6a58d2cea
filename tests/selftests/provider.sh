#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What programs rely on in the provider: full queues, bad requests in a list,
# inline data, threads on one queue, flushing, reset, events, the extended verbs,
# fork; and users in the kernel. On one device that talks to itself.
# timeout: 180
. rc/lib.sh
[ "$NIC_TYPE" = hroce ] || skip_all "for hroce's provider"
PROVIDER=$(rc_built "$RC_DIR/../provider" provider) || bail "the program does not build: $PROVIDER"

modprobe -q vgem	# dma-bufs, where there is no /dev/udmabuf; without hardware
modprobe hroce_selftest || bail "no hroce_selftest"
up loop 1500
keep_order
case_of() { timeout "$(patience 60)" "$PROVIDER/provider" --dev "$DEV_A" --gid "$GID_A" "$1"; }
# what the device sends to itself goes by lo
lossy() {
	modprobe sch_netem 2> /dev/null || { echo "no sch_netem in this kernel"; return 4; }
	tc qdisc replace dev lo root netem limit 10000 loss 10% || return
	case_of "$1"
	local rc=$?
	tc qdisc del dev lo root
	return $rc
}
wide() { # path MTU 4096
	ip link set "$IF_A" mtu 4500 || return
	case_of "$1"
	local rc=$?
	ip link set "$IF_A" mtu 1500
	return $rc
}
for c in $("$PROVIDER/provider"); do
	case $c in
	slow_series) check "$c" wide "$c";;
	*_lossy) check "$c" lossy "$c";;
	*) check "$c" case_of "$c";;
	esac
done
hosts_down
modprobe -qr vgem hroce_selftest
finish
