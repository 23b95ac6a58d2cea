# SPDX-License-Identifier: GPL-2.0
# run bench: hroce and rxe side by side, see tests/bench/guest.sh; run bench odp: what
# on-demand paging costs, see tests/bench/odp.sh. Two modes: time
# counted in instructions (one CPU; repeats within a few percent whatever the machine
# does) and real time. The table and bench.json land in the results folder.

bench() {
	local kernels=() modes=() set=full guest=guest table=table out k m rc=0
	vm_defaults
	while [ $# -gt 0 ]; do
		case $1 in
		--kernel) kernels+=("$2"); shift;;
		--mode) modes+=("$2"); shift;;
		odp) guest=odp table=odp_table;;
		--quick) set=quick;;
		--out) VM_OUT=$2; shift;;
		*) usage;;
		esac
		shift
	done
	[ ${#kernels[@]} -gt 0 ] || kernels=("${KERNELS[@]}")
	[ ${#modes[@]} -gt 0 ] || modes=(icount real)
	out=${VM_OUT:-$CACHE/out/$(date +%Y%m%d-%H%M%S)-bench-$$}
	mkdir -p "$out"
	out=$(cd "$out" && pwd -P)
	prepare "${kernels[@]}"
	for m in "${modes[@]}"; do
		case $m in icount) VM_ICOUNT=1;; real) VM_ICOUNT='';; *) usage;; esac
		for k in "${kernels[@]}"; do
			say "measuring on $k, $m"
			VM_OUT=$out/$k-$m VM_TIMEOUT=7200
			rm -f "$VM_OUT/bench.jsonl"
			vm_run "$k" "$TREE/tests/bench/$guest.sh" "$m" "$set" || { rc=$?; say "$k, $m: failed ($rc)"; }
		done
	done
	: > "$out/bench.jsonl"
	for m in "${modes[@]}"; do
		for k in "${kernels[@]}"; do cat "$out/$k-$m/bench.jsonl" >> "$out/bench.jsonl" || rc=1; done
	done
	tool python3 "/host$TREE/tests/bench/$table.py" "/host$out/bench.json" < "$out/bench.jsonl" | tee "$out/table.txt"
	say "results: $out"
	return $rc
}
