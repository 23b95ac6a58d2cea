// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * ibv_post_recv() and ibv_post_srq_recv(). The kernel looks for requests when
 * something arrives, so there is a doorbell only where it asks for one.
 */
#include "hroce.h"

static int hroce_queue_recv_list(struct hroce_queue *q, pthread_spinlock_t *lock,
				 struct ibv_recv_wr *wr,
				 struct ibv_recv_wr **bad_wr)
{
	uint32_t first;
	int err = 0;

	pthread_spin_lock(lock);
	if (!q->ring) {		/* lost in a resize */
		pthread_spin_unlock(lock);
		*bad_wr = wr;
		return EIO;
	}
	first = q->own;
	for (; wr; wr = wr->next) {
		err = hroce_queue_recv(q, wr);
		if (err) {
			*bad_wr = wr;
			break;
		}
	}
	if (q->own != first)
		hroce_queue_submit(q);
	pthread_spin_unlock(lock);
	return err;
}

int hroce_post_recv(struct ibv_qp *ibqp, struct ibv_recv_wr *wr,
		    struct ibv_recv_wr **bad_wr)
{
	struct hroce_qp *qp = to_hqp(ibqp);
	int err;

	if (!qp->rq.ring || ibqp->state == IBV_QPS_RESET) {
		*bad_wr = wr;
		return EINVAL;
	}

	err = hroce_queue_recv_list(&qp->rq, &qp->rq_lock, wr, bad_wr);

	/* in error: have it flush; a doorbell that fails only delays that */
	if (hroce_queue_wants_doorbell(&qp->rq))
		hroce_doorbell(ibqp);
	return err;
}

int hroce_post_srq_recv(struct ibv_srq *ibsrq, struct ibv_recv_wr *wr,
			struct ibv_recv_wr **bad_wr)
{
	struct hroce_srq *srq = to_hsrq(ibsrq);

	return hroce_queue_recv_list(&srq->queue, &srq->lock, wr, bad_wr);
}
