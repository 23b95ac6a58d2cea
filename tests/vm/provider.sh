# SPDX-License-Identifier: GPL-2.0
# The user-space part, built by CMake against the rdma-core source of the
# guest's version, as it will be found below the guest's root.

USER_PARTS=(CMakeLists.txt cmake config providers kernel/include)

prepare_provider() {
	prepare_rdma_core RDMA_CORE "$RDMA_CORE_SOURCE"
	product PROVIDER provider \
		"$(key "$TOOLBOX" "$RDMA_CORE" "$(tree_key "${USER_PARTS[@]}")")" \
		"building the provider" build_provider
}
build_provider() { build_provider_in "$CACHE/build/provider" "$1"; }
build_provider_in() { # BUILD-FOLDER DIR
	local d=$1 out=$2
	tree_copy "$d/src" "${USER_PARTS[@]}"
	mkdir -p "$out"
	configure_user "$d" gcc
	tool ninja -C "/host$d/gcc"
	tool env DESTDIR="/host$out" ninja -C "/host$d/gcc" install
}
# configure_user DIR COMPILER [OPTION...]: CMake's build folder DIR/COMPILER for DIR/src
configure_user() {
	[ -e "$1/$2/build.ninja" ] || rm -rf "$1/$2" # what a failure left
	local d=/host$1 cc=$2; shift 2
	tool cmake -G Ninja -S "$d/src" -B "$d/$cc" "$@" \
		-DCMAKE_C_COMPILER="$cc" -DCMAKE_BUILD_TYPE=RelWithDebInfo \
		-DCMAKE_INSTALL_PREFIX=/usr -DCMAKE_INSTALL_LIBDIR=lib/x86_64-linux-gnu -DCMAKE_INSTALL_SYSCONFDIR=/etc \
		-DHMMODP_RDMA_CORE_SRC="/host$RDMA_CORE"
}

# The upstream archive by the URI and checksum that apt names: a mirror may lack
# the .dsc that "apt-get source" itself insists on.
find_rdma_cores() { # sets RDMA_CORE_SOURCE, NEWEST_CORE_SOURCE: 'URI' FILE SIZE SHA256:SUM
	RDMA_CORE_SOURCE=$(rdma_core_of trixie)
	[ -n "$RDMA_CORE_SOURCE" ] || die "apt knows no source of rdma-core"
	NEWEST_CORE_SOURCE=$(rdma_core_of sid)	# or nothing
}
rdma_core_of() { # SUITE
	apt-get "${APT[@]}" --print-uris --only-source -t "$1" source rdma-core 2> /dev/null |
		grep -E "\.orig\.tar\.[a-z0-9]+ " | head -n 1 || true
}
prepare_rdma_core() { # VAR SOURCE
	# shellcheck disable=SC2086
	set -- "$1" $2
	product "$1" rdma-core "$(key "$3" "$5")" "fetching $3" build_rdma_core "${2//\'/}" "$3" "$5"
}
build_rdma_core() { # URI FILE SUM DIR
	mkdir -p "$4"
	/usr/lib/apt/apt-helper download-file "$1" "$4/$2" "$3"
	tool tar -C "/host$4" --strip-components=1 -xf "/host$4/$2"
	rm "$4/$2"
}
