#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Unreliable connections: SEND and WRITE, path MTU 256 to 4096, pinned and ODP, between
# two hroce and, both ways, between hroce and stock rdma_rxe; every byte checked. The
# wire neither loses nor reorders here, so nothing may be lost, page faults or not.
# timeout: 400
. rc/lib.sh
rc_programs
[ "$NIC_TYPE" = hroce ] || skip_all "for hroce"

uc() { rc_pair rc_check "$1" "$2 --uc"; }
wire() {
	local mtu
	for mtu in 256 1024 4096; do
		check "$1: MTU $mtu, pinned" uc "" "--mtu $mtu --max 16k --iters $(long 6 60)"
		check "$1: MTU $mtu, ODP" uc --odp "--odp --mtu $mtu --max 16k --iters $(long 6 60) --cold"
	done
	check "$1: up to 256 KiB, ODP" uc "--odp --mem thp" "--odp --mtu 4096 --max 256k --depth 4 --iters $(long 6 60) --cold"
	check "$1: both directions, events, 4 queue pairs, ODP" \
		uc "--odp --events" "--odp --events --both --qps 4 --depth 8 --max 8k --iters 4 --cold"
}
up netns 4500
keep_order
wire wire
hosts_down
up loop 4500
keep_order
wire loop
hosts_down

role() { # NIC_TYPE_A NIC_TYPE_B
	export NIC_TYPE_A=$1 NIC_TYPE_B=$2
	local a='' b='' mtu
	up mixed 4500
	keep_order
	[ "$1" = hroce ] && a=--odp || b="--odp --cold"
	for mtu in 256 1024 4096; do
		check "client $2, server $1, MTU $mtu, pinned" try uc "" "--mtu $mtu --max 16k --iters $(long 5 50)"
		check "client $2, server $1, MTU $mtu, hroce ODP" try uc "$a" "$b --mtu $mtu --max 16k --iters $(long 5 50)"
	done
	hosts_down
}
if modprobe -n rdma_rxe 2> /dev/null; then
	role hroce rxe
	role rxe hroce
fi
finish
