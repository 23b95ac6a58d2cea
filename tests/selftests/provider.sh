#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What programs rely on in the provider: full queues, bad requests in a list,
# inline data, threads on one queue, flushing, reset, events, the extended verbs,
# fork. On one device that talks to itself.
# timeout: 180
. rc/lib.sh
[ "$NIC_TYPE" = hroce ] || skip_all "for hroce's provider"
PROVIDER=$(rc_built "$RC_DIR/../provider" provider) || bail "the program does not build: $PROVIDER"

up loop 1500
for c in $("$PROVIDER/provider"); do
	check "$c" timeout 60 "$PROVIDER/provider" --dev "$DEV_A" --gid "$GID_A" "$c"
done
hosts_down
finish
