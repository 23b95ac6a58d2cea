#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# RoCE over IPv6, global and link-local GIDs, pinned and ODP.
# timeout: 180
. rc/lib.sh
rc_programs
odp=--odp
[ "$NIC_TYPE" = hroce ] || odp=

local_gid() { # DEV: index of its link-local RoCE v2 GID
	local d=/sys/class/infiniband/$1/ports/1 i
	for i in {0..15}; do
		case $(cat "$d/gids/$i" 2> /dev/null) in fe80:*) ;; *) continue;; esac
		[ "$(cat "$d/gid_attrs/types/$i" 2> /dev/null)" = "RoCE v2" ] && { echo "$i"; return; }
	done
	echo "no link-local GID"
	return 1
}
link_local() {
	GID6_A=$(local_gid "$DEV_A") && GID6_B=$(local_gid "$DEV_B") || return
	rc_pair rc_check "$odp" "$odp --iters 6 --cold"
}
cm6() { cm_pair 7174 rping -s -a fd00::1 -C 8 -V -- rping -c -a fd00::1 -C 8 -V -v; }

export GIDS=6
up netns 4500
check "pinned" rc_pair rc_check "" "--iters $(long 8 80)"
check "ODP, cold" rc_pair rc_check "$odp" "$odp --iters $(long 8 80) --cold"
check "MTU 4096, up to 1 MiB, both directions" \
	rc_pair rc_check "$odp" "$odp --mtu 4096 --max 1m --depth 8 --both --iters 4"
check "rdma_cm" cm6
check "link-local" link_local
hosts_down
finish
