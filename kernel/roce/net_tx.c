// SPDX-License-Identifier: GPL-2.0
/* Sending: buffers, ICRCs, headers, routes. */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/percpu.h>
#include <linux/udp.h>
#include <net/dsfield.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/ip6_route.h>
#include <net/udp.h>

#include "../compat/net.h"
#include "dev.h"
#include "icrc.h"
#include "net_socket.h"
#include "wire.h"

/* Packets up to this are in the linear part; more would be cleared in vain. */
#define HROCE_LINEAR_BYTES	(2048 - SKB_DATA_ALIGN(sizeof(struct skb_shared_info)))

/* IPv4 IDs. Packets are sent unfragmentable, so they need not be unique. */
static DEFINE_PER_CPU(u16, hroce_ip_id);

struct sk_buff *hroce_net_alloc(struct hroce_dev *dev, unsigned int len, gfp_t gfp)
{
	unsigned int room = LL_RESERVED_SPACE(dev->ndev) + HROCE_IPV6_BYTES +
			    HROCE_UDP_BYTES;
	struct sk_buff *skb;
	bool linear;

	room = ALIGN(room, HROCE_DATA_ALIGN) + HROCE_DATA_OFFSET;
	linear = room + len <= HROCE_LINEAR_BYTES;
	skb = alloc_skb(linear ? room + len : room, gfp | __GFP_NOWARN);
	if (!skb)
		return NULL;
	skb_reserve(skb, room);
	if (linear) {
		__skb_put(skb, len);
	} else if (!hroce_pages_add(skb, len)) {
		kfree_skb(skb);
		return NULL;
	}
	return skb;
}

void hroce_net_cursor_init(struct hroce_cursor *c, struct sk_buff *skb)
{
	c->skb = skb;
	c->off = 0;
	c->frag = -1;
	c->frag_off = 0;
}

/* Step over up to *len bytes that lie together; *len becomes their number. */
static void *hroce_cursor_step(struct hroce_cursor *c, unsigned int *len)
{
	const struct skb_shared_info *info = skb_shinfo(c->skb);
	unsigned int size;
	void *base;

	for (;;) {
		if (c->frag < 0) {
			base = c->skb->data;
			size = skb_headlen(c->skb);
		} else if (!WARN_ON_ONCE(c->frag >= info->nr_frags)) {
			base = skb_frag_address(&info->frags[c->frag]);
			size = skb_frag_size(&info->frags[c->frag]);
		} else {
			return NULL;
		}
		if (c->frag_off < size)
			break;
		c->frag++;
		c->frag_off = 0;
	}
	base += c->frag_off;
	*len = min(*len, size - c->frag_off);
	c->frag_off += *len;
	c->off += *len;
	return base;
}

void hroce_net_write(struct hroce_cursor *c, const void *src, unsigned int len)
{
	unsigned int n;
	void *to;

	for (; len; len -= n) {
		n = len;
		to = hroce_cursor_step(c, &n);
		if (!to)
			return;
		if (src) {
			memcpy(to, src, n);
			src += n;
		}
	}
}

static void hroce_cursor_read(struct hroce_cursor *c, void *dst, unsigned int len)
{
	const void *from;
	unsigned int n;

	for (; len; len -= n, dst += n) {
		n = len;
		from = hroce_cursor_step(c, &n);
		if (!from)
			return;
		memcpy(dst, from, n);
	}
}

/* The ICRC of a packet that lies in several pieces. */
static void hroce_tx_icrc_pieces(struct hroce_cursor *c, unsigned int len, u16 id)
{
	u8 bth[HROCE_BTH_BYTES];
	__le32 icrc;
	u32 crc;

	hroce_cursor_read(c, bth, sizeof(bth));
	crc = hroce_icrc_headers(skb_network_header(c->skb), udp_hdr(c->skb), bth, id,
				 HROCE_UDP_BYTES + len);
	crc = hroce_crc32_skb(crc, c->skb, c->off, len - sizeof(bth) - sizeof(icrc));
	hroce_net_write(c, NULL, len - sizeof(bth) - sizeof(icrc));
	icrc = cpu_to_le32(~crc);
	hroce_net_write(c, &icrc, sizeof(icrc));
}

