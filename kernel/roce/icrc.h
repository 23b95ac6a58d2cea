/* SPDX-License-Identifier: GPL-2.0 */
/* The invariant CRC of RoCEv2 packets, by the fastest CRC32 the kernel has. */
#ifndef HROCE_ICRC_H
#define HROCE_ICRC_H

#include <linux/types.h>

struct sk_buff;

int hroce_icrc_init(void);
void hroce_icrc_exit(void);

/* Raw CRC32 (reflected, no inversion), as crc32_le(). Not in hard interrupt. */
u32 hroce_crc32(u32 crc, const void *data, size_t len);

/* The same over bytes off .. off+len of a buffer, linear or not. */
u32 hroce_crc32_skb(u32 crc, const struct sk_buff *skb, unsigned int off,
		    unsigned int len);

/**
 * hroce_icrc_headers - CRC over the masked IP, UDP and BTH headers
 * @l3: IP header
 * @udp: UDP header; with the lengths that this very packet has, see below
 * @bth: its first 12 bytes
 * @id: IPv4 identification of this packet, host order
 * @udp_len: UDP length of this packet, host order; IP's is derived from it
 *
 * A super-packet has one IP header for many packets, hence the arguments.
 */
u32 hroce_icrc_headers(const void *l3, const void *udp, const void *bth, u16 id,
		       u16 udp_len);

#endif
