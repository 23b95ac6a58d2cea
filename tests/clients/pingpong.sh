#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# ibv_rc_pingpong, which validates its data with -c: pinned, ODP (-o), events (-e);
# ibv_srq_pingpong; ibv_uc_pingpong and ibv_ud_pingpong, which know of no ODP and have it
# by the provider's setting; and ibv_xsrq_pingpong, which validates nothing.
# timeout: 240
. lib/clients.sh

ping() { # OPTIONS
	# shellcheck disable=SC2086
	through pair ibv_rc_pingpong -d "$DEV_A" -g "$GID_A" $1 -- \
		ibv_rc_pingpong -d "$DEV_B" -g "$GID_B" $1 "$CTL_A"
}
of() { # PROGRAM OPTIONS
	# shellcheck disable=SC2086
	through pair "$1" -d "$DEV_A" -g "$GID_A" $2 -- "$1" -d "$DEV_B" -g "$GID_B" $2 "$CTL_A"
}
srq_all() {
	local c
	for c in "" -e; do
		check "ibv_srq_pingpong: pinned $c" of ibv_srq_pingpong "-c $c -n $(long 200 2000)"
		[ "$NIC_TYPE" != hroce ] || check "ibv_srq_pingpong: ODP $c" faulted of ibv_srq_pingpong "-o -c $c -n $(long 200 2000)"
	done
	check "ibv_srq_pingpong: 3 queue pairs, 65536 bytes" of ibv_srq_pingpong "-c -q 3 -s 65536 -n $(long 12 200)"
}
ping_all() {
	local c size
	for c in "" -e; do
		check "$1: pinned $c" ping "-c $c -n $(long 200 2000)"
		[ "$NIC_TYPE" != hroce ] || check "$1: ODP $c" faulted ping "-o -c $c -n $(long 200 2000)"
	done
	for size in 1 4097 65536 1000001; do
		check "$1: $size bytes, pinned" ping "-c -s $size -n $(long 6 100)"
		[ "$NIC_TYPE" != hroce ] || check "$1: $size bytes, ODP, events" faulted ping "-o -e -c -s $size -n $(long 6 100)"
	done
	check "$1: plain" ping "-n 200"
	check "$1: receive depth 2, MTU 256" ping "-c -r 2 -m 256 -n 100"
}
up netns 1500
keep_order
ping_all wire
srq_all
unreliable() {
	local size
	for size in 1 4096 65536; do
		in_mode "ibv_uc_pingpong: $size bytes" of ibv_uc_pingpong "-c -s $size -n $(long 100 1000)"
	done
	in_mode "ibv_uc_pingpong: events" of ibv_uc_pingpong "-e -c -n $(long 100 1000)"
	for size in 1 1024; do
		in_mode "ibv_ud_pingpong: $size bytes" of ibv_ud_pingpong "-c -s $size -n $(long 100 1000)"
	done
	in_mode "ibv_ud_pingpong: events" of ibv_ud_pingpong "-e -c -s 1024 -n $(long 100 1000)"
}
both_modes unreliable
xsrq() { # OPTIONS
	# shellcheck disable=SC2086
	through pair ibv_xsrq_pingpong -d "$DEV_A" -g "$GID_A" $1 -- \
		ibv_xsrq_pingpong -d "$DEV_B" -g "$GID_B" $1 "$CTL_A"
}
check "ibv_xsrq_pingpong" xsrq "-n $(long 100 1000)"
check "ibv_xsrq_pingpong: ODP" faulted xsrq "-o -n $(long 100 1000)"
check "ibv_xsrq_pingpong: 65536 bytes, events" xsrq "-e -s 65536 -n $(long 50 500)"
hosts_down
up loop 1500
keep_order
check "loop: pinned" ping "-c -n 200"
[ "$NIC_TYPE" != hroce ] || check "loop: ODP, events" faulted ping "-o -e -c -n 200"
hosts_down
finish