/* The ICRC of each packet; IP and UDP headers are in front of them by now. */
static void hroce_tx_icrc(struct sk_buff *skb, unsigned int seg, u16 id)
{
	unsigned int headers = skb_transport_offset(skb) + HROCE_UDP_BYTES;
	unsigned int left = skb->len - headers, len, n;
	struct hroce_cursor c, start;
	u8 *pkt;
	u32 crc;

	hroce_net_cursor_init(&c, skb);
	hroce_net_write(&c, NULL, headers);
	for (; left; left -= len, id++) {
		len = min(left, seg);
		n = len;
		start = c;
		pkt = hroce_cursor_step(&c, &n);
		if (unlikely(n < len)) {
			c = start;
			hroce_tx_icrc_pieces(&c, len, id);
			continue;
		}
		crc = hroce_icrc_headers(skb_network_header(skb), udp_hdr(skb), pkt, id,
					 HROCE_UDP_BYTES + len);
		crc = hroce_crc32(crc, pkt + HROCE_BTH_BYTES,
				  len - HROCE_BTH_BYTES - HROCE_ICRC_BYTES);
		put_unaligned_le32(~crc, pkt + len - HROCE_ICRC_BYTES);
	}
}

/*
 * Leave the UDP checksum to the device, or to GSO; check holds the pseudo header's. IPv4
 * could do without in a single packet; but GRO holds those of super-packets back to put them
 * together again, and would let one without pass them.
 */
static void hroce_tx_csum(struct sk_buff *skb, __sum16 check)
{
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = skb_transport_header(skb) - skb->head;
	skb->csum_offset = offsetof(struct udphdr, check);
	udp_hdr(skb)->check = check;
}

static void hroce_tx_udp(struct sk_buff *skb, const struct hroce_av *av)
{
	struct udphdr *udp = __skb_push(skb, HROCE_UDP_BYTES);

	skb_reset_transport_header(skb);
	udp->source = htons(av->sport);
	udp->dest = htons(HROCE_UDP_PORT);
	udp->len = htons(skb->len);
	udp->check = 0;
}

static void hroce_tx_ipv4(struct sk_buff *skb, const struct hroce_av *av, u16 id)
{
	unsigned int udp_len = skb->len;
	struct iphdr *ip = __skb_push(skb, HROCE_IPV4_BYTES);

	skb_reset_network_header(skb);
	skb->protocol = htons(ETH_P_IP);
	ip->version = 4;
	ip->ihl = HROCE_IPV4_BYTES / 4;
	ip->tos = av->tclass;
	ip->id = htons(id);
	ip->frag_off = htons(IP_DF);
	ip->ttl = av->hop_limit ?: ip4_dst_hoplimit(skb_dst(skb));
	ip->protocol = IPPROTO_UDP;
	ip->saddr = av->saddr.ip.s6_addr32[3];
	ip->daddr = av->daddr.ip.s6_addr32[3];
	hroce_tx_csum(skb, ~udp_v4_check(udp_len, ip->saddr, ip->daddr, 0));
	memset(IPCB(skb), 0, sizeof(*IPCB(skb)));
}

static void hroce_tx_ipv6(struct sk_buff *skb, const struct hroce_av *av)
{
	unsigned int udp_len = skb->len;
	struct ipv6hdr *ip = __skb_push(skb, HROCE_IPV6_BYTES);

	skb_reset_network_header(skb);
	skb->protocol = htons(ETH_P_IPV6);
	ip6_flow_hdr(ip, av->tclass, htonl(av->flow_label & 0xfffff));
	ip->payload_len = htons(udp_len);
	ip->nexthdr = IPPROTO_UDP;
	ip->hop_limit = av->hop_limit ?: ip6_dst_hoplimit(skb_dst(skb));
	ip->saddr = av->saddr.ip;
	ip->daddr = av->daddr.ip;
	hroce_tx_csum(skb, ~udp_v6_check(udp_len, &ip->saddr, &ip->daddr, 0));
	memset(IP6CB(skb), 0, sizeof(*IP6CB(skb)));
}

static struct dst_entry *hroce_route_ipv4(struct net *net, const struct hroce_av *av,
					  struct dst_cache *cache)
{
	struct flowi4 fl4 = {
		.flowi4_oif = av->oif,
		.flowi4_proto = IPPROTO_UDP,
		.saddr = av->saddr.ip.s6_addr32[3],
		.daddr = av->daddr.ip.s6_addr32[3],
		.fl4_sport = htons(av->sport),
		.fl4_dport = htons(HROCE_UDP_PORT),
	};
	struct rtable *rt;

	compat_flowi4_set_tos(&fl4, av->tclass);
	rt = ip_route_output_key(net, &fl4);
	if (IS_ERR(rt))
		return ERR_CAST(rt);
	if (rt->rt_flags & RTCF_BROADCAST) {
		ip_rt_put(rt);
		return ERR_PTR(-EACCES);
	}
	if (cache)
		dst_cache_set_ip4(cache, &rt->dst, fl4.saddr);
	return &rt->dst;
}

