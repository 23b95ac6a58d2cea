// SPDX-License-Identifier: GPL-2.0
/* Access: the way of every byte. Softirq, so nothing here waits. */
#include <linux/bottom_half.h>
#include <linux/export.h>
#include <linux/mm.h>
#include <linux/pfn.h>
#include <linux/preempt.h>
#include <linux/sizes.h>

#include "ahead.h"
#include "core.h"
#include "span.h"

static_assert(!IS_ENABLED(CONFIG_HIGHMEM),
	      "neighbouring page frames have neighbouring kernel addresses");

/* How much the actor may handle before an invalidation gets its turn. */
#define ACCESS_HOLD	SZ_16K

static void chunk_hold(struct hmmodp_chunk *chunk)
	__acquires(&chunk->lock)
{
	/* with bottom halves off readers pass a writer, who might never get his turn */
	while (unlikely(rwlock_is_contended(&chunk->lock)))
		cpu_relax();
	read_lock(&chunk->lock);
}

/* @len bytes at @va lie in one chunk. Bottom halves are off. */
static size_t access_chunk(struct hmmodp_mirror *mirror, unsigned long va,
			   size_t len, bool write, hmmodp_actor_t actor,
			   void *ctx, unsigned int *used)
{
	size_t offset = va & (HMMODP_CHUNK_SIZE - 1);
	struct hmmodp_chunk *chunk;
	struct hmmodp_span *span;
	unsigned long pfn;
	size_t done = 0;
	size_t n;

	span = hmmodp_span_lookup(mirror, va);
	if (!span)
		return 0;
	chunk = hmmodp_span_chunk(span, va);
	chunk_hold(chunk);
	while (done < len) {
		n = hmmodp_chunk_piece_locked(chunk, offset + done, len - done,
					      write, &pfn, used);
		if (!n)
			break;
		actor(ctx, __va(PFN_PHYS(pfn)) + offset_in_page(va + done), n);
		done += n;
	}
	read_unlock(&chunk->lock);
	return done;
}

/* The same for bytes of one page, which is what most packets are, without loops. */
static size_t access_page(struct hmmodp_mirror *mirror, unsigned long va, size_t len,
			  bool write, hmmodp_actor_t actor, void *ctx)
{
	unsigned int page = (va & (HMMODP_CHUNK_SIZE - 1)) >> PAGE_SHIFT;
	struct hmmodp_span *span = hmmodp_span_lookup(mirror, va);
	struct hmmodp_chunk *chunk;
	unsigned int used = 0;
	unsigned long entry;

	if (!span)
		return 0;
	chunk = hmmodp_span_chunk(span, va);
	chunk_hold(chunk);
	entry = hmmodp_chunk_page_locked(chunk, page, write, &used);
	if (entry)
		actor(ctx, __va(entry & PAGE_MASK) + offset_in_page(va), len);
	read_unlock(&chunk->lock);
	if (unlikely(used))
		hmmodp_ahead_used(mirror, va + len - 1, used);
	return entry ? len : 0;
}

static noinline size_t access_range(struct hmmodp_mirror *mirror, unsigned long va,
				    size_t len, bool write, hmmodp_actor_t actor, void *ctx)
{
	unsigned int used = 0;
	size_t done = 0;
	size_t want;
	size_t got;

	if (va + len < va)
		len = ULONG_MAX - va;
	while (done < len) {
		want = HMMODP_CHUNK_SIZE - (va & (HMMODP_CHUNK_SIZE - 1));
		want = min3(want, len - done, (size_t)ACCESS_HOLD);
		got = access_chunk(mirror, va, want, write, actor, ctx, &used);
		done += got;
		va += got;
		if (got < want)
			break;
	}
	if (unlikely(used))
		hmmodp_ahead_used(mirror, va - 1, used);
	return done;
}

/*
 * Bottom halves are off for all chunks, which is what their locks want, and which holds
 * spans like any RCU read side. As a rule they are off already.
 */
size_t hmmodp_access(struct hmmodp_mirror *mirror, unsigned long va, size_t len,
		     enum hmmodp_dir dir, hmmodp_actor_t actor, void *ctx)
{
	bool write = dir == HMMODP_WRITE;
	bool off = in_softirq();
	size_t done;

	if (!off)
		local_bh_disable();
	if (len - 1 < PAGE_SIZE - offset_in_page(va))	/* and no actor for no bytes */
		done = access_page(mirror, va, len, write, actor, ctx);
	else
		done = access_range(mirror, va, len, write, actor, ctx);
	if (!off)
		local_bh_enable();
	return done;
}
EXPORT_SYMBOL_GPL(hmmodp_access);
