// SPDX-License-Identifier: GPL-2.0
/* Completion queues: rings that the kernel fills, and the events they raise. */
#include <linux/ktime.h>

#include "../compat/time.h"
#include "cq.h"
#include "dev.h"
#include "udata.h"

static bool hroce_cq_is_user(const struct hroce_cq *cq)
{
	return cq->ring.entry;
}

/* A user's consumer index may say anything: then the queue is full. */
static bool hroce_cq_full(const struct hroce_cq *cq)
{
	return cq->ring.index - hroce_ring_consumer(&cq->ring) >= cq->ring.entries;
}

/* A user sees the ring at any moment: the QP's address must never be in it. */
static void hroce_cq_put_entry(struct hroce_cq *cq, const struct hroce_cqe *cqe)
{
	struct hroce_cqe entry = *cqe;

	entry.timestamp_ns = ktime_get_ns();
	if (hroce_cq_is_user(cq))
		entry.reserved2 = 0;
	memcpy(hroce_ring_at(&cq->ring, cq->ring.index), &entry, sizeof(entry));
	/* the entry is complete before it is seen */
	smp_store_release(&cq->ring.ring->producer, ++cq->ring.index);
}

/* Is the event of this completion left to later ones, or to the timer? */
static bool hroce_cq_holds_back(struct hroce_cq *cq)
{
	if (++cq->held >= cq->moderate_count) {
		cq->held = 0;
		return false;
	}
	if (cq->held == 1)
		hrtimer_start(&cq->timer, ns_to_ktime((u64)cq->moderate_us * NSEC_PER_USEC),
			      HRTIMER_MODE_REL_SOFT);
	return true;
}

/* Does this completion wake the one who armed the queue? Then it is disarmed. */
static bool hroce_cq_wakes(struct hroce_cq *cq, bool solicited)
{
	if (!cq->notify || (cq->notify == IB_CQ_SOLICITED && !solicited))
		return false;
	if (hroce_cq_holds_back(cq))
		return false;
	cq->notify = 0;
	return true;
}

/* The time is over: one event for what was held back. */
static enum hrtimer_restart hroce_cq_timer(struct hrtimer *timer)
{
	struct hroce_cq *cq = container_of(timer, struct hroce_cq, timer);
	unsigned long flags;
	bool wake;

	spin_lock_irqsave(&cq->lock, flags);
	wake = cq->held && cq->notify;
	cq->held = 0;
	if (wake)
		cq->notify = 0;
	spin_unlock_irqrestore(&cq->lock, flags);
	if (wake && cq->ibcq.comp_handler)
		cq->ibcq.comp_handler(&cq->ibcq, cq->ibcq.cq_context);
	return HRTIMER_NORESTART;
}

/*
 * Without one of the bounds there is nothing to hold an event back for, or no end to it.
 * What is held back already goes with the timer, or with the next completion.
 */
int hroce_modify_cq(struct ib_cq *ibcq, u16 count, u16 us)
{
	struct hroce_cq *cq = to_hcq(ibcq);

	spin_lock_irq(&cq->lock);
	cq->moderate_count = us ? count : 0;
	cq->moderate_us = us;
	spin_unlock_irq(&cq->lock);
	return 0;
}

static void hroce_cq_overflow_event(struct hroce_cq *cq)
{
	struct ib_event ev = {
		.device = cq->ibcq.device,
		.element.cq = &cq->ibcq,
		.event = IB_EVENT_CQ_ERR,
	};

	ibdev_warn_ratelimited(cq->ibcq.device, "a completion queue of %u entries overflowed\n",
			       cq->ring.entries);
	if (cq->ibcq.event_handler)
		cq->ibcq.event_handler(&ev, cq->ibcq.cq_context);
}

