# SPDX-License-Identifier: GPL-2.0
# Two RDMA hosts inside one guest, joined by a veth pair va - vb. Source this,
# then call hosts_up.
# shellcheck shell=bash
#
#   hosts_up netns [MTU]   A and B are network namespaces. rxe needs Linux 7 for
#                          this (before, it receives in the first namespace only).
#   hosts_up mixed [MTU]   one host is the first namespace (that of rxe, if one is),
#                          the other a namespace of its own: hroce with rxe anywhere
#   hosts_up veth [MTU]    both in the first namespace; policy routes make them talk
#                          over the wire where Linux would short-cut to loopback
#   hosts_up loop [MTU]    one device talks to itself, nothing in between
#   hosts_down             undo;   hosts_clean: undo whatever may be left of it
#
#   NIC_TYPE               hroce (default) or rxe; NIC_TYPE_A and NIC_TYPE_B for one host
#
# Then:  A CMD... B CMD...   run on host A or B (10.0.0.1 fd00::1, 10.0.0.2 fd00::2)
#        $DEV_A $DEV_B       RDMA devices          $IF_A $IF_B       their netdevs
#        $GID_A $GID_B       IPv4 RoCE v2 GID index  $GID6_A $GID6_B   fd00::N likewise
#        $CTL_A              address at which B reaches a TCP service of A
#        nic_counter A|B NAME   a hw_counter of that host's device
#        pair SERVER... -- CLIENT...   see below
export NIC_TYPE=${NIC_TYPE:-hroce}
HOSTS='' NS_A='' NS_B=''

nic_module() { case $1 in rxe) echo rdma_rxe;; *) echo "$1";; esac; }
nic_add() { rdma link add "$1" type "$2" netdev "$3"; } # NAME TYPE NETDEV

# "ip netns exec" runs programs only; functions must be exported for A and B
in_ns() {
	local ns=$1; shift
	if [ -z "$ns" ]; then "$@"
	elif [ "$(type -t "$1")" = function ]; then ip netns exec "$ns" bash -c '"$@"' x "$@"
	else ip netns exec "$ns" "$@"; fi
}
A() { in_ns "$NS_A" "$@"; }
B() { in_ns "$NS_B" "$@"; }

# gid_index DEV ADDRESS-IN-HEX: index of that RoCE v2 GID
gid_index() {
	local d=/sys/class/infiniband/$1/ports/1 gid type i
	for i in {0..15}; do
		{ read -r gid < "$d/gids/$i"; } 2> /dev/null || continue
		[ "${gid//:/}" = "$2" ] || continue
		{ read -r type < "$d/gid_attrs/types/$i"; } 2> /dev/null
		[ "$type" = "RoCE v2" ] && { echo "$i"; return; }
	done
	return 1
}
wait_gid() { # the stack adds GIDs some time after the address
	local i
	for i in {1..200}; do gid_index "$1" "$2" && return; sleep 0.05; done
	echo "hosts: $1 has no GID $2" >&2
	return 1
}

hosts_up() {
	local mtu=${2:-1500} type_a=${NIC_TYPE_A:-$NIC_TYPE} type_b=${NIC_TYPE_B:-$NIC_TYPE} i
	HOSTS=$1 NS_A='' NS_B=''
	DEV_A=nica DEV_B=nicb IF_A=va IF_B=vb CTL_A=10.0.0.1
	case $HOSTS in
	netns) NS_A=A NS_B=B;;
	mixed) if [ "$type_b" = rxe ]; then NS_A=A; else NS_B=B; fi;;
	veth|loop) CTL_A=127.0.0.1;;
	*) echo "hosts_up netns|mixed|veth|loop [MTU]" >&2; return 1;;
	esac
	# before Linux 7 rxe holds the first namespace's UDP port while it is loaded
	case $type_a$type_b in *rxe*) ;; *) modprobe -qr rdma_rxe;; esac
	modprobe -a ib_uverbs rdma_ucm veth "$(nic_module "$type_a")" "$(nic_module "$type_b")" || return
	ip link add va type veth peer name vb || return
	for i in A B; do
		case $i in A) ns=$NS_A;; B) ns=$NS_B;; esac
		[ -n "$ns" ] || continue
		ip netns add $i && ip link set "v${i,,}" netns $i && ip -n $i link set lo up || return
	done
	# nobody else is on this wire: addresses need no check for duplicates
	for i in A B; do $i sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 || return; done
	A ip link set va mtu "$mtu" up && B ip link set vb mtu "$mtu" up || return
	case $HOSTS in
	veth) hosts_wire;;
	loop) hosts_address A 24 64;;
	*) hosts_address A 24 64; hosts_address B 24 64;;
	esac || return
	A nic_add $DEV_A "$type_a" va || return
	if [ "$HOSTS" = loop ]; then DEV_B=$DEV_A IF_B=va
	else B nic_add $DEV_B "$type_b" vb || return; fi
	GID_A=$(wait_gid $DEV_A 00000000000000000000ffff0a000001) &&
	GID6_A=$(wait_gid $DEV_A fd000000000000000000000000000001) || return
	GID_B=$GID_A GID6_B=$GID6_A
	[ "$HOSTS" = loop ] ||
		{ GID_B=$(wait_gid $DEV_B 00000000000000000000ffff0a000002) &&
		GID6_B=$(wait_gid $DEV_B fd000000000000000000000000000002); } || return
	export HOSTS NS_A NS_B DEV_A DEV_B IF_A IF_B GID_A GID_B GID6_A GID6_B CTL_A
	[ "$HOSTS" = loop ] || hosts_met
}
# The first question for a neighbour's address may be lost on a new wire, and the
# answer comes later than verbs wait for it: have them know each other.
hosts_met() {
	local i
	for i in {1..20}; do
		B ping -q -c 1 -W 1 -I 10.0.0.2 10.0.0.1 && B ping -q -c 1 -W 1 -I fd00::2 fd00::1 && return
	done > /dev/null
	echo "hosts: they do not reach each other" >&2
	return 1
}
export -f in_ns A B nic_add nic_module

