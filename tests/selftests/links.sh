#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Links that a folder of files names (hroce-links), as the service makes them at boot.
# timeout: 60
. rc/lib.sh
[ "$NIC_TYPE" = hroce ] || skip_all "for hroce"
command -v hroce-links > /dev/null || bail "hroce-links is not installed"
export HROCE_LINKS=$RC_TMP/links.d
links() { rdma link show | awk '{ print $2 }' | cut -d/ -f1 | sort | tr '\n' ' '; }
expect() { [ "$(links)" = "$1" ] || { echo "links: $(links), not $1"; return 1; }; }

ip link add la type veth peer name lb
ip link set la up; ip link set lb up
mkdir -p "$HROCE_LINKS"
printf '# a comment\n\nboot0 la\n' > "$HROCE_LINKS/one.conf"
printf 'boot1 lb # the other end\n' > "$HROCE_LINKS/two.conf"
echo 'nobody reads this' > "$HROCE_LINKS/readme"
twice() { hroce-links up && expect "boot0 boot1 " && hroce-links up && expect "boot0 boot1 "; }
wrong() { # what can be made is made, and the rest said
	printf 'boot2 nosuch\nboot3\nboot4 la x\n' > "$HROCE_LINKS/zz.conf"
	! hroce-links up 2> "$RC_TMP/said" && expect "boot0 boot1 " && grep -q "boot3 has no interface" "$RC_TMP/said" &&
		grep -q "too much after boot4" "$RC_TMP/said"
}
away() { rm "$HROCE_LINKS/zz.conf"; hroce-links down && expect ""; }
check "up, twice" twice
check "down" away
check "up again" twice
check "lines that are wrong" wrong
check "down, of what is there" away
ip link del la
finish
