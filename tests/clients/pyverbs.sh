#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# rdma-core's own test suite, as Debian 13 ships it: its module on on-demand paging
# and those on memory regions, shared receive queues and queue pairs.
# timeout: 300
. lib/clients.sh
. lib/pyverbs.sh
suite_from /
exec 3>&1
echo 64 > /proc/sys/vm/nr_hugepages
up loop 1500
check "test_odp" faulted module test_odp
check "test_mr" module test_mr
check "test_srq" module test_srq
check "test_qp" module test_qp
check "test_qpex" module test_qpex
hosts_down
echo 0 > /proc/sys/vm/nr_hugepages
rm -r /tmp/suite
finish
