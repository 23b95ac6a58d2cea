#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# RDS, a user in the kernel: messages of all sizes there and back, then memory of a
# process that is written and read by RDMA, its pages registered by fast registration.
# A kernel is one RDS host whatever its namespaces, so it takes two.
# timeout: 120
. lib/pair.sh
rds_up
for part in messages rdma; do
	both "$part" over_the_nic python3 lib/rds.py A $part -- over_the_nic python3 lib/rds.py B $part
done
finish
