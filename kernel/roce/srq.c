// SPDX-License-Identifier: GPL-2.0
/* Shared receive queues, see srq.h. */
#include <rdma/uverbs_ioctl.h>

#include "qp.h"
#include "srq.h"
#include "udata.h"

static void hroce_srq_event(struct hroce_srq *srq, enum ib_event_type type)
{
	struct ib_event event = {
		.device = srq->ibsrq.device,
		.element.srq = &srq->ibsrq,
		.event = type,
	};

	if (srq->ibsrq.event_handler)
		srq->ibsrq.event_handler(&event, srq->ibsrq.srq_context);
}

/* Requests posted and not taken; of a user's ring it may say anything. */
static u32 hroce_srq_left(const struct hroce_srq *srq)
	__must_hold(&srq->lock)
{
	return hroce_ring_producer(&srq->ring) - srq->ring.index;
}

/* Of a QP that found nothing the limit hears too: it may have been armed late. */
int hroce_srq_take(struct hroce_srq *srq, struct hroce_rwr *wr)
{
	bool broke = false, low = false;
	unsigned long flags;
	int err = -EIO;

	spin_lock_irqsave(&srq->lock, flags);
	if (!srq->broken) {
		err = hroce_rwr_take(&srq->ring, srq->max_sge, wr);
		broke = err == -EIO;
		srq->broken = broke;
		low = !broke && hroce_srq_left(srq) < srq->limit;
		if (low)
			srq->limit = 0;
	}
	spin_unlock_irqrestore(&srq->lock, flags);
	if (broke)
		hroce_srq_event(srq, IB_EVENT_SRQ_ERR);
	if (low)
		hroce_srq_event(srq, IB_EVENT_SRQ_LIMIT_REACHED);
	return err;
}

static int hroce_srq_ring(struct hroce_srq *srq, struct hroce_ringbuf *rb, u32 entries,
			  struct ib_udata *udata, struct hroce_ring_info *info)
{
	struct hroce_ucontext *uc = !udata ? NULL :
		rdma_udata_to_drv_context(udata, struct hroce_ucontext, ibuc);
	int err;

	err = hroce_ring_create(uc ? &uc->ibuc : NULL, rb, entries,
				sizeof(struct hroce_recv_wqe) +
				srq->max_sge * sizeof(struct hroce_sge), info);
	if (!err)
		info->max_sge = srq->max_sge;
	return err;
}

static int hroce_srq_init(struct hroce_srq *srq, struct ib_srq_attr *attr,
			  struct ib_udata *udata)
{
	struct hroce_create_srq_resp resp = {};
	int err;

	spin_lock_init(&srq->lock);
	mutex_init(&srq->resize);
	srq->max_sge = max(attr->max_sge, 1u);
	err = hroce_srq_ring(srq, &srq->ring, attr->max_wr, udata, &resp.ring);
	if (err)
		return err;
	attr->max_wr = srq->ring.entries;
	attr->max_sge = srq->max_sge;
	if (srq->ibsrq.srq_type == IB_SRQT_XRC) {
		err = hroce_srq_table_add(srq);
		if (err)
			goto ring;
		resp.srqn = srq->ibsrq.ext.xrc.srq_num;
	}
	err = hroce_respond_all(udata, &resp, sizeof(resp));
	if (!err)
		return 0;
	if (srq->ref)
		hroce_srq_table_del(srq);
ring:
	hroce_ring_destroy(&srq->ring);
	return err;
}

int hroce_create_srq(struct ib_srq *ibsrq, struct ib_srq_init_attr *init,
		     struct ib_udata *udata)
{
	struct hroce_dev *dev = to_hdev(ibsrq->device);
	int err;

	if (init->srq_type != IB_SRQT_BASIC && init->srq_type != IB_SRQT_XRC)
		return -EOPNOTSUPP;
	if (!init->attr.max_wr || init->attr.max_wr > HROCE_MAX_SRQ_WR ||
	    init->attr.max_sge > HROCE_MAX_SGE)
		return -EINVAL;
	if (!atomic_add_unless(&dev->num_srqs, 1, HROCE_MAX_SRQ))
		return -ENOMEM;
	err = hroce_srq_init(to_hsrq(ibsrq), &init->attr, udata);
	if (err)
		atomic_dec(&dev->num_srqs);
	return err;
}

/* The QPs that took from it are gone, or are XRC targets. */
int hroce_destroy_srq(struct ib_srq *ibsrq, struct ib_udata *udata)
{
	if (to_hsrq(ibsrq)->ref)
		hroce_srq_table_del(to_hsrq(ibsrq));
	hroce_ring_destroy(&to_hsrq(ibsrq)->ring);
	atomic_dec(&to_hdev(ibsrq->device)->num_srqs);
	return 0;
}

/* Entries keep their indices, so it does not matter which of them are taken meanwhile. */
static void hroce_srq_copy(struct hroce_ringbuf *to, const struct hroce_ringbuf *from,
			   u32 first, u32 end)
{
	for (; first != end; first++)
		memcpy(hroce_ring_at(to, first), hroce_ring_at(from, first), from->stride);
}

