/* SPDX-License-Identifier: GPL-2.0 */
/* Completion queues. */
#ifndef HROCE_CQ_H
#define HROCE_CQ_H

#include <linux/hrtimer.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <rdma/ib_verbs.h>

#include "rdma.h"
#include "ring.h"

struct hroce_cq {
	struct ib_cq ibcq;
	struct mutex resize_lock;	/* serialises changes of ring for another */
	spinlock_t lock;	/* protects the fields below and the ring's producer */
	struct hroce_ringbuf ring;
	u8 notify;		/* IB_CQ_NEXT_COMP, IB_CQ_SOLICITED or 0: not armed */
	bool overflowed;	/* nothing is posted any more */
	u16 moderate_count;	/* completions to an event; 0 or 1: each makes one */
	u16 moderate_us;	/* but not later than this after the first */
	u16 held;		/* completions whose event is held back */
	struct hrtimer timer;	/* the end of moderate_us */
};

static inline struct hroce_cq *to_hcq(struct ib_cq *ibcq)
{
	return container_of(ibcq, struct hroce_cq, ibcq);
}

/**
 * hroce_cq_post - add a completion
 * @solicited: wakes one who waits for solicited completions; an error
 *	completion (status not IB_WC_SUCCESS) does so in any case
 * Context: any but hard interrupt. Calls the CQ's event handlers after its lock
 *	is dropped; the caller may hold the locks of a QP.
 * Return: 0, or -ENOSPC: the CQ has overflowed, an IB_EVENT_CQ_ERR has been
 *	raised once, and the QP must go to the error state.
 */
int hroce_cq_post(struct hroce_cq *cq, const struct hroce_cqe *cqe, bool solicited);

/**
 * struct hroce_cq_glance - what can be seen of a user and his completion queue
 * @index: of the next completion
 * @armed: he will be woken
 * @all_taken: he has seen all there were
 */
struct hroce_cq_glance {
	u32 index;
	bool armed;
	bool all_taken;
};

/* Context: any but hard interrupt. */
struct hroce_cq_glance hroce_cq_glance(struct hroce_cq *cq);

/*
 * A kernel user is told the QP by its address. That rides in reserved2, which
 * hroce_cq_post() clears in a user's ring.
 */
static inline void hroce_cqe_set_qp(struct hroce_cqe *cqe, struct ib_qp *qp)
{
	cqe->qp_num = qp->qp_num;
	cqe->reserved2 = (uintptr_t)qp;
}

static inline struct ib_qp *hroce_cqe_qp(const struct hroce_cqe *cqe)
{
	return (struct ib_qp *)(uintptr_t)cqe->reserved2;
}

/* ib_device_ops */
int hroce_create_cq(struct ib_cq *ibcq, const struct ib_cq_init_attr *attr,
		    struct hmmodp_create_cq_arg *arg);
int hroce_resize_cq(struct ib_cq *ibcq, hmmodp_cqe_t cqe, struct ib_udata *udata);
int hroce_destroy_cq(struct ib_cq *ibcq, struct ib_udata *udata);
int hroce_modify_cq(struct ib_cq *ibcq, u16 count, u16 us);
int hroce_poll_cq(struct ib_cq *ibcq, int num, struct ib_wc *wc);
int hroce_req_notify_cq(struct ib_cq *ibcq, enum ib_cq_notify_flags flags);

#endif
