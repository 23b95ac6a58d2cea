# SPDX-License-Identifier: GPL-2.0
# What of ours a guest sees, in one small image laid over the root at boot:
# modules (with the kernel's module index renewed), provider, tests, scripts.

declare -A PAYLOAD	# of a kernel name: the image

prepare_payload() { # NAME
	product "PAYLOAD[$1]" "payload-$1" \
		"$(key "${KERNEL_DIR[$1]}" "${MODULES[$1]}" "$PROVIDER" "$NEWEST_PROVIDER" "$TESTS" "$(declare -f build_payload)" "$(tree_key tests)")" \
		"packing what the guest of $1 gets" build_payload "$1"
}
build_payload() { # NAME IMAGE
	local r=${RELEASE[$1]} kernel=${KERNEL_DIR[$1]} tree=$2.tree index=$2.index lib share
	rm -rf "$tree" "$index"
	# depmod looks at all modules; the image gets ours and the index
	lib=$index/lib/modules/$r
	mkdir -p "$lib/updates"
	cp -al "$kernel/lib/modules/$r/kernel" "$lib/kernel"
	cp "$kernel/lib/modules/$r"/modules.{order,builtin,builtin.modinfo} "$lib/"
	find "${MODULES[$1]}" -name '*.ko' -exec cp -t "$lib/updates" {} +
	tool depmod -b "/host$index" "$r"
	rm -rf "$lib/kernel"
	share=$tree/usr/share/hmmodp
	mkdir -p "$tree/usr/lib/modules" "$share"
	mv "$lib" "$tree/usr/lib/modules/"
	cp -r "$PROVIDER/." "$tree/"
	if [ "$1" = "$NEWEST_KERNEL" ] && [ -n "$NEWEST_PROVIDER" ]; then
		mkdir "$share/newest"
		cp -r "$NEWEST_PROVIDER/." "$share/newest/"
	fi
	cp -r "$TESTS/tests" "$share/"
	mkdir -p "$share/include"
	cp -r "$TESTS/uapi" "$share/include/"
	cp "$VM"/guest/* "$share/"
	for lib in bench demo; do [ ! -d "$TREE/tests/$lib" ] || cp -r "$TREE/tests/$lib" "$share/"; done
	make_image "$tree" "$2"
	rm -rf "$tree" "$index"
}

# The in-guest tests, compiled: a folder with a Makefile by its default target, a
# single x.c to x beside it. What does not compile is in TESTS/broken: it fails
# "run test", not the other commands.
prepare_tests() {
	# what failed is tried again: it may have been the machine
	find "$CACHE" -maxdepth 2 -path "$CACHE/tests-*/broken" -printf '%h\0' | xargs -0r rm -rf --one-file-system
	product TESTS tests "$(key "$TOOLBOX" "$(declare -f build_tests)" "$(tree_key "${TEST_DIRS[@]}" kernel/include)")" \
		"building the tests" build_tests
	[ ! -s "$TESTS/broken" ] || say "tests that do not compile: $(xargs < "$TESTS/broken"), see $CACHE/log/tests.log"
}
TEST_DIRS=(tests/selftests tests/clients tests/pairs tests/fuzz tests/bench)
build_tests() { # DIR
	local d=$1 f
	tree_copy "$d" "${TEST_DIRS[@]}" kernel/include
	rm "$d/.files"
	mkdir -p "$d/tests" "$d/kernel/include/uapi"
	find "$d/tests" \( -name Makefile -o -name '*.c' \) -printf '%P\n' | sort | while read -r f; do
		case $f in
		*/Makefile) tool make -j "$(nproc)" -C "/host$d/tests/${f%/*}";;
		*) [ -e "$d/tests/${f%/*}/Makefile" ] || compile_test "$d" "$d/tests/$f";;
		esac || echo "$f" >> "$d/broken"
	done
	find "$d/tests" -name '*.o' -delete
	mv "$d/kernel/include/uapi" "$d/uapi"
	rm -rf "$d/kernel"
}
compile_test() { # DIR FILE.c
	local libs
	libs=$(sed -n 's/^.*LIBS:[ \t]*//p' "$2" | sed 's/\*\/.*//' | head -n 1)
	# shellcheck disable=SC2086
	tool gcc -O2 -g -Wall -Wextra -pthread -I"/host$1/kernel/include/uapi" \
		-o "/host${2%.c}" "/host$2" -libverbs -lrdmacm $libs
}
