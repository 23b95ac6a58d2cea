/* SPDX-License-Identifier: GPL-2.0 */
/* Two RC QPs of one device, connected to each other, and memory for both. */
#ifndef PROVIDER_LOOP_H
#define PROVIDER_LOOP_H

#include "conn.h"
#include "util.h"

#define EXPECT(cond) do {						\
	if (!(cond))							\
		rc_die("%s:%d: not so: %s", __FILE__, __LINE__, #cond);	\
} while (0)

#define EXPECT_EQ(a, b) do {						\
	long long a_ = (long long)(a), b_ = (long long)(b);		\
	if (a_ != b_)							\
		rc_die("%s:%d: %s is %lld, not %lld", __FILE__,		\
		       __LINE__, #a, a_, b_);				\
} while (0)

enum {
	LOOP_WR = 64,		/* of each queue */
	LOOP_SGE = 4,
	LOOP_INLINE = 64,
	LOOP_TIMEOUT = 15,	/* 268 ms between tries, 8 tries */
	LOOP_TIMEOUT_HOURS = 31,	/* 2.4 h between tries */
	LOOP_BYTES = 1 << 20,	/* the sender's half comes first */
	LOOP_HALF = LOOP_BYTES / 2,
};

struct hroce_ring;

struct loop {
	struct rc_dev *d;
	struct ibv_comp_channel *channel;
	struct ibv_cq *scq, *rcq;
	struct ibv_cq_ex *scqx;		/* scq, where it was created extended */
	struct ibv_qp *qp[2];		/* 0 sends, 1 receives */
	struct ibv_qp_cap cap;		/* as returned */
	struct ibv_mr *mr;
	uint8_t *buf;
};

/* Path MTU of what is opened from now on; 1024 at first. */
extern enum ibv_mtu loop_mtu;
/* Their timeout code; LOOP_TIMEOUT at first. */
extern uint8_t loop_timeout;
/* READs and atomics that they may have under way; 1 at first. */
extern uint8_t loop_rd_atomic;
/* Rights of the QPs beside RC_QP_DEFAULTS's, from now on; 0 at first. */
extern int loop_access;

/* @extended: an extended CQ and QPs for ibv_wr_* */
void loop_open(struct loop *l, struct rc_dev *d, bool extended);
void loop_close(struct loop *l);
void loop_connect(struct loop *l);
void loop_to(struct ibv_qp *qp, enum ibv_qp_state state);

/* Requests about bytes [at, at + len) of the buffer. */
struct ibv_sge loop_sge(struct loop *l, size_t at, uint32_t len);
struct ibv_send_wr loop_write(struct loop *l, uint64_t id, struct ibv_sge *sge, size_t to);
int loop_post_recv(struct loop *l, uint64_t id, size_t at, uint32_t len);

/* One completion within 10 s. */
struct ibv_wc loop_wait(struct ibv_cq *cq);
void loop_expect(struct ibv_cq *cq, uint64_t wr_id, enum ibv_wc_status status);
void loop_expect_none(struct ibv_cq *cq);

/* Fresh anonymous memory in small pages. */
uint8_t *loop_map(size_t len);
/* One request from these local bytes to those remote ones, or back. */
enum ibv_wc_status loop_move(struct loop *l, enum ibv_wr_opcode op, uint32_t lkey,
			     uint64_t local, uint32_t len, uint32_t rkey, uint64_t remote);
/* One of the device's hw_counters. */
long loop_counter(struct rc_dev *d, const char *name);
/* Is there an asynchronous event? If so it must be this one, of that object. */
bool loop_async_event(struct rc_dev *d, enum ibv_event_type type, const void *of, int ms);
/* The one ring with that producer's index of which nothing has been consumed. */
struct hroce_ring *loop_find_ring(uint32_t producer);

struct loop_case {
	const char *name;
	void (*run)(struct rc_dev *d);
};

