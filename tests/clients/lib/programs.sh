# SPDX-License-Identifier: GPL-2.0
# Programs that more than one test runs and that are not just a server and a client. Source
# as lib/programs.sh, behind lib/clients.sh.
# shellcheck shell=bash

# qperf_test TEST: by rdma_cm, which is how qperf finds its peer
qperf_test() {
	A timeout "$(patience 60)" qperf > /tmp/server.log 2>&1 & local s=$! rc
	for _ in {1..200}; do A ss -Hltn "sport = :19765" | grep -q . && break; sleep 0.05; done
	B timeout "$(patience 50)" qperf -cm 1 -t "$(long 1 5)" 10.0.0.1 "$1"; rc=$?
	B timeout "$(patience 20)" qperf 10.0.0.1 quit || rc=$?
	wait $s
	return $rc
}
# fio_test VERB: the side that listens has no host name and reads
fio_test() {
	local common=(--ioengine=rdma --port=8765 --bs=64k --size="$(long 4 64)m" --iodepth=8 --name=x)
	cm_pair 8765 fio "${common[@]}" --rw=read -- \
		fio "${common[@]}" --rw=write --hostname=10.0.0.1 --verb="$1"
}
# rcopy_test: a file over rsockets, compared
rcopy_test() {
	local s rc
	head -c 300001 /dev/urandom > "$RC_TMP/from"
	A timeout "$(patience 60)" rcopy > /tmp/server.log 2>&1 & s=$!
	sleep 3
	B timeout "$(patience 50)" rcopy "$RC_TMP/from" "10.0.0.1:$RC_TMP/to"; rc=$?
	A killall -q rcopy
	wait $s 2> /dev/null
	[ $rc = 0 ] && cmp "$RC_TMP/from" "$RC_TMP/to"
}
# mckey_test GROUP OF-RECEIVER OF-SENDER: addresses; the receiver joins first, and ends
# when it has got all. The sender does not wait for what it has posted, but ends: its pages
# are not to be late.
mckey_test() {
	local s rc
	A timeout "$(patience 60)" stdbuf -oL mckey -m "$1" -b "$2" -C 10 -S 500 > /tmp/server.log 2>&1 & s=$!
	for _ in {1..100}; do grep -q "joined" /tmp/server.log && break; sleep 0.1; done
	sleep 1
	B timeout "$(patience 50)" env -u HROCE_ODP mckey -m "$1" -b "$3" -C 10 -S 500 -s; rc=$?
	wait $s && [ $rc = 0 ] && grep -q "receiving data transfers" /tmp/server.log
}
# sent_to_group COMMAND...: and B's device has sent what A's has got, without an answer;
# rdma_cm has no IPv6 groups over Ethernet
sent_to_group() {
	local b got
	b=$(nic_counter B sent_pkts) got=$(nic_counter A rcvd_pkts)
	"$@" || { echo "-- receiver:"; tail -n 20 /tmp/server.log; return 1; }
	sleep 0.05
	[ "$(nic_counter B sent_pkts)" -ge $((b + 10)) ] && [ "$(nic_counter A rcvd_pkts)" -ge $((got + 10)) ]
}
