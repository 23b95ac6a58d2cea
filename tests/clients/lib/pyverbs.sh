# SPDX-License-Identifier: GPL-2.0
# rdma-core's own test suite (pyverbs): modules of it, each by itself. Sourced.
# What fails, crashes, or is skipped for another reason than those below, fails here.
# shellcheck shell=bash
[ "$NIC_TYPE" = hroce ] || skip_all "for hroce"

# suite_from ROOT: the suite of the rdma-core below ROOT, unpacked to ROOT/tmp/suite
suite_from() {
	mkdir -p "$1/tmp/suite"
	cp -r "$1/usr/share/doc/rdma-core/tests" "$1/tmp/suite/tests" 2> /dev/null ||
		skip_all "rdma-core's tests are not installed"
	find "$1/tmp/suite" -name '*.gz' -exec gunzip {} +
}

# skip_reason MODULE TEST: why it is right that it is skipped. What remains is for other
# hardware, or not for RoCE at all.
skip_reason() {
	case $1.$2 in
	test_flow.*|test_rss_traffic.*|test_qp.*raw*) echo "raw Ethernet packets, which are not RDMA";;
	test_tag_matching.*) echo "tag matching in hardware";;
	test_mr.*dmabuf*|test_cuda_dmabuf.*) echo "memory of a GPU or of a PCI device";;
	test_buf.*cc_pd*|test_buf.*bounce*) echo "confidential guests";;
	test_dmah.*) echo "steering tags of PCI Express";;
	test_phc_timestamp.*) echo "needs a PTP clock";;
	test_odp.*flush*|test_qpex.*flush*) [[ $(uname -r) = 6.1.* ]] || return
		echo "Linux 6.1 has no access bit for it";;
	*) return 1;;
	esac
}
# broken_test MODULE TEST: why it cannot succeed, whatever the device does
broken_test() {
	[ "$1.$2" = test_device.test_multi_process_alloc_dm ] &&
		grep -q "cannot pickle" "$RC_TMP/$1.log" &&
		echo "its Python starts no process with what the test hands it"
}
# suite ROOT: the names of its modules that are not about a vendor's own interface
suite() {
	local f m
	for f in "$1"/tmp/suite/tests/test_*.py; do
		m=${f##*/}
		case $m in test_mlx5*|test_efa*|test_hns*|test_irdma*|test_mana*) ;; *) echo "${m%.py}";; esac
	done
}
OK=0 SKIPPED=0	# of all modules so far
# module NAME [ROOT]: one process a module, so that a crash costs that one only
module() {
	local name=$1 ok=0 skipped=0 bad=0 test line why
	# shellcheck disable=SC2016
	chroot "${2:-/}" sh -c 'cd /tmp/suite && exec "$@"' sh \
		env PYTHONUNBUFFERED=1 timeout "${LIMIT:-200}" \
		python3 tests/run_tests.py -v --dev "$DEV_A" --gid "$GID_A" "tests.$name" > "$RC_TMP/$name.log" 2>&1
	python3 lib/pyverbs.py < "$RC_TMP/$name.log" > "$RC_TMP/$name.results"
	while IFS='|' read -r test line; do
		case $line in
		ok) ok=$((ok + 1));;
		skipped*) skipped=$((skipped + 1))
			if why=$(skip_reason "$name" "$test"); then echo "# $name.$test skipped: $why" >&3
			else bad=$((bad + 1)); echo "$test: $line"; fi;;
		*)	if why=$(broken_test "$name" "$test"); then echo "# $name.$test failed: $why" >&3
			else bad=$((bad + 1)); echo "$test: $line"; fi;;
		esac
	done < "$RC_TMP/$name.results"
	echo "# $name: $ok ok, $skipped skipped, $bad not as they should be" >&3
	OK=$((OK + ok)) SKIPPED=$((SKIPPED + skipped))
	[ $bad = 0 ] && [ $((ok + skipped)) -gt 0 ] && return
	tail -n 60 "$RC_TMP/$name.log"
	return 1
}
