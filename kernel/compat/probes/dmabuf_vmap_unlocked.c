// SPDX-License-Identifier: GPL-2.0
/* Mapping a dma-buf wants its lock, which there is a helper to take. */
#include <linux/dma-buf.h>

int probe(struct dma_buf *buf, struct iosys_map *map)
{
	return dma_buf_vmap_unlocked(buf, map);
}
