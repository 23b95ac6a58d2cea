# SPDX-License-Identifier: GPL-2.0
# What the tests with unmodified programs share, on top of the self-tests' own:
# a run counts only if the device's packet counters moved. Source as lib/clients.sh.
# shellcheck shell=bash
. ../selftests/rc/lib.sh

# through COMMAND...: and both devices must have sent packets meanwhile
through() {
	local a b
	a=$(nic_counter A sent_pkts) b=$(nic_counter B sent_pkts)
	"$@" || { local rc=$?; echo "-- server:"; tail -n 20 /tmp/server.log; return $rc; }
	sleep 0.05	# the counters' lifespan
	[ "$(nic_counter A sent_pkts)" -gt "$a" ] && [ "$(nic_counter B sent_pkts)" -gt "$b" ] && return
	echo "it ended well, but not over this device: sent_pkts stayed at $a or $b"
	return 1
}
# sent COMMAND...: and B's device must have sent packets, where A's has nothing to say
sent() {
	local b
	b=$(nic_counter B sent_pkts)
	"$@" || return
	sleep 0.05
	[ "$(nic_counter B sent_pkts)" -gt "$b" ] && return
	echo "it ended well, but not over this device"
	return 1
}
# faulted COMMAND...: and the device of host FAULTS_AT must have faulted pages in (hroce)
FAULTS_AT=A
faulted() {
	local f
	[ "$NIC_TYPE" = hroce ] || { "$@"; return; }
	f=$(nic_counter $FAULTS_AT page_faults)
	"$@" || return
	sleep 0.05
	[ "$(nic_counter $FAULTS_AT page_faults)" -gt "$f" ] && return
	echo "it ended well, but without a page fault of the device"
	return 1
}
# both_modes FUNCTION: which says in_mode NAME COMMAND... for check; first as the programs
# are and then, of hroce, with all that they register on demand by the provider's setting
MODE=pinned SEEN=()
in_mode() { check "$1, $MODE" "${SEEN[@]}" "${@:2}"; }
both_modes() {
	"$@"
	[ "$NIC_TYPE" != hroce ] || on_demand "$@"
}
on_demand() {
	export HROCE_ODP=1
	MODE=ODP SEEN=(faulted)
	"$@"
	MODE=pinned SEEN=()
	unset HROCE_ODP
}
