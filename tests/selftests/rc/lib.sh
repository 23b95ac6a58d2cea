# SPDX-License-Identifier: GPL-2.0
# What the tests share: KTAP output, the programs, the two hosts. Source it as
# rc/lib.sh (or ../selftests/rc/lib.sh); $RC is then the folder of the programs.
# shellcheck shell=bash
: "${NIC_TYPE:=hroce}"
[ "${HMMODP_LONG:-0}" = 0 ] || : "${LIMIT:=$((1200 * ${HMMODP_SLOW:-1}))}"
# seconds for a program, on a slow machine
export NIC_TYPE LIMIT=${LIMIT:-$((120 * ${HMMODP_SLOW:-1}))}
HOSTS_SH=${HMMODP_HOSTS:-/usr/share/hmmodp/hosts.sh}
# shellcheck source=/dev/null
. "$HOSTS_SH"

RC_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
RC_TMP=$(mktemp -d)
export TMPDIR=$RC_TMP
KTAP_N=0 KTAP_FAILED=0 KTAP_SKIPPED=0

skip_all() { echo "1..0 # SKIP $*"; exit 4; }
bail() { echo "Bail out! $*"; exit 1; }

# rc_programs [fuzz]: where the programs are, built beforehand or once per boot.
rc_programs() {
	RC=$(rc_built "$RC_DIR" rc_check) || bail "the programs do not build: $RC"
	[ "${1:-}" != fuzz ] || FUZZ=$(rc_built "$RC_DIR/../../fuzz" pkt_fuzz) ||
		bail "the fuzzer does not build: $FUZZ"
}
rc_built() { # FOLDER PROGRAM
	local out=/tmp/hmmodp-$2
	if [ -x "$1/bin/$2" ]; then echo "$1/bin"; return; fi
	make -s -j2 -C "$1" OUT="$out" >&2 && echo "$out"
}

# check NAME COMMAND...: one KTAP line; output only of a failure. Code 4 skips.
check() {
	local name=$1 rc; shift
	KTAP_N=$((KTAP_N + 1))
	: > "$RC_TMP/tries"
	"$@" > "$RC_TMP/check.log" 2>&1; rc=$?
	cat "$RC_TMP/tries"
	case $rc in
	0) echo "ok $KTAP_N $name";;
	4) echo "ok $KTAP_N $name # SKIP $(tail -n 1 "$RC_TMP/check.log")"; KTAP_SKIPPED=$((KTAP_SKIPPED + 1));;
	*) echo "not ok $KTAP_N $name (code $rc)"
	   tail -n 40 "$RC_TMP/check.log" | sed 's/^/# /'
	   KTAP_FAILED=$((KTAP_FAILED + 1));;
	esac
	return 0
}
# The last line of a test.
finish() {
	[ $KTAP_N != 0 ] || bail "nothing was checked"
	echo "1..$KTAP_N"
	echo "# $((KTAP_N - KTAP_FAILED - KTAP_SKIPPED)) passed, $KTAP_FAILED failed, $KTAP_SKIPPED skipped"
	rm -rf "$RC_TMP"
	[ $KTAP_FAILED = 0 ] || exit 1
	[ $KTAP_N -gt $KTAP_SKIPPED ] || exit 4
	exit 0
}

# rc_pair PROGRAM "OPTIONS OF A" "OPTIONS OF B": server on A, client on B.
# GIDS=6 takes the IPv6 GIDs. IN_A and IN_B are words before the programs.
IN_A=() IN_B=()
rc_pair() {
	local prog=$RC/$1 a=$GID_A b=$GID_B rc
	# stock rxe as a requester now and then never wakes from an RNR NAK
	case "$1 $NIC_TYPE${NIC_TYPE_A:-}${NIC_TYPE_B:-}" in
	rc_check*rxe*|odp_churn*rxe*) set -- "$1" "$2" "$3 --ready";;
	esac
	[ "${GIDS:-4}" = 4 ] || { a=$GID6_A; b=$GID6_B; }
	# shellcheck disable=SC2086
	pair "${IN_A[@]}" "$prog" --dev "$DEV_A" --gid "$a" $2 -- "${IN_B[@]}" "$prog" --dev "$DEV_B" --gid "$b" $3 "$CTL_A"
	rc=$?
	[ $rc = 0 ] || { echo "-- server:"; cat /tmp/server.log; }
	return $rc
}
# try COMMAND...: up to three times, where stock rxe is the requester: after a
# retransmission (a slow machine has timeouts) it hangs now and then, or takes
# wrong bytes of a READ, also on a wire of its own. hroce must do it right once.
try() {
	local i
	for i in 1 2 3; do
		"$@" && return
		echo "-- try $i failed"
		echo "# try $i of the next one failed" >> "$RC_TMP/tries"
	done
	return 1
}
# keep_order: after up, for UC, which loses what is overtaken, and for who counts what is
# sent again. Virtual wires have a queue for each CPU that sends; now one CPU takes in all
# that arrives.
keep_order() { A one_cpu "$IF_A" && B one_cpu "$IF_B" || bail "receive queues: no CPU can be chosen"; }
one_cpu() { # NETDEV
	local q
	for q in "/sys/class/net/$1"/queues/rx-*/rps_cpus /sys/class/net/lo/queues/rx-0/rps_cpus; do
		echo 1 > "$q" || return
	done
}
export -f one_cpu
up() { hosts_up "$@" || bail "hosts_up $* failed"; }

# patience SECONDS: for timeout, more on a kernel that is slow itself
patience() { echo $(($1 * ${HMMODP_SLOW:-1})); }
export -f patience

# long N M: N, but M where HMMODP_LONG is set
long() { [ "${HMMODP_LONG:-0}" = 1 ] && echo "$2" || echo "$1"; }

# cm_pair PORT SERVER... -- CLIENT...: pair for programs that listen by rdma_cm;
# says more of a failure, as these programs say little.
cm_pair() {
	local PORT=$1 rc; shift
	pair "$@"; rc=$?
	[ $rc = 0 ] && return
	echo "-- code $rc; server:"
	tail -n 20 /tmp/server.log
	rdma resource show qp
	rdma resource show cm_id
	return $rc
}
# A connection of rdma_cm from B to A, data validated.
rc_cm() {
	LIMIT=40 cm_pair 7174 stdbuf -oL rping -s -a 10.0.0.1 -C 8 -V -- \
		stdbuf -oL rping -c -a 10.0.0.1 -C 8 -V -v
}
