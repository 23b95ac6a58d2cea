/* SPDX-License-Identifier: GPL-2.0 */
/* Shared receive queues: several QPs take their receive requests from one ring. */
#ifndef HROCE_SRQ_H
#define HROCE_SRQ_H

#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <rdma/ib_verbs.h>

#include "ring.h"

struct hroce_rwr;
struct hroce_srq_ref;

/**
 * struct hroce_srq
 * @lock: protects the ring's consumer end, what is below, and of a kernel SRQ the
 *	ring's producer end; nothing is taken under it
 * @limit: an event is owed when fewer requests than this are left; 0: not armed
 * @broken: user space has spoilt the ring: nothing is taken from it any more
 * @resize: serialises changes of @ring itself, which are made with both held
 * @ref: XRC: what its number leads to
 */
struct hroce_srq {
	struct ib_srq ibsrq;
	spinlock_t lock;		/* see above */
	struct hroce_ringbuf ring;
	u32 max_sge;
	u32 limit;
	bool broken;
	struct mutex resize;		/* likewise */
	struct hroce_srq_ref *ref;
};

static inline struct hroce_srq *to_hsrq(struct ib_srq *ibsrq)
{
	return container_of(ibsrq, struct hroce_srq, ibsrq);
}

/**
 * hroce_srq_take - take the next receive request
 * Context: any but hard interrupt; raises the SRQ's events.
 * Return: 0; -ENOENT: none posted; -EINVAL: it is malformed, but taken; -EIO: the
 *	SRQ is in error.
 */
int hroce_srq_take(struct hroce_srq *srq, struct hroce_rwr *wr);

/**
 * hroce_srq_get - an XRC SRQ by its number
 * Context: any but hard interrupt.
 * Return: with a reference, for which its destruction waits; or NULL: there is none of
 *	that number in the domain.
 */
struct hroce_srq *hroce_srq_get(u32 srqn, const struct ib_xrcd *xrcd);
void hroce_srq_put(struct hroce_srq *srq);

/* srq_table.c, for srq.c */
int hroce_srq_table_add(struct hroce_srq *srq);
void hroce_srq_table_del(struct hroce_srq *srq);

/* ib_device_ops */
int hroce_create_srq(struct ib_srq *ibsrq, struct ib_srq_init_attr *init,
		     struct ib_udata *udata);
int hroce_modify_srq(struct ib_srq *ibsrq, struct ib_srq_attr *attr,
		     enum ib_srq_attr_mask mask, struct ib_udata *udata);
int hroce_query_srq(struct ib_srq *ibsrq, struct ib_srq_attr *attr);
int hroce_destroy_srq(struct ib_srq *ibsrq, struct ib_udata *udata);
int hroce_post_srq_recv(struct ib_srq *ibsrq, const struct ib_recv_wr *wr,
			const struct ib_recv_wr **bad_wr);

#endif
