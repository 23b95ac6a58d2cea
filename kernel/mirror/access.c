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
	/* with bottom halves off readers pass a writer, who might never get his turn */
	while (unlikely(rwlock_is_contended(&chunk->lock)))
		cpu_relax();
	read_lock(&chunk->lock);
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

/*
 * Bottom halves are off for all chunks, which is what their locks want, and which holds
 * spans like any RCU read side. As a rule they are off already.
 */
size_t hmmodp_access(struct hmmodp_mirror *mirror, unsigned long va, size_t len,
		     enum hmmodp_dir dir, hmmodp_actor_t actor, void *ctx)
{
	bool off = in_softirq();
	unsigned int used = 0;
	size_t done = 0;
	size_t want;
	size_t got;

	if (va + len < va)
		len = ULONG_MAX - va;
	if (!off)
		local_bh_disable();
	while (done < len) {
		want = HMMODP_CHUNK_SIZE - (va & (HMMODP_CHUNK_SIZE - 1));
		want = min3(want, len - done, (size_t)ACCESS_HOLD);
		got = access_chunk(mirror, va, want, dir == HMMODP_WRITE, actor,
				   ctx, &used);
		done += got;
		va += got;
		if (got < want)
			break;
	}
	if (unlikely(used))
		hmmodp_ahead_used(mirror, va - 1, used);
	if (!off)
		local_bh_enable();
	return done;
}
EXPORT_SYMBOL_GPL(hmmodp_access);
