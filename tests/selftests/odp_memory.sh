#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Byte-checked ODP traffic in memory of the less ordinary sort: of processes that a
# control group has swapped out all the time, of the pool of huge pages, and where
# user space answers the faults (userfaultfd). And that such a test can fail.
# HMMODP_LONG=1 makes 20 runs.
# timeout: 300
. rc/lib.sh
. rc/memcg.sh
rc_programs
[ "$NIC_TYPE" = hroce ] || skip_all "for hroce"
inject=/sys/kernel/debug/hmmodp/inject

restore() {
	[ ! -e $inject ] || echo 0 > $inject/no_dirty
	echo "$pool" > /proc/sys/vm/nr_hugepages
	memcg_stop
	swap_off
}
pool=$(cat /proc/sys/vm/nr_hugepages)
trap restore EXIT
echo 96 > /proc/sys/vm/nr_hugepages
memcg_start
swap_on 768 || bail "no swap"

both() { # PROGRAM OPTIONS OF-CLIENT: the same options on both sides; prints what both say
	rc_pair "$1" "$2" "$2 $3" > "$RC_TMP/client.log" 2>&1
	local rc=$?
	cat "$RC_TMP/client.log"
	[ $rc != 0 ] || cat /tmp/server.log
	return $rc
}

# Each process alone, and its models of the traffic, is several times its group.
confined() { # MEM OPTIONS
	local a b g before after rc=0
	memcg_add a "$(long 3M 8M)" max || return
	a=$GROUP IN_A=("${IN_GROUP[@]}")
	memcg_add b "$(long 3M 8M)" max || return
	b=$GROUP IN_B=("${IN_GROUP[@]}")
	read -r -a before <<< "$(swapped)"
	both rc_check "--odp --mem $1" "--mtu 4096 --max $(long 1m 3m) --depth 6 --iters 2 $2" || rc=1
	read -r -a after <<< "$(swapped)"
	IN_A=() IN_B=()
	for g in "$a" "$b"; do
		[ "$(memcg_event "$g" oom_kill)" = 0 ] && [ "$(memcg_event "$g" max)" -gt 0 ] ||
			{ echo "$g:"; cat "$g/memory.events"; rc=1; }
		memcg_del "$g" || rc=1
	done
	echo "pages swapped in $((after[0] - before[0])), out $((after[1] - before[1]))"
	# twice the region at the least, of both
	[ $((after[0] - before[0])) -gt 2048 ] && [ $((after[1] - before[1])) -gt 2048 ] || rc=1
	return $rc
}

huge() { # MEM ACTIONS: of many, some have no luck
	[ "$(cat /proc/sys/vm/nr_hugepages)" -ge 96 ] ||
		{ echo "no huge pages to be had"; return 4; }
	both odp_churn "--odp --mem $1 --churn $2 --least 10" "--mtu 4096 --depth 6 --max 6m --iters 6"
}

answered() { # missing|protect MEM OPTIONS
	both odp_uffd "--$1 --mem $2" "--mtu 4096 $3"
}

# Lose what the device writes into clean pages: the traffic must notice.
noticed() {
	local rc=0 i
	echo 1 > $inject/no_dirty || return
	# on a busy machine the kernel may spare the pages for a while
	for ((i = 0; i < 5 && rc == 0; i++)); do
		both odp_churn "--odp --mem plain --churn free" "--mtu 4096 --depth 12 --max 256k --iters 40"
		rc=$?
	done
	echo 0 > $inject/no_dirty
	[ $rc != 0 ] || { echo "nobody noticed"; return 1; }
	cat "$RC_TMP/client.log" /tmp/server.log | grep -q 'bytes differ up to' || { echo "but not by the bytes"; return 1; }
}
# and what they notice is that alone
unnoticed() { both odp_churn "--odp --mem plain --churn free" "--mtu 4096 --depth 12 --max 256k --iters 6"; }

up netns 9000
for ((run = 1; run <= $(long 1 20); run++)); do
	check "run $run: swapped by a control group, small pages" confined plain --both
	[ "$(long 0 1)" = 0 ] || check "run $run: swapped by a control group, huge pages" confined thp
	check "run $run: swapped by a control group, memfd" confined memfd
	check "run $run: hugetlb, private" huge hugetlb remap,dontneed,mprotect,mremap,fork
	check "run $run: hugetlb, shared" huge hugefd remap,dontneed,mprotect,punch
	check "run $run: userfaultfd brings pages" answered missing plain "--max 128k --iters 6"
	check "run $run: userfaultfd brings pages, both ways" answered missing plain "--max 128k --both --qps 2 --iters 3"
	check "run $run: userfaultfd brings pages of a memfd" answered missing memfd "--max 128k --iters 4"
	check "run $run: userfaultfd brings huge pages" answered missing hugetlb "--max 4m --depth 6 --iters 6"
	check "run $run: userfaultfd protects pages" answered protect plain "--max 128k --iters 6"
	check "run $run: userfaultfd protects pages, both ways" answered protect plain "--max 128k --both --qps 2 --iters 3"
	check "run $run: userfaultfd protects parts of huge pages" answered protect thp "--max 2m --depth 8 --iters 3"
	check "run $run: userfaultfd protects pages of a memfd" answered protect memfd "--max 128k --iters 4"
	check "run $run: userfaultfd protects huge pages" answered protect hugetlb "--max 4m --depth 6 --iters 6"
	check "run $run: bytes lost on purpose are noticed" noticed
	check "run $run: no bytes are lost otherwise" unnoticed
done
hosts_down
finish
