// SPDX-License-Identifier: GPL-2.0
/* Inboxes: bounded queues of received buffers, one for each half of a QP. */
#include "qp.h"

void hroce_inbox_init(struct hroce_inbox *in)
{
	skb_queue_head_init(&in->skbs);
	atomic_set(&in->bytes, 0);
}

/* False: it is full, and the buffer still the caller's. */
bool hroce_inbox_put(struct hroce_inbox *in, struct sk_buff *skb)
{
	if (skb_queue_len_lockless(&in->skbs) >= HROCE_INBOX_SKBS ||
	    atomic_read(&in->bytes) > HROCE_INBOX_BYTES)
		return false;
	atomic_add(skb->truesize, &in->bytes);
	skb_queue_tail(&in->skbs, skb);
	return true;
}

/* The owner is done with the first buffer. */
void hroce_inbox_drop_head(struct hroce_inbox *in)
{
	struct sk_buff *skb = skb_dequeue(&in->skbs);

	if (!skb)
		return;
	atomic_sub(skb->truesize, &in->bytes);
	consume_skb(skb);
}

void hroce_inbox_purge(struct hroce_inbox *in)
{
	while (!skb_queue_empty_lockless(&in->skbs))
		hroce_inbox_drop_head(in);
}
