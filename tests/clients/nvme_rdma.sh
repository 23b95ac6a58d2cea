#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The kernel's own users: NVMe over RDMA between two devices, initiator and target of
# the stock kernel, a RAM disk behind the target. Fast registration, invalidation by
# the peer, READ and WRITE by the target, queues drained; every byte compared.
# timeout: 300
. lib/clients.sh
[ "$NIC_TYPE" = hroce ] || skip_all "for hroce"
for m in nvme_rdma nvmet_rdma brd; do
	modprobe -n $m 2> /dev/null || skip_all "no $m in this kernel"
done
NVMET=/sys/kernel/config/nvmet NQN=hmmodp MIB=8

# both ends use the first namespace, whoever configures them
target_up() {
	modprobe -a brd nvmet nvmet_rdma nvme_rdma || return
	mountpoint -q /sys/kernel/config || mount -t configfs none /sys/kernel/config || return
	mkdir -p $NVMET/subsystems/$NQN/namespaces/1 $NVMET/ports/1 || return
	cd $NVMET/subsystems/$NQN || return
	echo 1 > attr_allow_any_host && echo -n /dev/ram0 > namespaces/1/device_path &&
	echo 1 > namespaces/1/enable && cd ../../ports/1 &&
	echo ipv4 > addr_adrfam && echo rdma > addr_trtype && echo 10.0.0.1 > addr_traddr &&
	echo 4420 > addr_trsvcid && ln -s $NVMET/subsystems/$NQN subsystems/$NQN; local rc=$?
	cd - > /dev/null || return
	return $rc
}
target_down() {
	rm -f $NVMET/ports/1/subsystems/$NQN
	rmdir $NVMET/ports/1 $NVMET/subsystems/$NQN/namespaces/1 $NVMET/subsystems/$NQN
	modprobe -r nvme_rdma nvmet_rdma nvmet brd
}
disk() { local d; for d in /sys/class/nvme-subsystem/*/nvme*n1; do [ -e "$d" ] && echo "/dev/${d##*/}"; done; }
connect() {
	local i
	echo "transport=rdma,traddr=10.0.0.1,trsvcid=4420,host_traddr=10.0.0.2,nqn=$NQN,nr_io_queues=2,queue_size=${1:-32}" \
		> /dev/nvme-fabrics || return
	for i in {1..100}; do [ -b "$(disk)" ] && return; sleep 0.1; done
	echo "connected, but no disk"
	return 1
}
disconnect() {
	local c
	for c in /sys/class/nvme/nvme*; do echo 1 > "$c/delete_controller" || return; done
	[ -z "$(disk)" ]
}
noise() { head -c $((MIB << 20)) /dev/urandom > "$RC_TMP/noise"; }
# written through the NIC, read from the RAM disk itself; and the other way round
write_blocks() { # BLOCKSIZE
	noise && dd if="$RC_TMP/noise" of="$(disk)" bs="$1" oflag=direct status=none &&
	dd if=/dev/ram0 iflag=direct bs=1M count=$MIB status=none | cmp - "$RC_TMP/noise"
}
read_blocks() {
	noise && dd if="$RC_TMP/noise" of=/dev/ram0 bs=1M oflag=direct status=none &&
	dd if="$(disk)" iflag=direct bs="$1" count=$(((MIB << 20) / $(numfmt --from=iec "${1^^}"))) status=none | cmp - "$RC_TMP/noise"
}
# four writers, each to a quarter, and four readers at once
parallel() {
	local i pids=() rc=0
	noise
	for i in 0 1 2 3; do
		dd if="$RC_TMP/noise" of="$(disk)" bs=64k skip=$((i * MIB * 4)) seek=$((i * MIB * 4)) count=$((MIB * 4)) \
			oflag=direct conv=notrunc status=none & pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i" || rc=1; done
	pids=()
	for i in 0 1 2 3; do
		dd if="$(disk)" bs=16k skip=$((i * MIB * 16)) count=$((MIB * 16)) iflag=direct status=none |
			cmp - <(dd if="$RC_TMP/noise" bs=16k skip=$((i * MIB * 16)) count=$((MIB * 16)) status=none) & pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i" || rc=1; done
	return $rc
}
filesystem() {
	mkdir -p "$RC_TMP/mnt" && mke2fs -q -F "$(disk)" && mount "$(disk)" "$RC_TMP/mnt" || return
	cp -r /usr/share/hmmodp "$RC_TMP/mnt/copy" && sync && echo 3 > /proc/sys/vm/drop_caches &&
		diff -r /usr/share/hmmodp "$RC_TMP/mnt/copy"; local rc=$?
	umount "$RC_TMP/mnt"
	return $rc
}
again() { local i; for i in 1 2 3; do disconnect && connect $((i * 16)) && write_blocks 256k || return; done; }
# the target's receives from a queue that all its connections share
shared_receives() {
	disconnect && target_down || return
	echo "options nvmet_rdma use_srq=1" >> /etc/modprobe.d/hmmodp-test.conf
	target_up && connect || return
	rdma resource show srq | grep -q "^dev $DEV_A " || { echo "it has none"; rdma resource; return 1; }
	write_blocks 64k && read_blocks 64k && parallel
}
# the link goes while it is in use: the initiator tears down, nothing hangs
link_goes() {
	dd if=/dev/zero of="$(disk)" bs=64k count=100 oflag=direct status=none &
	rdma link delete "$DEV_B" || return
	wait
	[ -z "$(disk)" ] || disconnect
}

up veth 1500
echo "options brd rd_nr=1 rd_size=$((MIB * 1024))" > /etc/modprobe.d/hmmodp-test.conf
trap 'rm -f /etc/modprobe.d/hmmodp-test.conf' EXIT
check "target" target_up
check "connect" through connect
for bs in 4k 64k 1M; do
	check "write, $bs" through write_blocks $bs
	check "read, $bs" through read_blocks $bs
done
check "four at once" through parallel
check "a file system" through filesystem
check "connect again" through again
check "a shared receive queue" through shared_receives
check "the device goes" link_goes
check "target down" target_down
hosts_down
finish
