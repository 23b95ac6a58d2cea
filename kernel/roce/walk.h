/* SPDX-License-Identifier: GPL-2.0 */
/* Walks over the memory of one request: SGEs, inline data, or one region. */
#ifndef HROCE_WALK_H
#define HROCE_WALK_H

#include "mr.h"
#include "net.h"
#include <rdma/hroce-abi.h>

struct hroce_qp;
struct hroce_stall;

/**
 * struct hroce_walk - a position in scattered memory
 * @pd: that the memory must belong to, unless told otherwise the QP's
 * @sge: the current element; @left counts it and those after it
 * @off: bytes of it that lie behind
 * @need: bytes still wanted from the whole walk
 * @mr: region of the current element, with a reference, once it is looked up
 * @bytes: inline data instead of elements, or NULL
 */
struct hroce_walk {
	struct hroce_qp *qp;
	struct ib_pd *pd;
	const struct hroce_sge *sge;
	const u8 *bytes;
	struct hroce_mr *mr;
	struct hroce_sge one;
	u32 left;
	u32 off;
	u32 need;
	enum hmmodp_dir dir;
	int access;
};

/* Stand at byte @off of the list, to move @need bytes. */
void hroce_walk_sges(struct hroce_walk *w, struct hroce_qp *qp,
		     const struct hroce_sge *sge, u32 num, u32 off, u32 need,
		     enum hmmodp_dir dir);
/* The same over inline data. */
void hroce_walk_inline(struct hroce_walk *w, const u8 *bytes, u32 off, u32 need);
/* The same over @length bytes that a remote key names, from their first byte.
 * @access: IB_ACCESS_REMOTE_*.
 */
void hroce_walk_remote(struct hroce_walk *w, struct hroce_qp *qp, u32 rkey, u64 va,
		       u32 length, u32 need, int access, enum hmmodp_dir dir);
void hroce_walk_end(struct hroce_walk *w);

/**
 * hroce_walk_move - hand the next @len bytes to an actor
 * Return: 0. -EAGAIN: a page is absent; some bytes may have been handed over;
 *	hroce_walk_stall() says how to go on. -EINVAL, -EACCES, -ERANGE: as
 *	hroce_mr_get(). -ENOSPC: the list is too short.
 */
int hroce_walk_move(struct hroce_walk *w, u32 len, hmmodp_actor_t actor, void *ctx);

/**
 * hroce_walk_stall - begin the fault that hroce_walk_move() needs
 * @psn: of the packet, or the first of the burst, that it is for
 * @len: fault as many bytes from here, if there is room, as far as the element goes
 */
int hroce_walk_stall(struct hroce_walk *w, struct hroce_stall *stall, u32 psn, u32 len);

/*
 * Atomics: is this piece the whole of an aligned word? A request's address says nothing
 * about that where it counts from 0 (IB_ZERO_BASED), and behind the end of the piece is
 * memory of anybody.
 */
static inline bool hroce_is_word(const void *kaddr, size_t len)
{
	return len == sizeof(u64) && IS_ALIGNED((uintptr_t)kaddr, sizeof(u64));
}

/* Actors: from a received buffer. */
struct hroce_from_skb {
	const struct sk_buff *skb;
	unsigned int off;
};

/* From bytes; the context is a pointer to the pointer to them, and moves on. */
void hroce_copy_from_bytes(void *from, void *kaddr, size_t len);
void hroce_copy_from_skb(void *from, void *kaddr, size_t len);

#endif