/* cases_queue.c: rings, full, wrapping, shared by threads */
void case_full(struct rc_dev *d);
void case_bad_wr(struct rc_dev *d);
void case_inline(struct rc_dev *d);
void case_threads(struct rc_dev *d);
/* cases_state.c: states of the QP and what becomes of requests */
void case_flush(struct rc_dev *d);
void case_silent_error(struct rc_dev *d);
void case_mute_peer(struct rc_dev *d);
void case_prompt(struct rc_dev *d);
void case_reset(struct rc_dev *d);
void case_reset_timer(struct rc_dev *d);
void case_events(struct rc_dev *d);
/* cases_stream.c: many requests, and nobody waits for them */
void case_stream(struct rc_dev *d);
void case_stream_ends(struct rc_dev *d);
/* cases_ex.c: extended CQ and QP */
void case_wr(struct rc_dev *d);
void case_cq_ex(struct rc_dev *d);
/* cases_cq.c: resizing, moderation */
void case_resize_cq(struct rc_dev *d);
void case_resize_cq_bad(struct rc_dev *d);
void case_moderation(struct rc_dev *d);
/* cases_dm.c: device memory, parent domains */
void case_dm(struct rc_dev *d);
void case_dm_errors(struct rc_dev *d);
void case_parent_domain(struct rc_dev *d);
/* cases_dmabuf.c: memory of other drivers */
void case_dmabuf(struct rc_dev *d);
void case_dmabuf_moves(struct rc_dev *d);
/* cases_kernel.c: users in the kernel */
void case_kernel_user(struct rc_dev *d);
/* cases_mr.c: on-demand regions */
void case_implicit(struct rc_dev *d);
void case_counted_once(struct rc_dev *d);
void case_odp_kinds(struct rc_dev *d);
void case_rereg(struct rc_dev *d);
void case_all_on_demand(struct rc_dev *d);
void case_advise_errors(struct rc_dev *d);
void case_read_ahead(struct rc_dev *d);
void case_ahead_full(struct rc_dev *d);
void case_advise(struct rc_dev *d);
/* cases_null.c: the null region */
void case_null(struct rc_dev *d);
/* cases_word.c: atomics beside a word */
void case_word(struct rc_dev *d);
/* cases_ring.c: rings that make no sense */
void case_ring_back(struct rc_dev *d);
/* cases_mw.c: memory windows, invalidation */
void case_mw1(struct rc_dev *d);
void case_mw2(struct rc_dev *d);
void case_mw_rules(struct rc_dev *d);
void case_mw_storm(struct rc_dev *d);
void case_mw_exit(struct rc_dev *d);
/* cases_flush.c: ATOMIC WRITE and FLUSH */
void case_atomic_write(struct rc_dev *d);
void case_flush_data(struct rc_dev *d);
/* cases_slow.c: pages that come late */
void case_slow_page(struct rc_dev *d);
void case_slow_behind(struct rc_dev *d);
void case_slow_asked(struct rc_dev *d);
/* cases_series.c: pages that all come late */
void case_slow_series(struct rc_dev *d);
/* cases_repeat.c: and are asked for twice */
void case_slow_repeat(struct rc_dev *d);
/* cases_lost.c: responses that are lost */
void case_lost(struct rc_dev *d);
/* cases_closing.c: pages that do not stay */
void case_slow_closing(struct rc_dev *d);
/* cases_tight.c: little room, and memory that no device may see */
void case_tight(struct rc_dev *d);
void case_secret(struct rc_dev *d);
/* cases_ud.c: datagrams */
void case_ud_odp(struct rc_dev *d);
void case_mcast(struct rc_dev *d);
void case_mcast_errors(struct rc_dev *d);
void case_ud_srq(struct rc_dev *d);
void case_ud_error(struct rc_dev *d);
/* cases_srq.c: shared receive queues */
void case_srq(struct rc_dev *d);
void case_srq_resize(struct rc_dev *d);
void case_srq_limit(struct rc_dev *d);
void case_srq_last_wqe(struct rc_dev *d);
void case_srq_broken(struct rc_dev *d);
/* cases_uc.c: unreliable connections */
void case_uc_broken(struct rc_dev *d);
void case_uc_srq(struct rc_dev *d);
void case_uc_errors(struct rc_dev *d);
void case_uc_parked(struct rc_dev *d);
void case_uc_lossy(struct rc_dev *d);
/* cases_xrc.c: extended reliable connections */
void case_xrc(struct rc_dev *d);
void case_xrc_errors(struct rc_dev *d);
void case_xrc_shared(struct rc_dev *d);
/* cases_process.c: fork, credentials, what is left behind */
void case_fork(struct rc_dev *d);
void case_credentials(struct rc_dev *d);
void case_counted_out(struct rc_dev *d);
void case_import(struct rc_dev *d);

#endif
