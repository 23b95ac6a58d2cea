/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The queue pair: two halves that share little.
 *
 *	send half (struct hroce_sq)		receive half (struct hroce_rq)
 *	doorbell -> requester -> packets	packets -> responder -> memory, CQEs
 *	responses -> completer -> CQEs		faults stall it, packets wait
 *
 * Each half is a runner (runner.h): all its fields belong to the runner's owner
 * unless said otherwise.
 */
#ifndef HROCE_QP_H
#define HROCE_QP_H

#include <linux/mutex.h>
#include <linux/skbuff.h>
#include <rdma/ib_pack.h>
#include <rdma/ib_verbs.h>

#include "cq.h"
#include "dev.h"
#include "mr.h"
#include "psn.h"
#include "rdma.h"
#include "ring.h"
#include "runner.h"
#include "wire.h"

struct hroce_srq;
struct hroce_walk;

/* Packets that may be on their way unacknowledged. */
#define HROCE_WINDOW_PKTS	256
/* A READ goes out as requests of at most that many response packets, so that
 * the window holds for READs too.
 */
#define HROCE_READ_PKTS		64
/* Ask for an ACK at least that often. */
#define HROCE_ACK_EVERY		64
/* At the end of a message, unless another follows and fewer have gone so far. */
#define HROCE_ACK_MESSAGES	8
/* Buffers that may wait for a stalled half before further ones are dropped. */
#define HROCE_INBOX_SKBS	1024
#define HROCE_INBOX_BYTES	(8u << 20)
#define HROCE_INBOX_SHARE	(64u << 10)	/* also where all hold too much together */

/* What a fault is for. */
struct hroce_want {
	u64 va;
	u32 need;			/* bytes of this packet, or burst */
	u32 len;			/* and all that will follow */
	u32 psn;			/* of that packet */
	u32 mtu;
	enum hmmodp_dir dir;
};

/**
 * struct hroce_stall - a half that waits for a page fault
 * @fault: under way or just served; NULL: not stalled
 * @runner: kicked when it is served
 * @err: its result, valid once @done
 * @done: set with release semantics by the fault's callback
 * @stats: where the time is counted
 * @since: when it began
 * @last: what the last fault brought
 * @most: bytes that the next may bring beyond its need
 * @callbacks: how many may still come or be running: that of the fault under way, and
 *	those whose @done was seen before they had kicked
 * Only @err, @done and @callbacks are written by others than the runner's owner.
 */
struct hroce_stall {
	struct hmmodp_fault *fault;
	struct hroce_runner *runner;
	struct hroce_stats __percpu *stats;
	ktime_t since;
	struct hroce_want last;
	u32 most;
	atomic_t callbacks;
	int err;
	bool done;
};

/* An inbox: buffers that other contexts leave for a runner. */
struct hroce_inbox {
	struct sk_buff_head skbs;	/* has its own lock */
	atomic_t bytes;
};

/* What a peer says about a PSN (IBTA 9.7.5.1): ACK or NAK. */
struct hroce_word {
	u32 psn;
	u8 syndrome;
	bool valid;
};

/**
 * struct hroce_swr - a send request, fetched from the ring
 * @length: bytes of the message
 * @first_psn: and @last_psn: what it takes on the wire, READ responses included;
 *	of a local request, that takes nothing, @last_psn is the one before
 * @status: IB_WC_SUCCESS, or why it cannot be executed
 * @executed: a local request (hroce_wr_is_local()) that has been
 * @wqe: private copy; the scatter/gather list or inline data follows
 */
struct hroce_swr {
	u32 length;
	u32 first_psn;
	u32 last_psn;
	u32 status;
	bool executed;
	struct hroce_send_wqe wqe;
};

/**
 * struct hroce_sq - the send half
 * Indices of requests run freely like those of the ring:
 *	ring.index (oldest not complete) <= send <= fetched <= ring producer
 * @psn: next to send; goes back on retransmission
 * @una: oldest not acknowledged
 * @max_psn: one past the highest ever sent
 * @next_psn: of the next request fetched
 */
