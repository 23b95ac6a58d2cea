// SPDX-License-Identifier: GPL-2.0
/*
 * A dma-buf that its exporter moves, also while it is mapped into the kernel, unless it
 * is pinned. What it has left stays as long as the buffer, for tests of those who go on
 * there.
 */
#include <linux/bits.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/iosys-map.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "buffer.h"
#include "dmabuf.h"

#define PLACES		4
#define BUFFER_MAX	BIT(20)

struct buffer {
	void *place[PLACES];
	unsigned int at;	/* the place where it is */
	unsigned int pins;	/* both under the reservation lock */
};

static int buffer_pin(struct dma_buf_attachment *attach)
{
	struct buffer *b = attach->dmabuf->priv;

	b->pins++;
	return 0;
}

static void buffer_unpin(struct dma_buf_attachment *attach)
{
	struct buffer *b = attach->dmabuf->priv;

	b->pins--;
}

static struct sg_table *buffer_map(struct dma_buf_attachment *attach,
				   enum dma_data_direction dir)
{
	return ERR_PTR(-EOPNOTSUPP);
}

static void buffer_unmap(struct dma_buf_attachment *attach, struct sg_table *sgt,
			 enum dma_data_direction dir)
{
}

static int buffer_vmap(struct dma_buf *buf, struct iosys_map *map)
{
	struct buffer *b = buf->priv;

	iosys_map_set_vaddr(map, b->place[b->at]);
	return 0;
}

static int buffer_mmap(struct dma_buf *buf, struct vm_area_struct *vma)
{
	struct buffer *b = buf->priv;

	return remap_vmalloc_range(vma, b->place[b->at], vma->vm_pgoff);
}

static void buffer_free(struct buffer *b)
{
	unsigned int i;

	for (i = 0; i < PLACES; i++)
		vfree(b->place[i]);
	kfree(b);
}

static void buffer_release(struct dma_buf *buf)
{
	struct buffer *b = buf->priv;

	WARN_ON(b->pins);
	buffer_free(b);
}

static const struct dma_buf_ops buffer_ops = {
	.pin = buffer_pin,
	.unpin = buffer_unpin,
	.map_dma_buf = buffer_map,
	.unmap_dma_buf = buffer_unmap,
	.vmap = buffer_vmap,
	.mmap = buffer_mmap,
	.release = buffer_release,
};

static struct dma_buf *buffer_export(u64 size)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct dma_buf *buf;
	struct buffer *b;

	if (!size || size > BUFFER_MAX || size & ~PAGE_MASK)
		return ERR_PTR(-EINVAL);
	b = kzalloc(sizeof(*b), GFP_KERNEL);
	if (!b)
		return ERR_PTR(-ENOMEM);
	b->place[0] = vmalloc_user(size);
	info.ops = &buffer_ops;
	info.size = size;
	info.flags = O_RDWR;
	info.priv = b;
	buf = b->place[0] ? dma_buf_export(&info) : ERR_PTR(-ENOMEM);
	if (IS_ERR(buf))
		buffer_free(b);
	return buf;
}

int buffer_new(u64 size)
{
	struct dma_buf *buf = buffer_export(size);
	int fd;

	if (IS_ERR(buf))
		return PTR_ERR(buf);
	fd = dma_buf_fd(buf, O_CLOEXEC);
	if (fd < 0)
		dma_buf_put(buf);
	return fd;
}

static int buffer_move_locked(struct dma_buf *buf)
{
	struct buffer *b = buf->priv;
	void *next;

	if (b->pins)
		return -EBUSY;
	if (b->at == PLACES - 1)
		return -ENOSPC;
	next = vmalloc_user(buf->size);
	if (!next)
		return -ENOMEM;
	memcpy(next, b->place[b->at], buf->size);
	b->place[++b->at] = next;
	return 0;
}

int buffer_move(int fd)
{
	struct dma_buf *buf = dma_buf_get(fd);
	int err = -EINVAL;

	if (IS_ERR(buf))
		return PTR_ERR(buf);
	if (buf->ops == &buffer_ops) {
		dma_resv_lock(buf->resv, NULL);
		err = buffer_move_locked(buf);
		dma_resv_unlock(buf->resv);
	}
	dma_buf_put(buf);
	return err;
}

HMMODP_IMPORT_DMABUF;
