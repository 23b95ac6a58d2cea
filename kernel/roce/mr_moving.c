// SPDX-License-Identifier: GPL-2.0
/*
 * Regions of a dma-buf that its exporter moves, as those of GPUs do. The exporter says
 * where it is by addresses for a device. There is no DMA here; so it is asked for those
 * of one that has the machine's own addresses, and what lies there are pages that the CPU
 * can reach, or the buffer is refused.
 *
 * Before the buffer moves the exporter tells, and the region forgets where it was. The
 * next access stalls as it does at a page of a process that is not there, and a fault
 * asks again. Where the kernel was built without moves (DMABUF_MOVE_NOTIFY, until it was
 * an option no more) it pins a buffer while somebody knows where it is.
 */
#include <linux/cc_platform.h>
#include <linux/delay.h>
#include <linux/dma-direct.h>
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/kref.h>
#include <linux/mm.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/swiotlb.h>
#include <linux/workqueue.h>

#include "dmabuf.h"
#include "mr.h"

/* How long an exporter may have reasons that will pass. */
#define HROCE_MOVING_PATIENCE	(5 * HZ)

struct hroce_moving {
	struct kref ref;		/* the region's, and one of each fault */
	struct dma_buf *buf;
	struct dma_buf_attachment *attach;
	struct sg_table *sgt;		/* under buf->resv; NULL: nobody has been asked */
	/*
	 * Protects @there and @pages, which accesses read; they change under buf->resv
	 * too. The actor of an access runs under it, in softirq too.
	 */
	rwlock_t lock;
	bool there;			/* @pages are where it is */
	size_t first;			/* page of the buffer */
	size_t num;
	unsigned int first_off;		/* of iova in it */
	struct page **pages;
};

static struct platform_device *hroce_moving_dev;
static struct workqueue_struct *hroce_moving_wq;

/* Are its addresses those of the machine? */
static bool hroce_moving_is_direct(struct device *dev)
{
	return !get_dma_ops(dev) && !device_iommu_mapped(dev) &&
	       !is_swiotlb_force_bounce(dev) && !cc_platform_has(CC_ATTR_MEM_ENCRYPT);
}

/* Of memory that the CPU reaches by the kernel's own map; or NULL. */
static struct page *hroce_moving_page(dma_addr_t addr)
{
	unsigned long pfn = PHYS_PFN(dma_to_phys(&hroce_moving_dev->dev, addr));

	if (!IS_ALIGNED(addr, PAGE_SIZE) || !pfn_valid(pfn) ||
	    is_zone_device_page(pfn_to_page(pfn)))
		return NULL;
	return pfn_to_page(pfn);
}

/* Nobody reads them now: what they say is not there. */
static int hroce_moving_note_pages(struct hroce_moving *m, struct sg_table *sgt)
{
	struct sg_dma_page_iter it;
	size_t i = 0;

	for_each_sgtable_dma_page(sgt, &it, m->first) {
		if (i == m->num)
			break;
		m->pages[i] = hroce_moving_page(sg_page_iter_dma_address(&it));
		if (!m->pages[i++])
			return -EOPNOTSUPP;
	}
	return i == m->num ? 0 : -EOPNOTSUPP;
}

static int hroce_moving_find_locked(struct hroce_moving *m)
{
	struct sg_table *sgt;
	long left;
	int err;

	dma_resv_assert_held(m->buf->resv);
	if (m->there)
		return 0;
	sgt = dma_buf_map_attachment(m->attach, DMA_BIDIRECTIONAL);
	if (IS_ERR(sgt))
		return PTR_ERR(sgt);
	/* it may be on its way there */
	left = dma_resv_wait_timeout(m->buf->resv, DMA_RESV_USAGE_KERNEL, false,
				     HROCE_MOVING_PATIENCE);
	if (left > 0)
		err = hroce_moving_note_pages(m, sgt);
	else
		err = left ? left : -EBUSY;
	if (err) {
		dma_buf_unmap_attachment(m->attach, sgt, DMA_BIDIRECTIONAL);
		return err;
	}
	m->sgt = sgt;
	write_lock_bh(&m->lock);
	m->there = true;
	write_unlock_bh(&m->lock);
	return 0;
}

static int hroce_moving_find(struct hroce_moving *m)
{
	int err;

	dma_resv_lock(m->buf->resv, NULL);
	err = hroce_moving_find_locked(m);
	dma_resv_unlock(m->buf->resv);
	return err;
}

/* When this returns nobody touches the pages any more. */
static void hroce_moving_forget_locked(struct hroce_moving *m)
{
	dma_resv_assert_held(m->buf->resv);
	write_lock_bh(&m->lock);
	m->there = false;
	write_unlock_bh(&m->lock);
	if (m->sgt)
		dma_buf_unmap_attachment(m->attach, m->sgt, DMA_BIDIRECTIONAL);
	m->sgt = NULL;
}

static void hroce_moving_moves(struct dma_buf_attachment *attach)
{
	hroce_moving_forget_locked(attach->importer_priv);
}

static const struct dma_buf_attach_ops hroce_moving_attach_ops = {
	.hmmodp_dmabuf_moves = hroce_moving_moves,
};

