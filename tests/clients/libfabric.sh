#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# libfabric's fi_pingpong over its verbs provider, with data check: messages over RC,
# and reliable datagrams by the RxM layer on top of it; pinned and on demand.
# timeout: 240
. lib/clients.sh
command -v fi_pingpong > /dev/null || skip_all "no fi_pingpong"
fabric() { # PROVIDER ENDPOINT OPTIONS
	# shellcheck disable=SC2086
	PORT=47592 through pair fi_pingpong -p "$1" -e "$2" -c -I 20 $3 -- \
		fi_pingpong -p "$1" -e "$2" -c -I 20 $3 10.0.0.1
}
all() { # MODE COMMAND...
	local size
	for size in $(long "64 1048576" "all"); do
		check "msg, size $size, $1" "${@:2}" fabric verbs msg "-S $size"
		check "rdm, size $size, $1" "${@:2}" fabric "verbs;ofi_rxm" rdm "-S $size"
	done
}
up netns 4500
all pinned
if [ "$NIC_TYPE" = hroce ]; then
	export HROCE_ODP=1
	all ODP faulted
fi
hosts_down
finish