struct hroce_sq {
	struct hroce_runner runner;
	struct hroce_inbox inbox;	/* responses */
	struct hroce_ringbuf ring;
	spinlock_t post_lock;		/* kernel QPs: protects the ring's producer end */
	void *slots;			/* struct hroce_swr, one per ring entry */
	struct hroce_av *avs;		/* UD: address vectors of the same */
	u32 slot_bytes;
	u32 max_sge;
	u32 max_inline;
	bool sig_all;
	u32 posts, posts_heard, posts_done;	/* hroce_posts_stream(); anybody */

	u32 fetched;
	u32 send;
	u32 psn;
	u32 una;
	u32 max_psn;
	u32 next_psn;
	u32 window;			/* packets that may be sent beyond una; READs more */
	u32 unasked;			/* packets sent since the last ACK request */
	bool anxious;			/* has gone back, no progress since */
	u32 stall_index;		/* request that send_stall is about */
	u32 rd_out;			/* requests under way that have a response of their own */
	u8 retries_left;
	u8 rnr_left;
	bool rnr_wait;			/* until rnr_at */
	bool drained_event;		/* SQD: event still owed */
	unsigned long rnr_at;		/* jiffies */
	unsigned long retry_at;		/* jiffies; valid while una != psn */
	unsigned long lost_at;		/* jiffies: went back for a lost response */
	u32 lost_pause;			/* jiffies: does not do so again before */
	bool lost;			/* went back for a response; retry_at stays for that */
	u64 early;			/* READ responses that have come: bit i is PSN una + i */
	struct hroce_word word;		/* the last one that came before a response that is owed */
	u32 asked;			/* and that response has been asked for, up to there */
	unsigned long again_at;		/* jiffies; valid while again */
	bool again;			/* out of memory: wait until again_at */
	struct hroce_stall send_stall;	/* of a source */
	struct hroce_stall resp_stall;	/* of a READ's or atomic's destination */
	bool flushed;			/* nothing left when last flushed */
	struct hroce_mr *ended;		/* by a request being executed; still in use */
	u32 ended_index;		/* that request */
};

/* A receive request taken from the ring. */
struct hroce_rwr {
	u64 wr_id;
	u32 num_sge;
	struct hroce_sge sge[HROCE_MAX_SGE];
};

/* The result of an atomic, kept for duplicates. */
struct hroce_atomic_result {
	u32 psn;
	u64 orig;
	bool valid;
};

enum hroce_message {
	HROCE_MSG_NONE,
	HROCE_MSG_SEND,
	HROCE_MSG_WRITE,
};

/* READ responses being sent. */
struct hroce_emit {
	bool active;
	bool duplicate;		/* has been answered before */
	u64 va;
	u32 rkey;
	u32 length;		/* of this READ request */
	u32 first_psn;
	u32 pkt;		/* next packet, from 0 */
	u32 total;		/* packets */
	u32 srqn;		/* XRC: that the request named */
};

/**
 * struct hroce_rq - the receive half
 * @epsn: expected PSN
 * @msn: messages completed
 * @silent: a NAK has been sent for @epsn: say nothing until it arrives. UC: what is
 *	left of the message is dropped
 * @msg: being received: its kind, bytes so far, and for a WRITE its target
 */
struct hroce_rq {
	struct hroce_runner runner;
	struct hroce_inbox inbox;	/* requests */
	struct hroce_srq *srq;		/* to take from, in the place of @ring; or NULL.
					 * XRC: with a reference, for the packet in hand
					 */
	u32 msg_srqn;			/* XRC: of the message under way */
	struct hroce_ringbuf ring;
	spinlock_t post_lock;		/* kernel QPs: protects the ring's producer end */
	u32 max_sge;

	u32 epsn;
	u32 msn;
	bool silent;
	bool stalled;			/* on a fault; the receive path reads it */
	u32 stall_psn;			/* of the packet owed; the same */
	unsigned long stall_at;		/* jiffies, when it was first owed; the same */
	bool asked;			/* for an ACK meanwhile; set by it */
	u32 parked_psn;			/* behind the last one that waits; written by it */
	u8 bad_address;			/* faults in a row that found one */
	bool ack_due;
	u32 ack_psn;
	u32 acks_held;
	bool unacked;			/* the packet before epsn, of a SEND or WRITE */
	unsigned long told_at;		/* jiffies, of an ACK, or of none being owed */

