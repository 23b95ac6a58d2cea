#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# NFS over RDMA, server and client of the stock kernel: the client registers its pages
# by fast registration, the server reads and writes them, and invalidates the keys with
# its answers. Files go there and come back, through the page cache and around it;
# every byte compared.
# timeout: 240
. lib/clients.sh
for m in nfsd nfs rpcrdma; do
	modprobe -n $m 2> /dev/null || skip_all "no $m in this kernel"
done
command -v rpc.nfsd > /dev/null && command -v mount.nfs > /dev/null || skip_all "no NFS programs"
EXPORT=/tmp/hmmodp-export AT=/tmp/hmmodp-nfs MIB=$(long 4 64)

# "ip netns exec" has mounts of its own: each call mounts what it needs
serve() {
	mount -t nfsd nfsd /proc/fs/nfsd || return
	# files are opened after the grace period only, in which nobody comes back here
	echo 10 > /proc/fs/nfsd/nfsv4leasetime && echo 10 > /proc/fs/nfsd/nfsv4gracetime &&
	exportfs -o rw,fsid=0,no_root_squash,insecure,no_subtree_check "*:$EXPORT" &&
	rpc.mountd -N 3 && rpc.nfsd -N 3 -H 10.0.0.1 4 && echo rdma 20049 > /proc/fs/nfsd/portlist && sleep 11
}
stop_serving() {
	mount -t nfsd nfsd /proc/fs/nfsd
	rpc.nfsd 0
	exportfs -ua
	killall -q rpc.mountd
}
attach() { mount -t nfs -o "rdma,port=20049,vers=4.2,timeo=100" 10.0.0.1:/ $AT; }
# On the client: one file there, one back, both compared with what the server has
files() { # DD-FLAGS-TO-WRITE DD-FLAGS-TO-READ BLOCK
	local rc=0
	attach || return
	head -c $((MIB * 1048576 + 4099)) /dev/urandom > $EXPORT/source &&
	dd if=$EXPORT/source of=$AT/there bs="$3" ${1:+oflag=$1} conv=fsync status=none &&
	cmp $EXPORT/source $EXPORT/there &&
	dd if=$AT/source of=$EXPORT/back bs="$3" ${2:+iflag=$2} status=none &&
	cmp $EXPORT/source $EXPORT/back || rc=1
	umount $AT || rc=1
	rm -f $EXPORT/*
	return $rc
}
small() { # many small ones, and their names
	local i rc=0
	attach || return
	for i in {1..60}; do head -c $((i * 97)) /dev/urandom > $AT/f$i || rc=1; done
	[ "$(ls $AT | wc -l)" = 60 ] || rc=1
	umount $AT && attach || return
	for i in {1..60}; do cmp $AT/f$i $EXPORT/f$i || rc=1; done
	rm -f $AT/f* || rc=1
	[ -z "$(ls $EXPORT)" ] || rc=1
	umount $AT || rc=1
	return $rc
}
on_client() { timeout -s KILL 100 ip netns exec B bash -c '"$@"' x "$@"; }
export EXPORT AT MIB
export -f serve stop_serving attach files small

up netns 4500
modprobe -a nfsd nfs rpcrdma || bail "NFS does not load"
mkdir -p $EXPORT $AT /run/rpc_pipefs /var/lib/nfs/sm
mount -t tmpfs none $EXPORT
leave() { A stop_serving > /dev/null 2>&1; umount $EXPORT; }
trap leave EXIT
check "the server starts" A serve
check "small files" through on_client small
check "large files, by the page cache" through on_client files "" "" 64k
check "large files, around it" through on_client files direct direct 1M
check "large files, odd blocks" through on_client files "" "" 12345
check "the server ends" A stop_serving
trap - EXIT
umount $EXPORT
hosts_down
modprobe -r rpcrdma 2> /dev/null
finish
