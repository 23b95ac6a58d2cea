#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The programs of librdmacm: rping, ucmatose, rdma_client and rdma_server, rdma_xclient
# and rdma_xserver, udaddy, mckey, and rstream, riostream and rcopy over rsockets.
# timeout: 240
. lib/clients.sh

# one server, three clients in a row
persistent() {
	local s rc=0 i
	A timeout "$(patience 60)" rping -s -P -a 10.0.0.1 > /tmp/server.log 2>&1 & s=$!
	sleep 3
	for i in 1 2 3; do B timeout "$(patience 30)" rping -c -a 10.0.0.1 -C 5 -V || rc=$i; done
	A killall -q rping
	wait $s 2> /dev/null
	return $rc
}
# a file over rsockets, compared
copy() {
	local s rc
	head -c 300001 /dev/urandom > "$RC_TMP/from"
	A timeout "$(patience 60)" rcopy > /tmp/server.log 2>&1 & s=$!
	sleep 3
	B timeout "$(patience 50)" rcopy "$RC_TMP/from" "10.0.0.1:$RC_TMP/to"; rc=$?
	A killall -q rcopy
	wait $s 2> /dev/null
	[ $rc = 0 ] && cmp "$RC_TMP/from" "$RC_TMP/to"
}
# mckey MESSAGES OF-SENDER: the receiver joins first, and ends when it has got all
multicast() {
	local s rc
	A timeout "$(patience 60)" stdbuf -oL mckey -m "$1" -b "$2" -C 10 -S 500 > /tmp/server.log 2>&1 & s=$!
	for _ in {1..100}; do grep -q "joined" /tmp/server.log && break; sleep 0.1; done
	sleep 1
	B timeout "$(patience 50)" mckey -m "$1" -b "$3" -C 10 -S 500 -s; rc=$?
	wait $s && [ $rc = 0 ] && grep -q "receiving data transfers" /tmp/server.log
}
# the receiver of datagrams sends none; rdma_cm has no IPv6 groups over Ethernet
sent_to_group() {
	local b got
	b=$(nic_counter B sent_pkts) got=$(nic_counter A rcvd_pkts)
	"$@" || { echo "-- receiver:"; tail -n 20 /tmp/server.log; return 1; }
	sleep 0.05
	[ "$(nic_counter B sent_pkts)" -ge $((b + 10)) ] && [ "$(nic_counter A rcvd_pkts)" -ge $((got + 10)) ]
}
up netns 1500
check "rping, validated" through cm_pair 7174 rping -s -a 10.0.0.1 -C 20 -V -- rping -c -a 10.0.0.1 -C 20 -V
check "rping, 60000 bytes" through cm_pair 7174 rping -s -a 10.0.0.1 -C 4 -S 60000 -V -- rping -c -a 10.0.0.1 -C 4 -S 60000 -V
check "rping, IPv6" through cm_pair 7174 rping -s -a fd00::1 -C 10 -V -- rping -c -a fd00::1 -C 10 -V
check "rping, persistent server" through persistent
check "ucmatose" through cm_pair 7471 ucmatose -c 4 -C 10 -- ucmatose -s 10.0.0.1 -c 4 -C 10
check "ucmatose, 1000-byte messages" through cm_pair 7471 ucmatose -c 2 -C 50 -S 1000 -- ucmatose -s 10.0.0.1 -c 2 -C 50 -S 1000
check "rdma_client and rdma_server" through cm_pair 7471 rdma_server -- rdma_client -s 10.0.0.1
check "rdma_xclient and rdma_xserver" through cm_pair 7471 rdma_xserver -p 7471 -c r -- rdma_xclient -s 10.0.0.1 -p 7471 -c r
check "the same, XRC" through cm_pair 7471 rdma_xserver -p 7471 -c x -- rdma_xclient -s 10.0.0.1 -p 7471 -c x
check "rstream" through cm_pair 7471 rstream -T r -S 4096 -C 20 -b 10.0.0.1 -- rstream -T r -S 4096 -C 20 -s 10.0.0.1
check "riostream" through cm_pair 7471 riostream -T v -S 4096 -C 20 -b 10.0.0.1 -- riostream -T v -S 4096 -C 20 -s 10.0.0.1
check "rcopy" through copy
check "udaddy" through cm_pair 7174 udaddy -c 2 -C 10 -S 500 -- udaddy -s 10.0.0.1 -c 2 -C 10 -S 500
check "udaddy, IPv6" through cm_pair 7174 udaddy -b fd00::1 -C 10 -- udaddy -s fd00::1 -b fd00::2 -C 10
check "mckey" sent_to_group multicast 239.1.2.3 10.0.0.1 10.0.0.2
hosts_down
finish
