// SPDX-License-Identifier: GPL-2.0
/*
 * Regions of a dma-buf: memory of another driver, named by a file. There is no DMA here,
 * so what counts is what the CPU sees. The exporter maps the buffer into the kernel,
 * which keeps it where it is as long as the region lives, and its pages become the
 * region's. A buffer that cannot be mapped, or is not made of pages, is refused.
 */
#include <linux/overflow.h>
#include <linux/slab.h>

#include "dev.h"
#include "dmabuf.h"
#include "mr.h"

struct hroce_dmabuf {
	struct dma_buf *buf;
	struct iosys_map map;
};

static int hroce_dmabuf_map(struct hroce_dmabuf *d)
{
	int err;

	if (!d->buf->ops->vmap)
		return -EOPNOTSUPP;
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

static struct hroce_dmabuf *hroce_dmabuf_get(int fd, u64 offset, u64 length)
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
	err = hroce_dmabuf_map(d);
	if (err)
		goto put;
	return d;
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
	dma_buf_put(d->buf);
	kfree(d);
}

int hroce_dmabuf_init(struct hroce_mr *mr, int fd, u64 offset)
{
	struct hroce_dmabuf *d = hroce_dmabuf_get(fd, offset, mr->length);
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
