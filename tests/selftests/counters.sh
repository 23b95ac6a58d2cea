#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Counters move when, and only when, what they count happens: in sysfs and by
# "rdma statistic".
# timeout: 240
. rc/lib.sh
rc_programs
[ "$NIC_TYPE" = hroce ] || skip_all "for hroce's counters"

declare -A before after
snapshot() { # ARRAY: "A|B NAME" becomes the value, for both devices
	local -n values=$1
	local h d f value
	for h in A B; do
		[ $h = A ] && d=$DEV_A || d=$DEV_B
		for f in "/sys/class/infiniband/$d/ports/1/hw_counters"/*; do
			case $f in */lifespan) continue;; esac
			read -r value < "$f" && values["$h ${f##*/}"]=$value
		done
	done
}
moved() { # HOST NAME: by how much between before and after
	local b=${before[$1 $2]:-} a=${after[$1 $2]:-}
	[ -n "$b" ] && [ -n "$a" ] || { echo "no counter $2" >&2; return 1; }
	echo $((a - b))
}
during() { # COMMAND...
	sleep 0.1	# beyond the counters' lifespan
	snapshot before
	"$@" || return
	sleep 0.1
	snapshot after
}
expect() { # HOST NAME OPERATOR VALUE
	local by
	by=$(moved "$1" "$2") || return
	test "$by" "$3" "$4" || { echo "$2 of $1 moved by $by, which is not $3 $4"; return 1; }
}

