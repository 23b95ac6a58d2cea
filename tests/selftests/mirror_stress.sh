#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Workers and churners on one memory, every byte checked, several times over.
#
#   mirror_stress.sh [ROUNDS [SECONDS]]
# timeout: 300
. mirror/lib.sh
mirror_up
rounds=${1:-4} seconds=${2:-5} failed=0
limit=/sys/module/hmmodp/parameters/mirror_limit_kib
for i in $(seq "$rounds"); do
	# every other time with hardly any room, so that spans come and go all the time
	echo $((i % 2 ? 0 : 16)) > $limit
	if "$MIRROR_TEST" stress "$seconds" "$RANDOM$i"; then echo "ok $i stress $i"
	else echo "not ok $i stress $i"; failed=$((failed + 1)); fi
done
echo 0 > $limit
echo "1..$rounds"
echo "# $((rounds - failed)) passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
mirror_down $?
