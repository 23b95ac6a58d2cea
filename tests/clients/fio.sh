#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# fio's rdma engine: RDMA WRITE and RDMA READ, pinned and on demand. Not SEND: fio asks
# for no retries of RNR, and on a slow machine its receiver is late now and then.
# timeout: 180
. lib/clients.sh
. lib/programs.sh
fio --enghelp 2> /dev/null | grep -qw rdma || skip_all "this fio has no rdma engine"
up netns 4500
verbs() { in_mode write through fio_test write; in_mode read through fio_test read; }
both_modes verbs
hosts_down
finish
