#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The RDMA control group counts and limits what a group has of a device.
# timeout: 60
. rc/lib.sh
. rc/memcg.sh
[ "$NIC_TYPE" = hroce ] || skip_all "for hroce"
PROVIDER=$(rc_built "$RC_DIR/../provider" provider) || bail "the program does not build: $PROVIDER"
memcg_start
if ! echo +rdma > "$MEMCG/cgroup.subtree_control" 2> /dev/null; then memcg_stop; skip_all "no RDMA control group in this kernel"; fi
trap memcg_stop EXIT
up netns 1500
memcg_add rdma max max || bail "no group"
limit() { echo "$DEV_A $1" > "$GROUP/rdma.max"; }
use() { sed -n "s/^$DEV_A //p" "$GROUP/rdma.current"; }

in_group() { A "${IN_GROUP[@]}" "$PROVIDER/provider" --dev "$DEV_A" --gid "$GID_A" inline; }

within() {
	limit "hca_handle=2 hca_object=200" && in_group || return
	# nothing is left
	case $(use) in ''|'hca_handle=0 hca_object=0'*) ;; *) cat "$GROUP/rdma.current"; return 1;; esac
}
# The program cannot have all of its objects, and says so
beyond() { # LIMITS
	limit "$1" || return
	in_group > "$RC_TMP/beyond.log" 2>&1 && { echo "it ran, with $1"; return 1; }
	cat "$RC_TMP/beyond.log"
	grep -qi "resource temporarily unavailable\|no device\|cannot" "$RC_TMP/beyond.log"
}
# ib core forgets the process of a context that the group has refused, of any device
contexts() {
	[ ! -e /sys/kernel/debug/kmemleak ] || { echo "this kernel would tell of ib core's leak"; return 4; }
	beyond "hca_handle=0 hca_object=200"
}
check "within the limits, and all is given back" within
check "no more objects than allowed" beyond "hca_handle=2 hca_object=4"
check "no more contexts than allowed" contexts
limit "hca_handle=max hca_object=max"
check "without limits again" in_group
hosts_down
memcg_stop
trap - EXIT
finish
