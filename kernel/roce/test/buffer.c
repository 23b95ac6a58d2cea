// SPDX-License-Identifier: GPL-2.0
/*
 * A dma-buf that its exporter moves, unless it is pinned. What it has left is overwritten
 * at once, and freed with the next move, for tests of those who go on there.
 */
#include <linux/bits.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "buffer.h"
#include "dmabuf.h"
#include "rdma.h"

#define BUFFER_MAX	BIT(20)
#define POISON		0xde

/* All under the reservation lock. */
struct buffer {
	void *memory, *left;
	unsigned int pins;
	unsigned int maps;	/* of devices */
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

static int fill_table(struct sg_table *sgt, void *memory, size_t size)
{
	unsigned int i, num = size >> PAGE_SHIFT;
	struct page **pages;
	int err;

	pages = kmalloc_array(num, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return -ENOMEM;
	for (i = 0; i < num; i++)
		pages[i] = vmalloc_to_page(memory + i * PAGE_SIZE);
	err = sg_alloc_table_from_pages(sgt, pages, num, 0, size, GFP_KERNEL);
	kfree(pages);
	return err;
}

static struct sg_table *buffer_map(struct dma_buf_attachment *attach,
				   enum dma_data_direction dir)
{
	struct buffer *b = attach->dmabuf->priv;
	struct sg_table *sgt;
	int err;

	sgt = kzalloc(sizeof(*sgt), GFP_KERNEL);
	if (!sgt)
		return ERR_PTR(-ENOMEM);
	err = fill_table(sgt, b->memory, attach->dmabuf->size);
	if (err)
		goto free;
	err = dma_map_sgtable(attach->dev, sgt, dir, 0);
	if (err)
		goto free_table;
	b->maps++;
	return sgt;

free_table:
	sg_free_table(sgt);
free:
	kfree(sgt);
	return ERR_PTR(err);
}

static void buffer_unmap(struct dma_buf_attachment *attach, struct sg_table *sgt,
			 enum dma_data_direction dir)
{
	struct buffer *b = attach->dmabuf->priv;

	b->maps--;
	dma_unmap_sgtable(attach->dev, sgt, dir, 0);
	sg_free_table(sgt);
	kfree(sgt);
}

static vm_fault_t buffer_fault(struct vm_fault *vmf)
{
	struct dma_buf *buf = vmf->vma->vm_private_data;
	struct buffer *b = buf->priv;
	vm_fault_t ret = VM_FAULT_SIGBUS;

	dma_resv_lock(buf->resv, NULL);
	if (vmf->pgoff < buf->size >> PAGE_SHIFT)
		ret = vmf_insert_page(vmf->vma, vmf->address,
				      vmalloc_to_page(b->memory + (vmf->pgoff << PAGE_SHIFT)));
	dma_resv_unlock(buf->resv);
	return ret;
}

static const struct vm_operations_struct buffer_vm_ops = {
	.fault = buffer_fault,
};

static int buffer_mmap(struct dma_buf *buf, struct vm_area_struct *vma)
{
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	hmmodp_vm_flags_set(vma, VM_MIXEDMAP | VM_DONTEXPAND);
	vma->vm_private_data = buf;
	vma->vm_ops = &buffer_vm_ops;
	return 0;
}

static void buffer_free(struct buffer *b)
{
	vfree(b->memory);
	vfree(b->left);
	kfree(b);
}

static void buffer_release(struct dma_buf *buf)
{
	struct buffer *b = buf->priv;

	WARN_ON(b->pins || b->maps);
	buffer_free(b);
}

static const struct dma_buf_ops buffer_ops = {
	.pin = buffer_pin,
	.unpin = buffer_unpin,
	.map_dma_buf = buffer_map,
	.unmap_dma_buf = buffer_unmap,
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
	b->memory = vmalloc_user(size);
	info.ops = &buffer_ops;
	info.size = size;
	info.flags = O_RDWR;
	info.priv = b;
	buf = b->memory ? dma_buf_export(&info) : ERR_PTR(-ENOMEM);
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
	next = vmalloc_user(buf->size);
	if (!next)
		return -ENOMEM;
	hmmodp_dmabuf_move(buf);
	WARN_ON(b->maps);
	unmap_mapping_range(buf->file->f_mapping, 0, 0, 1);
	memcpy(next, b->memory, buf->size);
	memset(b->memory, POISON, buf->size);
	vfree(b->left);
	b->left = b->memory;
	b->memory = next;
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
