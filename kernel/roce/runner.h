/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A runner: state that one context at a time works on, without a lock.
 *
 * Each half of a QP is one. Whoever has news for it (a doorbell, a packet in
 * its inbox, a timer, a served fault) leaves the news where the runner finds it
 * and kicks. The first kicker becomes the owner and calls step() until there is
 * nothing to do and no kick has come since it last looked; the others return
 * at once. So the state behind a runner is plain data; ownership passes with
 * the full barriers of @state.
 *
 * In softirq, or past a budget, the owner passes ownership to a work item
 * rather than hold the CPU.
 */
#ifndef HROCE_RUNNER_H
#define HROCE_RUNNER_H

#include <linux/atomic.h>
#include <linux/timer.h>
#include <linux/workqueue.h>

/* Kicked: owned, and something has come since the owner last looked. */
enum hroce_runner_state {
	HROCE_RUNNER_IDLE,
	HROCE_RUNNER_OWNED,
	HROCE_RUNNER_KICKED,
};

/**
 * struct hroce_runner
 * @state: enum hroce_runner_state
 * @wanted: somebody waits in hroce_runner_own(): the owner gives it up after the
 *	step under way, however much there is to do, and nobody else takes it
 * @work: goes on with it in process context
 * @timer: kicks
 * @step: does a bounded piece of work, with bottom halves off; true: call me again,
 *	there is more
 */
struct hroce_runner {
	atomic_t state;
	atomic_t wanted;
	struct work_struct work;
	struct timer_list timer;
	bool (*step)(struct hroce_runner *r);
};

int hroce_runner_module_init(void);
void hroce_runner_module_exit(void);

void hroce_runner_init(struct hroce_runner *r, bool (*step)(struct hroce_runner *r));

/* Run it here if nobody does. Context: process or softirq, bottom halves may be
 * off, interrupts on, no lock held that step() takes.
 */
void hroce_runner_kick(struct hroce_runner *r);

/* Run it on the work queue if nobody does. Any context. */
void hroce_runner_kick_later(struct hroce_runner *r);

/* The same, but who kicks may well go on for a while before it runs. Process context. */
void hroce_runner_kick_batch(struct hroce_runner *r);

/* Kick it at that time (jiffies) or earlier. Any context. */
void hroce_runner_at(struct hroce_runner *r, unsigned long when);

/* Become the owner and keep everybody else out. Context: process, may sleep. */
void hroce_runner_own(struct hroce_runner *r);
/* Let it go on; it runs once, later. */
void hroce_runner_disown(struct hroce_runner *r);
/* For good, with the timer stopped; the caller owns it. Context: process. */
void hroce_runner_stop(struct hroce_runner *r);

#endif