# those of Documentation/counters.md, and no other
exist() {
	diff <(printf '%s\n' page_faults page_prefetch page_readahead page_readahead_hits \
		page_invalidations page_reclaims page_fault_retries page_fault_errors \
		prefetch_ranges prefetch_errors requester_faults responder_faults \
		fault_stall_us parked_pkts park_overflow sent_pkts rcvd_pkts sent_bytes \
		rcvd_bytes retransmits local_ack_timeout_err packet_seq_err \
		rnr_nak_retry_err retry_exceeded_err retry_rnr_exceeded_err \
		duplicate_request out_of_sequence nak_sent send_rnr_err \
		rx_icrc_encapsulated rx_malformed rx_no_qp tx_dropped | sort) \
		<(ls -I lifespan "/sys/class/infiniband/$DEV_A/ports/1/hw_counters")
}
pinned() {
	during rc_pair rc_check "" "--iters 6" || return
	expect A page_faults -eq 0 && expect B page_faults -eq 0 &&
	expect A page_invalidations -eq 0 && expect A page_prefetch -eq 0 &&
	expect A sent_pkts -gt 0 && expect B sent_pkts -gt 0 &&
	expect A sent_bytes -gt 1000 && expect A rx_icrc_encapsulated -eq 0 &&
	expect A rx_malformed -eq 0 && expect A retry_exceeded_err -eq 0 &&
	crossed A B && crossed B A
}
# What one sends the other receives, on a wire that neither loses nor reorders: as much,
# unless a timeout of a slow machine had some of it sent again.
crossed() { # FROM TO
	local what op=-eq
	[ "$(moved "$1" retransmits)$(moved "$2" retransmits)" = 00 ] || op=-ge
	for what in pkts bytes; do
		expect "$1" sent_$what $op "$(moved "$2" rcvd_$what)" || return
	done
}
odp() {
	during rc_pair rc_check --odp "--iters 6 --cold" || return
	expect A page_faults -gt 0 && expect A page_invalidations -gt 0 &&
	expect B page_faults -eq 0
}
# a page is counted as it comes into the translation, and once only
once() {
	during rc_pair rc_check --odp "--odp --iters 1 --max 64k" || return
	local faults
	faults=$(moved A page_faults) || return
	# rc_check of 64 KiB has a region of less than 1 MiB
	[ "$faults" -gt 0 ] && [ "$faults" -le 256 ] || { echo "$faults pages faulted"; return 1; }
}
lossy() {
	modprobe sch_netem 2> /dev/null || { echo "no sch_netem"; return 4; }
	# most of what it corrupts is in headers, where others see it first
	A tc qdisc replace dev "$IF_A" root netem loss 3% corrupt 5%
	during rc_pair rc_check "" "--timeout 14 --max 32k --iters 40"
	local rc=$?
	A tc qdisc del dev "$IF_A" root
	[ $rc = 0 ] || return 1
	expect B rx_icrc_encapsulated -gt 0 &&
	[ $(($(moved A retransmits) + $(moved B retransmits))) -gt 0 ] &&
	[ "$(moved A sent_pkts)" -gt "$(moved B rcvd_pkts)" ]
}
rnr() {
	during rc_pair bad_access "--only without" "--only without" || return
	expect A send_rnr_err -gt 0 && expect B rnr_nak_retry_err -gt 0 &&
	expect B retry_rnr_exceeded_err -gt 0
}
gone() {
	during rc_pair bad_access "--only nobody" "--only nobody" || return
	expect B local_ack_timeout_err -gt 0 && expect B retry_exceeded_err -gt 0 &&
	expect A rx_no_qp -gt 0
}
statistic() { # "rdma statistic" says what sysfs does
	local n shown
	for n in page_faults sent_pkts; do
		sleep 0.1
		shown=$(rdma -j statistic show link "$DEV_A/1" | grep -o "\"$n\":[0-9]*" | cut -d: -f2)
		[ "$shown" = "$(nic_counter A $n)" ] ||
			{ echo "$n: rdma statistic '$shown', sysfs $(nic_counter A $n)"; return 1; }
	done
}
perftest() { # its own way to look at them
	pair ib_write_bw -d "$DEV_A" -x "$GID_A" -F -n 50 -s 65536 --odp \
		-W hw_counters/page_faults,hw_counters/sent_pkts -- \
		ib_write_bw -d "$DEV_B" -x "$GID_B" -F -n 50 -s 65536 --odp "$CTL_A" || return
	grep -i 'page_faults' /tmp/server.log
}
# of each region, while a program has it
region() {
	local client shown details name rc=0
	touch "$RC_TMP/busy"
	rc_pair rc_check --odp "--odp --iters 1 --while $RC_TMP/busy" > "$RC_TMP/region.log" 2>&1 &
	client=$!
	while kill -0 $client 2> /dev/null; do
		shown=$(rdma statistic show mr)
		grep -q 'page_faults [1-9]' <<< "$shown" && break
		sleep 0.1
	done
	for name in page_faults page_faults_handled; do
		grep -q "$name [1-9]" <<< "$shown" || { echo "no $name"; rc=1; }
	done
	for name in page_invalidations page_invalidations_handled page_prefetch; do
		grep -q "$name [0-9]" <<< "$shown" || { echo "no $name"; rc=1; }
	done
	details=$(rdma resource show qp -dd; rdma resource show mr -dd; rdma resource show cq -dd)
	for name in expected_psn unacked_pkts recv_stalled "kind on-demand" unpolled; do
		grep -q "$name" <<< "$details" || { echo "no $name in: $details"; rc=1; }
	done
	rm "$RC_TMP/busy"
	wait $client || { cat "$RC_TMP/region.log"; rc=1; }
	[ $rc = 0 ] || echo "$shown"
	return $rc
}
latency() { # a histogram that grows with the faults
	local file=/sys/kernel/debug/hroce/$DEV_A/fault_latency
	rc_pair rc_check --odp "--odp --iters 2 --cold" || return
	grep -qE '^(refault|minor|major) [0-9]+-[0-9]* [1-9]' "$file" || { cat "$file"; return 1; }
}
tracepoints() { # faults and what takes their pages away, with the reason
	local of=/sys/kernel/tracing rc=0
	mountpoint -q $of || mount -t tracefs nodev $of || return
	echo 1 > $of/events/hmmodp/enable && echo > $of/trace
	# few messages may have all their faults for reading
	rc_pair rc_check --odp "--odp --iters 12 --cold"
	rc=$?
	echo 0 > $of/events/hmmodp/enable
	grep -q 'hmmodp_fault: va=0x[0-9a-f]* len=[0-9]* write err=0' $of/trace &&
	grep -qE 'hmmodp_invalidate: start=0x[0-9a-f]* end=0x[0-9a-f]* event=(clear|unmap) pages=[1-9]' \
		$of/trace || { head -50 $of/trace; rc=1; }
	return $rc
}

up netns 1500
keep_order
check "there are all of them" exist
check "pinned traffic" pinned
check "ODP traffic" odp
check "a page counts once" once
check "lossy wire" lossy
check "RNR" rnr
check "peer gone" gone
check "rdma statistic" statistic
hosts_down
# it looks in sysfs, where a network namespace shows no counters
up loop 1500
check "perftest -W" perftest
check "of a region" region
check "fault latency" latency
check "tracepoints" tracepoints
hosts_down
finish
