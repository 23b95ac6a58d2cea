# SPDX-License-Identifier: GPL-2.0
# Guests: start one under QEMU, run a script in it, judge the outcome.

# What the kernel says when something is wrong; see also guest/runner.sh.
COMPLAINTS=$(grep -v '^#' "$VM/guest/complaints" | paste -sd '|')

# The settings of a guest; "exec" and the others change them.
vm_defaults() {
	VM_CPUS=2 VM_MEMORY= VM_TIMEOUT=900 VM_ICOUNT= VM_SHARE= VM_OUT= VM_SHELL= VM_KARGS= VM_WIRE=
}

# prepare NAME...: all that the guests of these kernels need
prepare() {
	local k
	for k; do
		[[ " ${KERNELS[*]} debug " = *" $k "* ]] || die "no kernel '$k'; there are: ${KERNELS[*]} debug"
	done
	cache_lock
	host_packages
	resolve_packages
	prepare_trees "$@"
	prepare_provider
	prepare_tests
	for k; do
		prepare_kernel "$k"
		prepare_modules "$k"
		[ "$k" != "$NEWEST_KERNEL" ] || prepare_newest
		prepare_payload "$k"
	done
	cache_trim
	cache_unlock
}

# qemu NAME ACCEL OUT: the guest's QEMU, for at most VM_LIMIT seconds
qemu() {
	local k=${KERNEL_DIR[$1]} accel=$2 out=$3 img newest='' n=0 cpu=max cpus=$VM_CPUS memory=4096
	local kargs="console=ttyS0 panic=-1 tsc=reliable no_timer_check mitigations=off log_buf_len=16M"
	kargs+=" rcupdate.rcu_cpu_stall_timeout=60 secretmem.enable=1 $VM_KARGS"
	local q=(qemu-system-x86_64 -nodefaults -no-user-config -M q35 -display none -no-reboot)
	case $accel in
	kvm) cpu=host; q+=(-accel kvm);;
	tcg) q+=(-accel tcg,thread=multi,tb-size=512);;
	icount) # Time is counted in instructions, 1 ns each. A "rep movsb" would count as
		# many as it has bytes: let the kernel copy and clear by words.
		cpu=max,-erms,-fsrm,-fzrm,-fsrs,-fsrc cpus=1 kargs+=" norandmaps nokaslr"
		q+=(-accel tcg,thread=single,tb-size=512 -icount shift=0,sleep=off);;
	esac
	[ "$1" != debug ] || memory=6144 # its checkers take a fifth
	q+=(-cpu "$cpu" -smp "$cpus" -m "${VM_MEMORY:-$memory}" -kernel "/host$k/vmlinuz" -initrd "/host$k/initrd")
	[ "$1" != "$NEWEST_KERNEL" ] || newest=$NEWEST_DISK
	for img in "$ROOTFS" "$k/modules.img" "${PAYLOAD[$1]}" $newest; do
		n=$((n + 1))
		q+=(-drive "file=/host$img,if=none,id=d$n,format=raw,readonly=on" -device "virtio-blk-pci,drive=d$n")
	done
	q+=(-device virtio-rng-pci
		-fsdev "local,id=out,path=/host$out,security_model=none" -device virtio-9p-pci,fsdev=out,mount_tag=out)
	if [ -n "$VM_SHARE" ]; then
		kargs+=" hmmodp.share"
		q+=(-fsdev "local,id=share,path=/host$VM_SHARE,security_model=none"
			-device virtio-9p-pci,fsdev=share,mount_tag=share)
	fi
	case $VM_WIRE in # an Ethernet of two guests: A listens, B comes when that does
	A:*) q+=(-netdev "stream,id=wire,server=on,addr.type=unix,addr.path=/host${VM_WIRE#A:}"
		-device virtio-net-pci,netdev=wire,mac=52:54:00:00:00:01);;
	B:*) q+=(-netdev "stream,id=wire,server=off,reconnect-ms=100,addr.type=unix,addr.path=/host${VM_WIRE#B:}"
		-device virtio-net-pci,netdev=wire,mac=52:54:00:00:00:02);;
	esac
	# the script's terminal is apart from the kernel's
	q+=(-device virtio-serial-pci -chardev stdio,id=con,signal=off -device virtconsole,chardev=con
		-serial "file:/host$out/console.log" -append "$kargs")
	tool "${q[@]}"
}

