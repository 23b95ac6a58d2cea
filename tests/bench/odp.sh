#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The guest's side of "run bench odp": odp.sh icount|real. What on-demand paging
# costs, on hroce and on rxe where that has it, in the same boot; see odp/main.c. A
# line of JSON a figure goes to /mnt/out/bench.jsonl.
# shellcheck source=../vm/guest/hosts.sh
. /usr/share/hmmodp/hosts.sh
mode=$1 failed=0
price=/usr/share/hmmodp/tests/bench/odp/bin/odp_price

modprobe zram num_devices=1 2> /dev/null && echo $((128 << 20)) > /sys/block/zram0/disksize &&
	mkswap /dev/zram0 > /dev/null && swapon /dev/zram0
echo 1 > /proc/sys/vm/overcommit_memory
for nic in hroce rxe; do
	NIC_TYPE=$nic hosts_up loop 9000 || { failed=$((failed + 1)); hosts_clean; continue; }
	"$price" --dev "$DEV_A" --gid "$GID_A" > /tmp/figures 2> /tmp/price.log ||
		{ echo "$nic:"; cat /tmp/price.log; [ $nic != hroce ] || failed=$((failed + 1)); }
	sed "s/^{\"device\":\"[^\"]*\"/{\"kernel\":\"$(uname -r)\",\"mode\":\"$mode\",\"nic\":\"$nic\"/" /tmp/figures >> /mnt/out/bench.jsonl
	echo "$nic: $(wc -l < /tmp/figures) figures"
	hosts_down
done
swapoff -a
echo "guest seconds: $(cut -d' ' -f1 /proc/uptime)"
exit $((failed > 0))
