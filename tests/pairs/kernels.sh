#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Two kernels, of different versions where there are several: all operations of RC
# between them, pinned and on demand, both ways, every byte checked.
# timeout: 120
. lib/pair.sh
rc_programs
host_up 4500

talk() { # NAME "OPTIONS OF A" "OPTIONS OF B"
	# shellcheck disable=SC2086
	both "$1" "$RC/rc_check" --dev $DEV --gid "$GID" $2 -- \
		"$RC/rc_check" --dev $DEV --gid "$GID" $3 $PEER
}
talk "pinned, MTU 1024" "" "--iters $(long 4 40) --both"
talk "on demand, MTU 4096, cold, both directions" --odp "--odp --mtu 4096 --iters $(long 4 40) --cold --both"
talk "implicit, up to 1 MiB" --implicit "--implicit --mtu 4096 --max 1m --depth 8 --iters $(long 3 30) --cold"
talk "events, 8 queue pairs" "--odp --events" "--events --qps 8 --depth 4 --max 8k --both --iters 4"
finish
