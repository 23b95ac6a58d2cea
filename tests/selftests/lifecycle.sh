#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Over and over: load, link add, traffic, kill -9 in the middle of it, link del,
# unload. No reference of the modules may stay, no memory go, no complaint come.
# HMMODP_LONG=1 makes 50 rounds.
# timeout: 300
. rc/lib.sh
rc_programs
[ "$NIC_TYPE" = hroce ] || skip_all "for hroce"

rounds=$(long 6 50)
RANDOM=${SEED:-$$}
echo "# SEED=$RANDOM"

unload() {
	local i
	for i in {1..50}; do
		modprobe -r hroce hmmodp 2> "$RC_TMP/unload.log" && [ ! -e /sys/module/hroce ] &&
			[ ! -e /sys/module/hmmodp ] && return
		sleep 0.1
	done
	cat "$RC_TMP/unload.log"
	grep -H . /sys/module/{hroce,hmmodp}/refcnt 2> /dev/null
	return 1
}
# KiB of kernel memory that nothing can give back
kernel_kib() {
	sync
	echo 3 > /proc/sys/vm/drop_caches
	awk '/^(SUnreclaim|VmallocUsed|Percpu|PageTables|KernelStack):/ { s += $2 } END { print s }' /proc/meminfo
}
available_kib() { awk '/^MemAvailable:/ { print $2 }' /proc/meminfo; }

# become COMMAND in NAMESPACE (or none), so that its number is the program's own
become() {
	local ns=$1; shift
	[ -z "$ns" ] || exec ip netns exec "$ns" "$@"
	exec "$@"
}
start() { # traffic in the background, long enough to be killed
	local odp=--odp
	[ $((RANDOM % 3)) != 0 ] || odp=
	become "$NS_A" "$RC/rc_check" --dev "$DEV_A" --gid "$GID_A" $odp --mem thp > "$RC_TMP/s.log" 2>&1 &
	server=$!
	become "$NS_B" "$RC/rc_check" --dev "$DEV_B" --gid "$GID_B" $odp --max 1m --both --qps 4 --depth 8 \
		--cold --iters 100000 "$CTL_A" > "$RC_TMP/c.log" 2>&1 &
	client=$!
	wait_busy
	sleep 0.$((RANDOM % 10))
}
wait_busy() { # until packets flow
	local i
	for i in {1..100}; do
		[ "$(nic_counter A sent_pkts)" -gt 100 ] && return
		sleep 0.1
	done
}
end() { # SIGNAL PID...
	local s=$1 p; shift
	for p; do kill "-$s" "$p" 2> /dev/null; done
	for p; do wait "$p" 2> /dev/null; done
}
was_busy() { # the traffic ran until it was killed
	kill -0 $client && kill -0 $server && [ "$(nic_counter A sent_pkts)" -gt 100 ] && return
	echo "the traffic had ended by itself, or not begun: sent_pkts $(nic_counter A sent_pkts)"
	cat "$RC_TMP/c.log" "$RC_TMP/s.log"
	return 1
}
round() { # MODE HOW
	local rc=0 first second
	hosts_up "$1" 1500 || { hosts_clean; return 1; }
	start
	was_busy || rc=1
	case $2 in
	both) end KILL $client $server;;
	client) end KILL $client; sleep 0.3; end KILL $server;;
	server) end KILL $server; sleep 0.3; end KILL $client;;
	link)	# the device goes while programs use it
		first=$DEV_A second=$DEV_B
		nic_del_now "$first"
		[ "$1" = loop ] || nic_del_now "$second"
		end KILL $client $server;;
	netdev)	# and so does its network interface
		A ip link del "$IF_A"
		end KILL $client $server;;
	esac
	[ $rc = 0 ] || end KILL $client $server
	hosts_down
	unload || rc=1
	return $rc
}
nic_del_now() { timeout "$(patience 20)" rdma link delete "$1"; }

busy_refused() { # a module in use stays
	hosts_up loop 1500 || return
	start
	modprobe -r hroce 2> /dev/null && [ ! -e /sys/module/hroce ] &&
		{ echo "unloaded under its users"; end KILL $client $server; return 1; }
	end KILL $client $server
	# without users it goes, its links with it
	unload
	local rc=$?
	hosts_clean
	return $rc
}

hows=(both client server link netdev)
modes=(netns loop)
check "first round" round netns both
before=$(kernel_kib) available=$(available_kib)
for ((i = 0; i < rounds; i++)); do
	mode=${modes[i % 2]} how=${hows[i % 5]}
	check "round $((i + 1)): $mode, $how" round "$mode" "$how"
done
check "unload while in use" busy_refused

leak() {
	local after lost
	after=$(kernel_kib)
	lost=$((available - $(available_kib)))
	echo "kernel memory $before KiB, then $after KiB; available memory less by $lost KiB"
	# slabs and caches of a running system wander; a leaked ring or table of every
	# round does not hide in this
	[ $((after - before)) -lt $((1024 + 128 * rounds)) ]
}
# a debug kernel keeps for a while what was freed; its kmemleak looks closer
[ -e /sys/kernel/debug/kmemleak ] || check "no memory leaked" leak
grep KiB "$RC_TMP/check.log" | sed 's/^/# /'
finish
