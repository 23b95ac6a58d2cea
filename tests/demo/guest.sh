#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The guest's side of "run demo": ib_write_bw over a veth wire of MTU 9000, on hroce
# and on stock rxe, from pinned memory and on demand. Ends 0 if all of hroce works.
# shellcheck source=../bench/perf.sh
. /usr/share/hmmodp/bench/perf.sh
WARM=$((128 << 20)) COLD_SIZE=$((8 << 20)) COLD_N=5 failed=0

faults() { # of both NICs; nothing where the driver does not count them
	local a b
	a=$(nic_counter A page_faults 2> /dev/null) && b=$(nic_counter B page_faults 2> /dev/null) && echo $((a + b))
}
row() { # LABEL KIND OPTION...: KIND is warm or cold
	local label=$1 kind=$2 size=65536 n before after mib; shift 2
	n=$((WARM / size))
	[ "$kind" = warm ] || size=$COLD_SIZE n=$COLD_N
	before=$(faults)
	if ! mib=$(perf_run write_bw $size $n "$@"); then
		failed=$((failed + 1))
		printf '%-16s %10s\n' "$label" failed
		sed 's/^/    # /' /tmp/perf.log
		return 1
	fi
	after=$(faults)
	echo "$label|$mib|$([ -z "$after" ] || echo $((after - before)))" >> /tmp/rows
	echo "    $label: $mib MiB/s"
}

: > /tmp/rows
echo "Linux $(uname -r): ib_write_bw between two hosts"
hosts_up veth 9000 || exit 1
row "hroce pinned" warm
row "hroce ODP cold" cold --odp
row "hroce ODP warm" warm --odp
hosts_down
hroce_failed=$failed
if NIC_TYPE=rxe hosts_up veth 9000; then
	row "rxe pinned" warm
	if nic_has_odp; then row "rxe ODP" warm --odp
	else echo "rxe ODP|not supported|" >> /tmp/rows; fi
	hosts_down
fi
awk -F '|' '
	{ name[NR] = $1; mib[NR] = $2; faults[NR] = $3; if ($1 == "rxe pinned") base = $2 }
	END {
		printf "\n%-16s %14s %18s %12s\n", "", "MiB/s", "ratio to rxe", "page faults"
		for (i = 1; i <= NR; i++)
			printf "%-16s %14s %18s %12s\n", name[i], mib[i],
				(base && mib[i] + 0) ? sprintf("%.2f", mib[i] / base) : "-", faults[i] == "" ? "-" : faults[i]
	}' /tmp/rows
cat <<END

pinned, ODP warm, rxe: $((WARM / 65536)) messages of 64 KiB, always the same buffer; an ODP run faults
  its pages in at its first message and then finds them.
ODP cold: $COLD_N passes over a buffer of $((COLD_SIZE >> 20)) MiB. The first finds no page known to the NIC and
  faults all of them, on both sides: one byte in $COLD_N is really cold. The process had
  written its buffers before (perftest does), so the pages exist.
page faults: hw_counters/page_faults of both NICs over the run; rxe does not count them.
END
exit $((hroce_failed > 0))