static struct dst_entry *hroce_route_ipv6(struct sock *sk, const struct hroce_av *av,
					  struct dst_cache *cache)
{
	struct flowi6 fl6 = {
		.flowi6_oif = av->oif,
		.flowi6_proto = IPPROTO_UDP,
		.saddr = av->saddr.ip,
		.daddr = av->daddr.ip,
		.flowlabel = ip6_make_flowinfo(av->tclass, htonl(av->flow_label & 0xfffff)),
		.fl6_sport = htons(av->sport),
		.fl6_dport = htons(HROCE_UDP_PORT),
	};
	struct dst_entry *dst;

	dst = ip6_dst_lookup_flow(sock_net(sk), sk, &fl6, NULL);
	if (cache && !IS_ERR(dst))
		dst_cache_set_ip6(cache, dst, &fl6.saddr);
	return dst;
}

static struct dst_entry *hroce_tx_route(struct sock *sk, const struct hroce_av *av,
					struct dst_cache *cache)
{
	struct dst_entry *dst = cache ? dst_cache_get(cache) : NULL;

	if (dst)
		return dst;
	return hroce_addr_is_v4(&av->daddr) ? hroce_route_ipv4(sock_net(sk), av, cache) :
					      hroce_route_ipv6(sk, av, cache);
}

/*
 * A flow stays on one of the device's queues, so that nothing overtakes. Where a queue
 * belongs to the CPU that sends (XPS), that is the same one always, wherever we run.
 */
static void hroce_tx_flow(struct sk_buff *skb, u16 sport)
{
	u32 hash = hroce_flow_hash(sport);

	__skb_set_sw_hash(skb, hash, true);
#ifdef CONFIG_XPS
	skb->sender_cpu = reciprocal_scale(hash, nr_cpu_ids) + 1;
#endif
}

/* Headers on, route set, and off it goes. The stack consumes skb. */
static int hroce_tx_out(struct sk_buff *skb, struct sock *sk, const struct hroce_av *av,
			unsigned int seg, unsigned int segs)
{
	int err;
	u16 id;

	if (segs > 1) {
		skb_shinfo(skb)->gso_size = seg;
		skb_shinfo(skb)->gso_segs = segs;
		skb_shinfo(skb)->gso_type = SKB_GSO_UDP_L4;
	}
	skb->priority = rt_tos2priority(av->tclass);
	hroce_tx_flow(skb, av->sport);
	hroce_tx_udp(skb, av);
	if (hroce_addr_is_v4(&av->daddr)) {
		id = __this_cpu_add_return(hroce_ip_id, segs) - segs;
		hroce_tx_ipv4(skb, av, id);
		hroce_tx_icrc(skb, seg, id);
		err = ip_local_out(sock_net(sk), sk, skb);
	} else {
		hroce_tx_ipv6(skb, av);
		hroce_tx_icrc(skb, seg, 0);
		err = ip6_local_out(sock_net(sk), sk, skb);
	}
	return err > 0 ? net_xmit_errno(err) : err;
}

int hroce_net_xmit(struct hroce_dev *dev, const struct hroce_av *av,
		   struct dst_cache *cache, struct sk_buff *skb, unsigned int seg)
{
	unsigned int segs = skb->len > seg ? DIV_ROUND_UP(skb->len, seg) : 1;
	bool v4 = hroce_addr_is_v4(&av->daddr);
	struct hroce_net *hnet = dev->hnet;
	struct dst_entry *dst;
	struct sock *sk;
	int err = 0;

	local_bh_disable();	/* for the per-CPU data, and RCU for sk */
	sk = v4 ? READ_ONCE(hnet->sk4) : READ_ONCE(hnet->sk6);
	dst = sk ? hroce_tx_route(sk, av, cache) : ERR_PTR(-ENETDOWN);
	if (IS_ERR(dst)) {
		err = PTR_ERR(dst);
	} else {
		skb_dst_set(skb, dst);
		if (seg + HROCE_UDP_BYTES +
		    (v4 ? HROCE_IPV4_BYTES : HROCE_IPV6_BYTES) > dst_mtu(dst))
			err = -EMSGSIZE;
	}
	if (unlikely(err))
		kfree_skb(skb);
	else
		err = hroce_tx_out(skb, sk, av, seg, segs);
	hroce_count_n(dev->stats, err ? HROCE_TX_DROPPED : HROCE_SENT_PKTS, segs);
	local_bh_enable();
	return err;
}