hosts_address() { # A|B PREFIX4 PREFIX6
	local n=1
	[ "$1" = A ] || n=2
	$1 ip addr add "10.0.0.$n/$2" dev "v${1,,}" &&
	$1 ip addr add "fd00::$n/$3" dev "v${1,,}" nodad
}
# Both ends in one namespace: received packets are looked up as local first, own
# packets to the other end are sent there, and only then all else is local.
hosts_wire() {
	local i f
	hosts_address A 32 128 && hosts_address B 32 128 || return
	for i in all va vb; do
		sysctl -qw "net.ipv4.conf.$i.accept_local=1" "net.ipv4.conf.$i.rp_filter=0" \
			"net.ipv4.conf.$i.arp_ignore=1" || return
	done
	ip route add 10.0.0.2 dev va src 10.0.0.1 table 101 &&
	ip route add 10.0.0.1 dev vb src 10.0.0.2 table 102 &&
	ip -6 route add fd00::2 dev va src fd00::1 table 101 &&
	ip -6 route add fd00::1 dev vb src fd00::2 table 102 || return
	for f in -4 -6; do
		ip $f rule add pref 10 iif va lookup local
		ip $f rule add pref 11 iif vb lookup local
		ip $f rule add pref 100 lookup local
		ip $f rule del pref 0
	done
	ip rule add pref 20 from 10.0.0.1 to 10.0.0.2 lookup 101
	ip rule add pref 21 from 10.0.0.2 to 10.0.0.1 lookup 102
	ip -6 rule add pref 20 from fd00::1 to fd00::2 lookup 101
	ip -6 rule add pref 21 from fd00::2 to fd00::1 lookup 102
}

hosts_down() { hosts_clean; }
hosts_clean() {
	local d f p ns
	for d in /sys/class/infiniband/*; do
		[ ! -e "$d" ] || rdma link delete "${d##*/}" 2> /dev/null
	done
	for ns in A B; do
		[ ! -e /run/netns/$ns ] || ip netns del $ns
	done
	[ ! -e /sys/class/net/va ] || ip link del va
	if ! ip rule list pref 0 | grep -q .; then
		for f in -4 -6; do
			ip $f rule add pref 0 lookup local
			for p in 10 11 20 21 100; do ip $f rule del pref $p; done
		done
	fi
	for p in {1..40}; do # a namespace goes in the background, with its end of the pair
		[ -e /sys/class/net/va ] || [ -e /sys/class/net/vb ] || break
		sleep 0.05
	done
	HOSTS='' NS_A='' NS_B=''
}

nic_counter() {
	local d=$DEV_A value
	[ "$1" = A ] || d=$DEV_B
	read -r value < "/sys/class/infiniband/$d/ports/1/hw_counters/$2" && echo "$value"
}

# pair SERVER... -- CLIENT...: start SERVER on A, wait until it listens on TCP or
# rdma_cm port $PORT, run CLIENT on B; its output goes to stdout, the server's to
# /tmp/server.log. Fails if either fails. LIMIT seconds (60) each.
PORT=${PORT:-18515}
listening() { # PORT PID: return when something listens there, or that process is no more
	local i port f address state
	printf -v port %04X "$1"
	for i in {1..400}; do
		for f in /proc/net/tcp /proc/net/tcp6; do
			while read -r _ address _ state _; do
				[[ $address = *:$port && $state = 0A ]] && return
			done 2> /dev/null < $f
		done
		# by rdma_cm; less often, as it takes processes
		[ $((i % 4)) != 0 ] || ! rdma resource show cm_id 2> /dev/null |
			grep -q ":$1 .*LISTEN\|LISTEN.*:$1 " || return 0
		kill -0 "$2" 2> /dev/null || return 0
		sleep 0.03
	done
}
export -f listening
pair() {
	local server=() rc src pid
	while [ "$1" != -- ]; do server+=("$1"); shift; done
	shift
	A timeout "${LIMIT:-60}" "${server[@]}" > /tmp/server.log 2>&1 &
	pid=$!
	A listening "$PORT" $pid
	B timeout "${LIMIT:-60}" "$@"
	rc=$?
	wait $pid
	src=$?
	return $((rc ? rc : src))
}
