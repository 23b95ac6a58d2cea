// SPDX-License-Identifier: GPL-2.0
/* Fragments may be device memory that the CPU cannot read (6.12). */
#include <linux/skbuff.h>

bool probe(const struct sk_buff *skb)
{
	return skb_frags_readable(skb);
}
