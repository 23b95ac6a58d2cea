#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What becomes of the network interface while verbs use it: down and up, other MTUs,
# addresses (GIDs) that go and come, VLANs. Traffic goes on when the interface does,
# byte for byte, or ends with the error of a peer out of reach; programs are told.
# timeout: 240
. rc/lib.sh
rc_programs
[ "$NIC_TYPE" = hroce ] || skip_all "for hroce"
watch= traffic=
# Eight of these are longer than an upheaval takes; on a slow kernel "ip" takes seconds
timeout=$([ "${HMMODP_SLOW:-1}" = 1 ] && echo 18 || echo 21)

traffic() { # OPTIONS...: what the upheavals happen to, while there is $RC_TMP/busy
	touch "$RC_TMP/busy"
	rc_pair rc_check "--odp --mem thp" \
		"--odp --mtu 4096 --timeout $timeout --both --qps 4 --iters 1 --while $RC_TMP/busy $*" \
		> "$RC_TMP/traffic.log" 2>&1 &
	traffic=$!
}
flows() { # packets go out; or the traffic has ended
	local i before
	before=$(nic_counter A sent_pkts)
	for i in {1..200}; do
		[ "$(nic_counter A sent_pkts)" -gt $((before + 50)) ] && return
		kill -0 $traffic 2> /dev/null || break
		sleep 0.05
	done
	echo "no traffic"
	return 1
}
while_busy() { # COMMAND...: in traffic, which ends well
	local i rc=0
	traffic
	for ((i = $(long 1 20); i > 0; i--)); do
		flows || { rc=1; break; }
		"$@" || { rc=$?; echo "$*: code $rc"; break; }
	done
	rm -f "$RC_TMP/busy"
	wait $traffic && return $rc
	cat "$RC_TMP/traffic.log"
	return 1
}
listen() { # to A's device, its events
	A stdbuf -oL ibv_asyncwatch -d "$DEV_A" > "$RC_TMP/events" 2>&1 &
	watch=$!
	for _ in {1..100}; do grep -q watching -i "$RC_TMP/events" && break; sleep 0.05; done
}
told() { # NAME...: these events came, since listen
	local e rc=0
	sleep 0.2
	kill $watch; wait $watch 2> /dev/null
	for e; do grep -qi "$e" "$RC_TMP/events" || { echo "no event $e"; rc=1; }; done
	[ $rc = 0 ] || cat "$RC_TMP/events"
	return $rc
}

# long enough up for a neighbour to be asked for twice
down_up() { A ip link set va down && sleep 0.3 && A ip link set va up && sleep 2; }
mtus() {
	local mtu
	for mtu in 1500 9000 4200; do A ip link set va mtu $mtu && B ip link set vb mtu $mtu || return; sleep 0.2; done
}
readdress() { A ip addr del 10.0.0.1/24 dev va && sleep 0.2 && A ip addr add 10.0.0.1/24 dev va; }
upheaval() { # EVENTS COMMAND...
	local events=$1; shift
	listen
	while_busy "$@" || { told; return 1; }
	# shellcheck disable=SC2086
	told $events
}
# An address that comes again may have another index: users held the old one
find_gid() { GID_A=$(wait_gid "$DEV_A" 00000000000000000000ffff0a000001); }
# The peer's address goes, for longer than the requests on their way are tried again:
# they fail, what comes later works. Between two batches none is on its way, and the
# programs talk by TCP, which waits; so until one was.
gone() {
	local i
	traffic --timeout 12 --depth 64 --max 256k
	flows || { cat "$RC_TMP/traffic.log"; return 1; }
	for i in {1..12}; do
		A ip addr del 10.0.0.1/24 dev va
		sleep 2	# eight times 33 ms, and more
		A ip addr add 10.0.0.1/24 dev va
		flows > /dev/null	# TCP may take as long again to come back
		kill -0 $traffic 2> /dev/null || break
	done
	rm -f "$RC_TMP/busy"
	wait $traffic && { echo "it ended well without its peer"; return 1; }
	grep -q "retry exceeded\|transport retry counter exceeded" "$RC_TMP/traffic.log" ||
		{ cat "$RC_TMP/traffic.log"; return 1; }
	find_gid && rc_pair rc_check "--quiet" "--quiet --iters 2"
}
# A GID of its own over a VLAN on the device's interface; the tag must be on the wire
vlan() {
	local GID_A GID_B before after rc
	A ip link add link va name va.5 type vlan id 5 && B ip link add link vb name vb.5 type vlan id 5 || return
	A ip addr add 10.5.0.1/24 dev va.5 && B ip addr add 10.5.0.2/24 dev vb.5 || return
	A ip link set va.5 up && B ip link set vb.5 up || return
	GID_A=$(wait_gid "$DEV_A" 00000000000000000000ffff0a050001) &&
	GID_B=$(wait_gid "$DEV_B" 00000000000000000000ffff0a050002) || return
	B ping -q -c 1 -W 5 10.5.0.1 > /dev/null
	before=$(A cat /sys/class/net/va.5/statistics/tx_packets)
	rc_pair rc_check "--odp" "--odp --iters 8"; rc=$?
	cm_pair 7174 stdbuf -oL rping -s -a 10.5.0.1 -C 8 -V -- stdbuf -oL rping -c -a 10.5.0.1 -C 8 -V || rc=1
	after=$(A cat /sys/class/net/va.5/statistics/tx_packets)
	A ip link del va.5; B ip link del vb.5
	[ $rc = 0 ] || return $rc
	[ $((after - before)) -gt 50 ] && return
	echo "not over the VLAN: $before, then $after packets"
	return 1
}

up netns 4200
check "the interface goes down and up in traffic" upheaval "PORT_ERR PORT_ACTIVE" down_up
check "its MTU changes in traffic" while_busy mtus
check "its GID goes and comes in traffic" upheaval GID_CHANGE readdress
find_gid > /dev/null
check "its GID goes for good" gone
find_gid > /dev/null
check "a GID of a VLAN" vlan
check "and all is well after" rc_pair rc_check "--odp" "--odp --iters 4"
hosts_down
finish
