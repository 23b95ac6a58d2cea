# SPDX-License-Identifier: GPL-2.0
# rdma-core's own test suite (pyverbs): modules of it, each by itself. Sourced.
# What fails, or is skipped for another reason than those below, fails here.
# shellcheck shell=bash
[ "$NIC_TYPE" = hroce ] || skip_all "for hroce"

# suite_from ROOT: the suite of the rdma-core below ROOT, unpacked to ROOT/tmp/suite
suite_from() {
	mkdir -p "$1/tmp/suite"
	cp -r "$1/usr/share/doc/rdma-core/tests" "$1/tmp/suite/tests" 2> /dev/null ||
		skip_all "rdma-core's tests are not installed"
	find "$1/tmp/suite" -name '*.gz' -exec gunzip {} +
}

# What waits for other parts of the device, and what concerns other hardware.
expected() { # MODULE TEST
	case $1.$2 in
	test_odp.*flush*|test_odp.*atomic_write*) return 0;;	# of persistent memory
	test_qpex.*flush*|test_qpex.*atomic_write*|test_qpex.*_mw*) return 0;;
	test_qp.*raw*) return 0;;			# raw packets
	test_mr.*mw*|test_mr.*MW*) return 0;;		# memory windows
	test_mr.*dmabuf*|test_mr.*Dmabuf*) return 0;;	# dmabuf
	esac
	return 1
}
# module NAME [ROOT]: one process a module, so that a crash costs that one only
module() {
	local name=$1 ok=0 skipped=0 bad=0 test line
	# shellcheck disable=SC2016
	chroot "${2:-/}" sh -c 'cd /tmp/suite && exec "$@"' sh \
		env PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 timeout "${LIMIT:-200}" \
		python3 tests/run_tests.py -v --dev "$DEV_A" --gid "$GID_A" "tests.$name" > "$RC_TMP/$name.log" 2>&1
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
