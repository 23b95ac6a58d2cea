// SPDX-License-Identifier: GPL-2.0
/* Receiving: from the stack to the callback, and what it may ask of a packet. */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/moduleparam.h>
#include <linux/udp.h>
#include <net/ip.h>
#include <net/xfrm.h>

#include "../compat/net.h"
#include "icrc.h"
#include "net_socket.h"
#include "wire.h"

hroce_rcv_t hroce_net_rcv;

static bool verify_local;
module_param(verify_local, bool, 0644);
MODULE_PARM_DESC(verify_local, "Check the ICRC even of packets that never left this host");

#define HROCE_MIN_PKT_BYTES	(HROCE_BTH_BYTES + HROCE_ICRC_BYTES)

/*
 * Takes a datagram or super-packet; skb->data is at the UDP header, which is in
 * the linear part. The UDP checksum is not looked at: the ICRC covers all that it
 * covers, and is checked for every packet.
 */
static void hroce_net_receive(struct sk_buff *skb)
{
	unsigned int len = ntohs(udp_hdr(skb)->len);
	struct hroce_rx *rx = HROCE_RX(skb);
	unsigned int seg;

	BUILD_BUG_ON(sizeof(*rx) > sizeof(skb->cb));
	if (len > skb->len || !compat_skb_readable(skb))
		goto drop;
	if (len < skb->len && pskb_trim(skb, len))
		goto drop;
	__skb_pull(skb, HROCE_UDP_BYTES);
	seg = skb->len;
	if (skb_is_gso(skb) && skb_shinfo(skb)->gso_type & SKB_GSO_UDP_L4)
		seg = skb_shinfo(skb)->gso_size;
	if (seg < HROCE_MIN_PKT_BYTES || skb->len < HROCE_MIN_PKT_BYTES)
		goto drop;

	/* It may wait longer than the RCU read side that keeps these alive. */
	skb_dst_drop(skb);
	skb_orphan(skb);
	nf_reset_ct(skb);
	rx->off = 0;
	rx->seg = seg;
	rx->index = 0;
	rx->known = false;
	hroce_net_rcv(skb);
	return;
drop:
	kfree_skb(skb);
}

/* Is it for our port? Pulls in the UDP header, so the IP header may move. */
static bool hroce_net_is_ours(struct sk_buff *skb, unsigned int ip_bytes)
{
	const struct udphdr *udp;

	if (!pskb_may_pull(skb, ip_bytes + HROCE_UDP_BYTES))
		return false;
	udp = (const void *)skb->data + ip_bytes;
	return udp->dest == htons(HROCE_UDP_PORT) &&
	       ntohs(udp->len) >= HROCE_UDP_BYTES + HROCE_MIN_PKT_BYTES;
}

unsigned int hroce_net_hook4(void *priv, struct sk_buff *skb,
			     const struct nf_hook_state *state)
{
	const struct iphdr *ip = ip_hdr(skb);

	if (ip->protocol != IPPROTO_UDP || ip->ihl * 4 != HROCE_IPV4_BYTES ||
	    !hroce_net_is_ours(skb, HROCE_IPV4_BYTES))
		return NF_ACCEPT;
	if (!xfrm4_policy_check(NULL, XFRM_POLICY_IN, skb))
		return NF_DROP;
	__skb_pull(skb, HROCE_IPV4_BYTES);
	hroce_net_receive(skb);
	return NF_STOLEN;
}

unsigned int hroce_net_hook6(void *priv, struct sk_buff *skb,
			     const struct nf_hook_state *state)
{
	if (ipv6_hdr(skb)->nexthdr != IPPROTO_UDP ||
	    !hroce_net_is_ours(skb, HROCE_IPV6_BYTES))
		return NF_ACCEPT;
	if (!xfrm6_policy_check(NULL, XFRM_POLICY_IN, skb))
		return NF_DROP;
	__skb_pull(skb, HROCE_IPV6_BYTES);
	hroce_net_receive(skb);
	return NF_STOLEN;
}

/* The rest: reassembled IPv6 packets; headers that RoCE does not have are dropped. */
int hroce_net_encap_rcv(struct sock *sk, struct sk_buff *skb)
{
	unsigned int want = ip_hdr(skb)->version == 4 ? HROCE_IPV4_BYTES :
							HROCE_IPV6_BYTES;

	if (skb_network_header_len(skb) == want)
		hroce_net_receive(skb);
	else
		kfree_skb(skb);
	return 0;
}

/* len bytes of skb at off if they lie together, else NULL. */
static const void *hroce_rx_together(const struct sk_buff *skb, unsigned int off,
				     unsigned int len)
{
	const skb_frag_t *frag = skb_shinfo(skb)->frags;
	const skb_frag_t *end = frag + skb_shinfo(skb)->nr_frags;
	unsigned int size = skb_headlen(skb);

	if (off < size)
		return off + len <= size ? skb->data + off : NULL;
	for (off -= size; frag < end; off -= size, frag++) {
		size = skb_frag_size(frag);
		if (off < size)
			return off + len <= size ? skb_frag_address(frag) + off : NULL;
	}
	return NULL;
}

bool hroce_rx_copy(const struct sk_buff *skb, unsigned int off, void *to, unsigned int len)
{
	const void *from = hroce_rx_together(skb, off, len);

	if (unlikely(!from))
		return !skb_copy_bits(skb, off, to, len);
	memcpy(to, from, len);
	return true;
}

