# SPDX-License-Identifier: GPL-2.0
# The user-space part, built by CMake against the rdma-core source of the
# guest's version, as it will be found below the guest's root.

USER_PARTS=(CMakeLists.txt cmake providers libhmmodp kernel/include)

prepare_provider() {
	prepare_rdma_core
	product PROVIDER provider \
		"$(key "$TOOLBOX" "$RDMA_CORE" "$(tree_key "${USER_PARTS[@]}")")" \
		"building the provider" build_provider
}
build_provider() { # DIR
	local d=$CACHE/build/provider out=$1
	tree_copy "$d/src" "${USER_PARTS[@]}"
	mkdir -p "$out"
	[ -e "$d/src/CMakeLists.txt" ] || { echo "no CMakeLists.txt yet"; return; }
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
find_rdma_core() { # sets RDMA_CORE_SOURCE: 'URI' FILE SIZE SHA256:SUM
	RDMA_CORE_SOURCE=$(apt-get "${APT[@]}" --print-uris --only-source -t trixie source rdma-core 2> /dev/null |
		grep -E "\.orig\.tar\.[a-z0-9]+ " | head -n 1)
	[ -n "$RDMA_CORE_SOURCE" ] || die "apt knows no source of rdma-core"
}
prepare_rdma_core() {
	# shellcheck disable=SC2086
	set -- $RDMA_CORE_SOURCE
	product RDMA_CORE rdma-core "$(key "$2" "$4")" "fetching $2" build_rdma_core "${1//\'/}" "$2" "$4"
}
build_rdma_core() { # URI FILE SUM DIR
	mkdir -p "$4"
	/usr/lib/apt/apt-helper download-file "$1" "$4/$2" "$3"
	tool tar -C "/host$4" --strip-components=1 -xf "/host$4/$2"
	rm "$4/$2"
}
