#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Many processes with many queue pairs each, all verbs of RC at random both ways, over
# on-demand memory of every kind that is thrown away all the time, on a wire that loses
# packets; every byte checked. HMMODP_LONG=1: 24 processes of 40 queue pairs for ten
# minutes.
# timeout: 200
. rc/lib.sh
rc_programs
[ "$NIC_TYPE" = hroce ] || skip_all "for hroce"
COUPLES=$(long 4 12) QPS=$(long 8 40) LASTS=$(long 8 600)
kinds=(plain thp memfd file hugetlb plain thp)

couple() { # NUMBER KIND: two processes, over and over
	local n=$1 kind=$2 s rounds=0 log=$RC_TMP/couple$1.log args cold=()
	args=(--odp --mem "$kind" --port $((18600 + n)))
	# pages of the pool cannot be thrown away in parts
	[ "$kind" = hugetlb ] || cold=(--cold)
	while [ $SECONDS -lt "$LASTS" ]; do
		A timeout "$LIMIT" "$RC/rc_check" --dev "$DEV_A" --gid "$GID_A" "${args[@]}" > "$log.server" 2>&1 & s=$!
		B timeout "$LIMIT" "$RC/rc_check" --dev "$DEV_B" --gid "$GID_B" "${args[@]}" --both "${cold[@]}" \
			--qps "$QPS" --depth 4 --max 16k --iters 2 --timeout 16 "$CTL_A" > "$log" 2>&1 &&
			wait $s || { wait $s; echo "couple $n, $kind memory, round $rounds:"; cat "$log" "$log.server"; return 1; }
		rounds=$((rounds + 1))
	done
	echo $rounds > "$RC_TMP/rounds$n"
}
crowd() {
	local n pids=() p rc=0
	SECONDS=0
	for ((n = 0; n < COUPLES; n++)); do
		couple $n "${kinds[n % ${#kinds[@]}]}" & pids+=($!)
	done
	for p in "${pids[@]}"; do wait "$p" || rc=1; done
	[ $rc = 0 ] && cat "$RC_TMP"/rounds*
	return $rc
}
lost() { # the wire was as bad as it was meant to be
	local n
	n=$(($(nic_counter A retransmits) + $(nic_counter B retransmits)))
	echo "$n packets were sent again"
	[ $n -gt 0 ]
}

echo "$(long 64 400)" > /proc/sys/vm/nr_hugepages
up netns 4500
modprobe sch_netem 2> /dev/null && for side in A B; do
	dev=IF_$side
	$side tc qdisc replace dev "${!dev}" root netem limit 20000 loss 0.5% || bail "netem"
done
check "$((2 * COUPLES)) processes, $QPS queue pairs each, for $LASTS s" crowd
sed 's/^/# rounds of a couple: /' "$RC_TMP"/check.log | paste -sd ' ' | sed 's/ # rounds of a couple:/,/g'
[ ! -d /sys/module/sch_netem ] || check "packets were lost" lost
hosts_down
echo 0 > /proc/sys/vm/nr_hugepages
finish
