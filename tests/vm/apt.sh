# SPDX-License-Identifier: GPL-2.0
# Debian packages: where they come from, and a private apt that can see the
# suites of all three kernels without touching this machine's own.

KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# What this machine itself needs; everything else lives in chroots.
host_packages() {
	local p missing=()
	for p in mmdebstrap debian-archive-keyring mount e2fsprogs; do
		dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q ' installed$' || missing+=("$p")
	done
	[ ${#missing[@]} = 0 ] || logged "installing ${missing[*]}" host-packages host_install "${missing[@]}"
}
host_install() {
	apt-get update || echo "going on with the lists that there are"
	# a machine's first boot may be at its own updates
	DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=600 "$@"
}

# machine_uri LABEL: this machine's mirror of the archive with that label
machine_uri() {
	local uri
	uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' \
		'Origin: Debian' "Label: $1" 2>/dev/null | grep -v -e ^cdrom: -e ^file: | head -n 1) || true
	case $uri in
	mirror+file:*) # a list of mirrors, as in Debian's cloud images
		uri=${uri#mirror+file:}; uri=/${uri##+(/)}; uri=${uri%/}
		uri=$(grep -v '^#' "$uri" | awk 'NF { print $1; exit }') ;;
	esac
	echo "${uri%/}"
}
find_mirrors() { # sets MIRROR and SECURITY
	shopt -s extglob
	MIRROR=${HMMODP_MIRROR:-$(machine_uri Debian)}
	if [ -z "$MIRROR" ]; then # apt knows its sources' labels after an update
		apt-get update -q=2 >&2 || say "apt-get update failed, going on"
		MIRROR=$(machine_uri Debian)
	fi
	MIRROR=${MIRROR:-http://deb.debian.org/debian}
	SECURITY=${HMMODP_SECURITY_MIRROR:-$(machine_uri Debian-Security)}
	SECURITY=${SECURITY:-$MIRROR-security}
}

# sources SUITE...: lines of a sources.list; the order decides nothing
sources() {
	local s uri
	for s; do
		case $s in *-security) uri=$SECURITY;; *) uri=$MIRROR;; esac
		echo "deb [arch=amd64 signed-by=$KEYRING] $uri $s main"
	done
}

# This machine's way to the network (proxies, checks), for an apt elsewhere: network.conf.
apt_network_conf() {
	apt-config dump | grep -E '^Acquire::(https?|Retries|ForceIPv|Check-|Max-ValidTime)' || true
}

# The private apt: its options in APT.
apt_options() {
	local d=$CACHE/apt
	APT=(-o "Dir::Etc::sourcelist=$d/sources.list" -o Dir::Etc::sourceparts=/dev/null
		-o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null
		-o "Dir::State=$d/state" -o "Dir::State::Lists=$d/lists"
		-o "Dir::State::status=$d/status" -o "Dir::Cache=$d/cache"
		-o Dir::Cache::pkgcache=pkgcache.bin -o Dir::Cache::srcpkgcache=srcpkgcache.bin
		-o APT::Architecture=amd64 -o APT::Architectures=amd64
		-o APT::Update::Post-Invoke-Success::= -o DPkg::Post-Invoke::=
		-o Acquire::Languages=none -o APT::Sandbox::User=root -q=1)
}
apt_lists() { # SOURCES: a mirror may lack sid
	apt-get "${APT[@]}" update && return
	sed -i '/ sid main$/d' "$1"
	apt-get "${APT[@]}" update
}
apt_update() {
	local d=$CACHE/apt
	mkdir -p "$d/state" "$d/lists/partial" "$d/cache/archives/partial"
	: > "$d/status"
	{
		sources bookworm bookworm-security trixie trixie-security trixie-backports
		echo "deb-src [signed-by=$KEYRING] $MIRROR trixie main"
		echo "deb-src [signed-by=$KEYRING] $MIRROR sid main"
	} > "$d/sources.list"
	logged "reading the package lists" apt apt_lists "$d/sources.list"
}

# What today's package lists say is asked once a day, and remembered: MIRROR,
# SECURITY, RELEASE[], DEBUG_SOURCE, RDMA_CORE_SOURCE, NEWEST_CORE_SOURCE.
resolve_packages() {
	local memo
	memo=$CACHE/apt/resolved-$(key "${HMMODP_MIRROR:-}" "${HMMODP_SECURITY_MIRROR:-}" "$(cat "$VM"/{apt,kernels,debug,provider}.sh)")
	apt_options
	mkdir -p "$CACHE/apt"
	apt_network_conf > "$CACHE/apt/network.conf"
	if [ -z "$(find "$memo" -mmin -1440 2> /dev/null)" ]; then
		find_mirrors
		apt_update
		pick_kernels
		pick_debug_kernel
		find_rdma_cores
		find "$CACHE/apt" -name 'resolved-*' -mmin +1440 -delete
		declare -p MIRROR SECURITY RELEASE DEBUG_SOURCE RDMA_CORE_SOURCE NEWEST_CORE_SOURCE | sed 's/^declare -\(.\)/declare -g\1/; s/-g- /-g /' > "$memo.new"
		mv "$memo.new" "$memo"
	fi
	# shellcheck source=/dev/null
	. "$memo"
}
