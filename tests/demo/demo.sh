# SPDX-License-Identifier: GPL-2.0
# run demo: the table of tests/demo/guest.sh, on one kernel.

demo() {
	local kernel=7 rc=0
	vm_defaults
	while [ $# -gt 0 ]; do
		case $1 in
		--kernel) kernel=$2; shift;;
		--out) VM_OUT=$2; shift;;
		*) usage;;
		esac
		shift
	done
	prepare "$kernel"
	if [ "$(vm_accel "$kernel")" = tcg ]; then
		# emulated: count instructions, or the table would show this machine's load
		VM_ICOUNT=1
		say "no KVM here: the guest's clock counts instructions, figures are for comparison"
	fi
	vm_run "$kernel" "$TREE/tests/demo/guest.sh" || rc=$?
	[ $rc = 0 ] || die "the demo failed ($rc)"
}
