// SPDX-License-Identifier: GPL-2.0
/* Inboxes: bounded queues of received buffers, one for each half of a QP. */
#include <linux/mm.h>
#include <linux/percpu_counter.h>

#include "qp.h"

/*
 * Bytes in all inboxes. They are charged to nobody and may wait for long, for pages that
 * never come. Each CPU keeps some of the count to itself.
 */
static struct percpu_counter hroce_parked;
#define HROCE_PARKED_BATCH	SZ_256K

/* A sixteenth of the machine's memory. */
static bool hroce_parked_too_much(void)
{
	return percpu_counter_read_positive(&hroce_parked) >> PAGE_SHIFT >
	       totalram_pages() / 16;
}

static void hroce_inbox_count(struct hroce_inbox *in, int bytes)
{
	atomic_add(bytes, &in->bytes);
	percpu_counter_add_batch(&hroce_parked, bytes, HROCE_PARKED_BATCH);
}

void hroce_inbox_init(struct hroce_inbox *in)
{
	skb_queue_head_init(&in->skbs);
	atomic_set(&in->bytes, 0);
}

/* False: it is full, and the buffer still the caller's. */
bool hroce_inbox_put(struct hroce_inbox *in, struct sk_buff *skb)
{
	int bytes = atomic_read(&in->bytes);

	if (skb_queue_len_lockless(&in->skbs) >= HROCE_INBOX_SKBS ||
	    bytes > HROCE_INBOX_BYTES ||
	    (bytes > HROCE_INBOX_SHARE && hroce_parked_too_much()))
		return false;
	hroce_inbox_count(in, skb->truesize);
	skb_queue_tail(&in->skbs, skb);
	return true;
}

/* The owner is done with the first buffer. */
void hroce_inbox_drop_head(struct hroce_inbox *in)
{
	struct sk_buff *skb = skb_dequeue(&in->skbs);

	if (!skb)
		return;
	hroce_inbox_count(in, -(int)skb->truesize);
	consume_skb(skb);
}

void hroce_inbox_purge(struct hroce_inbox *in)
{
	while (!skb_queue_empty_lockless(&in->skbs))
		hroce_inbox_drop_head(in);
}

int hroce_inbox_module_init(void)
{
	return percpu_counter_init(&hroce_parked, 0, GFP_KERNEL);
}

void hroce_inbox_module_exit(void)
{
	WARN_ON(percpu_counter_sum(&hroce_parked));
	percpu_counter_destroy(&hroce_parked);
}
