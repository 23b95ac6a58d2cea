#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A bad wire: loss, duplication, reordering and corruption of packets, one by one
# and together, between two hroce and between hroce and rxe. Every byte checked.
# timeout: 700
. rc/lib.sh
rc_programs
modprobe sch_netem 2> /dev/null || skip_all "no sch_netem in this kernel"
odp=--odp tries=
# a kernel that is slow itself answers later, and rxe counts what comes too late
timeout=$([ "${HMMODP_SLOW:-1}" = 1 ] && echo 14 || echo 17)
[ "$NIC_TYPE" = hroce ] || odp=

bad_wire() { # NETEM...
	A tc qdisc replace dev "$IF_A" root netem limit 10000 "$@" &&
	B tc qdisc replace dev "$IF_B" root netem limit 10000 "$@"
}

faults=("loss 1%" "duplicate 1%" "delay 2ms reorder 25% 50%" "corrupt 1%"
	"delay 1ms 1ms loss 1% duplicate 1% corrupt 1% reorder 10%")

traffic() { # NETEM A-OPTIONS B-OPTIONS
	# shellcheck disable=SC2086
	bad_wire $1 && $tries rc_pair rc_check "$2" "$3 --timeout $timeout --max 32k --iters $(long 6 60)"
}
torture() { # WHO A-OPTIONS B-OPTIONS FAULT...
	local who=$1 a=$2 b=$3 fault; shift 3
	for fault; do
		check "$who: $fault, pinned" traffic "$fault" "${a/--odp/}" "${b/--odp/}"
		check "$who: $fault, ODP" traffic "$fault" "$a" "$b --cold"
	done
}
up netns 1500
torture "$NIC_TYPE" "$odp" "$odp" "${faults[@]}"
# what was lost must have been asked for again
if [ "$NIC_TYPE" = hroce ]; then
	again() { [ $(($(nic_counter A retransmits) + $(nic_counter B retransmits))) -gt 0 ]; }
	check "retransmits were counted" again
	bad() { [ $(($(nic_counter A rx_icrc_encapsulated) + $(nic_counter B rx_icrc_encapsulated))) -gt 0 ]; }
	check "ICRC errors were counted" bad
fi
hosts_down
# Each way by itself. Stock rxe answers a READ that is asked for again with an error
# (and a warning in the log) if the request before it had no bytes: no empty messages.
# As a requester it hangs, or takes wrong bytes, where packets of READs and atomics
# come out of order, on a wire of its own just so.
if [ "$NIC_TYPE" = hroce ] && modprobe -n rdma_rxe 2> /dev/null; then
	no_order=${faults[2]}
	export NIC_TYPE_A=rxe NIC_TYPE_B=hroce
	up mixed 1500
	torture "hroce to rxe" "" "--odp --one-way --no-empty" "${faults[@]}"
	hosts_down
	export NIC_TYPE_A=hroce NIC_TYPE_B=rxe
	up mixed 1500
	tries=try
	torture "rxe to hroce" --odp --one-way "loss 1%" "duplicate 1%" "corrupt 1%"
	check "rxe to hroce: $no_order, SEND and WRITE" traffic "$no_order" --odp \
		"--one-way --cold --ops send,imm,inline,write,wimm"
	hosts_down
fi
finish
