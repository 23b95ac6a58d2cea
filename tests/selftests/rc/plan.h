/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a batch of messages will be, and what memory must hold afterwards.
 *
 * Both processes draw the same plan from the same numbers and play it through on
 * models of both memories, so neither needs to ask the other what to expect:
 * after the batch each compares all of its memory with its model, the bytes
 * between the messages included.
 *
 *	memory of a side:  lead | half 0: client's messages | half 1: server's | tail
 *	a half:            4 words for atomics | spans of messages, gaps between
 *
 * Offsets are from the start of the mapping, the same on both sides.
 */
#ifndef RC_PLAN_H
#define RC_PLAN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "util.h"

#define RC_MAX_SGE	8
#define RC_MAX_DEPTH	64
#define RC_MAX_FREE	(RC_MAX_DEPTH + 2)

enum rc_kind {
	RC_SEND,
	RC_SEND_IMM,
	RC_WRITE,
	RC_WRITE_IMM,
	RC_READ,
	RC_CAS,
	RC_FADD,
	RC_KINDS,
};
#define RC_INLINE_BIT	(1u << RC_KINDS)
#define RC_ALL_OPS	((2u << RC_KINDS) - 1)

/* What the client decides for both sides. */
struct rc_job {
	uint64_t seed;
	uint32_t iters;
	uint32_t depth;		/* messages of a batch and queue pair */
	uint32_t qps;
	uint32_t max_len;
	uint32_t ops;		/* 1 << RC_..., RC_INLINE_BIT */
	uint32_t mtu;
	uint32_t align;		/* of spans; 0: any */
	uint8_t both;		/* directions at once, else in turn */
	uint8_t cold;		/* throw pages of ODP memory away before a batch */
	uint8_t timeout;	/* of the QP */
	uint8_t ready;		/* receives are posted before the sends begin */
	uint8_t one_way;	/* the server never sends */
	uint8_t no_empty;	/* every message has a byte at least */
	uint8_t uc;		/* over UC: no READs, atomics; nothing may be lost */
	uint8_t open_end;	/* after iters batches more, while both sides want them */
	uint8_t spare[4];
};

/* What each side tells the other of itself. */
struct rc_side {
	uint32_t max_sge;
	uint32_t max_inline;
	uint32_t rd_atomic;
	uint8_t odp;
	uint8_t private_mem;
	uint8_t churn;		/* free ranges are rewritten after the batch */
	uint8_t spare;
};

struct rc_layout {
	uint32_t lead;		/* bytes before the memory region */
	uint32_t half;
	uint32_t region;	/* bytes in the memory region */
	uint32_t len;		/* of the mapping */
};

struct rc_span {
	uint32_t off;
	uint32_t len;
};

struct rc_op {
	enum rc_kind kind;
	uint32_t len;
	bool inlined, signaled, solicited, fence;
	bool overwritten;	/* a later message of the batch writes there too */
	uint32_t imm;
	uint64_t compare_add, swap;
	int locals, remotes;
	struct rc_span local[RC_MAX_SGE];
	struct rc_span remote[RC_MAX_SGE];	/* one, but of a receive up to 8 */
};

struct rc_plan {
	int n;
	bool solicited_only;	/* the receiver arms its CQ that way */
	struct rc_op op[RC_MAX_DEPTH];
	int nfree[2];		/* whole pages without a span, by side */
	struct rc_span free[2][RC_MAX_FREE];
};

struct rc_model {
	uint8_t *side[2];
};

void rc_layout(struct rc_layout *l, const struct rc_job *job, uint32_t qp);

/*
 * Draw the plan in which side @active sends, play it on @model, and put the fresh
 * source bytes of side @me into @memory.
 */
void rc_plan_make(struct rc_plan *p, const struct rc_job *job,
		  const struct rc_layout *l, const struct rc_side sides[2],
		  struct rc_model *model, int active, int me, uint8_t *memory,
		  struct rc_rng *r);

/*
 * Whole pages of side @side that the batch only reads (@written false), or that it
 * will have written from end to end. Returns how many, up to @max.
 */
int rc_plan_pages(const struct rc_plan *p, int active, int side, bool written,
		  struct rc_span *s, int max);

const char *rc_kind_name(enum rc_kind kind);
uint32_t rc_ops_parse(const char *list);
static inline bool rc_takes_recv(const struct rc_op *op)
{
	return op->kind <= RC_SEND_IMM || op->kind == RC_WRITE_IMM;
}
static inline bool rc_fetches(const struct rc_op *op)
{
	return op->kind >= RC_READ;
}
/* For a person: which message owns offset @off of side @side, if any. */
void rc_plan_explain(FILE *to, const struct rc_plan *p, int active, int side, uint32_t off);

#endif
