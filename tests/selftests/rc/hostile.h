/* SPDX-License-Identifier: GPL-2.0 */
/* Attacks of a process on the kernel beneath its verbs device. */
#ifndef RC_HOSTILE_H
#define RC_HOSTILE_H

#include "conn.h"
#include "mem.h"
#include "util.h"

/* Each works for @ms milliseconds; ends the program if something is wrong. */
void hostile_rings(struct rc_dev *d, struct rc_rng *r, uint64_t ms);
void hostile_commands(struct rc_dev *d, struct rc_rng *r, uint64_t ms);
void hostile_maps(struct rc_dev *d, struct rc_rng *r, uint64_t ms);
void hostile_limits(struct rc_dev *d, struct rc_rng *r, uint64_t ms);

#endif