/*
 * Take over what is posted and not taken into another ring, and go on with that. The
 * bulk is copied while QPs take from the old ring; under the lock only what has been
 * posted since, which is nothing if user space keeps to its side of it: it does not
 * post meanwhile. -EINVAL: it does not fit.
 */
static int hroce_srq_switch(struct hroce_srq *srq, struct hroce_ringbuf *to)
{
	u32 first, seen, end;
	int err = 0;

	spin_lock_irq(&srq->lock);
	first = srq->ring.index;
	seen = hroce_ring_producer(&srq->ring);
	spin_unlock_irq(&srq->lock);
	if (seen - first > min(srq->ring.entries, to->entries))
		return -EINVAL;
	hroce_srq_copy(to, &srq->ring, first, seen);

	spin_lock_irq(&srq->lock);
	end = hroce_ring_producer(&srq->ring);
	if (end - srq->ring.index > min(srq->ring.entries, to->entries)) {
		err = -EINVAL;
	} else {
		if (end - first >= seen - first)
			hroce_srq_copy(to, &srq->ring, seen, end);
		to->index = srq->ring.index;
		WRITE_ONCE(to->ring->consumer, to->index);
		/* the entries are there before they are announced */
		smp_store_release(&to->ring->producer, end);
		swap(srq->ring, *to);
	}
	spin_unlock_irq(&srq->lock);
	return err;
}

/* Where user space wants to learn of its new ring; the verb itself has no answer. */
static int hroce_srq_tell(struct ib_udata *udata, const struct hroce_ring_info *info)
{
	struct hroce_modify_srq_req req = {};

	if (!udata)
		return 0;
	if (udata->inlen < sizeof(req) || ib_copy_from_udata(&req, udata, sizeof(req)) ||
	    req.room < sizeof(*info))
		return -EINVAL;
	return copy_to_user(u64_to_user_ptr(req.ring), info, sizeof(*info)) ? -EFAULT : 0;
}

static int hroce_srq_resize(struct hroce_srq *srq, u32 entries, struct ib_udata *udata)
{
	struct hroce_ring_info info = {};
	struct hroce_ringbuf ring;
	int err;

	err = hroce_srq_ring(srq, &ring, entries, udata, &info);
	if (err)
		return err;
	err = hroce_srq_tell(udata, &info);
	if (!err)
		err = hroce_srq_switch(srq, &ring);
	/* the new one if it was not to be, else the old one */
	hroce_ring_destroy(&ring);
	return err;
}

int hroce_modify_srq(struct ib_srq *ibsrq, struct ib_srq_attr *attr,
		     enum ib_srq_attr_mask mask, struct ib_udata *udata)
{
	struct hroce_srq *srq = to_hsrq(ibsrq);
	u32 entries;
	int err = 0;

	if (mask & ~(IB_SRQ_MAX_WR | IB_SRQ_LIMIT))
		return -EOPNOTSUPP;
	if ((mask & IB_SRQ_MAX_WR) && (!attr->max_wr || attr->max_wr > HROCE_MAX_SRQ_WR))
		return -EINVAL;
	mutex_lock(&srq->resize);
	entries = mask & IB_SRQ_MAX_WR ? roundup_pow_of_two(attr->max_wr) :
					 srq->ring.entries;
	if ((mask & IB_SRQ_LIMIT) && attr->srq_limit > entries)
		err = -EINVAL;
	if (!err && (mask & IB_SRQ_MAX_WR))
		err = hroce_srq_resize(srq, entries, udata);
	if (!err && (mask & IB_SRQ_LIMIT)) {
		spin_lock_irq(&srq->lock);
		srq->limit = attr->srq_limit;
		spin_unlock_irq(&srq->lock);
	}
	mutex_unlock(&srq->resize);
	return err;
}

int hroce_query_srq(struct ib_srq *ibsrq, struct ib_srq_attr *attr)
{
	struct hroce_srq *srq = to_hsrq(ibsrq);

	spin_lock_irq(&srq->lock);
	attr->max_wr = srq->ring.entries;
	attr->max_sge = srq->max_sge;
	attr->srq_limit = srq->limit;
	spin_unlock_irq(&srq->lock);
	return 0;
}

/* Kernel users only, as hroce_post_recv(). */
int hroce_post_srq_recv(struct ib_srq *ibsrq, const struct ib_recv_wr *wr,
			const struct ib_recv_wr **bad_wr)
{
	struct hroce_srq *srq = to_hsrq(ibsrq);
	unsigned long flags;
	int err = 0;

	if (srq->ring.entry) {
		*bad_wr = wr;
		return -EINVAL;
	}
	spin_lock_irqsave(&srq->lock, flags);
	for (; wr; wr = wr->next) {
		err = hroce_rwr_post(&srq->ring, srq->max_sge, wr);
		if (err) {
			*bad_wr = wr;
			break;
		}
	}
	spin_unlock_irqrestore(&srq->lock, flags);
	return err;
}
