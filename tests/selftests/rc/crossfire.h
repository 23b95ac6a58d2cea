/* SPDX-License-Identifier: GPL-2.0 */
/*
 * SENDs, WRITEs and READs without end between two processes, in both directions
 * at once, until one of them is no more. What a byte must be follows from where
 * it is alone, so that each message is checked whatever became of the others:
 *
 *	quarter 0	what this side sends, and the other READs
 *	quarter 1	where the other WRITEs: its quarter 0, or 0 still
 *	quarter 2	receives
 *	quarter 3	where this side READs to: the other's quarter 0
 */
#ifndef RC_CROSSFIRE_H
#define RC_CROSSFIRE_H

#include "conn.h"
#include "mem.h"
#include "util.h"

#define RC_CROSS_DEPTH	16
#define RC_CROSS_MAX	65536u	/* bytes of a message */

struct rc_cross {
	struct rc_dev dev;
	int sock;
	int me;			/* 0: client */
	struct rc_mem mem;
	uint32_t quarter;	/* bytes */
	struct ibv_cq *cq;
	struct ibv_qp *qp;
	struct ibv_mr *mr;
	struct rc_end mine, theirs;
	struct rc_rng rng;
	int sends, receives;	/* under way */
	uint64_t sent, received;	/* with success */
	uint64_t delivered;	/* SENDs among what was sent */
	enum ibv_wc_status status;	/* of the first that failed */
};

/* @size must be the same on both sides, four messages at least. */
void rc_cross_open(struct rc_cross *c, const struct rc_link_opts *o, enum rc_mem_kind kind,
		   size_t size);
/* Post what there is room for. */
void rc_cross_post(struct rc_cross *c);
/* Take completions and check what they brought. Returns how many there were. */
int rc_cross_poll(struct rc_cross *c);
/* All that has arrived in quarter 1 is right. */
void rc_cross_check_written(struct rc_cross *c);
void rc_cross_close(struct rc_cross *c);

#endif
