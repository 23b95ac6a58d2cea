#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The mirror by itself, without a NIC: each thing that changes a process's page
# tables, every byte checked, and all of them at once. By the module
# hmmodp_selftest, which lets a program read and write through the mirror.
# timeout: 600
. mirror/lib.sh
mirror_up
"$MIRROR_TEST" ${MIRROR_DIR:+-d "$MIRROR_DIR"} cases "$@"
mirror_down $?
