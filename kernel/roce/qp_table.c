// SPDX-License-Identifier: GPL-2.0
/* QP numbers, and the way of a received buffer to its QP. */
#include <linux/random.h>
#include <linux/xarray.h>

#include "mcast.h"
#include "net.h"
#include "qp.h"
#include "qp_verbs.h"

/*
 * What the table holds. Apart from the QP, because ib core frees that right
 * after destroy_qp, while a receiver may still be about to take a reference.
 */
struct hroce_qp_ref {
	struct hroce_qp *qp;
	refcount_t refs;
	struct completion idle;		/* refs came to 0 */
	struct rcu_head rcu;
};

/* QPN -> struct hroce_qp_ref of all devices' QPs but 0 and 1; read under RCU. */
static DEFINE_XARRAY_ALLOC(hroce_qpns);
static u32 hroce_next_qpn;

static void hroce_qp_put(struct hroce_qp_ref *ref)
{
	if (refcount_dec_and_test(&ref->refs))
		complete(&ref->idle);
}

int hroce_qp_table_add(struct hroce_qp *qp)
{
	struct hroce_qp_ref *ref;
	u32 qpn;
	int err;

	ref = kzalloc(sizeof(*ref), GFP_KERNEL_ACCOUNT);
	if (!ref)
		return -ENOMEM;
	ref->qp = qp;
	refcount_set(&ref->refs, 1);
	init_completion(&ref->idle);
	qp->ref = ref;
	if (qp->ibqp.qp_type == IB_QPT_GSI) {
		qp->ibqp.qp_num = 1;
		if (cmpxchg((struct hroce_qp_ref **)&qp->dev->gsi, NULL, ref)) {
			kfree(ref);
			return -EBUSY;
		}
		return 0;
	}
	/* Not again soon: late packets of an old connection find no QP. */
	err = xa_alloc_cyclic(&hroce_qpns, &qpn, ref, XA_LIMIT(2, HROCE_QPN_MASK - 1),
			      &hroce_next_qpn, GFP_KERNEL_ACCOUNT);
	if (err < 0) {
		kfree(ref);
		return err;
	}
	qp->ibqp.qp_num = qpn;
	return 0;
}

void hroce_qp_table_del(struct hroce_qp *qp)
{
	struct hroce_qp_ref *ref = qp->ref;

	if (qp->ibqp.qp_type == IB_QPT_GSI)
		RCU_INIT_POINTER(qp->dev->gsi, NULL);
	else
		xa_erase(&hroce_qpns, qp->ibqp.qp_num);
	hroce_qp_put(ref);
	wait_for_completion(&ref->idle);
	kfree_rcu(ref, rcu);
}

/* RCU read side. */
static struct hroce_qp_ref *hroce_qp_find(const struct sk_buff *skb, u32 qpn,
					  const struct hroce_addr *daddr)
{
	struct hroce_qp_ref *ref;
	struct hroce_dev *dev;

	if (qpn == 1) {
		dev = hroce_dev_for_packet(skb, daddr);
		ref = dev ? rcu_dereference(dev->gsi) : NULL;
	} else {
		ref = xa_load(&hroce_qpns, qpn);
	}
	return ref && refcount_inc_not_zero(&ref->refs) ? ref : NULL;
}

/* Where a packet goes, as far as its BTH tells. */
struct hroce_dest {
	u32 qpn;
	u32 psn;		/* of the first packet */
	u32 last_psn;		/* the highest */
	bool response;
	bool fetch;		/* one is a request that has an answer of its own */
	bool ack_req;		/* one asks for an ACK */
};

/*
 * May this packet speak to this QP? A connected QP hears its peer's address
 * only, at its own; a datagram QP whoever writes to an address of its device, or to
 * a group that it has joined, which has been looked up before.
 */
static bool hroce_qp_accepts(struct hroce_qp *qp, const struct sk_buff *skb,
			     const struct hroce_addr *saddr,
			     const struct hroce_addr *daddr, const struct hroce_dest *d)
{
	enum ib_qp_state state = READ_ONCE(qp->state);

	if (!net_eq(dev_net(skb->dev), dev_net(qp->dev->ndev)))
		return false;
	if (d->response ? state != IB_QPS_RTS && state != IB_QPS_SQD :
		       !hroce_qp_can_receive(state))
		return false;
	if (d->response ? !hroce_qp_is_reliable(qp) || !hroce_qp_has_sq(qp) :
			  !hroce_qp_has_rq(qp))
		return false;
	if (hroce_qp_is_ud(qp))
		return d->qpn == HROCE_MCAST_QPN || hroce_dev_has_addr(qp->dev, daddr);
	return ipv6_addr_equal(&saddr->ip, &qp->av.daddr.ip) &&
	       ipv6_addr_equal(&daddr->ip, &qp->av.saddr.ip);
}

