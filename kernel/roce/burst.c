// SPDX-License-Identifier: GPL-2.0
/* Bursts: consecutive packets of one message in one buffer. */
#include "burst.h"
#include "qp.h"

static u8 hroce_burst_opcode(const struct hroce_burst *b, u32 pkt)
{
	if (pkt == 0)
		return b->service | (b->total == 1 ? b->op->only : b->op->first);
	return b->service | (pkt == b->total - 1 ? b->op->last : b->op->middle);
}

static u32 hroce_burst_payload(const struct hroce_burst *b, u32 pkt, u32 mtu)
{
	return pkt == b->total - 1 ? b->length - pkt * mtu : mtu;
}

static u32 hroce_burst_packet(const struct hroce_burst *b, u32 pkt, u32 mtu)
{
	return hroce_hdr_bytes(hroce_opcode_flags(hroce_burst_opcode(b, pkt))) +
	       ALIGN(hroce_burst_payload(b, pkt, mtu), 4) + HROCE_ICRC_BYTES;
}

/*
 * A burst begins with any packet and goes on with middle ones. A packet longer
 * than its predecessors (a first one with its extra header, a last one with
 * immediate data) ends it or stays out.
 */
void hroce_burst_plan(struct hroce_burst *b, u32 mtu)
{
	u32 last, size;

	b->seg = hroce_burst_packet(b, b->pkt, mtu);
	b->count = min(b->count, b->total - b->pkt);
	b->count = min(b->count, max(1u, HROCE_NET_MAX_BYTES / b->seg));
	if (b->count > 1 && hroce_burst_packet(b, b->pkt + 1, mtu) < b->seg)
		b->count = b->pkt + 2 == b->total ? 2 : 1;
	last = b->pkt + b->count - 1;
	size = hroce_burst_packet(b, last, mtu);
	if (size > b->seg) {
		last--;
		b->count--;
		size = b->seg;
	}
	b->bytes = (b->count - 1) * b->seg + size;
	b->payload = (b->count - 1) * mtu + hroce_burst_payload(b, last, mtu);
}

/* Where hroce_burst_build() stands. */
struct hroce_fill {
	struct hroce_burst *b;
	struct hroce_cursor cur;
	u32 first_psn;
	u32 mtu;
	u32 pkt;		/* the packet being filled */
	u32 left;		/* bytes of payload it still lacks */
};

static void hroce_fill_begin(struct hroce_fill *f)
{
	struct hroce_burst *b = f->b;
	struct hroce_hdr *h = &b->hdr;
	u8 buf[HROCE_MAX_HDR_BYTES];

	f->left = hroce_burst_payload(b, f->pkt, f->mtu);
	h->opcode = hroce_burst_opcode(b, f->pkt);
	h->psn = hroce_psn_add(f->first_psn, f->pkt);
	h->pad = -f->left & 3;
	h->solicited = b->solicited && f->pkt == b->total - 1;
	h->ack_req = b->ack_req && f->pkt == b->pkt + b->count - 1;
	hroce_net_write(&f->cur, buf, hroce_hdr_build(h, buf));
}

static void hroce_fill_end(struct hroce_fill *f)
{
	static const u8 zeros[4];

	hroce_net_write(&f->cur, zeros, f->b->hdr.pad);
	hroce_net_write(&f->cur, NULL, HROCE_ICRC_BYTES);
	f->pkt++;
}

/*
 * The payload of all packets comes in one walk, so that a region is looked up
 * and held once, not for each packet.
 */
static void hroce_fill_payload(void *ctx, void *kaddr, size_t len)
{
	struct hroce_fill *f = ctx;
	u32 n;

	for (;;) {
		n = min_t(size_t, len, f->left);
		hroce_net_write(&f->cur, kaddr, n);
		f->left -= n;
		kaddr += n;
		len -= n;
		if (!len)
			return;
		hroce_fill_end(f);
		hroce_fill_begin(f);
	}
}

struct sk_buff *hroce_burst_build(struct hroce_burst *b, struct hroce_qp *qp,
				  struct hroce_walk *walk, u32 first_psn)
{
	struct hroce_fill f = {
		.b = b,
		.first_psn = first_psn,
		.mtu = qp->mtu,
		.pkt = b->pkt,
	};
	struct sk_buff *skb;
	int err;

	skb = hroce_net_alloc(qp->dev, b->bytes, GFP_ATOMIC);
	if (!skb)
		return ERR_PTR(-ENOMEM);
	hroce_net_cursor_init(&f.cur, skb);
	b->hdr.qpn = b->dest_qpn ?: qp->remote_qpn;
	b->hdr.pkey = HROCE_PKEY;
	hroce_fill_begin(&f);
	err = hroce_walk_move(walk, b->payload, hroce_fill_payload, &f);
	if (err) {
		kfree_skb(skb);
		return ERR_PTR(err);
	}
	hroce_fill_end(&f);
	return skb;
}
