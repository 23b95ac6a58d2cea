# SPDX-License-Identifier: GPL-2.0
# run test: what is checked on this machine, then all in-guest tests on each
# kernel. A line a test; the last line is "N passed, N failed, N skipped".

LONG=0	# as HMMODP_LONG in the guest: rounds and sizes of an acceptance run
run_tests() {
	local kernels=() names=() unit='' repeat=1 k i
	vm_defaults
	# two nodes of memory, between which pages are moved
	VM_KARGS="slub_debug=FZP page_poison=1 kfence.sample_interval=100 numa=fake=2"
	while [ $# -gt 0 ]; do
		case $1 in
		--kernel) kernels+=("$2"); shift;;
		--debug-kernel) kernels+=(debug);;
		--unit) unit=1;;
		--repeat) repeat=$2; shift;;
		--long) LONG=1;;
		--out) VM_OUT=$2; shift;;
		-*) usage;;
		*) names+=("$1");;
		esac
		shift
	done
	[ ${#kernels[@]} -gt 0 ] || kernels=("${KERNELS[@]}")
	TEST_OUT=${VM_OUT:-$CACHE/out/$(date +%Y%m%d-%H%M%S)-test-$$}
	mkdir -p "$TEST_OUT"
	TEST_OUT=$(cd "$TEST_OUT" && pwd -P)
	: > "$TEST_OUT/results"
	NEWEST_KERNEL=7
	if [ -n "$unit" ]; then prepare; else prepare "${kernels[@]}"; fi
	if [ ${#names[@]} = 0 ]; then
		cache_lock # they build in folders that stay
		host_tests
		cache_unlock
	fi
	for k in "${names[@]}"; do
		[ -n "$(test_names "$k")$(pair_names "$k")" ] || die "no such test: $k"
	done
	if [ -z "$unit" ]; then
		for ((i = 1; i <= repeat; i++)); do
			for k in "${kernels[@]}"; do
				# shellcheck disable=SC2046
				guest_tests "$k" "$TEST_OUT/$k-$i" $(test_names "${names[@]}")
			done
			pair_tests "$i" "${names[@]}"
		done
	fi
	test_summary
}
test_summary() {
	local passed failed skipped
	passed=$(grep -c '^ok ' "$TEST_OUT/results") || true
	failed=$(grep -c '^not-ok ' "$TEST_OUT/results") || true
	skipped=$(grep -c '^skip ' "$TEST_OUT/results") || true
	say "logs: $TEST_OUT"
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
}
# test_line STATUS WHERE NAME SECONDS [WHY]
test_line() {
	printf '%-6s %-8s %-32s %4d s%s\n' "$1" "$2" "$3" "$4" "${5:+  # $5}"
	echo "${1// /-} $3 $4" >> "$TEST_OUT/results"
}

# --- on this machine ---------------------------------------------------------
host_tests() {
	host_test unit unit_tests
	host_test build-gcc build_user gcc
	host_test build-clang build_user clang
	[ -z "${OLD_CHROOT:-}" ] || host_test build-bookworm build_user_bookworm
	host_test build-tests build_all_tests
}
host_test() { # NAME COMMAND...
	local name=$1 log=$TEST_OUT/$1.log start=$SECONDS rc; shift
	set +e
	( set -eu -o pipefail; "$@" ) > "$log" 2>&1
	rc=$?
	set -e
	if [ $rc = 0 ]; then
		test_line ok host "$name" $((SECONDS - start))
	else
		test_line 'not ok' host "$name" $((SECONDS - start)) "code $rc"
		tail -n 30 "$log" | sed 's/^/    # /'
	fi
}
unit_tests() {
	tree_copy "$CACHE/build/unit" kernel tests/unit
	tool make -j "$(nproc)" -C "/host$CACHE/build/unit/tests/unit" check
}
build_user() { # COMPILER: all warnings are errors; and the provider's unit tests
	local d=${USER_BUILD:-$CACHE/build/user}
	tree_copy "$d/src" "${USER_PARTS[@]}" tests/unit
	configure_user "$d" "$1" -DCMAKE_COMPILE_WARNING_AS_ERROR=ON
	tool ninja -C "/host$d/$1"
	tool ctest --test-dir "/host$d/$1" --output-on-failure --no-tests=error
}
build_user_bookworm() { # by the compiler, CMake and libibverbs of Debian 12
	tool() { in_chroot "$OLD_CHROOT" "$@"; }
	USER_BUILD=$CACHE/build/user-bookworm build_user gcc
}
build_all_tests() {
	[ ! -s "$TESTS/broken" ] || { cat "$TESTS/broken" "$CACHE/log/tests.log"; return 1; }
}

# --- in guests ---------------------------------------------------------------
# guest_tests KERNEL OUT TEST...: boots until every test has its result
guest_tests() {
	local k=$1 out=$2 all done=0 boot=0 rc last scale=3 limit=7200 slow=1 VM_KARGS=$VM_KARGS
	all=("${@:3}")
	mkdir -p "$out"
	: > "$out/results"
	[ "$(vm_accel "$k")" = tcg ] || scale=1
	# its own checkers find more than those that a stock kernel is told to use
	[ "$k" != debug ] || { slow=3 scale=$((scale * 3)) limit=$((limit * 3)) VM_KARGS=numa=fake=2${VM_KARGS#*numa=fake=2}; }
	[ $LONG = 0 ] || { scale=$((scale * 12)) limit=$((limit * 4)); }
	: > "$out/others"
	while [ $done -lt ${#all[@]} ]; do
		boot=$((boot + 1)) rc=0
		rm -f "$out/current"
		VM_OUT=$out VM_TIMEOUT=$limit
		vm_run "$k" "$VM/guest/runner.sh" "$scale" "$LONG" $slow $((done + 1)) "${all[@]:done}" 2> "$out/boot-$boot.log" || rc=$?
		mv "$out/console.log" "$out/console-$boot.log"
		complaints_of_none "$k" "$out" "$boot"
		last=$done
		done=$(wc -l < "$out/results")
		if [ -e "$out/current" ] || { [ $rc != 0 ] && [ $rc != 75 ] && [ $rc != 70 ]; }; then
			test_died "$k" "$(x=${all[done]:-shutdown}; echo "${x%.sh}")" "$out" $boot
			done=$((done + 1))
		elif [ "$last" = "$done" ]; then
			die "the guest of $k ran nothing: $out/boot-$boot.log"
		fi
	done
	cat "$out/results" "$out/others" >> "$TEST_OUT/results"
}
# What the kernel complains of before the first test and after the last one.
complaints_of_none() { # KERNEL OUT BOOT
	local noise
	noise=$(sed '/hmmodp: test /,/hmmodp: tests end/d' "$2/console-$3.log" | grep -aE "$COMPLAINTS") || return 0
	printf '%-6s %-8s %-32s %4d s  # %s\n' "not ok" "$1" "guest $3" 0 "the kernel complains outside of the tests"
	head -n 10 <<< "$noise" | sed 's/^/    # /'
	echo "not-ok guest-$3 0" >> "$2/others"
}
test_died() { # KERNEL TEST OUT BOOT
	printf '%-6s %-8s %-32s %4d s  # %s\n' "not ok" "$1" "$2" 0 "the guest died"
	echo "not-ok $2 0" >> "$3/results"
	grep -aE "$COMPLAINTS" "$3/console-$4.log" | head -n 5 | sed 's/^/    # /' || true
	tail -n 30 "$3/console-$4.log" | sed 's/^/    # /'
}
# pair_tests ROUND NAME...: those of two guests, each with every kernel: on A, and on B
# the next one
pair_tests() {
	local round=$1 t i n=${#kernels[@]} a b out wire h pids; shift
	for t in $(pair_names "$@"); do
		for ((i = 0; i < n; i++)); do
			a=${kernels[i]} b=${kernels[(i + 1) % n]}
			out=$TEST_OUT/$(basename "$t" .sh)-$a-$b-$round
			mkdir -p "$out"
			wire=$(mktemp -d "$CACHE/wire-XXXXXX") pids=()
			for h in A B; do
				(
					# and some memory as if it were persistent
					VM_KARGS+=" hmmodp.host=$h memmap=64M!1G" VM_WIRE=$h:$wire/s
					guest_tests "$([ $h = A ] && echo "$a" || echo "$b")" "$out/$h" "$t"
				) > "$out/$h.log" 2>&1 &
				pids+=($!)
			done
			trap 'kill "${pids[@]}" 2> /dev/null; rm -rf "$wire"' EXIT
			trap 'exit 130' INT TERM HUP
			wait "${pids[@]}" || true
			trap - EXIT INT TERM HUP
			cat "$out"/[AB].log
			rm -rf "$wire"
		done
	done
}
# test_names [PATTERN...]: selftests/x.sh and clients/x.sh, all or those whose
# name or path matches
test_names() { names_in 'selftests clients' "$@"; }
pair_names() { names_in pairs "$@"; }
names_in() { # FOLDERS [PATTERN...]
	local t p folders=$1; shift
	# shellcheck disable=SC2086
	(cd "$TESTS/tests" && for t in $folders; do ls "$t"/*.sh 2> /dev/null; done) | while read -r t; do
		[ $# -gt 0 ] || { echo "$t"; continue; }
		for p; do
			# shellcheck disable=SC2053
			if [[ ${t%.sh} = $p || $(basename "$t" .sh) = $p ]]; then echo "$t"; break; fi
		done
	done
}
