/* SPDX-License-Identifier: GPL-2.0 */
/* Many regions over one piece of memory, and what a batch copies between them. */
#ifndef PROVIDER_MANY_H
#define PROVIDER_MANY_H

#include "loop.h"

struct region {
	struct ibv_mr *mr;
	size_t at, len;		/* in the memory */
	bool used;		/* since it was registered */
	bool busy;		/* in this batch */
};

struct copy {
	enum ibv_wr_opcode op;
	struct region *src, *dst;
	size_t from, to;
	uint32_t len;
};

struct many {
	struct rc_dev *d;
	struct rc_rng rng;
	uint8_t *mem, *model;	/* the model has done to it what the memory should have */
	size_t size;
	struct region *region;
	uint32_t regions;
	uint32_t unused;	/* regions that no message has used yet */
	uint32_t *order, next;	/* in which they have their turn */
	struct copy *copy;
	uint32_t copies;	/* of a batch */
	uint8_t *taken;		/* by units */
};

void many_init(struct many *m);
void many_open_region(struct many *m, struct region *r);
void many_close_region(struct many *m, struct region *r);
/* Give up some memory, choose the copies of a batch and fill what they copy. */
void many_plan(struct many *m);

#endif