int hroce_cq_post(struct hroce_cq *cq, const struct hroce_cqe *cqe, bool solicited)
{
	bool wake = false, overflow = false;
	unsigned long flags;
	int err = 0;

	spin_lock_irqsave(&cq->lock, flags);
	if (cq->overflowed) {
		err = -ENOSPC;
	} else if (hroce_cq_full(cq)) {
		cq->overflowed = true;
		overflow = true;
		err = -ENOSPC;
	} else {
		hroce_cq_put_entry(cq, cqe);
		wake = hroce_cq_wakes(cq, solicited || cqe->status != IB_WC_SUCCESS);
	}
	spin_unlock_irqrestore(&cq->lock, flags);

	if (overflow)
		hroce_cq_overflow_event(cq);
	if (wake && cq->ibcq.comp_handler)
		cq->ibcq.comp_handler(&cq->ibcq, cq->ibcq.cq_context);
	return err;
}

struct hroce_cq_glance hroce_cq_glance(struct hroce_cq *cq)
{
	struct hroce_cq_glance g;
	unsigned long flags;

	spin_lock_irqsave(&cq->lock, flags);
	g.index = cq->ring.index;
	g.armed = cq->notify;
	g.all_taken = hroce_ring_consumer(&cq->ring) == cq->ring.index;
	spin_unlock_irqrestore(&cq->lock, flags);
	return g;
}

/* User space sees ibv_wc_flags; the kernel has others. */
static int hroce_wc_flags(u32 flags)
{
	return (flags & HROCE_CQE_GRH ? IB_WC_GRH : 0) |
	       (flags & HROCE_CQE_IMM ? IB_WC_WITH_IMM : 0) |
	       (flags & HROCE_CQE_INV ? IB_WC_WITH_INVALIDATE : 0) |
	       (flags & HROCE_CQE_VLAN ? IB_WC_WITH_VLAN : 0);
}

static void hroce_cqe_to_wc(const struct hroce_cqe *cqe, struct ib_wc *wc)
{
	memset(wc, 0, sizeof(*wc));
	wc->wr_id = cqe->wr_id;
	wc->status = cqe->status;
	wc->opcode = cqe->opcode;
	wc->vendor_err = cqe->vendor_err;
	wc->byte_len = cqe->byte_len;
	wc->qp = hroce_cqe_qp(cqe);
	if (cqe->flags & HROCE_CQE_INV)
		wc->ex.invalidate_rkey = cqe->imm;
	else
		wc->ex.imm_data = (__force __be32)cqe->imm;
	wc->src_qp = cqe->src_qp;
	wc->wc_flags = hroce_wc_flags(cqe->flags);
	wc->pkey_index = cqe->pkey_index;
	wc->vlan_id = cqe->vlan;
	wc->port_num = 1;
}

/* Kernel users only: user space reads its ring itself. */
int hroce_poll_cq(struct ib_cq *ibcq, int num, struct ib_wc *wc)
{
	struct hroce_cq *cq = to_hcq(ibcq);
	unsigned long flags;
	u32 consumer;
	int n = 0;

	if (hroce_cq_is_user(cq))
		return -EINVAL;
	spin_lock_irqsave(&cq->lock, flags);
	consumer = cq->ring.ring->consumer;
	while (n < num && consumer != cq->ring.index)
		hroce_cqe_to_wc(hroce_ring_at(&cq->ring, consumer++), &wc[n++]);
	cq->ring.ring->consumer = consumer;
	spin_unlock_irqrestore(&cq->lock, flags);
	return n;
}

int hroce_req_notify_cq(struct ib_cq *ibcq, enum ib_cq_notify_flags flags)
{
	struct hroce_cq *cq = to_hcq(ibcq);
	unsigned long irq;
	int missed = 0;

	spin_lock_irqsave(&cq->lock, irq);
	/* a wish for any completion includes the solicited ones */
	if (cq->notify != IB_CQ_NEXT_COMP)
		cq->notify = flags & IB_CQ_SOLICITED_MASK;
	if (flags & IB_CQ_REPORT_MISSED_EVENTS)
		missed = cq->ring.index != hroce_ring_consumer(&cq->ring);
	spin_unlock_irqrestore(&cq->lock, irq);
	return missed;
}

