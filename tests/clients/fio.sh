#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# fio's rdma engine: RDMA WRITE and RDMA READ, pinned and on demand. Not SEND: fio asks
# for no retries of RNR, and on a slow machine its receiver is late now and then.
# timeout: 180
. lib/clients.sh
fio --enghelp 2> /dev/null | grep -qw rdma || skip_all "this fio has no rdma engine"
server() { # VERB: the side that listens has no host name and reads
	local common=(--ioengine=rdma --port=8765 --bs=64k --size="$(long 4 64)m" --iodepth=8 --name=x)
	cm_pair 8765 fio "${common[@]}" --rw=read -- \
		fio "${common[@]}" --rw=write --hostname=10.0.0.1 --verb="$1"
}
up netns 4500
for verb in write read; do
	check "$verb, pinned" through server $verb
done
if [ "$NIC_TYPE" = hroce ]; then
	export HROCE_ODP=1
	for verb in write read; do
		check "$verb, ODP" faulted through server $verb
	done
fi
hosts_down
finish
