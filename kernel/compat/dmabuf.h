/* SPDX-License-Identifier: GPL-2.0 */
/* What differs between kernels in dma-buf, for those who map one. */
#ifndef HMMODP_COMPAT_DMABUF_H
#define HMMODP_COMPAT_DMABUF_H

#include <linux/dma-buf.h>
#include <linux/module.h>

#ifdef HMMODP_HAVE_DMABUF_NS_WORD
#define HMMODP_IMPORT_DMABUF	MODULE_IMPORT_NS(DMA_BUF)
#else
#define HMMODP_IMPORT_DMABUF	MODULE_IMPORT_NS("DMA_BUF")
#endif

/*
 * The member of struct dma_buf_attach_ops by which an importer hears of a move, and what
 * an exporter calls then.
 */
#ifdef HMMODP_HAVE_DMABUF_MOVE_NOTIFY
#define hmmodp_dmabuf_moves	move_notify
#define hmmodp_dmabuf_move	dma_buf_move_notify
#else
#define hmmodp_dmabuf_moves	invalidate_mappings
#define hmmodp_dmabuf_move	dma_buf_invalidate_mappings
#endif

#ifdef HMMODP_HAVE_DMABUF_VMAP_UNLOCKED
#define hmmodp_dmabuf_vmap	dma_buf_vmap_unlocked
#define hmmodp_dmabuf_vunmap	dma_buf_vunmap_unlocked
#else
#define hmmodp_dmabuf_vmap	dma_buf_vmap
#define hmmodp_dmabuf_vunmap	dma_buf_vunmap
#endif

#endif
