#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Requests that must fail, with the status, event and state that the InfiniBand
# specification names; see rc/bad_access.c.
# timeout: 240
. rc/lib.sh
rc_programs

# Stock rxe differs in a few: it gives no events, flushes good requests before a
# locally bad one, and answers a message that is too long by another NAK. Its ODP
# cannot even carry the good WRITE.
both() { # MODE A-OPTIONS B-OPTIONS
	local only
	if [ "$NIC_TYPE" = hroce ]; then
		check "$1: all" rc_pair bad_access "$2" "$3"
	else
		for only in RDMA_WRITE_WITH RDMA_READ where without nobody; do
			check "$1: $only" rc_pair bad_access "--no-events --only $only" "--no-events --only $only"
		done
	fi
}
up netns 1500
both "wire, pinned" "" ""
if [ "$NIC_TYPE" = hroce ]; then
	both "wire, ODP" --odp --odp
	[ "$(long 0 1)" = 0 ] || both "wire, ODP at the responder" --odp ""
	hosts_down
	up loop 1500
	both "one device, ODP" --odp --odp
fi
hosts_down
finish
