// SPDX-License-Identifier: GPL-2.0
/* Pinned memory regions: an array of pages that stay. */
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "dev.h"
#include "mr.h"
#include "rdma.h"

/*
 * Is all of the range mapped, with the right? Then it was the kind of memory
 * that stood against pinning (device, DAX, some files), and not the caller's
 * address.
 */
static bool hroce_range_is_mapped(unsigned long start, unsigned long end, bool write)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	bool mapped = true;

	mmap_read_lock(mm);
	while (start < end) {
		vma = find_vma(mm, start);
		if (!vma || vma->vm_start > start ||
		    (write && !(vma->vm_flags & VM_WRITE))) {
			mapped = false;
			break;
		}
		start = vma->vm_end;
	}
	mmap_read_unlock(mm);
	return mapped;
}

static struct ib_umem *hroce_umem_get(struct hroce_dev *dev, u64 start, u64 length,
				      int access)
{
	struct ib_umem *umem = hmmodp_umem_get(&dev->ibdev, start, length, access);

	/* by EOPNOTSUPP callers know to try on-demand paging instead */
	if (umem == ERR_PTR(-EFAULT) &&
	    hroce_range_is_mapped(start, start + length, ib_access_writable(access)))
		return ERR_PTR(-EOPNOTSUPP);
	return umem;
}

static struct page **hroce_umem_pages(struct ib_umem *umem)
{
	struct sg_page_iter it;
	struct page **pages;
	size_t i = 0, num;

	num = ib_umem_num_pages(umem);
	pages = kvmalloc_array(num, sizeof(*pages), GFP_KERNEL_ACCOUNT);
	if (!pages)
		return NULL;
	for_each_sgtable_page(&umem->sgt_append.sgt, &it, 0) {
		if (WARN_ON_ONCE(i == num))
			break;
		pages[i++] = sg_page_iter_page(&it);
	}
	if (WARN_ON_ONCE(i != num)) {
		kvfree(pages);
		return NULL;
	}
	return pages;
}

/* Of an address in the kernel's map, or in one that somebody has made; NULL: none. */
static struct page *hroce_kernel_page(void *addr)
{
	unsigned long pfn;

	if (!is_vmalloc_addr(addr))
		return virt_addr_valid(addr) ? virt_to_page(addr) : NULL;
	pfn = vmalloc_to_pfn(addr);
	return pfn_valid(pfn) ? pfn_to_page(pfn) : NULL;
}

/* Pages that the kernel has at @memory, and that stay as long as the region. */
int hroce_pin_init_kernel(struct hroce_mr *mr, void *memory, u64 offset)
{
	unsigned int skip = offset_in_page(offset);
	size_t i, num = DIV_ROUND_UP_ULL(skip + mr->length, PAGE_SIZE);

	mr->pin.pages = kvmalloc_array(num, sizeof(*mr->pin.pages), GFP_KERNEL_ACCOUNT);
	if (!mr->pin.pages)
		return -ENOMEM;
	for (i = 0; i < num; i++) {
		mr->pin.pages[i] = hroce_kernel_page(memory + offset - skip + i * PAGE_SIZE);
		if (!mr->pin.pages[i]) {
			kvfree(mr->pin.pages);
			return -EOPNOTSUPP;
		}
	}
	mr->pin.umem = NULL;
	mr->pin.dmabuf = NULL;
	mr->pin.first_off = skip;
	mr->kind = HROCE_MR_PINNED;
	return 0;
}

int hroce_pin_init(struct hroce_dev *dev, struct hroce_mr *mr)
{
	struct ib_umem *umem;

	umem = hroce_umem_get(dev, mr->start, mr->length, mr->access);
	if (IS_ERR(umem))
		return PTR_ERR(umem);
	mr->pin.pages = hroce_umem_pages(umem);
	if (!mr->pin.pages) {
		ib_umem_release(umem);
		return -ENOMEM;
	}
	mr->pin.umem = umem;
	mr->pin.dmabuf = NULL;
	mr->pin.first_off = offset_in_page(mr->start);
	mr->kind = HROCE_MR_PINNED;
	return 0;
}

void hroce_pin_release(struct hroce_mr *mr)
{
	kvfree(mr->pin.pages);
	ib_umem_release(mr->pin.umem);
	if (mr->pin.dmabuf)
		hroce_dmabuf_put(mr->pin.dmabuf);
}

/* Pages that follow one another in the kernel's map make one piece. */
size_t hroce_pages_access(struct page **pages, u64 off, size_t len, hmmodp_actor_t actor,
			  void *ctx)
{
	struct page **page = &pages[off >> PAGE_SHIFT];
	size_t left = len, skip = offset_in_page(off), n;
	void *piece;

	while (left) {
		piece = page_address(*page++) + skip;
		n = PAGE_SIZE - skip;
		skip = 0;
		while (n < left && page_address(*page) == piece + n) {
			page++;
			n += PAGE_SIZE;
		}
		n = min(n, left);
		actor(ctx, piece, n);
		left -= n;
	}
	return len;
}

size_t hroce_pin_access(struct hroce_mr *mr, u64 va, size_t len,
			hmmodp_actor_t actor, void *ctx)
{
	return hroce_pages_access(mr->pin.pages, va - mr->iova + mr->pin.first_off, len,
				  actor, ctx);
}
