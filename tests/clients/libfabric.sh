#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# libfabric's fi_pingpong over its verbs provider, with data check: messages over RC,
# and reliable datagrams by the RxM layer on top of it; pinned and on demand.
# timeout: 240
. lib/clients.sh
command -v fi_pingpong > /dev/null || skip_all "no fi_pingpong"
fabric() { # PROVIDER ENDPOINT OPTIONS
	# shellcheck disable=SC2086
	PORT=47592 pair fi_pingpong -p "$1" -e "$2" -c -I 20 $3 -- \
		fi_pingpong -p "$1" -e "$2" -c -I 20 $3 10.0.0.1
}
all() {
	local size
	for size in $(long "64 1048576" "all"); do
		in_mode "msg, size $size" through fabric verbs msg "-S $size"
		in_mode "rdm, size $size" through fabric "verbs;ofi_rxm" rdm "-S $size"
	done
}
up netns 4500
both_modes all
hosts_down
finish
