// SPDX-License-Identifier: GPL-2.0
/*
 * Regions of a dma-buf: memory of another driver, named by a file. What the exporter may
 * move is looked up where it is (mr_moving.c). Else it stays where it is for whoever is
 * attached, the exporter maps it into the kernel, and its pages become the region's. A
 * buffer that cannot be mapped, or is not made of pages, is refused.
 */
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

/* Takes over the reference of the buffer, unless it returns an error. */
static struct hroce_dmabuf *hroce_dmabuf_get(struct device *dev, struct dma_buf *buf)
{
	struct hroce_dmabuf *d;
	int err;

	if (!buf->ops->vmap)
		return ERR_PTR(-EOPNOTSUPP);
	d = kzalloc(sizeof(*d), GFP_KERNEL_ACCOUNT);
	if (!d)
		return ERR_PTR(-ENOMEM);
	d->buf = buf;
	d->attach = dma_buf_attach(buf, dev);
	if (IS_ERR(d->attach)) {
		err = PTR_ERR(d->attach);
		goto free;
	}
	err = hroce_dmabuf_map(d);
	if (!err)
		return d;
	dma_buf_detach(buf, d->attach);
free:
	kfree(d);
	return ERR_PTR(err);
}

void hroce_dmabuf_put(struct hroce_dmabuf *d)
{
	dma_buf_end_cpu_access(d->buf, DMA_BIDIRECTIONAL);
	hmmodp_dmabuf_vunmap(d->buf, &d->map);
	dma_buf_detach(d->buf, d->attach);
	dma_buf_put(d->buf);
	kfree(d);
}

static int hroce_dmabuf_use(struct hroce_mr *mr, struct dma_buf *buf, u64 offset)
{
	struct hroce_dmabuf *d;
	u64 end;
	int err;

	if (check_add_overflow(offset, mr->length, &end) || end > buf->size)
		return -EINVAL;
	if (dma_buf_is_dynamic(buf))
		return hroce_moving_init(mr, buf, offset);
	d = hroce_dmabuf_get(&mr->ibmr.device->dev, buf);
	if (IS_ERR(d))
		return PTR_ERR(d);
	err = hroce_pin_init_kernel(mr, d->map.vaddr, offset);
	if (err) {
		get_dma_buf(buf);	/* the caller's */
		hroce_dmabuf_put(d);
		return err;
	}
	mr->pin.dmabuf = d;
	return 0;
}

int hroce_dmabuf_init(struct hroce_mr *mr, int fd, u64 offset)
{
	struct dma_buf *buf = dma_buf_get(fd);
	int err;

	if (IS_ERR(buf))
		return PTR_ERR(buf);
	err = hroce_dmabuf_use(mr, buf, offset);
	if (err)
		dma_buf_put(buf);
	return err;
}

HMMODP_IMPORT_DMABUF;
