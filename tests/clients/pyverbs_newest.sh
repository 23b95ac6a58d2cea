#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The same of the newest rdma-core, in a tree of its own (tests/vm/newest.sh), by the
# provider that was built for it.
# timeout: 900
. lib/clients.sh
. lib/pyverbs.sh
provider=/usr/share/hmmodp/newest known=65
[ -d "$provider" ] || skip_all "only the guest of the newest kernel has it"

root=/tmp/newest
leave() {
	umount -R "$root/dev" "$root/sys" "$root/proc" "$root" /tmp/newest.disk 2> /dev/null
	echo 0 > /proc/sys/vm/nr_hugepages
}
enter() {
	mkdir -p "$root" /tmp/newest.disk /tmp/newest.rw/{up,work} &&
		mount -o ro /dev/vdd /tmp/newest.disk &&
		mount -t overlay -o lowerdir=/tmp/newest.disk,upperdir=/tmp/newest.rw/up,workdir=/tmp/newest.rw/work overlay "$root" &&
		cp -r "$provider/." "$root/" || return
	local m
	for m in proc sys dev; do mount --rbind "/$m" "$root/$m" && mount --make-rslave "$root/$m" || return; done
}
trap leave EXIT
enter || bail "the tree cannot be entered"
version=$(chroot "$root" dpkg-query -W -f '${Version}' rdma-core)
[ "${version%%.*}" = $known ] || skip_all "rdma-core $version; what is expected is known of $known"
suite_from "$root"
exec 3>&1
echo 64 > /proc/sys/vm/nr_hugepages
up loop 1500
for m in $(suite "$root"); do
	case $m in
	test_odp) check "$m of $version" faulted module "$m" "$root";;
	*) check "$m of $version" module "$m" "$root";;
	esac
done
enough() { echo "$OK ok, $SKIPPED skipped"; [ $OK -ge 185 ]; }
check "enough of it" enough
echo "# in all $OK ok, $SKIPPED skipped" >&3
hosts_down
finish
