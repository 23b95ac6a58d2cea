// SPDX-License-Identifier: GPL-2.0
/* Runners: one owner at a time, see runner.h. */
#include <linux/bottom_half.h>
#include <linux/delay.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "runner.h"

/* Steps before the owner hands over to the work queue. */
#define HROCE_STEPS_SOFTIRQ	16
#define HROCE_STEPS_PROCESS	256

static struct workqueue_struct *hroce_wq;
/* Its workers do not push aside who gives them work, so that there is more of it. */
static struct workqueue_struct *hroce_batch_wq;

/*
 * Bottom halves are off for a whole step, as they are for one in softirq anyway: what a
 * step does for each page and packet would else switch them off and on again.
 */
static void hroce_runner_run(struct hroce_runner *r, int budget)
{
	bool more;

	for (;;) {
		/* whatever a kick told of is seen by this step; a full barrier */
		atomic_xchg(&r->state, HROCE_RUNNER_OWNED);
		local_bh_disable();
		more = r->step(r);
		local_bh_enable();
		if (unlikely(atomic_read(&r->wanted))) {
			/* what is left to do is done when it is disowned */
			atomic_set_release(&r->state, HROCE_RUNNER_IDLE);
			return;
		}
		if (!more && atomic_cmpxchg(&r->state, HROCE_RUNNER_OWNED,
					    HROCE_RUNNER_IDLE) == HROCE_RUNNER_OWNED)
			return;
		if (--budget <= 0) {
			/* ownership goes with the work */
			queue_work(hroce_wq, &r->work);
			return;
		}
	}
}

static void hroce_runner_work(struct work_struct *work)
{
	hroce_runner_run(container_of(work, struct hroce_runner, work),
			 HROCE_STEPS_PROCESS);
}

static void hroce_runner_timer(struct timer_list *t)
{
	hroce_runner_kick(container_of(t, struct hroce_runner, timer));
}

void hroce_runner_init(struct hroce_runner *r, bool (*step)(struct hroce_runner *r))
{
	atomic_set(&r->state, HROCE_RUNNER_IDLE);
	atomic_set(&r->wanted, 0);
	r->step = step;
	INIT_WORK(&r->work, hroce_runner_work);
	timer_setup(&r->timer, hroce_runner_timer, 0);
}

/*
 * Become the owner. Not while somebody waits to be that: who has it then finds the
 * news when he lets it go on. Else a stream of kicks could keep him waiting.
 */
static bool hroce_runner_take(struct hroce_runner *r)
{
	smp_mb();	/* the news before wanted; the other side: wanted, then looks */
	if (unlikely(atomic_read(&r->wanted)))
		return false;
	return atomic_xchg(&r->state, HROCE_RUNNER_KICKED) == HROCE_RUNNER_IDLE;
}

void hroce_runner_kick(struct hroce_runner *r)
{
	bool softirq = in_softirq();

	if (!hroce_runner_take(r))
		return;
	/* A process that is being killed must not stay to drain its queue. */
	if (!softirq && fatal_signal_pending(current))
		queue_work(hroce_wq, &r->work);
	else
		hroce_runner_run(r, softirq ? HROCE_STEPS_SOFTIRQ :
					      HROCE_STEPS_PROCESS);
}

void hroce_runner_kick_later(struct hroce_runner *r)
{
	if (hroce_runner_take(r))
		queue_work(hroce_wq, &r->work);
}

void hroce_runner_kick_batch(struct hroce_runner *r)
{
	if (hroce_runner_take(r))
		queue_work(hroce_batch_wq, &r->work);
}

void hroce_runner_at(struct hroce_runner *r, unsigned long when)
{
	timer_reduce(&r->timer, when);
}

void hroce_runner_own(struct hroce_runner *r)
{
	might_sleep();
	atomic_inc(&r->wanted);
	while (atomic_cmpxchg(&r->state, HROCE_RUNNER_IDLE, HROCE_RUNNER_OWNED))
		usleep_range(20, 100);
	atomic_dec(&r->wanted);
}

void hroce_runner_disown(struct hroce_runner *r)
{
	queue_work(hroce_wq, &r->work);
}

void hroce_runner_stop(struct hroce_runner *r)
{
	timer_delete_sync(&r->timer);
}

int hroce_runner_module_init(void)
{
	/* block devices and file systems wait for it, also where there is no memory */
	hroce_wq = alloc_workqueue("hroce", WQ_HIGHPRI | WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!hroce_wq)
		return -ENOMEM;
	hroce_batch_wq = alloc_workqueue("hroce_batch", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (hroce_batch_wq)
		return 0;
	destroy_workqueue(hroce_wq);
	return -ENOMEM;
}

void hroce_runner_module_exit(void)
{
	destroy_workqueue(hroce_batch_wq);	/* may pass work on */
	destroy_workqueue(hroce_wq);
}
