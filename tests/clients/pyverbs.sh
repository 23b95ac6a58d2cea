#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# rdma-core's own test suite (pyverbs), as Debian ships it: its module on on-demand
# paging and that on memory regions. What fails, or is skipped for another reason
# than those below, fails here.
# timeout: 300
. lib/clients.sh
[ "$NIC_TYPE" = hroce ] || skip_all "for hroce"
suite=$RC_TMP/suite
mkdir -p "$suite"
cp -r /usr/share/doc/rdma-core/tests "$suite/tests" 2> /dev/null || skip_all "rdma-core's tests are not installed"
find "$suite" -name '*.gz' -exec gunzip {} +

# What waits for other parts of the device, and what concerns other hardware.
expected() { # MODULE TEST
	case $1.$2 in
	test_odp.*xrc*) return 0;;			# XRC
	test_mr.*mw*|test_mr.*MW*) return 0;;		# memory windows
	test_mr.*dm*|test_mr.*DM*) return 0;;		# device memory
	test_mr.*dmabuf*|test_mr.*Dmabuf*) return 0;;	# dmabuf
	esac
	return 1
}
# one process a module, so that a crash costs that module only
module() { # NAME
	local name=$1 ok=0 skipped=0 bad=0 line
	(cd "$suite" && PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 timeout "${LIMIT:-200}" \
		python3 tests/run_tests.py -v --dev "$DEV_A" --gid "$GID_A" "tests.$name") > "$RC_TMP/$name.log" 2>&1
	python3 lib/pyverbs.py < "$RC_TMP/$name.log" > "$RC_TMP/$name.results"
	while IFS='|' read -r test line; do
		case $line in
		ok) ok=$((ok + 1));;
		skipped*) skipped=$((skipped + 1))
			expected "$name" "$test" || { bad=$((bad + 1)); echo "$test: $line"; };;
		*) bad=$((bad + 1)); echo "$test: $line";;
		esac
	done < "$RC_TMP/$name.results"
	echo "# $name: $ok ok, $skipped skipped, $bad not as they should be" >&3
	[ $bad = 0 ] && [ $ok -gt 0 ] && return
	tail -n 60 "$RC_TMP/$name.log"
	return 1
}
exec 3>&1
echo 64 > /proc/sys/vm/nr_hugepages
up loop 1500
check "test_odp" faulted module test_odp
check "test_mr" module test_mr
hosts_down
echo 0 > /proc/sys/vm/nr_hugepages
finish
