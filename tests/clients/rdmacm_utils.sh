#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The programs of librdmacm: rping, ucmatose, rdma_client and rdma_server, rdma_xclient
# and rdma_xserver, udaddy, mckey, and rstream, riostream and rcopy over rsockets. On demand
# they are by the provider's setting.
# timeout: 360
. lib/clients.sh
. lib/programs.sh

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
all() {
	in_mode "rping, validated" through cm_pair 7174 rping -s -a 10.0.0.1 -C 20 -V -- rping -c -a 10.0.0.1 -C 20 -V
	in_mode "rping, 60000 bytes" through cm_pair 7174 rping -s -a 10.0.0.1 -C 4 -S 60000 -V -- rping -c -a 10.0.0.1 -C 4 -S 60000 -V
	in_mode "rping, IPv6" through cm_pair 7174 rping -s -a fd00::1 -C 10 -V -- rping -c -a fd00::1 -C 10 -V
	in_mode "rping, persistent server" through persistent
	in_mode "ucmatose" through cm_pair 7471 ucmatose -c 4 -C 10 -- ucmatose -s 10.0.0.1 -c 4 -C 10
	in_mode "ucmatose, 1000-byte messages" through cm_pair 7471 ucmatose -c 2 -C 50 -S 1000 -- ucmatose -s 10.0.0.1 -c 2 -C 50 -S 1000
	in_mode "rdma_client and rdma_server" through cm_pair 7471 rdma_server -- rdma_client -s 10.0.0.1
	in_mode "rdma_xclient and rdma_xserver" through cm_pair 7471 rdma_xserver -p 7471 -c r -- rdma_xclient -s 10.0.0.1 -p 7471 -c r
	in_mode "the same, XRC" through cm_pair 7471 rdma_xserver -p 7471 -c x -- rdma_xclient -s 10.0.0.1 -p 7471 -c x
	in_mode "rstream" through cm_pair 7471 rstream -T r -S 4096 -C 20 -b 10.0.0.1 -- rstream -T r -S 4096 -C 20 -s 10.0.0.1
	in_mode "riostream" through cm_pair 7471 riostream -T v -S 4096 -C 20 -b 10.0.0.1 -- riostream -T v -S 4096 -C 20 -s 10.0.0.1
	in_mode "rcopy" through rcopy_test
	in_mode "udaddy" through cm_pair 7174 udaddy -c 2 -C 10 -S 500 -- udaddy -s 10.0.0.1 -c 2 -C 10 -S 500
	in_mode "udaddy, IPv6" through cm_pair 7174 udaddy -b fd00::1 -C 10 -- udaddy -s fd00::1 -b fd00::2 -C 10
	in_mode "mckey" sent_to_group mckey_test 239.1.2.3 10.0.0.1 10.0.0.2
}
up netns 1500
both_modes all
hosts_down
finish
