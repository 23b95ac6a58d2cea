/* SPDX-License-Identifier: GPL-2.0 */
/* What differs between kernels in the network stack. */
#ifndef HMMODP_COMPAT_NET_H
#define HMMODP_COMPAT_NET_H

#include <linux/skbuff.h>
#include <net/flow.h>
#include <net/inet_dscp.h>
#include <net/route.h>
#include <net/udp_tunnel.h>

/* UDP tunnels are set up and released by their struct sock, or struct socket. */
static inline void compat_udp_tunnel_setup(struct net *net, struct sock *sk,
					   struct udp_tunnel_sock_cfg *cfg)
{
#ifdef HMMODP_HAVE_NET_UDP_TUNNEL_SK
	setup_udp_tunnel_sock(net, sk, cfg);
#else
	setup_udp_tunnel_sock(net, sk->sk_socket, cfg);
#endif
}

static inline void compat_udp_tunnel_release(struct sock *sk)
{
#ifdef HMMODP_HAVE_NET_UDP_TUNNEL_SK
	udp_tunnel_sock_release(sk);
#else
	udp_tunnel_sock_release(sk->sk_socket);
#endif
}

/* The route lookup's type of service, without its ECN bits. */
static inline void compat_flowi4_set_tos(struct flowi4 *fl4, u8 tos)
{
#ifdef HMMODP_HAVE_NET_FLOWI4_DSCP
	fl4->flowi4_dscp = inet_dsfield_to_dscp(tos);
#else
	fl4->flowi4_tos = tos & INET_DSCP_MASK;
#endif
}

/* Device memory in fragments cannot be read by the CPU; older kernels have none. */
static inline bool compat_skb_readable(const struct sk_buff *skb)
{
#ifdef HMMODP_HAVE_NET_SKB_FRAGS_READABLE
	return skb_frags_readable(skb);
#else
	return true;
#endif
}

#endif