int hroce_rx_parse(const struct sk_buff *skb, struct hroce_hdr *h)
{
	unsigned int len = hroce_rx_len(skb);
	u8 buf[HROCE_MAX_HDR_BYTES];

	if (!hroce_rx_copy(skb, HROCE_RX((struct sk_buff *)skb)->off, buf,
			   min_t(unsigned int, len, sizeof(buf))))
		return -EINVAL;
	return hroce_hdr_parse(h, buf, len);
}

/* The ICRC that a packet ought to have if its IPv4 ID is id. */
static u32 hroce_rx_icrc(const struct sk_buff *skb, const void *bth, const void *rest,
			 unsigned int len, u16 id)
{
	u32 crc;

	crc = hroce_icrc_headers(skb_network_header(skb), udp_hdr(skb), bth, id,
				 HROCE_UDP_BYTES + len);
	len -= HROCE_MIN_PKT_BYTES;
	if (rest)
		return ~hroce_crc32(crc, rest, len);
	return ~hroce_crc32_skb(crc, skb, HROCE_RX((struct sk_buff *)skb)->off +
				HROCE_BTH_BYTES, len);
}

/*
 * Was it sent by this module, and has no device had to compute its UDP checksum
 * since? Then it has been in this host's memory all the time, and the stack trusts
 * it without a checksum; so do we. What alters packets (netem) completes the
 * checksum first; what comes off a wire does not bear our hash.
 */
static bool hroce_rx_is_local(const struct sk_buff *skb)
{
	return skb->ip_summed == CHECKSUM_PARTIAL && skb->sw_hash && skb->l4_hash &&
	       skb->hash == hroce_flow_hash(ntohs(udp_hdr(skb)->source)) &&
	       !READ_ONCE(verify_local);
}

bool hroce_rx_icrc_ok(struct sk_buff *skb)
{
	const struct hroce_rx *rx = HROCE_RX(skb);
	const void *bth, *rest = NULL, *end;
	unsigned int len = hroce_rx_len(skb);
	u8 bth_buf[HROCE_BTH_BYTES];
	u8 end_buf[HROCE_ICRC_BYTES];
	u32 icrc;
	u16 id;

	if (len < HROCE_MIN_PKT_BYTES)
		return false;
	if (hroce_rx_is_local(skb))
		return true;
	bth = hroce_rx_together(skb, rx->off, len);
	if (likely(bth)) {
		rest = bth + HROCE_BTH_BYTES;
		end = bth + len - HROCE_ICRC_BYTES;
	} else {
		bth = skb_header_pointer(skb, rx->off, sizeof(bth_buf), bth_buf);
		end = skb_header_pointer(skb, rx->off + len - HROCE_ICRC_BYTES,
					 sizeof(end_buf), end_buf);
		if (!bth || !end)
			return false;
	}
	icrc = get_unaligned_le32(end);
	id = ntohs(ip_hdr(skb)->id);	/* has no meaning in IPv6 */
	if (likely(hroce_rx_icrc(skb, bth, rest, len, id + rx->index) == icrc))
		return true;

	/* GRO also merges packets that all have the same ID. */
	return rx->index && ip_hdr(skb)->version == 4 &&
	       hroce_rx_icrc(skb, bth, rest, len, id) == icrc;
}

void hroce_rx_addrs(const struct sk_buff *skb, struct hroce_addr *saddr,
		    struct hroce_addr *daddr)
{
	if (ip_hdr(skb)->version == 4) {
		ipv6_addr_set_v4mapped(ip_hdr(skb)->saddr, &saddr->ip);
		ipv6_addr_set_v4mapped(ip_hdr(skb)->daddr, &daddr->ip);
	} else {
		saddr->ip = ipv6_hdr(skb)->saddr;
		daddr->ip = ipv6_hdr(skb)->daddr;
	}
}

/* The headers of a super-packet are made to look like those of its packet. */
void hroce_rx_grh(const struct sk_buff *skb, u8 grh[40])
{
	const struct hroce_rx *rx = HROCE_RX((struct sk_buff *)skb);
	u16 udp_len = HROCE_UDP_BYTES + hroce_rx_len(skb);

	if (ip_hdr(skb)->version == 4) {
		struct iphdr ip = *ip_hdr(skb);

		if (rx->seg < skb->len) {
			ip.tot_len = htons(HROCE_IPV4_BYTES + udp_len);
			ip.id = htons(ntohs(ip.id) + rx->index);
			ip_send_check(&ip);
		}
		memset(grh, 0, 40 - sizeof(ip));
		memcpy(grh + 40 - sizeof(ip), &ip, sizeof(ip));
	} else {
		struct ipv6hdr ip = *ipv6_hdr(skb);

		ip.payload_len = htons(udp_len);
		memcpy(grh, &ip, sizeof(ip));
	}
}

void hroce_rx_dgid(const struct sk_buff *skb, union ib_gid *gid)
{
	if (ip_hdr(skb)->version == 4)
		ipv6_addr_set_v4mapped(ip_hdr(skb)->daddr, (struct in6_addr *)gid);
	else
		memcpy(gid, &ipv6_hdr(skb)->daddr, sizeof(*gid));
}

enum hroce_sl hroce_rx_sl(const struct sk_buff *skb)
{
	return ip_hdr(skb)->version == 4 ? HROCE_SL_IPV4 : HROCE_SL_IPV6;
}
