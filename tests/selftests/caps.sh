#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What ibv_devinfo says is what works.
# timeout: 180
. rc/lib.sh
rc_programs

mtu() { # NETDEV-MTU RDMA-MTU
	ip link set "$IF_A" mtu "$1"
	sleep 0.2
	"$RC/caps" --dev "$DEV_A" --gid "$GID_A" --active-mtu "$2"
}
# a capability of on-demand paging for each operation that moves data through it
odp_caps() {
	local rc_caps op
	[ "$NIC_TYPE" = hroce ] || { echo "for hroce"; return 4; }
	rc_caps=$(ibv_devinfo -v -d "$DEV_A" | sed -n '/rc_odp_caps/,/uc_odp_caps/p')
	for op in SEND RECV WRITE READ ATOMIC SRQ; do	# SRQ: data by provider.sh's srq
		grep -q "SUPPORT_$op" <<< "$rc_caps" || { echo "no SUPPORT_$op"; return 1; }
	done
	rc_caps=$(ibv_devinfo -v -d "$DEV_A" | sed -n '/ud_odp_caps/,/xrc_odp_caps/p')
	for op in SEND RECV SRQ; do	# data by provider.sh's ud_odp and ud_srq
		grep -q "SUPPORT_$op" <<< "$rc_caps" || { echo "no SUPPORT_$op of UD"; return 1; }
	done
	rc_caps=$(ibv_devinfo -v -d "$DEV_A" | sed -n '/uc_odp_caps/,/ud_odp_caps/p')
	for op in SEND RECV WRITE; do
		grep -q "SUPPORT_$op" <<< "$rc_caps" || { echo "no SUPPORT_$op of UC"; return 1; }
	done
	rc_pair rc_check --odp "--odp --iters 4 --cold" &&
		rc_pair rc_check --odp "--odp --iters 4 --cold --uc"
}
# Does ibv_devinfo name at least what every RoCE v2 client looks for?
devinfo() {
	local text
	text=$(ibv_devinfo -v -d "$DEV_A") || return
	echo "$text"
	grep -q "state:.*PORT_ACTIVE" <<< "$text" && grep -q "RoCE v2" <<< "$text" &&
	grep -q "atomic_cap:.*ATOMIC_" <<< "$text" && grep -q "link_layer:.*Ethernet" <<< "$text"
}
# data by provider.sh's mw1 and mw2
windows() {
	[ "$NIC_TYPE" = hroce ] || { echo "for hroce"; return 4; }
	local text
	text=$(ibv_devinfo -v -d "$DEV_A")
	grep -qE "max_mw:\s*[1-9]" <<< "$text" && grep -qw MEM_WINDOW <<< "$text" &&
	grep -qw MEM_WINDOW_TYPE_2B <<< "$text" && ! grep -qw MEM_WINDOW_TYPE_2A <<< "$text" || return
	rc_pair windows "" "" && rc_pair windows --odp --odp
}
# FLUSH only where the kernel knows its access bit; data also by provider.sh
flush() {
	[ "$NIC_TYPE" = hroce ] || { echo "for hroce"; return 4; }
	rc_pair flush "" "" && rc_pair flush --odp --odp
}
ud_pingpong() { # the device says it has UD
	pair ibv_ud_pingpong -d "$DEV_A" -g "$GID_A" -n 20 -- ibv_ud_pingpong -d "$DEV_B" -g "$GID_B" -n 20 "$CTL_A"
}
up loop 1500
check "ibv_devinfo" devinfo
check "limits at netdev MTU 1500" mtu 1500 1024
check "limits at netdev MTU 9000" mtu 9000 4096
check "limits at netdev MTU 4200" mtu 4200 4096
check "limits at netdev MTU 2200" mtu 2200 2048
check "limits at netdev MTU 640" mtu 640 512
ip link set "$IF_A" mtu 1500
check "ODP capabilities of RC, UC and UD" odp_caps
check "memory windows" windows
check "FLUSH and ATOMIC WRITE" flush
check "UD" ud_pingpong
hosts_down
finish
