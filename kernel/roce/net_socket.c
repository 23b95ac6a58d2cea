// SPDX-License-Identifier: GPL-2.0
/*
 * UDP port 4791 of each network namespace that has a device.
 *
 * The sockets own the port and make GRO merge our packets; but UDP would cut a
 * super-packet up again before it hands it to a socket with an encap_rcv. So
 * packets are taken a step earlier: by a netfilter hook behind all others at
 * LOCAL_IN, where firewall rules have had their say and fragments have been put
 * together. What the hook does not take (reassembled IPv6) comes by encap_rcv.
 */
#include <linux/mutex.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/udp.h>
#include <net/net_namespace.h>

#include "../compat/net.h"
#include "net_socket.h"
#include "wire.h"

static DEFINE_MUTEX(hroce_net_lock);	/* protects hroce_nets and what is in it */
static LIST_HEAD(hroce_nets);

u32 hroce_flow_key __ro_after_init;

static const struct nf_hook_ops hroce_net_hooks[] = {
	{
		.hook = hroce_net_hook4,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_LOCAL_IN,
		.priority = NF_IP_PRI_LAST,
	}, {
		.hook = hroce_net_hook6,
		.pf = NFPROTO_IPV6,
		.hooknum = NF_INET_LOCAL_IN,
		.priority = NF_IP6_PRI_LAST,
	},
};

/* Let GRO merge packets for this socket. Not vital: without, they come singly. */
static void hroce_sock_enable_gro(struct socket *sock)
{
	int on = 1;

	sock->ops->setsockopt(sock, SOL_UDP, UDP_GRO, KERNEL_SOCKPTR(&on), sizeof(on));
}

/* Members of a multicast group may be on the sender's own host. */
static void hroce_sock_loop_multicast(struct socket *sock, int family)
{
	int on = 1;

	if (family == AF_INET)
		sock->ops->setsockopt(sock, SOL_IP, IP_MULTICAST_LOOP, KERNEL_SOCKPTR(&on),
				      sizeof(on));
	else
		sock->ops->setsockopt(sock, SOL_IPV6, IPV6_MULTICAST_LOOP,
				      KERNEL_SOCKPTR(&on), sizeof(on));
}

static struct sock *hroce_sock_open(struct net *net, int family)
{
	struct udp_port_cfg port = {
		.family = family,
		.local_udp_port = htons(HROCE_UDP_PORT),
		.ipv6_v6only = family == AF_INET6,
	};
	struct udp_tunnel_sock_cfg tunnel = {
		.encap_type = 1,
		.encap_rcv = hroce_net_encap_rcv,
	};
	struct socket *sock;
	int err;

	err = udp_sock_create(net, &port, &sock);
	if (err)
		return ERR_PTR(err);
	compat_udp_tunnel_setup(net, sock->sk, &tunnel);
	hroce_sock_enable_gro(sock);
	hroce_sock_loop_multicast(sock, family);
	return sock->sk;
}

static void hroce_sock_close(struct sock **where)
{
	struct sock *sk = *where;

	if (!sk)
		return;
	WRITE_ONCE(*where, NULL);
	synchronize_net();
	compat_udp_tunnel_release(sk);
}

/* After this, no packet comes in or goes out any more. */
static void hroce_net_close(struct hroce_net *hnet)
{
	if (hnet->hooked)
		nf_unregister_net_hooks(hnet->net, hroce_net_hooks,
					ARRAY_SIZE(hroce_net_hooks));
	hnet->hooked = false;
	hroce_sock_close(&hnet->sk4);
	hroce_sock_close(&hnet->sk6);
	synchronize_net();
}

static int hroce_net_open(struct hroce_net *hnet)
{
	struct sock *sk;
	int err;

	sk = hroce_sock_open(hnet->net, AF_INET);
	if (IS_ERR(sk))
		return PTR_ERR(sk);
	hnet->sk4 = sk;
	sk = hroce_sock_open(hnet->net, AF_INET6);
	if (!IS_ERR(sk))
		hnet->sk6 = sk;
	else if (PTR_ERR(sk) != -EAFNOSUPPORT && PTR_ERR(sk) != -EPFNOSUPPORT)
		return PTR_ERR(sk);
	err = nf_register_net_hooks(hnet->net, hroce_net_hooks,
				    ARRAY_SIZE(hroce_net_hooks));
	hnet->hooked = !err;
	return err;
}

static struct hroce_net *hroce_net_find(struct net *net)
{
	struct hroce_net *hnet;

	list_for_each_entry(hnet, &hroce_nets, list)
		if (net_eq(hnet->net, net))
			return hnet;
	return NULL;
}

static struct hroce_net *hroce_net_new(struct net *net)
{
	struct hroce_net *hnet = kzalloc(sizeof(*hnet), GFP_KERNEL);
	int err;

	if (!hnet)
		return ERR_PTR(-ENOMEM);
	hnet->net = net;
	err = hroce_net_open(hnet);
	if (!err) {
		list_add(&hnet->list, &hroce_nets);
		return hnet;
	}
	hroce_net_close(hnet);
	kfree(hnet);
	if (err == -EADDRINUSE)
		pr_err("hroce: UDP port %u of this network namespace is taken, most likely by rdma_rxe: remove its links and unload it, or use another namespace\n",
		       HROCE_UDP_PORT);
	else
		pr_err("hroce: cannot open UDP port %u: error %d\n", HROCE_UDP_PORT, err);
	return ERR_PTR(err);
}

struct hroce_net *hroce_net_get(struct net *net)
{
	struct hroce_net *hnet;

	mutex_lock(&hroce_net_lock);
	hnet = hroce_net_find(net);
	if (!hnet)
		hnet = hroce_net_new(net);
	if (!IS_ERR(hnet))
		hnet->users++;
	mutex_unlock(&hroce_net_lock);
	return hnet;
}

void hroce_net_put(struct hroce_net *hnet)
{
	mutex_lock(&hroce_net_lock);
	if (!--hnet->users) {
		list_del(&hnet->list);
		hroce_net_close(hnet);
		kfree(hnet);
		if (list_empty(&hroce_nets))
			hroce_pages_free();
	}
	mutex_unlock(&hroce_net_lock);
}

/*
 * A namespace dies: its netdevs are gone by now, and the devices on them are
 * going; but one whose removal is still queued may hold its hroce_net yet.
 */
static void __net_exit hroce_net_exit_net(struct net *net)
{
	struct hroce_net *hnet;

	mutex_lock(&hroce_net_lock);
	hnet = hroce_net_find(net);
	if (hnet) {
		hroce_net_close(hnet);
		hnet->net = NULL;
	}
	mutex_unlock(&hroce_net_lock);
}

static struct pernet_operations hroce_net_ops = {
	.exit = hroce_net_exit_net,
};

int __init hroce_net_init(hroce_rcv_t rcv)
{
	hroce_net_rcv = rcv;
	hroce_flow_key = get_random_u32();
	return register_pernet_subsys(&hroce_net_ops);
}

void hroce_net_exit(void)
{
	unregister_pernet_subsys(&hroce_net_ops);
}
