// SPDX-License-Identifier: GPL-2.0
/* Walks over the memory of one request, see walk.h. */
#include "qp.h"
#include "walk.h"

static void hroce_walk_seek(struct hroce_walk *w, u32 off)
{
	while (w->left && off >= w->sge->length) {
		off -= w->sge->length;
		w->sge++;
		w->left--;
	}
	w->off = off;
}

void hroce_walk_sges(struct hroce_walk *w, struct hroce_qp *qp,
		     const struct hroce_sge *sge, u32 num, u32 off, u32 need,
		     enum hmmodp_dir dir)
{
	w->qp = qp;
	w->pd = qp->ibqp.pd;
	w->sge = sge;
	w->left = num;
	w->need = need;
	w->bytes = NULL;
	w->mr = NULL;
	w->dir = dir;
	w->access = dir == HMMODP_WRITE ? IB_ACCESS_LOCAL_WRITE : 0;
	hroce_walk_seek(w, off);
}

void hroce_walk_inline(struct hroce_walk *w, const u8 *bytes, u32 off, u32 need)
{
	w->bytes = bytes + off;
	w->need = need;
	w->mr = NULL;
}

void hroce_walk_remote(struct hroce_walk *w, struct hroce_qp *qp, u32 rkey, u64 va,
		       u32 length, u32 need, int access, enum hmmodp_dir dir)
{
	w->one.addr = va;
	w->one.length = length;
	w->one.lkey = rkey;
	w->qp = qp;
	w->pd = hroce_rq_remote_pd(qp);
	w->sge = &w->one;
	w->left = 1;
	w->off = 0;
	w->need = need;
	w->bytes = NULL;
	w->mr = NULL;
	w->dir = dir;
	w->access = access;
}

void hroce_walk_end(struct hroce_walk *w)
{
	if (w->mr)
		hroce_mr_put(w->mr);
	w->mr = NULL;
}

/* Look up the region of the current element, for what is still needed of it. */
static int hroce_walk_region(struct hroce_walk *w)
{
	struct hroce_qp *qp = w->qp;
	struct hroce_mr *mr;

	mr = hroce_mr_get(qp->dev, w->sge->lkey, w->pd, qp->ibqp.qp_num,
			  w->access, w->sge->addr + w->off,
			  min(w->need, w->sge->length - w->off), !qp->is_user);
	if (IS_ERR(mr))
		return PTR_ERR(mr);
	w->mr = mr;
	return 0;
}

int hroce_walk_move(struct hroce_walk *w, u32 len, hmmodp_actor_t actor, void *ctx)
{
	u32 piece, done;
	int err;

	if (w->bytes) {
		actor(ctx, (void *)w->bytes, len);
		w->bytes += len;
		return 0;
	}
	while (len) {
		if (!w->left)
			return -ENOSPC;
		if (w->off == w->sge->length) {
			hroce_walk_end(w);
			w->sge++;
			w->left--;
			w->off = 0;
			continue;
		}
		if (!w->mr) {
			err = hroce_walk_region(w);
			if (err)
				return err;
		}
		piece = min(len, w->sge->length - w->off);
		done = hroce_mr_access(w->mr, w->sge->addr + w->off, piece, w->dir,
				       actor, ctx);
		w->off += done;
		w->need -= done;
		len -= done;
		if (done < piece)
			return -EAGAIN;
	}
	return 0;
}

int hroce_walk_stall(struct hroce_walk *w, struct hroce_stall *stall, u32 psn, u32 len)
{
	u32 left = w->sge->length - w->off;
	struct hroce_want want = {
		.va = w->sge->addr + w->off,
		.need = min(w->need, left),
		.len = min(len, left),
		.psn = psn,
		.mtu = w->qp->mtu,
		.dir = w->dir,
	};

	return hroce_stall_begin(stall, w->mr, want);
}

/* The range lies within the buffer: the packet's length has been checked. */
void hroce_copy_from_skb(void *from, void *kaddr, size_t len)
{
	struct hroce_from_skb *f = from;

	hroce_rx_copy(f->skb, f->off, kaddr, len);
	f->off += len;
}

void hroce_copy_from_bytes(void *from, void *kaddr, size_t len)
{
	const u8 **src = from;

	memcpy(kaddr, *src, len);
	*src += len;
}
