/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The network below the transport: UDP sockets, routes, IP and UDP headers,
 * ICRC, segmentation. Knows nothing of QPs.
 */
#ifndef HROCE_NET_H
#define HROCE_NET_H

#include <linux/in6.h>
#include <linux/skbuff.h>
#include <net/dst_cache.h>
#include <rdma/hroce-abi.h>
#include <rdma/ib_verbs.h>

struct hroce_dev;
struct hroce_hdr;
struct hroce_net;

/* An IP address of either family; v4-mapped IPv6 for IPv4, as in a GID. */
struct hroce_addr {
	struct in6_addr ip;
};

static inline bool hroce_addr_is_v4(const struct hroce_addr *a)
{
	return ipv6_addr_v4mapped(&a->ip);
}

/* Address vector: where packets go and what their IP headers say. */
struct hroce_av {
	struct hroce_addr saddr;
	struct hroce_addr daddr;
	int oif;		/* ifindex of the GID's netdev */
	u32 flow_label;
	u16 sport;		/* UDP source port, host order */
	u8 tclass;
	u8 hop_limit;
	u8 sgid_index;
	u8 dmac[ETH_ALEN];	/* as resolved by ib core; information only */
};

/**
 * hroce_net_av_init - fill an address vector from an AH attribute
 * Context: process.
 * Return: 0 or -EINVAL (no RoCE v2 GID, mixed families).
 */
int hroce_net_av_init(struct hroce_dev *dev, struct hroce_av *av,
		      const struct rdma_ah_attr *attr);
/* The reverse, for query; leaves out what av does not hold. */
void hroce_net_av_to_attr(const struct hroce_av *av, struct rdma_ah_attr *attr);

/**
 * hroce_net_get - the sockets of a network namespace, opened on first use
 * Context: process. Return: or ERR_PTR: -EADDRINUSE when another RoCE driver
 *	has UDP port 4791 there (logged, with the cure).
 */
struct hroce_net *hroce_net_get(struct net *net);
void hroce_net_put(struct hroce_net *hnet);

/*
 * Sending. A buffer holds one packet, or several of one size (but for the last,
 * which may be shorter) that leave as one UDP-GSO super-packet. In it, packets
 * follow one another: BTH .. payload, pad, 4 bytes for the ICRC.
 */

/* Most bytes (of packets, i.e. UDP payload) that one buffer may hold. */
#define HROCE_NET_MAX_BYTES	65000u

/**
 * hroce_net_alloc - a buffer with room for headers in front and len bytes
 * @gfp: GFP_ATOMIC or GFP_KERNEL
 * Return: skb whose skb->len == len, in the linear part or in page fragments;
 *	NULL when there is no memory.
 */
struct sk_buff *hroce_net_alloc(struct hroce_dev *dev, unsigned int len, gfp_t gfp);

/* Where hroce_net_write() stands in a buffer. Starts as { skb }. */
struct hroce_cursor {
	struct sk_buff *skb;
	unsigned int off;	/* bytes written so far */
	int frag;		/* current fragment, -1: linear part */
	unsigned int frag_off;	/* bytes written in it */
};

void hroce_net_cursor_init(struct hroce_cursor *c, struct sk_buff *skb);
/* Append bytes. A NULL src skips them (the ICRC's place). */
void hroce_net_write(struct hroce_cursor *c, const void *src, unsigned int len);

/**
 * hroce_net_xmit - compute the ICRCs, add UDP and IP headers, send
 * @av: where to
 * @cache: of the route, or NULL
 * @skb: consumed in any case
 * @seg: bytes of each packet in it, ICRC included; skb->len when it is one
 * Context: any but hard interrupt, no spinlock held that the receive path takes.
 * Return: 0, or -errno when it never left (no route, ...): the transport treats
 *	that as a lost packet.
 */
int hroce_net_xmit(struct hroce_dev *dev, const struct hroce_av *av,
		   struct dst_cache *cache, struct sk_buff *skb, unsigned int seg);

/*
 * Receiving. net hands up each UDP datagram or GRO/GSO super-packet whole.
 */

/* In skb->cb of a received buffer. */
struct hroce_rx {
	u32 off;	/* of the next packet's BTH from skb->data */
	u32 seg;	/* bytes of each packet, the last may be shorter */
	u32 index;	/* of the next packet in the super-packet */
	bool known;	/* the next packet waits for a page: its ICRC was right */
};

#define HROCE_RX(skb) ((struct hroce_rx *)(skb)->cb)

/* Bytes of the packet at rx->off; 0 at the end. */
static inline unsigned int hroce_rx_len(const struct sk_buff *skb)
{
	const struct hroce_rx *rx = HROCE_RX((struct sk_buff *)skb);

	return min_t(u32, rx->seg, skb->len - rx->off);
}

static inline void hroce_rx_next(struct sk_buff *skb)
{
	HROCE_RX(skb)->off += hroce_rx_len(skb);
	HROCE_RX(skb)->index++;
	HROCE_RX(skb)->known = false;
}

/* Copy len bytes at off from skb->data. As a rule they lie together, which costs less
 * than skb_copy_bits(). False: there are not so many.
 */
bool hroce_rx_copy(const struct sk_buff *skb, unsigned int off, void *to, unsigned int len);
/* The headers of the packet at rx->off, a copy: others may write to its pages. As
 * hroce_hdr_parse().
 */
int hroce_rx_parse(const struct sk_buff *skb, struct hroce_hdr *h);
/* Is the ICRC of the packet at rx->off right? Length >= BTH + ICRC is checked. */
bool hroce_rx_icrc_ok(struct sk_buff *skb);
void hroce_rx_addrs(const struct sk_buff *skb, struct hroce_addr *saddr,
		    struct hroce_addr *daddr);
/* Copy the 40 bytes that a UD receive buffer begins with (GRH, or IPv4 in its
 * last 20 bytes: IBTA A17.4.5.1).
 */
void hroce_rx_grh(const struct sk_buff *skb, u8 grh[40]);
enum hroce_sl hroce_rx_sl(const struct sk_buff *skb);
/* The GID that the packet was sent to. */
void hroce_rx_dgid(const struct sk_buff *skb, union ib_gid *gid);

/**
 * typedef hroce_rcv_t - takes one received buffer
 * Owns skb from then on; HROCE_RX(skb) stands at its first packet, each packet
 * but the last is rx->seg bytes long. skb->dev is the netdev it came in by.
 * Context: softirq, RCU read side.
 */
typedef void (*hroce_rcv_t)(struct sk_buff *skb);

/**
 * hroce_net_join - have the netdev receive what is sent to a multicast address
 * Counted: each is undone by one hroce_net_leave(). Switches are told by IGMP or MLD.
 * Context: process, takes rtnl.
 * Return: 0; -ENODEV: no IP on the netdev; -ENOMEM and what else IPv6 says.
 */
int hroce_net_join(struct net_device *ndev, const struct hroce_addr *group);
void hroce_net_leave(struct net_device *ndev, const struct hroce_addr *group);

int hroce_net_init(hroce_rcv_t rcv);
void hroce_net_exit(void);

#endif