static int hroce_cq_init(struct hroce_cq *cq, u32 cqe, struct ib_udata *udata)
{
	struct hroce_ucontext *uc = rdma_udata_to_drv_context(udata,
							       struct hroce_ucontext, ibuc);
	struct hroce_create_cq_resp resp = {};
	int err;

	mutex_init(&cq->resize_lock);
	spin_lock_init(&cq->lock);
	compat_hrtimer_setup_soft(&cq->timer, hroce_cq_timer);
	err = hroce_ring_create(uc ? &uc->ibuc : NULL, &cq->ring, cqe,
				sizeof(struct hroce_cqe), &resp.ring);
	if (err)
		return err;
	cq->ibcq.cqe = cq->ring.entries;
	err = hroce_respond_all(udata, &resp, sizeof(resp));
	if (err)
		hroce_ring_destroy(&cq->ring);
	return err;
}

int hroce_create_cq(struct ib_cq *ibcq, const struct ib_cq_init_attr *attr,
		    struct hmmodp_create_cq_arg *arg)
{
	struct hroce_dev *dev = to_hdev(ibcq->device);
	int err;

	if (attr->flags)
		return -EOPNOTSUPP;
	if (!attr->cqe || attr->cqe > HROCE_MAX_CQE)
		return -EINVAL;
	if (!atomic_add_unless(&dev->num_cqs, 1, HROCE_MAX_CQ))
		return -ENOMEM;
	err = hroce_cq_init(to_hcq(ibcq), attr->cqe, hmmodp_create_cq_udata(arg));
	if (err)
		atomic_dec(&dev->num_cqs);
	return err;
}

/*
 * The entries that nobody has consumed move to a new ring, under the numbers that
 * they have. -EINVAL: it cannot hold them, or the consumer's index is nonsense.
 */
static int hroce_cq_move(struct hroce_cq *cq, struct hroce_ringbuf *to)
{
	u32 i, consumer = hroce_ring_consumer(&cq->ring);
	u32 count = cq->ring.index - consumer;

	if (count > cq->ring.entries || count > to->entries)
		return -EINVAL;
	for (i = consumer; i != cq->ring.index; i++)
		memcpy(hroce_ring_at(to, i), hroce_ring_at(&cq->ring, i),
		       sizeof(struct hroce_cqe));
	to->index = cq->ring.index;
	to->ring->producer = cq->ring.index;
	to->ring->consumer = consumer;
	swap(cq->ring, *to);
	return 0;
}

/*
 * The provider keeps everybody from the old ring while it calls, and maps the new
 * one when this returns. So the answer goes out first: nothing can fail after the move.
 */
int hroce_resize_cq(struct ib_cq *ibcq, hmmodp_cqe_t cqe, struct ib_udata *udata)
{
	struct hroce_ucontext *uc = rdma_udata_to_drv_context(udata,
							       struct hroce_ucontext, ibuc);
	struct hroce_create_cq_resp resp = {};
	struct hroce_cq *cq = to_hcq(ibcq);
	struct hroce_ringbuf ring;
	int err;

	if (cqe < 1 || cqe > HROCE_MAX_CQE)
		return -EINVAL;
	err = hroce_ring_create(uc ? &uc->ibuc : NULL, &ring, cqe, sizeof(struct hroce_cqe),
				&resp.ring);
	if (err)
		return err;
	mutex_lock(&cq->resize_lock);
	err = hroce_respond_all(udata, &resp, sizeof(resp));
	if (!err) {
		spin_lock_irq(&cq->lock);
		err = hroce_cq_move(cq, &ring);
		spin_unlock_irq(&cq->lock);
	}
	if (!err)
		ibcq->cqe = cq->ring.entries;
	mutex_unlock(&cq->resize_lock);
	hroce_ring_destroy(&ring);	/* the old one, or the one that was not taken */
	return err;
}

/* The QPs that posted to it are gone. */
int hroce_destroy_cq(struct ib_cq *ibcq, struct ib_udata *udata)
{
	struct hroce_cq *cq = to_hcq(ibcq);
	struct hroce_ringbuf ring;

	hrtimer_cancel(&cq->timer);
	/* "rdma resource" may still look */
	spin_lock_irq(&cq->lock);
	ring = cq->ring;
	cq->ring.ring = NULL;
	spin_unlock_irq(&cq->lock);
	hroce_ring_destroy(&ring);
	atomic_dec(&to_hdev(ibcq->device)->num_cqs);
	return 0;
}
