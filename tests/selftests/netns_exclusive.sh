#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# RDMA's exclusive mode: a device belongs to one network namespace, and programs in
# others do not see it. It works there, and goes when the namespace does.
# timeout: 90
# fresh guest: others leave network namespaces for good, as stock NFS over RDMA does
. rc/lib.sh
rc_programs
[ "$NIC_TYPE" = hroce ] || skip_all "for hroce"
modprobe -a ib_uverbs rdma_ucm veth hroce
rdma system set netns exclusive || bail "no exclusive mode"
# refused while there is another namespace, and they go in the background
leave() {
	local i
	hosts_clean
	for i in {1..100}; do
		rdma system set netns shared 2> /dev/null && return
		sleep 0.1
	done
	rdma system set netns shared
}
trap leave EXIT

host() { # A|B: as hosts_up does it, but the device moves into the namespace too
	local n=1 dev=nic${1,,} if=v${1,,}
	[ "$1" = A ] || n=2
	$1 ip link set "$if" mtu 1500 up && hosts_address "$1" 24 64 && $1 nic_add "$dev" hroce "$if" || return
	# where the kernel makes it in the first namespace, it is given away
	[ ! -e "/sys/class/infiniband/$dev" ] || rdma dev set "$dev" netns "$1" || return
	$1 test -e "/sys/class/infiniband/$dev" || { echo "$dev is not in $1"; return 1; }
}
hosts() {
	NS_A=A NS_B=B DEV_A=nica DEV_B=nicb IF_A=va IF_B=vb CTL_A=10.0.0.1
	ip link add va type veth peer name vb || return
	for i in A B; do
		ip netns add $i && ip link set "v${i,,}" netns $i && ip -n $i link set lo up || return
	done
	host A && host B || return
	GID_A=$(A wait_gid nica 00000000000000000000ffff0a000001) &&
	GID_B=$(B wait_gid nicb 00000000000000000000ffff0a000002) && hosts_met
}
alone() {
	local n
	for n in nica nicb; do
		[ ! -e /sys/class/infiniband/$n ] || { echo "$n is seen outside"; return 1; }
	done
	[ "$(A ls /sys/class/infiniband)" = nica ] && [ "$(B ls /sys/class/infiniband)" = nicb ] || return
	# a program of the other namespace does not get it
	timeout 20 ip netns exec B "$RC/rc_check" --dev nica --gid "$GID_A" > "$RC_TMP/other.log" 2>&1
	n=$?
	cat "$RC_TMP/other.log"
	[ $n = 1 ] && grep -q "no RDMA device" "$RC_TMP/other.log"
}
gone() { # with its namespace, under a program that uses it
	local p i
	ip netns exec A "$RC/rc_check" --dev nica --gid "$GID_A" --odp > /dev/null 2>&1 & p=$!
	sleep 1
	kill -0 $p || { echo "the program did not run"; return 1; }
	ip netns del A
	kill -9 $p; wait $p 2> /dev/null
	for i in {1..100}; do
		rdma dev show 2> /dev/null | grep -q nica || return 0
		sleep 0.1
	done
	rdma dev show
	return 1
}
export -f gid_index wait_gid
check "two devices, each in its namespace" hosts
check "seen there only" alone
check "traffic" rc_pair rc_check "--odp" "--odp --iters 4"
check "rdma_cm" cm_pair 7174 rping -s -a 10.0.0.1 -C 8 -V -- rping -c -a 10.0.0.1 -C 8 -V
check "gone with its namespace" gone
check "back to shared mode" leave
trap - EXIT
finish