static void hroce_moving_free(struct kref *ref)
{
	struct hroce_moving *m = container_of(ref, struct hroce_moving, ref);

	dma_resv_lock(m->buf->resv, NULL);
	hroce_moving_forget_locked(m);
	dma_resv_unlock(m->buf->resv);
	dma_buf_detach(m->buf, m->attach);
	dma_buf_put(m->buf);
	kvfree(m->pages);
	kfree(m);
}

/* One that knows of no buffer yet. */
static struct hroce_moving *hroce_moving_alloc(u64 offset, u64 length)
{
	struct hroce_moving *m = kzalloc(sizeof(*m), GFP_KERNEL_ACCOUNT);

	if (!m)
		return NULL;
	kref_init(&m->ref);
	rwlock_init(&m->lock);
	m->first = offset >> PAGE_SHIFT;
	m->first_off = offset_in_page(offset);
	m->num = DIV_ROUND_UP_ULL(m->first_off + length, PAGE_SIZE);
	m->pages = kvmalloc_array(m->num, sizeof(*m->pages), GFP_KERNEL_ACCOUNT);
	if (!m->pages) {
		kfree(m);
		return NULL;
	}
	return m;
}

int hroce_moving_init(struct hroce_mr *mr, struct dma_buf *buf, u64 offset)
{
	struct device *dev = &hroce_moving_dev->dev;
	struct hroce_moving *m;
	int err;

	if (!hroce_moving_is_direct(dev))
		return -EOPNOTSUPP;
	m = hroce_moving_alloc(offset, mr->length);
	if (!m)
		return -ENOMEM;
	m->buf = buf;
	m->attach = dma_buf_dynamic_attach(buf, dev, &hroce_moving_attach_ops, m);
	if (IS_ERR(m->attach)) {
		err = PTR_ERR(m->attach);
		kvfree(m->pages);
		kfree(m);
		return err;
	}
	err = hroce_moving_find(m);
	if (err) {
		get_dma_buf(buf);	/* the caller's */
		kref_put(&m->ref, hroce_moving_free);
		return err;
	}
	mr->moving = m;
	mr->kind = HROCE_MR_MOVING;
	return 0;
}

void hroce_moving_release(struct hroce_mr *mr)
{
	kref_put(&mr->moving->ref, hroce_moving_free);
}

size_t hroce_moving_access(struct hroce_mr *mr, u64 va, size_t len,
			   hmmodp_actor_t actor, void *ctx)
{
	struct hroce_moving *m = mr->moving;
	size_t done = 0;

	read_lock_bh(&m->lock);
	if (m->there)
		done = hroce_pages_access(m->pages, va - mr->iova + m->first_off, len,
					  actor, ctx);
	read_unlock_bh(&m->lock);
	return done;
}

static bool hroce_moving_will_pass(int err)
{
	switch (err) {
	case -EAGAIN:
	case -EBUSY:
	case -EINTR:
	case -ENOMEM:
	case -ENOSPC:
	case -ERESTARTSYS:
		return true;
	default:
		return false;
	}
}

static int hroce_moving_serve(void *other, const bool *stop)
{
	unsigned long deadline = jiffies + HROCE_MOVING_PATIENCE;
	int err;

	do {
		err = hroce_moving_find(other);
		if (!err)
			return 0;
		if (!hroce_moving_will_pass(err))
			return -EFAULT;
		usleep_range(1000, 2000);
	} while (!READ_ONCE(*stop) && time_before(jiffies, deadline));
	return -EAGAIN;
}

static void hroce_moving_served(void *other)
{
	struct hroce_moving *m = other;

	kref_put(&m->ref, hroce_moving_free);
}

static const struct hmmodp_other_ops hroce_moving_ops = {
	.serve = hroce_moving_serve,
	.put = hroce_moving_served,
};

struct hmmodp_fault *hroce_moving_fault_async(struct hroce_mr *mr, hmmodp_fault_done_t done,
					      void *ctx)
{
	struct hroce_moving *m = mr->moving;
	struct hmmodp_fault *fault;

	kref_get(&m->ref);
	fault = hmmodp_fault_other(hroce_moving_wq, &hroce_moving_ops, m, done, ctx);
	if (IS_ERR(fault))	/* never the last, the region has one */
		kref_put(&m->ref, hroce_moving_free);
	return fault;
}

int hroce_moving_module_init(void)
{
	struct platform_device_info info = {
		.name = "hroce",
		.id = PLATFORM_DEVID_NONE,
		.dma_mask = DMA_BIT_MASK(64),
	};

	hroce_moving_wq = alloc_workqueue("hroce_moving", WQ_UNBOUND | WQ_HIGHPRI, 0);
	if (!hroce_moving_wq)
		return -ENOMEM;
	hroce_moving_dev = platform_device_register_full(&info);
	if (IS_ERR(hroce_moving_dev)) {
		destroy_workqueue(hroce_moving_wq);
		return PTR_ERR(hroce_moving_dev);
	}
	dma_set_max_seg_size(&hroce_moving_dev->dev, UINT_MAX);
	return 0;
}

/* Faults that nobody waits for any more may be under way. */
void hroce_moving_module_exit(void)
{
	destroy_workqueue(hroce_moving_wq);
	platform_device_unregister(hroce_moving_dev);
}
