#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Connections by rdma_cm: through QP 1 of both hosts, data validated, many at a
# time, refused where nobody listens, and counted on the wire.
# timeout: 240
. rc/lib.sh

refused() {
	B timeout "$(patience 30)" rping -c -a 10.0.0.1 -p 7777 -C 1 > "$RC_TMP/refused.log" 2>&1 &&
		{ echo "a connection to nobody succeeded"; return 1; }
	cat "$RC_TMP/refused.log"
	grep -qi "reject" "$RC_TMP/refused.log"
}
on_end() { local i; for i in 1 2 3 4; do rc_cm || return; done; }
moved() { # the packets went through the device
	local before after
	before=$(nic_counter A sent_pkts)
	rc_cm || return
	after=$(nic_counter A sent_pkts)
	[ "$after" -gt "$before" ] || { echo "sent_pkts stayed at $before"; return 1; }
}

up netns 1500
check "rping, validated" rc_cm
check "rping, 4 times on end" on_end
check "ucmatose, 8 connections" cm_pair 7471 ucmatose -c 8 -C 20 -- ucmatose -s 10.0.0.1 -c 8 -C 20
check "ucmatose, 64 KiB messages" cm_pair 7471 ucmatose -c 2 -C 10 -S 65536 -- ucmatose -s 10.0.0.1 -c 2 -C 10 -S 65536
check "rping with 32 KiB" cm_pair 7174 rping -s -a 10.0.0.1 -C 4 -S 32768 -V -- rping -c -a 10.0.0.1 -C 4 -S 32768 -V
check "refused where nobody listens" refused
check "packets are counted" moved
hosts_down
finish