static bool hroce_peek(const struct sk_buff *skb, u32 off, struct hroce_dest *d)
{
	__be32 bth[HROCE_BTH_BYTES / 4];
	u32 flags;

	if (!hroce_rx_copy(skb, off, bth, sizeof(bth)))
		return false;
	flags = hroce_opcode_flags(be32_to_cpu(bth[0]) >> 24);
	d->response = flags & HROCE_PKT_RESPONSE;
	d->fetch = flags & (HROCE_PKT_READ | HROCE_PKT_ATOMIC | HROCE_PKT_ATOMIC_WRITE |
			    HROCE_PKT_FLUSH);
	d->qpn = be32_to_cpu(bth[1]) & HROCE_QPN_MASK;
	d->psn = be32_to_cpu(bth[2]) & HROCE_PSN_MASK;
	d->last_psn = d->psn;
	d->ack_req = be32_to_cpu(bth[2]) & HROCE_BTH_ACK_REQ;
	return true;
}

/* RNR timer of a responder that waits for a page: 10 ms, or more if so set. */
static u8 hroce_stall_timer(const struct hroce_qp *qp)
{
	u8 code = qp->attr.min_rnr_timer;

	return code ? max_t(u8, code, HROCE_RNR_10_MS) : 0;
}

/* A repeated packet that comes so soon after the stall began asks for an ACK. */
#define HROCE_ASKS_JIFFIES	2

/*
 * While a page fault stalls the responder, a requester may run into its timeout and
 * repeat what it has sent. All of that waits in the inbox already, or has been dealt
 * with. So the first packet is answered by an RNR NAK, which makes the requester
 * wait without using up its retries, and those behind it go. True: not to be kept.
 *
 * One that comes at once is no timeout's: the requester asks for an ACK that it had
 * left to the message behind (hroce_requester_ask()), and gets it after the stall. A
 * READ or atomic repeated so soon has lost its answer, and gets that in its turn. GRO may
 * have joined repeated packets with new ones: they are kept with those.
 *
 * Several CPUs may be here. If one takes new packets for old, they are asked for
 * again by the rules of lost packets.
 */
static bool hroce_is_repeat(struct hroce_qp *qp, const struct hroce_dest *d)
{
	struct hroce_rq *rq = &qp->rq;
	int behind;

	if (likely(!READ_ONCE(rq->stalled)) || !hroce_qp_is_reliable(qp))
		return false;
	if (!hroce_psn_before(d->last_psn, READ_ONCE(rq->parked_psn))) {
		WRITE_ONCE(rq->parked_psn, hroce_psn_add(d->last_psn, 1));
		return false;
	}
	behind = hroce_psn_diff(READ_ONCE(rq->stall_psn), d->psn);
	if (behind >= 0 &&
	    time_after(jiffies, READ_ONCE(rq->stall_at) + HROCE_ASKS_JIFFIES)) {
		hroce_responder_nak(qp, d->psn, HROCE_AETH_RNR | hroce_stall_timer(qp));
		return true;
	}
	if (behind > 0 && d->fetch)
		return false;
	if (d->ack_req) {
		WRITE_ONCE(rq->asked, true);
		/* the stall may be over, and nothing else come */
		hroce_runner_kick(&rq->runner);
	}
	return true;
}

/* No such QP: the device that it was meant for counts it. */
static void hroce_count_lost(const struct sk_buff *skb, const struct hroce_addr *daddr)
{
	struct hroce_dev *dev = hroce_dev_for_packet(skb, daddr);

	if (dev)
		hroce_count(dev->stats, HROCE_RX_NO_QP);
}

