/* SPDX-License-Identifier: GPL-2.0 */
/* Posting the work requests of a batch and taking their completions. */
#ifndef RC_TRAFFIC_H
#define RC_TRAFFIC_H

#include "engine.h"

void rc_post_recvs(struct rc_engine *e, struct rc_flow *f);
void rc_post_sends(struct rc_engine *e, struct rc_flow *f);
/* Until all of this side's requests of the batch are complete. */
void rc_complete(struct rc_engine *e);

#endif
