#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Runs tests in a guest, one after the other: runner.sh SCALE LONG SLOW FIRST
# TEST..., a test being selftests/x.sh. SCALE multiplies the tests' own time limits
# (an emulated machine is slow), LONG and SLOW are HMMODP_LONG and HMMODP_SLOW for
# them, FIRST numbers the first one's log.
# For each it prints a line and appends "STATUS NAME SECONDS" to /mnt/out/results;
# /mnt/out/current names the one that runs, with its time limit. Ends with 75 where
# the kernel is no longer to be trusted, or the next test wants one that ran no other
# ("# fresh guest: REASON"), or the last one was the guest's last ("# last in its guest:
# REASON") and nothing of it was cleaned up: boot again and go on behind the last result.
dir=/usr/share/hmmodp out=/mnt/out group=/sys/fs/cgroup/hmmodp-test
complaints=$(grep -v '^#' $dir/complaints | paste -sd '|')
# Stock rxe warns when a READ behind an empty message is asked for again, which it is
# where the machine is slow.
not_ours='WARNING: .*rxe_mr_copy\+.*\[rdma_rxe\]'
fatal='BUG[: ]|Oops|general protection|KASAN|KFENCE|stall|lockup|blocked for more|corruption|unregister_netdevice: waiting'
# shellcheck source=hosts.sh
. $dir/hosts.sh
kernel=$(uname -r)
case $kernel in *-debug) kernel=debug;; *) kernel=${kernel%%-*};; esac
kmemleak=/sys/kernel/debug/kmemleak

# In a control group, so that whatever it starts can be ended with it.
run_test() { # PATH LIMIT
	mkdir -p $group
	(
		echo $BASHPID > $group/cgroup.procs
		cd "$dir/tests/${1%/*}" || exit
		exec setsid -w timeout -k 10 "$2" bash "./${1##*/}" < /dev/null
	)
}
# What a test left behind goes; what cannot go is its failure.
clean_up() {
	local i
	echo 1 > $group/cgroup.kill 2> /dev/null
	for i in {1..100}; do rmdir $group 2> /dev/null && break; sleep 0.1; done
	[ ! -e $group ] || echo "processes that do not end: $(xargs < $group/cgroup.procs)"
	for i in /sys/fs/cgroup/hmmodp-rc-*/; do
		[ ! -e "$i" ] || { echo 1 > "$i/cgroup.kill"; sleep 0.5; rmdir "$i" 2>&1; }
	done
	hosts_clean 2>&1
	swapoff -a
	while read -r _ i _; do
		case $i in /tmp/*|/mnt/?*/*) umount "$i" 2>&1;; esac
	done < /proc/mounts
	rm -rf /tmp/* 2> /dev/null
	modprobe -qr zram
	[ ! -e $kmemleak ] || grep -E '\[(hroce|hmmodp|hmmodp_selftest|hroce_selftest)\]$' /proc/kallsyms | sort > /tmp/.symbols
	for i in hmmodp_selftest hroce_selftest hroce hmmodp; do
		[ ! -e /sys/module/$i ] || modprobe -r $i 2>&1 ||
			echo "$i cannot be unloaded, references: $(cat /sys/module/$i/refcnt)"
	done
	modprobe -qr rdma_rxe
}

# What kmemleak of a debug kernel finds. It reports an object that is 5 s old and
# that two scans found lost.
leaks() {
	[ -e $kmemleak ] || return
	sleep 5
	{ echo scan && echo scan; } > $kmemleak || echo "kmemleak has turned itself off"
	module_symbols < $kmemleak
	echo clear > $kmemleak
}
# Names for the bare addresses in a report, which are of modules unloaded since.
module_symbols() {
	awk 'BEGIN { while ((getline < "/tmp/.symbols") > 0) { at[++n] = $1; name[n] = $3 " " $4 } }
		match($0, /0xffffffff[0-9a-f]+/) {
			a = substr($0, RSTART + 2, 16)
			for (i = n; i > 0 && at[i] "" > a; i--) ;
			if (i > 0) $0 = $0 " " name[i]
		}
		{ print }'
}
# Lockdep stops looking when it has found something.
lockdep_off() { grep -q 'debug_locks: *0' /proc/lockdep_stats 2> /dev/null; }

scale=$1 n=$4
export HMMODP_LONG=$2 HMMODP_SLOW=$3
shift 4
: > /tmp/.symbols
leaks > $out/kmemleak-boot.log # not those of the tests
first=$n
# what the kernel says before the first test's mark and after this one is no test's
trap 'echo "hmmodp: tests end" > /dev/kmsg' EXIT
for t; do
	[ "$n" = "$first" ] || ! grep -q '^# fresh guest: ' "$dir/tests/$t" || exit 75
	name=${t%.sh} log=$out/$(printf '%03d' "$n")-${t//\//-}.log
	n=$((n + 1))
	limit=$(sed -n 's/^# timeout: *\([0-9]*\).*/\1/p' "$dir/tests/$t" | head -n 1)
	limit=$((${limit:-120} * scale))
	echo "$name $limit" > $out/current
	mark="hmmodp: test $n $name"
	echo "$mark" > /dev/kmsg
	start=${EPOCHREALTIME/./}
	run_test "$t" "$limit" > "$log" 2>&1
	rc=$?
	seconds=$(((${EPOCHREALTIME/./} - start + 500000) / 1000000))
	left='' lost='' last=''
	if grep -q '^# last in its guest: ' "$dir/tests/$t"; then last=1
	else
		left=$(clean_up)
		lost=$(leaks)
	fi
	noise=$(dmesg | sed -n "\|$mark\$|,\$p" | grep -E "$complaints" | grep -vE "$not_ours")
	case $rc in
	0) status=ok why=;;
	4) status=skip why=$(tail -n 1 "$log");;
	124|137) status='not ok' why="no end within $limit s";;
	*) status='not ok' why="code $rc";;
	esac
	[ -z "$left" ] || { status='not ok' why="leaves something behind"; echo "$left" >> "$log"; }
	[ -z "$lost" ] || { status='not ok' why="leaks kernel memory"; echo "$lost" >> "$log"; }
	[ -z "$noise" ] || { status='not ok' why="the kernel complains"; echo "$noise" >> "$log"; }
	printf '%-6s %-8s %-32s %4d s%s\n' "$status" "$kernel" "$name" "$seconds" "${why:+  # $why}"
	[ "$status" != 'not ok' ] ||
		{ grep -m 10 '^not ok' "$log"; echo ...; tail -n 30 "$log"; } | sed 's/^/    # /'
	echo "${status// /-} $name $seconds" >> $out/results
	rm -f $out/current
	if [ -n "$left$last" ] || grep -qE "$fatal" <<< "$noise" ||
	   { [ -n "$noise" ] && lockdep_off; }; then exit 75; fi
done
