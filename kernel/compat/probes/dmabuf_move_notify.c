// SPDX-License-Identifier: GPL-2.0
/* An importer hears of a move by move_notify(), not yet by invalidate_mappings(). */
#include <linux/dma-buf.h>

static void moves(struct dma_buf_attachment *attach)
{
}

const struct dma_buf_attach_ops probe = { .move_notify = moves };
