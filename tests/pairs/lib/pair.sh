# SPDX-License-Identifier: GPL-2.0
# Half of two hosts that are guests of their own, joined by an Ethernet: this script runs
# in both. Source as lib/pair.sh, call host_up, and then
#
#   $HOST               A or B: 10.0.0.1 fd00::1, 10.0.0.2 fd00::2
#   $DEV $GID $IF       its RDMA device, the index of its IPv4 RoCE v2 GID, its netdev
#   $PEER               the other's IPv4 address
#   both NAME COMMAND-OF-A... -- COMMAND-OF-B...     a check in both
# shellcheck shell=bash
. ../selftests/rc/lib.sh

HOST=$(sed -n 's/.*hmmodp\.host=\([AB]\).*/\1/p' /proc/cmdline)
[ -n "$HOST" ] || skip_all "for two guests: run test pairs/NAME"
DEV=nic IF=eth0
case $HOST in A) N=1 PEER=10.0.0.2;; B) N=2 PEER=10.0.0.1;; esac

host_up() { # [MTU]
	local i
	modprobe -n virtio_net 2> /dev/null || skip_all "no virtio_net in this kernel"
	modprobe -a virtio_net ib_uverbs rdma_ucm hroce || bail "modules do not load"
	for i in {1..100}; do [ -e /sys/class/net/$IF ] && break; sleep 0.05; done
	sysctl -qw net.ipv6.conf.$IF.accept_dad=0 &&
	ip link set $IF mtu "${1:-1500}" up && ip addr add "10.0.0.$N/24" dev $IF &&
	ip addr add "fd00::$N/64" dev $IF nodad && nic_add $DEV hroce $IF || bail "no wire"
	GID=$(wait_gid $DEV "00000000000000000000ffff0a00000$N") || bail "no GID"
	for i in $(seq "$(patience 200)"); do # the other may be slower
		ping -q -c 1 -W 1 $PEER > /dev/null && return
		sleep 0.5
	done
	bail "the other host does not answer"
}
both() {
	local name=$1 a=(); shift
	while [ "$1" != -- ]; do a+=("$1"); shift; done
	shift
	case $HOST in A) check "$name" "${a[@]}";; B) check "$name" "$@";; esac
}
counter() { cat "/sys/class/infiniband/$DEV/ports/1/hw_counters/$1"; }

rds_up() {
	modprobe -n rds_rdma 2> /dev/null || skip_all "no RDS in this kernel"
	host_up 4500
	modprobe rds_rdma || bail "RDS does not load"
}
over_the_nic() { # the counters must move, for RDS has TCP too
	local n
	n=$(counter sent_pkts)
	"$@" || return
	sleep 0.05	# the counters' lifespan
	[ "$(counter sent_pkts)" -gt $((n + 100)) ] && return
	echo "it ended well, but not over the device"
	return 1
}
