#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Every operation of RC over one wire and through one device, sizes 0 to 4 MiB,
# path MTU 256 to 4096, pinned and ODP, every byte checked.
# timeout: 400
. rc/lib.sh
rc_programs

# Stock rxe moves wrong bytes wherever an ODP address is within a page.
odp=--odp
[ "$NIC_TYPE" = hroce ] || odp=

wire() {
	local mtu
	for mtu in 256 512 1024 2048 4096; do
		check "$1: MTU $mtu, up to 64 KiB, pinned" \
			rc_pair rc_check "" "--mtu $mtu --iters $(long 6 60)"
		check "$1: MTU $mtu, up to 64 KiB, ODP" \
			rc_pair rc_check "$odp" "$odp --mtu $mtu --iters $(long 6 60) --cold"
	done
	check "$1: up to 4 MiB, pinned" \
		rc_pair rc_check "" "--mtu 4096 --max 4m --depth 8 --iters $(long 3 20)"
	check "$1: up to 4 MiB, ODP, cold" \
		rc_pair rc_check "$odp --mem thp" "$odp --mtu 4096 --max 4m --depth 8 --iters $(long 3 20) --cold"
	[ "$NIC_TYPE" != hroce ] || check "$1: implicit, both sides" \
		rc_pair rc_check --implicit "--implicit --mtu 4096 --max 1m --depth 8 --iters $(long 4 40) --cold"
	check "$1: ODP to pinned, both directions, events" \
		rc_pair rc_check "$odp --events" "--events --both --iters $(long 8 80)"
	check "$1: pinned to ODP, memfd, 16 queue pairs" \
		rc_pair rc_check "--mem memfd" "$odp --mem memfd --qps 16 --depth 4 --max 8k --both --iters 4 --cold"
	check "$1: ODP of a file, events, polling client" \
		rc_pair rc_check "$odp --events --mem file" "$odp --mem file --iters $(long 6 60) --cold"
}

up netns 4500
wire wire
hosts_down
up loop 4500
wire loop
hosts_down
finish