	enum hroce_message msg;
	u32 msg_off;
	u32 msg_length;			/* WRITE */
	u32 msg_rkey;
	u64 msg_va;
	bool have_wr;			/* wr is taken */
	struct hroce_rwr wr;

	struct hroce_emit emit;
	unsigned long again_at;
	bool again;
	struct hroce_atomic_result *atomics;	/* max_dest_rd_atomic, a circle */
	u32 atomics_next;
	struct hroce_stall stall;
	struct hroce_mr *ended;		/* by the packet being executed; still in use */
	bool comm_est;			/* event raised */
	bool last_wqe;			/* likewise */
};

struct hroce_qp {
	struct ib_qp ibqp;
	struct hroce_dev *dev;
	struct hroce_qp_ref *ref;
	bool is_user;
	spinlock_t state_lock;		/* protects changes of state */
	enum ib_qp_state state;		/* read with READ_ONCE */
	struct mutex mutex;		/* serialises modify; protects attr */
	struct ib_qp_attr attr;		/* as set and shown by the verbs */
	struct ib_qp_cap cap;

	/* Set by modify while it owns both halves, constant otherwise. */
	u32 mtu;			/* bytes */
	u32 access;			/* remote IB_ACCESS_* granted to the peer */
	u32 remote_qpn;
	struct ib_xrcd *xrcd;		/* XRC target */
	u32 qkey;
	unsigned long timeout;		/* jiffies, 0: never */
	struct hroce_av av;
	struct dst_cache dst;

	struct hroce_sq sq;
	struct hroce_rq rq;
};

static inline struct hroce_qp *to_hqp(struct ib_qp *ibqp)
{
	return container_of(ibqp, struct hroce_qp, ibqp);
}

static inline bool hroce_qp_is_ud(const struct hroce_qp *qp)
{
	return qp->ibqp.qp_type == IB_QPT_UD || qp->ibqp.qp_type == IB_QPT_GSI;
}

/* Requests are acknowledged, and come again until they are. */
static inline bool hroce_qp_is_reliable(const struct hroce_qp *qp)
{
	return qp->ibqp.qp_type == IB_QPT_RC || qp->ibqp.qp_type == IB_QPT_XRC_INI ||
	       qp->ibqp.qp_type == IB_QPT_XRC_TGT;
}

/* The top three bits of its packets' opcodes (IBTA table 38). */
static inline u8 hroce_qp_service(const struct hroce_qp *qp)
{
	switch (qp->ibqp.qp_type) {
	case IB_QPT_RC:
		return IB_OPCODE_RC;
	case IB_QPT_UC:
		return IB_OPCODE_UC;
	case IB_QPT_XRC_INI:
	case IB_QPT_XRC_TGT:
		return HROCE_OPCODE_XRC;
	default:
		return IB_OPCODE_UD;
	}
}

/* XRC: a connection of which each side has one half only, and the targets' SRQs are
 * named by the requests.
 */
static inline bool hroce_qp_is_target(const struct hroce_qp *qp)
{
	return qp->ibqp.qp_type == IB_QPT_XRC_TGT;
}

static inline bool hroce_qp_has_sq(const struct hroce_qp *qp)
{
	return !hroce_qp_is_target(qp);
}

static inline bool hroce_qp_has_rq(const struct hroce_qp *qp)
{
	return qp->ibqp.qp_type != IB_QPT_XRC_INI;
}

/* Is the next packet of a received buffer to be looked at? */
static inline bool hroce_qp_admits(struct hroce_qp *qp, struct sk_buff *skb)
{
	if (unlikely(HROCE_RX(skb)->known))
		return true;
	if (unlikely(!hroce_rx_icrc_ok(skb))) {
		hroce_count(qp->dev->stats, HROCE_ICRC_ERR);
		return false;
	}
	hroce_count(qp->dev->stats, HROCE_RCVD_PKTS);
	return true;
}

