// SPDX-License-Identifier: GPL-2.0
/*
 * CRC32 by the fastest implementation at hand.
 *
 * In some kernels crc32_le() works by table and the one with vector instructions
 * is a driver of the crypto API; in others crc32_le() itself is the fast one.
 * Both are timed once, at load.
 */
#include <crypto/hash.h>
#include <linux/crc32.h>
#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/skbuff.h>
#include <linux/slab.h>

#include "icrc.h"

/*
 * The crypto driver; NULL where crc32_le() does as well. Fixed after load, but among the
 * data where kmemleak looks for pointers.
 */
static struct crypto_shash *hroce_crc_tfm __read_mostly;

/* Below it a vector implementation does not pay, and falls back by itself. */
#define CRC_SHASH_MIN_BYTES	80

#define CRC_TIMED_BYTES		4096
#define CRC_TIMED_RUNS		16

/* The state in the descriptor is the CRC itself; hroce_crc_prefer() checks it. */
static u32 hroce_crc_shash(struct crypto_shash *tfm, u32 crc, const void *data,
			   size_t len)
{
	union {
		struct shash_desc desc;
		u8 bytes[sizeof(struct shash_desc) + sizeof(u64)];
	} d;
	u32 *state = shash_desc_ctx(&d.desc);

	d.desc.tfm = tfm;
	*state = crc;
	crypto_shash_update(&d.desc, data, len);
	return *state;
}

u32 hroce_crc32(u32 crc, const void *data, size_t len)
{
	if (hroce_crc_tfm && len >= CRC_SHASH_MIN_BYTES)
		return hroce_crc_shash(hroce_crc_tfm, crc, data, len);
	return crc32_le(crc, data, len);
}

u32 hroce_crc32_skb(u32 crc, const struct sk_buff *skb, unsigned int off,
		    unsigned int len)
{
	unsigned int i, n, size = skb_headlen(skb);
	const struct sk_buff *part;

	if (off < size) {
		n = min(len, size - off);
		crc = hroce_crc32(crc, skb->data + off, n);
		len -= n;
		off = 0;
	} else {
		off -= size;
	}
	for (i = 0; len && i < skb_shinfo(skb)->nr_frags; i++) {
		const skb_frag_t *frag = &skb_shinfo(skb)->frags[i];

		size = skb_frag_size(frag);
		if (off >= size) {
			off -= size;
			continue;
		}
		n = min(len, size - off);
		crc = hroce_crc32(crc, skb_frag_address(frag) + off, n);
		len -= n;
		off = 0;
	}
	if (!len)
		return crc;
	skb_walk_frags(skb, part) {
		if (off >= part->len) {
			off -= part->len;
			continue;
		}
		n = min(len, part->len - off);
		crc = hroce_crc32_skb(crc, part, off, n);
		len -= n;
		off = 0;
		if (!len)
			break;
	}
	return crc;
}

/* Best time of several; tfm NULL: of crc32_le(). */
static u64 __init hroce_crc_time_ns(struct crypto_shash *tfm, const u8 *buf, u32 *crc)
{
	u64 start, took, best = U64_MAX;
	int i;

	for (i = 0; i < CRC_TIMED_RUNS; i++) {
		preempt_disable();
		start = ktime_get_ns();
		*crc = tfm ? hroce_crc_shash(tfm, ~0u, buf, CRC_TIMED_BYTES) :
			     crc32_le(~0u, buf, CRC_TIMED_BYTES);
		took = ktime_get_ns() - start;
		preempt_enable();
		best = min(best, took);
	}
	return best;
}

/* Is the crypto driver right, and worth its indirect call? */
static bool __init hroce_crc_prefer(struct crypto_shash *tfm)
{
	u64 by_lib, by_shash;
	u32 lib, shash;
	u8 *buf;
	int i;

	if (crypto_shash_descsize(tfm) != sizeof(u32))
		return false;
	buf = kmalloc(CRC_TIMED_BYTES, GFP_KERNEL);
	if (!buf)
		return false;
	for (i = 0; i < CRC_TIMED_BYTES; i++)
		buf[i] = i * 7 + (i >> 8);
	by_lib = hroce_crc_time_ns(NULL, buf, &lib);
	by_shash = hroce_crc_time_ns(tfm, buf, &shash);
	kfree(buf);
	pr_debug("CRC32 of %u bytes: library %llu ns, %s %llu ns\n", CRC_TIMED_BYTES,
		 by_lib, crypto_shash_driver_name(tfm), by_shash);
	return lib == shash && by_shash < by_lib - by_lib / 4;
}

int __init hroce_icrc_init(void)
{
	struct crypto_shash *tfm = crypto_alloc_shash("crc32", 0, 0);

	if (IS_ERR(tfm))
		return 0;
	if (hroce_crc_prefer(tfm))
		hroce_crc_tfm = tfm;
	else
		crypto_free_shash(tfm);
	return 0;
}

void hroce_icrc_exit(void)
{
	if (hroce_crc_tfm)
		crypto_free_shash(hroce_crc_tfm);
}

MODULE_SOFTDEP("pre: crypto-crc32");
