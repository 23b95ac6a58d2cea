/* SPDX-License-Identifier: GPL-2.0 */
/* Comparing memory with the models and saying exactly what is wrong. */
#ifndef RC_CHECK_H
#define RC_CHECK_H

#include "engine.h"

/* All of this side's memory of a flow. */
void rc_check_memory(struct rc_engine *e, struct rc_flow *f, const char *when);
/* The spans of one message on this side. */
void rc_check_spans(struct rc_engine *e, struct rc_flow *f, const struct rc_span *s,
		    int n, const char *when);

#endif
