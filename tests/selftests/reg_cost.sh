#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Registering 4 KiB and 1 TiB of ODP memory: both succeed, neither costs kernel
# memory by length; times are printed, not judged, on an emulated machine.
# timeout: 90
. rc/lib.sh
rc_programs
[ "$NIC_TYPE" = hroce ] && large=1t || large=64m	# stock rxe has limits and pays by length

cost() {
	"$RC/reg_cost" --dev "$DEV_A" --gid "$GID_A" --large $large > "$RC_TMP/cost.log" 2>&1
	local rc=$?
	sed 's/^/# /' "$RC_TMP/cost.log" >&3
	[ $rc = 0 ] || cat "$RC_TMP/cost.log"
	return $rc
}
exec 3>&1
up loop 1500
check "4 KiB and $large" cost
hosts_down
finish
