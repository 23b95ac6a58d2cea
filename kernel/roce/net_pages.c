// SPDX-License-Identifier: GPL-2.0
/*
 * Memory for the packets of large buffers: each CPU has a ring of page blocks
 * that it uses again when the network has let go of them. A new block would cost
 * more, most of all where the kernel clears what it allocates.
 *
 * All bytes handed out are overwritten by the packets before they are sent.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/skbuff.h>

#include "net_socket.h"

#define HROCE_RING_BLOCKS	16
#define HROCE_BLOCK_ORDER	3

/* Less than this is not worth a fragment, unless it is all that is needed. */
#define HROCE_MIN_FRAG_BYTES	8192

struct hroce_page_ring {	/* used with BH disabled, by its CPU alone */
	struct page *block[HROCE_RING_BLOCKS];	/* we hold a reference of each */
	unsigned int current_block;
	unsigned int off;	/* where its free bytes begin */
};

static DEFINE_PER_CPU(struct hroce_page_ring, hroce_page_rings);

static struct page *hroce_pages_new(void)
{
	gfp_t gfp = __GFP_NOWARN | __GFP_NOMEMALLOC;
	struct page *page;

	page = alloc_pages(GFP_NOWAIT | gfp | __GFP_COMP | __GFP_NORETRY,
			   HROCE_BLOCK_ORDER);
	return page ?: alloc_page(GFP_ATOMIC | gfp);
}

/* Go on to the next block. Nobody else can take a reference when ours is the last. */
static struct page *hroce_pages_advance(struct hroce_page_ring *ring)
{
	struct page **slot;

	ring->current_block = (ring->current_block + 1) % HROCE_RING_BLOCKS;
	ring->off = 0;
	slot = &ring->block[ring->current_block];
	if (*slot && page_ref_count(*slot) == 1)
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
	struct hroce_page_ring *ring;
	unsigned int n, off, i;
	struct page *block;

	local_bh_disable();
	ring = this_cpu_ptr(&hroce_page_rings);
	block = ring->block[ring->current_block];
	for (i = 0; len && i < MAX_SKB_FRAGS; i++) {
		off = ALIGN(ring->off, HROCE_DATA_ALIGN) + HROCE_DATA_OFFSET;
		n = block ? hroce_pages_room(block, off, len) : 0;
		if (n < min_t(unsigned int, len, HROCE_MIN_FRAG_BYTES)) {
			block = hroce_pages_advance(ring);
			if (!block)
				break;
			off = HROCE_DATA_OFFSET;
			n = hroce_pages_room(block, off, len);
		}
		get_page(block);
		skb_add_rx_frag(skb, i, block, off, n, n);
		ring->off = off + n;
		len -= n;
	}
	local_bh_enable();
	return !len;
}

void hroce_pages_free(void)
{
	struct hroce_page_ring *ring;
	int cpu, i;

	for_each_possible_cpu(cpu) {
		ring = per_cpu_ptr(&hroce_page_rings, cpu);
		for (i = 0; i < HROCE_RING_BLOCKS; i++)
			if (ring->block[i])
				put_page(ring->block[i]);
		memset(ring, 0, sizeof(*ring));
	}
}
