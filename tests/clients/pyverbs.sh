#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# rdma-core's own test suite, as Debian 13 ships it, all modules of it that are not about
# one vendor's own interface; pinned memory, on-demand memory where a test asks for it.
# timeout: 600
. lib/clients.sh
. lib/pyverbs.sh
suite_from /
exec 3>&1
echo 64 > /proc/sys/vm/nr_hugepages
up loop 1500
for m in $(suite /); do
	case $m in
	test_odp) check "$m" faulted module "$m";;
	*) check "$m" module "$m";;
	esac
done
enough() { echo "$OK ok, $SKIPPED skipped"; [ $OK -ge 150 ]; }
check "enough of it" enough
echo "# in all $OK ok, $SKIPPED skipped" >&3
hosts_down
echo 0 > /proc/sys/vm/nr_hugepages
rm -r /tmp/suite
finish
