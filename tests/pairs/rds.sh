#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# RDS, a user in the kernel: messages of all sizes there and back, then memory of a
# process that is written and read by RDMA, its pages registered by fast registration.
# A kernel is one RDS host whatever its namespaces, so it takes two.
# timeout: 120
. lib/pair.sh
modprobe -n rds_rdma 2> /dev/null || skip_all "no RDS in this kernel"
host_up 4500
modprobe rds_rdma || bail "RDS does not load"

sent() { cat "/sys/class/infiniband/$DEV/ports/1/hw_counters/sent_pkts"; }
over_the_nic() { # the counters must move, for RDS has TCP too
	local n
	n=$(sent)
	"$@" || return
	sleep 0.05	# the counters' lifespan
	[ "$(sent)" -gt $((n + 100)) ] && return
	echo "it ended well, but not over the device"
	return 1
}
for part in messages rdma; do
	both "$part" over_the_nic python3 lib/rds.py A $part -- over_the_nic python3 lib/rds.py B $part
done
finish
