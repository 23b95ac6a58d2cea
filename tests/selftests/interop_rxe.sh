#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# hroce on the wire with stock rdma_rxe, as client and as server: every operation,
# path MTU 256 to 4096, sizes 0 to 4 MiB, every byte checked. rxe's memory is
# always pinned (its ODP moves wrong bytes), hroce's pinned and ODP.
# timeout: 600
. rc/lib.sh
rc_programs
[ "$NIC_TYPE" = hroce ] || skip_all "for hroce"
modprobe -n rdma_rxe 2> /dev/null || skip_all "no rdma_rxe in this kernel"

exchange() { # WHO A-OPTIONS B-OPTIONS
	local mtu
	for mtu in 256 512 1024 2048 4096; do
		check "$1, MTU $mtu" try rc_pair rc_check "$2" "$3 --mtu $mtu --iters $(long 5 50)"
	done
	check "$1, up to 4 MiB" try rc_pair rc_check "$2" "$3 --mtu 4096 --max 4m --depth 6 --iters $(long 2 20)"
	check "$1, both directions, events, 4 queue pairs" \
		try rc_pair rc_check "$2 --events" "$3 --events --both --qps 4 --depth 8 --max 16k --iters 4"
}
role() { # NIC_TYPE_A NIC_TYPE_B
	export NIC_TYPE_A=$1 NIC_TYPE_B=$2
	local a='' b='' w=''
	up mixed 4500
	exchange "client $2, server $1, pinned" "" ""
	[ "$1" = hroce ] && a=--odp || b=--odp
	exchange "client $2, server $1, hroce ODP" "$a" "$b --cold"
	export GIDS=6
	check "client $2, server $1, IPv6" try rc_pair rc_check "$a" "$b --iters 4 --cold"
	export GIDS=4
	[ "$1" = hroce ] || w=--within
	check "client $2, server $1, memory windows" rc_pair windows "$a $w" "$w"
	# stock rxe's FLUSH has a wrong ICRC, and it finds the right one wrong
	check "client $2, server $1, ATOMIC WRITE" rc_pair flush "$a --no-flush" --no-flush
	check "client $2, server $1, rdma_cm" rc_cm
	hosts_down
}
role hroce rxe
role rxe hroce
finish
