/* SPDX-License-Identifier: GPL-2.0 */
/* Carrying out batches of messages on queue pairs and checking every byte. */
#ifndef RC_ENGINE_H
#define RC_ENGINE_H

#include "conn.h"
#include "mem.h"
#include "plan.h"

enum { RC_CLIENT, RC_SERVER };

/* What this side decides for itself. */
struct rc_local_opts {
	struct rc_link_opts link;
	enum rc_mem_kind mem;
	bool odp;
	bool implicit;		/* the region is all of memory */
	bool events;		/* sleep for completions instead of polling */
	bool churn;
	bool quiet;
	const char *while_file;	/* goes on while there is one */
	uint32_t max_sge;
	uint32_t max_inline;
};

/* One queue pair and its memory. */
struct rc_flow {
	struct ibv_qp *qp;
	struct ibv_mr *mr;
	struct rc_mem mem;
	struct rc_layout layout;
	struct rc_model model;
	struct rc_end mine, theirs;
	struct rc_plan plan[2];	/* by active side */
	bool on[2];		/* the direction carries traffic in this batch */
	int sent, received;	/* messages completed in this batch */
	int expect_received;
	uint8_t *bounce;	/* of inline data, spoilt once posted */
};

struct rc_engine {
	struct rc_local_opts opts;
	struct rc_job job;
	struct rc_side sides[2];
	int me;
	int sock;
	uint32_t batch;
	struct rc_dev dev;
	struct ibv_comp_channel *channel;
	struct ibv_cq *scq, *rcq;
	struct rc_flow *flow;
	struct rc_rng rng;	/* both sides draw from it alike */
	uint64_t bytes, messages, sleeps;
	/* called before the batch, when it may be under way, and when it is over */
	void (*before)(struct rc_engine *e);
	void (*busy)(struct rc_engine *e);
	void (*quiet)(struct rc_engine *e);
	/* after the last batch of job.iters: may there be more? */
	bool (*unfinished)(struct rc_engine *e);
	void *ctx;		/* of these */
};

/* Takes an option of the common set, or returns false. */
bool rc_engine_option(struct rc_local_opts *o, struct rc_job *job, int c, const char *arg);
extern const struct option rc_engine_options[];
extern const char rc_engine_usage[];
void rc_engine_defaults(struct rc_local_opts *o, struct rc_job *job);

void rc_engine_open(struct rc_engine *e);
void rc_engine_batch(struct rc_engine *e);
/* Is there another batch to do? Both sides get the same answer. */
bool rc_engine_more(struct rc_engine *e);
void rc_engine_close(struct rc_engine *e);

/* Compare all of this side's memory with the models; ends the program if wrong. */
void rc_engine_check(struct rc_engine *e, const char *when);

#endif
