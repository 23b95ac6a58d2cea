/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of the network layer share among themselves, see net.h. */
#ifndef HROCE_NET_SOCKET_H
#define HROCE_NET_SOCKET_H

#include <linux/jhash.h>
#include <linux/list.h>
#include <linux/netfilter.h>
#include <net/sock.h>

#include "net.h"

/**
 * struct hroce_net - UDP port 4791 of a network namespace
 * @list: in hroce_nets
 * @net: the namespace; no reference, it may die first
 * @users: devices
 * @sk4: IPv4 socket; NULL once the namespace dies. Data path reads it under RCU.
 * @sk6: IPv6 socket; also NULL where there is no IPv6
 * @hooked: the netfilter hooks are registered
 */
struct hroce_net {
	struct list_head list;	/* hroce_net_lock protects all but the reads */
	struct net *net;
	unsigned int users;
	struct sock *sk4;
	struct sock *sk6;
	bool hooked;
};

/* Bytes of the IP header that we send and take: no options, no extensions. */
#define HROCE_IPV4_BYTES	20
#define HROCE_IPV6_BYTES	40
#define HROCE_UDP_BYTES		8

/* Where a packet best begins, modulo 16: its payload follows 12 bytes of BTH. */
#define HROCE_DATA_ALIGN	16
#define HROCE_DATA_OFFSET	4

/*
 * The flow hash of what we send. It needs no dissecting, and with a random key it
 * tells the receive path which buffers were made in this very kernel.
 */
extern u32 hroce_flow_key;

static inline u32 hroce_flow_hash(u16 sport)
{
	return jhash_1word(sport, hroce_flow_key);
}

/* net_pages.c: append len bytes of page fragments; false when there is no memory,
 * and skb is to be freed. To be freed when no one sends.
 */
bool hroce_pages_add(struct sk_buff *skb, unsigned int len);
void hroce_pages_free(void);

/* net_rx.c: the ways in. */
extern hroce_rcv_t hroce_net_rcv;
unsigned int hroce_net_hook4(void *priv, struct sk_buff *skb,
			     const struct nf_hook_state *state);
unsigned int hroce_net_hook6(void *priv, struct sk_buff *skb,
			     const struct nf_hook_state *state);
int hroce_net_encap_rcv(struct sock *sk, struct sk_buff *skb);

#endif
