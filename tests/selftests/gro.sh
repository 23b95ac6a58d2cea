#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# An Ethernet as it mostly is: super-packets are cut before they get on it, and GRO puts
# together again what comes off it. It keeps the order, so nothing may overtake on the way
# up either: RC misses nothing, UC loses nothing. Every byte checked.
# timeout: 240
. rc/lib.sh
rc_programs
[ "$NIC_TYPE" = hroce ] || skip_all "for hroce"

# Without offloads for what is sent, a virtual wire brings all by one queue, with GRO.
# A thread of the kernel empties that, so there is more than one packet in it.
ethernet() { ethtool -K "$1" tx off gro on && echo 1 > "/sys/class/net/$1/threaded"; }
# Two queues, and who sends takes that of his CPU, as multi-queue devices have it.
queues() {
	ethtool -L "$1" tx 2 rx 2 && echo 1 > "/sys/class/net/$1/queues/tx-0/xps_cpus" &&
		echo 2 > "/sys/class/net/$1/queues/tx-1/xps_cpus"
}
export -f ethernet queues
merged() { # A|B: IP got less than the wire brought
	local wire ip
	wire=$($1 cat "/sys/class/net/v${1,,}/statistics/rx_packets")
	ip=$($1 awk '/^Ip: [0-9]/ { print $4 }' /proc/net/snmp)
	echo "$1: $wire packets, $ip after GRO"
	[ "$ip" -lt $((wire * 3 / 4)) ]
}
in_order() {
	local i n
	for i in nak_sent packet_seq_err; do
		for n in A B; do
			[ "$(nic_counter $n $i)" = 0 ] || { echo "$n: $i $(nic_counter $n $i)"; return 1; }
		done
	done
}
up netns 4500
A ethernet "$IF_A" > /dev/null && B ethernet "$IF_B" > /dev/null || bail "offloads do not change"
# never more under way than the queue holds, which is 256 packets
all="--max 16k --depth 4 --iters $(long 6 60)"
for mtu in 1024 4096; do
	check "MTU $mtu, pinned" rc_pair rc_check "" "--mtu $mtu --both $all"
	check "MTU $mtu, UC" rc_pair rc_check "" "--uc --mtu $mtu $all"
done
check "A: packets were put together" merged A
check "B: packets were put together" merged B
GIDS=6 check "MTU 4096, IPv6" rc_pair rc_check "" "--mtu 4096 --both $all"
check "nothing has overtaken" in_order
A queues "$IF_A" && B queues "$IF_B" || bail "the number of queues does not change"
for e in "" --events; do
	check "two queues${e:+, events}" rc_pair rc_check "$e" "$e --mtu 4096 --max 16k --qps 4 --depth 4 --both --iters $(long 30 300)"
done
check "nothing has overtaken there" in_order
for o in "--max 256 --depth 8" "--max 16k --depth 4" "--max 2k --depth 4 --qps 4"; do
	check "ODP, cold, ${o//--/}" rc_pair rc_check --odp "--odp --mtu 4096 --both $o --iters $(long 30 300) --cold"
done
check "nothing is missed for page faults" in_order
check "more than the queue holds" rc_pair rc_check "" "--mtu 1024 --max 1m --qps 4 --depth 8 --both --iters 3"
hosts_down
finish