# vm_run NAME [SCRIPT [ARG...]]: boot, run, stream. Returns the script's code; 70
# where only the kernel complained; 124 at the time limit; 125 when the guest died.
vm_run() {
	local k=$1 accel rc=0 tty; shift
	accel=$(vm_accel "$k")
	[ -z "$VM_ICOUNT" ] || accel=icount
	[ -n "$VM_OUT" ] || VM_OUT=$CACHE/out/$(date +%Y%m%d-%H%M%S)-$k-$$
	mkdir -p "$VM_OUT"
	VM_OUT=$(cd "$VM_OUT" && pwd -P)
	rm -f "$VM_OUT"/{.rc,.up,.wait,.shell,.script,.args}
	[ -z "$VM_WIRE" ] || : > "$VM_OUT/.wait"
	: > "$VM_OUT/console.log"
	: > "$VM_OUT/.args"
	if [ -n "$VM_SHELL" ]; then
		: > "$VM_OUT/.shell"
		tty=$(stty -g)
		stty raw -echo
		qemu "$k" "$accel" "$VM_OUT" || rc=$?
		stty "$tty"
	else
		cp "$1" "$VM_OUT/.script"; shift
		[ $# = 0 ] || printf '%q ' "$@" > "$VM_OUT/.args"
		vm_boot "$k" "$accel" || rc=$?
		[ -z "$VM_WIRE" ] || vm_meet # nobody waits for one that is gone
	fi
	vm_verdict $rc
}
# vm_boot NAME ACCEL: up to three times, where it does not come as far as its script: an
# emulated processor now and then gets no more timer interrupts, and waits for good.
vm_boot() {
	local i rc patience=300
	[ "$1" != debug ] || patience=900
	for i in 1 2 3; do
		rc=0 VM_STUCK='' VM_UP_BY=$((SECONDS + patience))
		vm_guarded "$VM_TIMEOUT" qemu "$1" "$2" "$VM_OUT" || rc=$?
		[ -n "$VM_STUCK" ] && [ $i != 3 ] || return $rc
		mv "$VM_OUT/console.log" "$VM_OUT/console-stuck-$SECONDS.log"
	done
}
# vm_guarded SECONDS COMMAND...: a limited time; ends with this shell at the latest
vm_guarded() {
	local rc=0
	VM_LIMIT=$1 "${@:2}" < /dev/null &
	VM_PID=$!
	trap 'kill $VM_PID 2> /dev/null' EXIT
	trap 'exit 130' INT TERM HUP
	while kill -0 $VM_PID 2> /dev/null && vm_alive; do sleep 0.2; done
	wait $VM_PID || rc=$?
	trap - EXIT INT TERM HUP
	[ $rc != 137 ] || rc=124
	return $rc
}
# A guest is up in time; and the runner's tests have their limits: one that passed its by
# far hangs the guest.
vm_alive() {
	local name limit
	if [ ! -e "$VM_OUT/.up" ]; then
		[ "$SECONDS" -ge "$VM_UP_BY" ] || return 0
		say "the guest is stuck where it boots"
		VM_STUCK=1
		kill $VM_PID
		return 1
	fi
	[ ! -e "$VM_OUT/.wait" ] || vm_meet
	{ read -r name limit < "$VM_OUT/current"; } 2> /dev/null || return 0
	[ -n "$(find "$VM_OUT/current" -mmin "+$(((limit * 2 + 120) / 60))" 2> /dev/null)" ] || return 0
	say "$name hangs the guest"
	kill $VM_PID
	return 1
}
# Of two on a wire each begins its script when both are up: the other may be booted again,
# and what is sent to a guest that is gone can block the wire for good.
vm_meet() {
	local wire=${VM_WIRE#?:}
	: > "$wire.${VM_WIRE%%:*}"
	if [ -e "$wire.A" ] && [ -e "$wire.B" ]; then rm -f "$VM_OUT/.wait"; fi
}
vm_verdict() { # CODE-OF-QEMU
	local rc=$1
	if [ -s "$VM_OUT/.rc" ]; then rc=$(cat "$VM_OUT/.rc")
	elif [ "$rc" = 124 ]; then say "the time limit of $VM_TIMEOUT s passed; console: $VM_OUT/console.log"
	else
		tail -n 15 "$VM_OUT/console.log" | sed 's/^/    /' >&2
		say "the guest died (qemu: $rc); console: $VM_OUT/console.log"
		rc=125
	fi
	if grep -qaE "$COMPLAINTS" "$VM_OUT/console.log"; then
		grep -aE "$COMPLAINTS" "$VM_OUT/console.log" | head -n 20 | sed 's/^/    /' >&2
		say "the kernel complained; console: $VM_OUT/console.log"
		[ "$rc" != 0 ] || rc=70
	fi
	return "$rc"
}

# vm_accel NAME: kvm where this kernel boots under it, found out by trying, once
# per boot of this machine; else tcg
vm_accel() {
	local memo
	[ -r /dev/kvm ] && [ -w /dev/kvm ] || { echo tcg; return; }
	memo=$CACHE/accel-$(cut -c1-8 /proc/sys/kernel/random/boot_id)-${RELEASE[$1]}
	[ -e "$memo" ] || vm_try_kvm "$1" "$memo" >&2
	cat "$memo"
}
vm_try_kvm() { # NAME MEMO
	local out=$CACHE/out/kvm-$$ accel=tcg start=$SECONDS
	mkdir -p "$out"
	echo 'exit 0' > "$out/.script"
	: > "$out/.args"
	(
		vm_defaults
		VM_OUT=$out VM_UP_BY=$((SECONDS + 60))
		vm_guarded 30 qemu "$1" kvm "$out" > /dev/null 2>&1
	) || true
	[ "$(cat "$out/.rc" 2> /dev/null)" != 0 ] || accel=kvm
	say "does $1 boot under KVM? $accel is used (tried for $((SECONDS - start)) s)"
	echo $accel > "$2.new"
	mv "$2.new" "$2"
	rm -rf "$out"
}
