// SPDX-License-Identifier: GPL-2.0
/*
 * Regions of a dma-buf: memory of another driver, named by a file. There is no DMA here,
 * so what counts is what the CPU sees. The exporter keeps the buffer where it is as long
 * as the region lives, and maps it into the kernel; its pages become the region's. A
 * buffer that cannot be mapped, or is not made of pages, is refused.
 */
#include <linux/dma-resv.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "dev.h"
#include "dmabuf.h"
#include "mr.h"

struct hroce_dmabuf {
	struct dma_buf *buf;
	struct dma_buf_attachment *attach;
	struct iosys_map map;
};

/* Never: the buffer is pinned. */
static void hroce_dmabuf_moves(struct dma_buf_attachment *attach)
{
	WARN_ON_ONCE(1);
}

static const struct dma_buf_attach_ops hroce_dmabuf_ops = {
	.hmmodp_dmabuf_moves = hroce_dmabuf_moves,
};

/*
 * Many exporters that may move a buffer do so also while it is mapped into the kernel,
 * but not while it is pinned. The others keep it where it is for whoever is attached.
 */
static int hroce_dmabuf_hold(struct hroce_dmabuf *d, struct device *dev)
{
	bool movable = dma_buf_is_dynamic(d->buf);
	int err = 0;

	d->attach = movable ? dma_buf_dynamic_attach(d->buf, dev, &hroce_dmabuf_ops, d) :
			      dma_buf_attach(d->buf, dev);
	if (IS_ERR(d->attach))
		return PTR_ERR(d->attach);
	if (movable) {
		dma_resv_lock(d->buf->resv, NULL);
		err = dma_buf_pin(d->attach);
		dma_resv_unlock(d->buf->resv);
	}
	if (err)
		dma_buf_detach(d->buf, d->attach);
	return err;
}

static void hroce_dmabuf_let_go(struct hroce_dmabuf *d)
{
	if (dma_buf_is_dynamic(d->buf)) {
		dma_resv_lock(d->buf->resv, NULL);
		dma_buf_unpin(d->attach);
		dma_resv_unlock(d->buf->resv);
	}
	dma_buf_detach(d->buf, d->attach);
}

static int hroce_dmabuf_map(struct hroce_dmabuf *d)
{
	int err;

	err = hmmodp_dmabuf_vmap(d->buf, &d->map);
	if (err)
		return err;
	/* what others have put there is to be seen, and what is put there by others */
	err = d->map.is_iomem ? -EOPNOTSUPP :
				dma_buf_begin_cpu_access(d->buf, DMA_BIDIRECTIONAL);
	if (err)
		hmmodp_dmabuf_vunmap(d->buf, &d->map);
	return err;
}

static struct hroce_dmabuf *hroce_dmabuf_get(struct device *dev, int fd, u64 offset,
					     u64 length)
{
	struct hroce_dmabuf *d;
	u64 end;
	int err;

	d = kzalloc(sizeof(*d), GFP_KERNEL_ACCOUNT);
	if (!d)
		return ERR_PTR(-ENOMEM);
	d->buf = dma_buf_get(fd);
	if (IS_ERR(d->buf)) {
		err = PTR_ERR(d->buf);
		goto free;
	}
	err = -EINVAL;
	if (check_add_overflow(offset, length, &end) || end > d->buf->size)
		goto put;
	err = -EOPNOTSUPP;
	if (!d->buf->ops->vmap)
		goto put;
	err = hroce_dmabuf_hold(d, dev);
	if (err)
		goto put;
	err = hroce_dmabuf_map(d);
	if (err)
		goto let_go;
	return d;
let_go:
	hroce_dmabuf_let_go(d);
put:
	dma_buf_put(d->buf);
free:
	kfree(d);
	return ERR_PTR(err);
}

void hroce_dmabuf_put(struct hroce_dmabuf *d)
{
	dma_buf_end_cpu_access(d->buf, DMA_BIDIRECTIONAL);
	hmmodp_dmabuf_vunmap(d->buf, &d->map);
	hroce_dmabuf_let_go(d);
	dma_buf_put(d->buf);
	kfree(d);
}

int hroce_dmabuf_init(struct hroce_mr *mr, int fd, u64 offset)
{
	struct hroce_dmabuf *d = hroce_dmabuf_get(&mr->ibmr.device->dev, fd, offset,
						  mr->length);
	int err;

	if (IS_ERR(d))
		return PTR_ERR(d);
	err = hroce_pin_init_kernel(mr, d->map.vaddr, offset);
	if (err) {
		hroce_dmabuf_put(d);
		return err;
	}
	mr->pin.dmabuf = d;
	return 0;
}

HMMODP_IMPORT_DMABUF;