/* Takes over the reference. */
static void hroce_deliver_to(struct hroce_qp_ref *ref, struct sk_buff *skb,
			     const struct hroce_dest *d)
{
	struct hroce_addr saddr, daddr;
	struct hroce_qp *qp = ref->qp;
	struct hroce_inbox *in;

	hroce_rx_addrs(skb, &saddr, &daddr);
	if (!hroce_qp_accepts(qp, skb, &saddr, &daddr, d)) {
		hroce_count(qp->dev->stats, HROCE_RX_NO_QP);
		goto put;
	}
	if (!d->response && hroce_is_repeat(qp, d)) {
		hroce_count(qp->dev->stats, HROCE_DUPLICATE_REQUEST);
		goto put;
	}
	in = d->response ? &qp->sq.inbox : &qp->rq.inbox;
	if (!hroce_inbox_put(in, skb)) {
		hroce_count(qp->dev->stats, HROCE_PARK_OVERFLOW);
		goto put;
	}
	hroce_runner_kick(d->response ? &qp->sq.runner : &qp->rq.runner);
	hroce_qp_put(ref);
	return;
put:
	hroce_qp_put(ref);
	kfree_skb(skb);
}

struct hroce_copy {
	struct sk_buff *skb;
	const struct hroce_dest *d;
};

static void hroce_deliver_copy(struct hroce_qp_ref *ref, void *ctx)
{
	const struct hroce_copy *c = ctx;
	struct sk_buff *skb;

	if (!refcount_inc_not_zero(&ref->refs))
		return;
	skb = skb_clone(c->skb, GFP_ATOMIC);
	if (skb)
		hroce_deliver_to(ref, skb, c->d);
	else
		hroce_qp_put(ref);
}

static void hroce_deliver(struct sk_buff *skb, const struct hroce_dest *d)
{
	struct hroce_copy c = { skb, d };
	struct hroce_addr saddr, daddr;
	struct hroce_qp_ref *ref;
	struct hroce_dev *dev;

	hroce_rx_addrs(skb, &saddr, &daddr);
	if (d->qpn == HROCE_MCAST_QPN) {
		dev = hroce_dev_by_netdev(skb->dev);
		if (dev && !d->response)
			hroce_mcast_each(dev, &daddr, hroce_deliver_copy, &c);
		consume_skb(skb);
		return;
	}
	ref = hroce_qp_find(skb, d->qpn, &daddr);
	if (ref) {
		hroce_deliver_to(ref, skb, d);
		return;
	}
	hroce_count_lost(skb, &daddr);
	kfree_skb(skb);
}

/* GRO may have joined packets of several QPs: hand each on by itself. */
static void hroce_deliver_apart(struct sk_buff *skb)
{
	struct hroce_dest d;
	struct sk_buff *one;

	for (; hroce_rx_len(skb); hroce_rx_next(skb)) {
		if (!hroce_peek(skb, HROCE_RX(skb)->off, &d))
			break;
		one = skb_clone(skb, GFP_ATOMIC);
		if (!one)
			break;
		if (pskb_trim(one, HROCE_RX(skb)->off + hroce_rx_len(skb))) {
			kfree_skb(one);
			break;
		}
		hroce_deliver(one, &d);
	}
	consume_skb(skb);
}

void hroce_qp_receive(struct sk_buff *skb)
{
	const struct hroce_rx *rx = HROCE_RX(skb);
	struct hroce_dest d, other;
	u32 off;

	if (!hroce_peek(skb, rx->off, &d)) {
		kfree_skb(skb);
		return;
	}
	for (off = rx->off + rx->seg; off < skb->len; off += rx->seg) {
		if (!hroce_peek(skb, off, &other) || other.qpn != d.qpn ||
		    other.response != d.response) {
			hroce_deliver_apart(skb);
			return;
		}
		if (hroce_psn_before(d.last_psn, other.psn))
			d.last_psn = other.psn;
		d.fetch |= other.fetch;
		d.ack_req |= other.ack_req;
	}
	hroce_deliver(skb, &d);
}

int hroce_qp_init(void)
{
	int err;

	hroce_next_qpn = get_random_u32_below(1 << 20) + 2;
	err = hroce_inbox_module_init();
	if (err)
		return err;
	err = hroce_runner_module_init();
	if (err)
		hroce_inbox_module_exit();
	return err;
}

void hroce_qp_exit(void)
{
	hroce_runner_module_exit();
	hroce_inbox_module_exit();
	WARN_ON(!xa_empty(&hroce_qpns));
	rcu_barrier();
}
