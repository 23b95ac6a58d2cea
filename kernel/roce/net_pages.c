// SPDX-License-Identifier: GPL-2.0
/*
 * Memory for the packets of large buffers: each CPU has page blocks that it uses again
 * when the network has let go of them, the first that is free, so that few are in use
 * and warm as a rule. A new block would cost more, most of all where the kernel clears
 * what it allocates.
 *
 * All bytes handed out are overwritten by the packets before they are sent.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/skbuff.h>

#include "net_socket.h"

/* With some room, the packets that may be on their way of one QP at the largest MTU:
 * so many lie in the receiver's inbox while that waits for a page.
 */
#define HROCE_POOL_BLOCKS	40
#define HROCE_BLOCK_ORDER	3

/* Less than this is not worth a fragment, unless it is all that is needed. */
#define HROCE_MIN_FRAG_BYTES	8192

struct hroce_page_pool {	/* used with BH disabled, by its CPU alone */
	struct page *block[HROCE_POOL_BLOCKS];	/* we hold a reference of each */
	unsigned int current_block;
	unsigned int off;	/* where its free bytes begin */
};

static DEFINE_PER_CPU(struct hroce_page_pool, hroce_page_pools);

static struct page *hroce_pages_new(void)
{
	gfp_t gfp = __GFP_NOWARN | __GFP_NOMEMALLOC;
	struct page *page;

	page = alloc_pages(GFP_NOWAIT | gfp | __GFP_COMP | __GFP_NORETRY,
			   HROCE_BLOCK_ORDER);
	return page ?: alloc_page(GFP_ATOMIC | gfp);
}

/* Nobody else can take a reference when ours is the last. */
static bool hroce_pages_is_free(const struct page *block)
{
	return !block || page_ref_count(block) == 1;
}

/* Go on to another block: the first that is free, else a new one for the next. */
static struct page *hroce_pages_advance(struct hroce_page_pool *pool)
{
	struct page **slot;
	unsigned int i = 0;

	while (i < HROCE_POOL_BLOCKS && !hroce_pages_is_free(pool->block[i]))
		i++;
	if (i == HROCE_POOL_BLOCKS)
		i = (pool->current_block + 1) % HROCE_POOL_BLOCKS;
	pool->current_block = i;
	pool->off = 0;
	slot = &pool->block[i];
	if (*slot && hroce_pages_is_free(*slot))
		return *slot;
	if (*slot)
		put_page(*slot);
	*slot = hroce_pages_new();
	return *slot;
}

/*
 * Free bytes of a block of which left are wanted, from where a packet's payload
 * is best aligned for its CRC: behind the 12 bytes of a BTH, at a multiple of 16.
 * Fragments but the last are multiples of 16 too, so that this lasts.
 */
static unsigned int hroce_pages_room(struct page *block, unsigned int off,
				     unsigned int left)
{
	unsigned int size = page_size(block), room;

	if (off + HROCE_DATA_ALIGN > size)
		return 0;
	room = size - off;
	return room >= left ? left : round_down(room, HROCE_DATA_ALIGN);
}

bool hroce_pages_add(struct sk_buff *skb, unsigned int len)
{
	struct hroce_page_pool *pool;
	unsigned int n, off, i;
	struct page *block;

	local_bh_disable();
	pool = this_cpu_ptr(&hroce_page_pools);
	block = pool->block[pool->current_block];
	for (i = 0; len && i < MAX_SKB_FRAGS; i++) {
		off = ALIGN(pool->off, HROCE_DATA_ALIGN) + HROCE_DATA_OFFSET;
		n = block ? hroce_pages_room(block, off, len) : 0;
		if (n < min_t(unsigned int, len, HROCE_MIN_FRAG_BYTES)) {
			block = hroce_pages_advance(pool);
			if (!block)
				break;
			off = HROCE_DATA_OFFSET;
			n = hroce_pages_room(block, off, len);
		}
		get_page(block);
		skb_add_rx_frag(skb, i, block, off, n, n);
		pool->off = off + n;
		len -= n;
	}
	local_bh_enable();
	return !len;
}

void hroce_pages_free(void)
{
	struct hroce_page_pool *pool;
	int cpu, i;

	for_each_possible_cpu(cpu) {
		pool = per_cpu_ptr(&hroce_page_pools, cpu);
		for (i = 0; i < HROCE_POOL_BLOCKS; i++)
			if (pool->block[i])
				put_page(pool->block[i]);
		memset(pool, 0, sizeof(*pool));
	}
}