/* States in which requests are sent. */
static inline bool hroce_qp_can_send(enum ib_qp_state s)
{
	return s == IB_QPS_RTS || s == IB_QPS_SQD;
}

/* States in which requests from the wire are served. */
static inline bool hroce_qp_can_receive(enum ib_qp_state s)
{
	return s == IB_QPS_RTR || s == IB_QPS_RTS || s == IB_QPS_SQD || s == IB_QPS_SQE;
}

static inline struct hroce_swr *hroce_sq_slot(const struct hroce_sq *sq, u32 index)
{
	return sq->slots + (size_t)(index & (sq->ring.entries - 1)) * sq->slot_bytes;
}

/* Is it executed here, without a packet? */
static inline bool hroce_wr_is_local(u8 opcode)
{
	return opcode == IB_UVERBS_WR_BIND_MW || opcode == IB_UVERBS_WR_LOCAL_INV ||
	       opcode == IB_WR_REG_MR;
}

/* Is it answered by a READ response without data? */
static inline bool hroce_wr_is_noted(u8 opcode)
{
	return opcode == IB_UVERBS_WR_ATOMIC_WRITE || opcode == IB_UVERBS_WR_FLUSH;
}

/* Does it complete by a response of its own rather than an ACK? */
static inline bool hroce_wr_is_answered(u8 opcode)
{
	return opcode == IB_UVERBS_WR_RDMA_READ || hroce_wr_is_noted(opcode) ||
	       opcode == IB_UVERBS_WR_ATOMIC_CMP_AND_SWP ||
	       opcode == IB_UVERBS_WR_ATOMIC_FETCH_AND_ADD;
}

/* qp.c */
void hroce_qp_event(struct hroce_qp *qp, enum ib_event_type type);
/* To the error state, from either half; the halves flush later. */
void hroce_qp_error(struct hroce_qp *qp);
/* Its ring makes no sense: error, and an event if that is news. */
void hroce_qp_broken(struct hroce_qp *qp);
/* A request failed: an unreliable QP stops sending only, and can be set going again. */
void hroce_qp_send_error(struct hroce_qp *qp);
void hroce_inbox_purge(struct hroce_inbox *in);

/* qp_modify.c: what RESET means for each half; the caller owns it. */
void hroce_sq_reset(struct hroce_qp *qp);
void hroce_rq_reset(struct hroce_qp *qp);

/* stall.c */
int hroce_stall_begin(struct hroce_stall *s, struct hroce_mr *mr, struct hroce_want want);
/* -EINPROGRESS: still waiting; 0: go on; -EFAULT: the address is bad. */
int hroce_stall_check(struct hroce_stall *s);
u32 hroce_stall_packets(const struct hroce_stall *s, u32 psn, u32 mtu);
void hroce_stall_cancel(struct hroce_stall *s);

/* inbox.c */
int hroce_inbox_module_init(void);
void hroce_inbox_module_exit(void);
void hroce_inbox_init(struct hroce_inbox *in);
bool hroce_inbox_put(struct hroce_inbox *in, struct sk_buff *skb);
void hroce_inbox_drop_head(struct hroce_inbox *in);

/* sq.c */
bool hroce_sq_fetch(struct hroce_qp *qp);
void hroce_sq_complete(struct hroce_qp *qp, enum ib_wc_status status);
void hroce_sq_fail(struct hroce_qp *qp, enum ib_wc_status status);
bool hroce_sq_flush(struct hroce_qp *qp);

/* control.c */
int hroce_send_control(struct hroce_qp *qp, struct hroce_hdr *h);

/* requester.c */
bool hroce_requester_step(struct hroce_runner *r);
bool hroce_requester_again(struct hroce_sq *sq);
bool hroce_requester_fail(struct hroce_qp *qp, struct hroce_swr *swr,
			  enum ib_wc_status status);
bool hroce_requester_trouble(struct hroce_qp *qp, struct hroce_swr *swr,
			     struct hroce_walk *walk, int err, u32 rest);
void hroce_requester_rewind(struct hroce_qp *qp, bool probe);
void hroce_requester_reread(struct hroce_qp *qp, const struct hroce_swr *swr);
void hroce_requester_seek(struct hroce_qp *qp, u32 psn);

/* local.c */
bool hroce_local_run(struct hroce_qp *qp, struct hroce_swr *swr);
void hroce_local_poll(struct hroce_qp *qp);

/* completer.c: true: there is more to do now */
bool hroce_completer_run(struct hroce_qp *qp);
void hroce_completer_timeout(struct hroce_qp *qp);

/* responder.c */
bool hroce_responder_step(struct hroce_runner *r);
void hroce_responder_nak(struct hroce_qp *qp, u32 psn, u8 syndrome);
void hroce_responder_flush_ack(struct hroce_qp *qp);
void hroce_responder_accept(struct hroce_rq *rq, u32 packets);
int hroce_responder_stall(struct hroce_qp *qp, struct hroce_walk *walk, u32 psn);
void hroce_responder_fail(struct hroce_qp *qp, u32 psn, u8 nak, enum ib_wc_status status);
bool hroce_in_sequence(const struct hroce_qp *qp, const struct hroce_hdr *h);
bool hroce_op_enabled(const struct hroce_qp *qp, u32 flags);
/* One packet of a SEND or WRITE. 0: dealt with; -EAGAIN: the same again, later. */
int hroce_respond_send(struct hroce_qp *qp, struct sk_buff *skb,
		       const struct hroce_hdr *h, unsigned int hdr_bytes);
int hroce_respond_write(struct hroce_qp *qp, struct sk_buff *skb,
			const struct hroce_hdr *h, unsigned int hdr_bytes);

/* resp_read.c */
int hroce_respond_read(struct hroce_qp *qp, const struct hroce_hdr *h, bool duplicate);
int hroce_respond_atomic(struct hroce_qp *qp, const struct hroce_hdr *h, bool duplicate);

/* resp_flush.c */
int hroce_respond_atomic_write(struct hroce_qp *qp, struct sk_buff *skb,
			       const struct hroce_hdr *h, unsigned int hdr_bytes);
int hroce_respond_flush(struct hroce_qp *qp, const struct hroce_hdr *h);
/* The answer to either. */
void hroce_send_note(struct hroce_qp *qp, u32 psn);
/* true: more to send */
bool hroce_emit_step(struct hroce_qp *qp);

/* rq.c */
int hroce_rwr_take(struct hroce_ringbuf *rb, u32 max_sge, struct hroce_rwr *wr);
int hroce_rq_take(struct hroce_qp *qp);
/* The PD of the memory that a receive request names. */
struct ib_pd *hroce_rq_pd(const struct hroce_qp *qp);
/* The PD of the memory that the peer names. */
struct ib_pd *hroce_rq_remote_pd(const struct hroce_qp *qp);
void hroce_rq_complete(struct hroce_qp *qp, const struct hroce_cqe *cqe, bool solicited);
bool hroce_rq_flush(struct hroce_qp *qp);

/* post.c */
int hroce_rwr_post(struct hroce_ringbuf *rb, u32 max_sge, const struct ib_recv_wr *wr);

/* ud.c */
bool hroce_ud_send(struct hroce_qp *qp, struct hroce_swr *swr);
int hroce_ud_receive(struct hroce_qp *qp, struct sk_buff *skb,
		     const struct hroce_hdr *h, unsigned int hdr_bytes);

/* uc.c */
void hroce_uc_sent(struct hroce_qp *qp);
void hroce_uc_drop(struct hroce_qp *qp, u32 psn);
int hroce_uc_receive(struct hroce_qp *qp, struct sk_buff *skb,
		     const struct hroce_hdr *h, unsigned int hdr_bytes);

/* xrc.c */
bool hroce_xrc_begin(struct hroce_qp *qp, u32 srqn);
void hroce_xrc_end(struct hroce_qp *qp);
bool hroce_xrc_in_message(struct hroce_qp *qp, const struct hroce_hdr *h);

/* qp_table.c */
int hroce_qp_table_add(struct hroce_qp *qp);
/* Waits until no packet on its way in uses the QP. */
void hroce_qp_table_del(struct hroce_qp *qp);

#endif
