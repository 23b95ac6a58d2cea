// SPDX-License-Identifier: GPL-2.0
/*
 * The completer: what the responder's packets mean for the requests under way
 * (IBTA 9.7.5, 9.7.8). Part of the send half.
 */
#include <linux/jiffies.h>

#include "qp.h"
#include "walk.h"

/* RNR timer codes in units of 10 us (IBTA table 45); code 0 is the longest. */
static const u32 hroce_rnr_10us[32] = {
	65536, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192,
	256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 12288,
	16384, 24576, 32768, 49152,
};

static struct hroce_swr *hroce_oldest(struct hroce_sq *sq)
{
	return sq->ring.index == sq->fetched ? NULL : hroce_sq_slot(sq, sq->ring.index);
}

static bool hroce_is_read(const struct hroce_swr *swr)
{
	return swr->wqe.opcode == IB_UVERBS_WR_RDMA_READ;
}

/* How far ahead of the one that is owed a response may come; as many bits as there are. */
#define HROCE_EARLY_PKTS	64

/* Going back once for a lost response is enough for a while, jiffies: at first, at most. */
#define HROCE_LOST_PAUSE	2
#define HROCE_LOST_PAUSE_MAX	HZ

/* All before this PSN is acknowledged. */
static void hroce_progress(struct hroce_qp *qp, u32 una)
{
	struct hroce_sq *sq = &qp->sq;
	int by = hroce_psn_diff(una, sq->una);

	if (by <= 0)
		return;
	sq->early = by < HROCE_EARLY_PKTS ? sq->early >> by : 0;
	sq->una = una;
	sq->retry_at = jiffies + qp->timeout;
	sq->lost = false;
	sq->retries_left = qp->attr.retry_cnt;
	sq->rnr_left = qp->attr.rnr_retry;
	sq->anxious = false;
	sq->window = min_t(u32, sq->window + by, HROCE_WINDOW_PKTS);
	sq->lost_pause = min_t(u32, sq->lost_pause, HROCE_LOST_PAUSE);
	sq->rnr_wait = false;	/* ready it was */
	/* a late ACK of packets that we were about to send again */
	if (hroce_psn_before(sq->psn, una))
		hroce_requester_seek(qp, una);
}

/*
 * Complete SENDs and WRITEs that come before this PSN, and what has been executed
 * between them, up to a READ or atomic.
 */
static void hroce_ack_before(struct hroce_qp *qp, u32 psn)
{
	struct hroce_sq *sq = &qp->sq;
	struct hroce_swr *swr;

	while ((swr = hroce_oldest(sq)) && !hroce_wr_is_answered(swr->wqe.opcode)) {
		if (hroce_wr_is_local(swr->wqe.opcode)) {
			if (!swr->executed)
				return;
			hroce_sq_complete(qp, IB_WC_SUCCESS);
			continue;
		}
		if (hroce_psn_before(swr->last_psn, psn)) {
			hroce_progress(qp, hroce_psn_add(swr->last_psn, 1));
			hroce_sq_complete(qp, IB_WC_SUCCESS);
			continue;
		}
		if (hroce_psn_before(swr->first_psn, psn))
			hroce_progress(qp, psn);
		return;
	}
}

/*
 * The responder has gone past a READ or atomic whose response we miss: it was lost, or
 * overtaken. All that is still on the wire says so again, and each time that we went
 * back for it would make more of that, so it is done less and less often; what is lost
 * twice times out, even if all that follows it is answered. A QP without a
 * timeout has nothing but these responses to tell it. One that has goes back for an atomic
 * by that alone, which can be lost, so it also hears those that tell of it by what has not
 * been sent again yet.
 */
static void hroce_response_lost(struct hroce_qp *qp, const struct hroce_swr *swr, u32 psn)
{
	struct hroce_sq *sq = &qp->sq;
	bool alone = qp->timeout && !hroce_is_read(swr);

	if ((qp->timeout && time_before(jiffies, sq->lost_at + sq->lost_pause)) ||
	    (!alone && !hroce_psn_before(psn, sq->psn)))
		return;
	sq->lost_at = jiffies;
	sq->lost_pause = clamp_t(u32, 2 * sq->lost_pause, HROCE_LOST_PAUSE,
				 HROCE_LOST_PAUSE_MAX);
	if (hroce_is_read(swr)) {
		hroce_requester_reread(qp, swr);
		return;
	}
	sq->lost = true;
	hroce_requester_rewind(qp, alone);
}

/*
 * No answer (@probe), or the answer that a packet was lost. Without one nobody knows what
 * has been lost: perhaps nothing, and the peer is only slow. Then all that it has already
 * and gets again makes it slower still, while its next word says how far it has come.
 */
static void hroce_retry(struct hroce_qp *qp, bool probe)
{
	struct hroce_sq *sq = &qp->sq;

	if (!sq->retries_left) {
		hroce_count(qp->dev->stats, HROCE_RETRY_EXCEEDED);
		hroce_sq_fail(qp, IB_WC_RETRY_EXC_ERR);
		return;
	}
	sq->retries_left--;
	/* each try has its time, also where one for a lost response comes first */
	sq->retry_at = jiffies + qp->timeout;
	sq->lost = false;
	hroce_requester_rewind(qp, probe);
}

static void hroce_rnr(struct hroce_qp *qp, u8 code)
{
	struct hroce_sq *sq = &qp->sq;

	hroce_count(qp->dev->stats, HROCE_RNR_NAK_RCVD);
	if (!sq->rnr_left) {
		hroce_count(qp->dev->stats, HROCE_RNR_RETRY_EXCEEDED);
		hroce_sq_fail(qp, IB_WC_RNR_RETRY_EXC_ERR);
		return;
	}
	if (qp->attr.rnr_retry != 7)
		sq->rnr_left--;
	sq->retries_left = qp->attr.retry_cnt;
	sq->lost = false;
	sq->rnr_wait = true;
	sq->rnr_at = jiffies + usecs_to_jiffies(hroce_rnr_10us[code] * 10) + 1;
	hroce_requester_rewind(qp, false);
}

static void hroce_nak(struct hroce_qp *qp, u8 code)
{
	switch (code) {
	case HROCE_NAK_PSN:
		hroce_count(qp->dev->stats, HROCE_PACKET_SEQ_ERR);
		hroce_retry(qp, false);
		break;
	case HROCE_NAK_INVALID_REQ:
		hroce_sq_fail(qp, IB_WC_REM_INV_REQ_ERR);
		break;
	case HROCE_NAK_REM_ACCESS:
		hroce_sq_fail(qp, IB_WC_REM_ACCESS_ERR);
		break;
	case HROCE_NAK_REM_OP:
		hroce_sq_fail(qp, IB_WC_REM_OP_ERR);
		break;
	}
}

/*
 * What comes before a response that is owed is thrown away, and it may be all that tells of
 * requests behind: that they have been executed, or that their responses have been thrown
 * away as well. So the last word is kept until that response has come.
 */
static void hroce_keep_word(struct hroce_sq *sq, const struct hroce_hdr *h, u8 syndrome)
{
	if (!sq->word.valid)
		sq->asked = sq->una;
	else if (hroce_psn_before(h->psn, sq->word.psn))
		return;
	sq->word.psn = h->psn;
	sq->word.syndrome = syndrome;
	sq->word.valid = true;
}

static void hroce_got_ack(struct hroce_qp *qp, const struct hroce_hdr *h)
{
	struct hroce_sq *sq = &qp->sq;
	u8 type = HROCE_AETH_TYPE(h->syndrome);
	struct hroce_swr *swr;

	/* An ACK covers its own PSN, a NAK all before it. */
	hroce_ack_before(qp, type == HROCE_AETH_ACK ? hroce_psn_add(h->psn, 1) : h->psn);
	swr = hroce_oldest(sq);
	if (!swr)
		return;
	if (hroce_wr_is_answered(swr->wqe.opcode) &&
	    (type == HROCE_AETH_ACK || h->psn != sq->una)) {
		if (!hroce_psn_before(h->psn, sq->una)) {
			hroce_keep_word(sq, h, h->syndrome);
			hroce_response_lost(qp, swr, h->psn);
		}
		return;
	}
	if (type == HROCE_AETH_ACK || h->psn != sq->una ||
	    !hroce_psn_before(h->psn, sq->psn))
		return;
	if (type == HROCE_AETH_RNR)
		hroce_rnr(qp, HROCE_AETH_VALUE(h->syndrome));
	else if (type == HROCE_AETH_NAK)
		hroce_nak(qp, HROCE_AETH_VALUE(h->syndrome));
}

/* Is there a word to hear, of what has not been asked for again? */
static bool hroce_word_waits(const struct hroce_sq *sq)
{
	return sq->word.valid && !hroce_psn_before(sq->una, sq->asked);
}

static void hroce_hear_word(struct hroce_qp *qp)
{
	struct hroce_sq *sq = &qp->sq;
	struct hroce_hdr h = {
		.psn = sq->word.psn,
		.syndrome = sq->word.syndrome,
	};

	sq->word.valid = false;
	if (!hroce_psn_before(h.psn, sq->una))
		hroce_got_ack(qp, &h);
}

/* A response that was owed has come. Going back once for each that has is not too often. */
static void hroce_response_came(struct hroce_qp *qp)
{
	struct hroce_sq *sq = &qp->sq;

	if (likely(!hroce_word_waits(sq)))
		return;
	sq->lost_at = jiffies - sq->lost_pause;
	hroce_hear_word(qp);
}

/* One that was missed too soon after another: if nothing else does, time tells again. */
static void hroce_response_late(struct hroce_qp *qp)
{
	struct hroce_sq *sq = &qp->sq;

	if (likely(!hroce_word_waits(sq)) || sq->resp_stall.fault)
		return;
	if (time_before(jiffies, sq->lost_at + sq->lost_pause)) {
		hroce_runner_at(&sq->runner, sq->lost_at + sq->lost_pause);
		return;
	}
	hroce_hear_word(qp);
	if (hroce_word_waits(sq))	/* what was missed is going to be sent anyway */
		sq->word.valid = false;
}

/*
 * Bytes of a response into the oldest request's memory. -EAGAIN: its page is absent, and
 * if it is @owed, that is being faulted.
 */
static int hroce_place(struct hroce_qp *qp, struct hroce_swr *swr, u32 off, u32 len,
		       hmmodp_actor_t actor, void *ctx, bool owed)
{
	struct hroce_walk walk;
	int err;

	hroce_walk_sges(&walk, qp, swr->wqe.sge, swr->wqe.num_sge, off, len, HMMODP_WRITE);
	err = hroce_walk_move(&walk, len, actor, ctx);
	if (err == -EAGAIN && owed) {
		hroce_count(qp->dev->stats, HROCE_REQ_FAULTS);
		if (hroce_walk_stall(&walk, &qp->sq.resp_stall,
				     hroce_psn_add(swr->first_psn, off / qp->mtu),
				     swr->length - off)) {
			qp->sq.again = true;
			qp->sq.again_at = jiffies + 1;
		}
	}
	hroce_walk_end(&walk);
	return err;
}

static void hroce_response_ends(struct hroce_sq *sq)
{
	if (sq->rd_out)
		sq->rd_out--;
}

/* Of a READ, which is asked for in pieces; the peer's word on it is not taken. */
static bool hroce_is_piece_end(const struct hroce_swr *swr, u32 psn)
{
	u32 pkt = hroce_psn_diff(psn, swr->first_psn);

	return psn == swr->last_psn || pkt % HROCE_READ_PKTS == HROCE_READ_PKTS - 1;
}

/* A packet of a READ's response. -EBADMSG: its length; else as hroce_place(). */
static int hroce_place_read(struct hroce_qp *qp, struct hroce_swr *swr, struct sk_buff *skb,
			    const struct hroce_hdr *h, unsigned int hdr_bytes, bool owed)
{
	struct hroce_from_skb from = { skb, HROCE_RX(skb)->off + hdr_bytes };
	u32 off = hroce_psn_diff(h->psn, swr->first_psn) * qp->mtu;
	u32 len = min(qp->mtu, swr->length - off);
	int err;

	if (h->payload != len)
		return -EBADMSG;
	err = hroce_place(qp, swr, off, len, hroce_copy_from_skb, &from, owed);
	if (!err)
		hroce_count_n(qp->dev->stats, HROCE_RCVD_BYTES, len);
	return err;
}

/*
 * It has overtaken the one that is owed. What can be placed now need not come again; what
 * is wrong with it shows when it is owed itself.
 */
static void hroce_got_early(struct hroce_qp *qp, struct hroce_swr *swr, struct sk_buff *skb,
			    const struct hroce_hdr *h, unsigned int hdr_bytes)
{
	struct hroce_sq *sq = &qp->sq;
	int ahead = hroce_psn_diff(h->psn, sq->una);

	if (ahead >= HROCE_EARLY_PKTS || hroce_psn_before(swr->last_psn, h->psn) ||
	    sq->early & BIT_ULL(ahead))
		return;
	if (!hroce_place_read(qp, swr, skb, h, hdr_bytes, false))
		sq->early |= BIT_ULL(ahead);
}

/* The one that was owed, and with it those that had come before it. */
static void hroce_read_advance(struct hroce_qp *qp, struct hroce_swr *swr)
{
	struct hroce_sq *sq = &qp->sq;
	u32 last, next = sq->una;
	u64 early = sq->early;

	do {
		last = next;
		if (hroce_is_piece_end(swr, last))
			hroce_response_ends(sq);
		next = hroce_psn_add(last, 1);
		early >>= 1;
	} while (early & 1);
	hroce_progress(qp, next);
	if (last == swr->last_psn)
		hroce_sq_complete(qp, IB_WC_SUCCESS);
	hroce_response_came(qp);
}

static int hroce_got_read(struct hroce_qp *qp, struct hroce_swr *swr, struct sk_buff *skb,
			  const struct hroce_hdr *h, unsigned int hdr_bytes)
{
	int err = hroce_place_read(qp, swr, skb, h, hdr_bytes, true);

	switch (err) {
	case 0:
		hroce_read_advance(qp, swr);
		return 0;
	case -EAGAIN:
		return err;
	case -EBADMSG:
		hroce_sq_fail(qp, IB_WC_BAD_RESP_ERR);
		return 0;
	default:
		hroce_sq_fail(qp, IB_WC_LOC_PROT_ERR);
		return 0;
	}
}

static int hroce_got_atomic(struct hroce_qp *qp, struct hroce_swr *swr,
			    const struct hroce_hdr *h)
{
	const u8 *src = (const u8 *)&h->orig;
	int err;

	err = hroce_place(qp, swr, 0, sizeof(h->orig), hroce_copy_from_bytes, &src,
			  true);
	if (err == -EAGAIN)
		return err;
	if (err) {
		hroce_sq_fail(qp, IB_WC_LOC_PROT_ERR);
		return 0;
	}
	hroce_response_ends(&qp->sq);
	hroce_progress(qp, hroce_psn_add(h->psn, 1));
	hroce_sq_complete(qp, IB_WC_SUCCESS);
	hroce_response_came(qp);
	return 0;
}

/* An ATOMIC WRITE or a FLUSH has been executed. */
static void hroce_got_note(struct hroce_qp *qp, const struct hroce_hdr *h)
{
	if (h->payload || h->opcode != IB_OPCODE_RC_RDMA_READ_RESPONSE_ONLY) {
		hroce_sq_fail(qp, IB_WC_BAD_RESP_ERR);
		return;
	}
	hroce_response_ends(&qp->sq);
	hroce_progress(qp, hroce_psn_add(h->psn, 1));
	hroce_sq_complete(qp, IB_WC_SUCCESS);
	hroce_response_came(qp);
}

static int hroce_got_response(struct hroce_qp *qp, struct sk_buff *skb,
			      const struct hroce_hdr *h, unsigned int hdr_bytes)
{
	bool read = h->flags & HROCE_PKT_READ_RESP;
	struct hroce_sq *sq = &qp->sq;
	struct hroce_swr *swr;

	hroce_ack_before(qp, h->psn);
	swr = hroce_oldest(sq);
	if (!swr || hroce_psn_before(h->psn, sq->una))
		return 0;
	if (h->psn != sq->una) {
		if (read && hroce_is_read(swr))
			hroce_got_early(qp, swr, skb, h, hdr_bytes);
		if (hroce_wr_is_answered(swr->wqe.opcode)) {
			hroce_keep_word(sq, h, HROCE_AETH_ACK | HROCE_AETH_NO_CREDITS);
			hroce_response_lost(qp, swr, h->psn);
		}
		return 0;
	}
	if (read && hroce_wr_is_noted(swr->wqe.opcode)) {
		hroce_got_note(qp, h);
		return 0;
	}
	if (!hroce_wr_is_answered(swr->wqe.opcode) || read != hroce_is_read(swr)) {
		hroce_sq_fail(qp, IB_WC_BAD_RESP_ERR);
		return 0;
	}
	return read ? hroce_got_read(qp, swr, skb, h, hdr_bytes) :
		      hroce_got_atomic(qp, swr, h);
}

/* One packet. -EAGAIN: its memory is absent, it stays. */
static int hroce_complete_packet(struct hroce_qp *qp, struct sk_buff *skb)
{
	struct hroce_sq *sq = &qp->sq;
	enum ib_qp_state state = READ_ONCE(qp->state);
	struct hroce_hdr h;
	int n;

	if (state != IB_QPS_RTS && state != IB_QPS_SQD)
		return 0;
	n = hroce_rx_parse(skb, &h);
	if (n < 0 || !(h.flags & HROCE_PKT_RESPONSE) || !HROCE_PKEY_FITS(h.pkey)) {
		hroce_count(qp->dev->stats, HROCE_RX_MALFORMED);
		return 0;
	}
	if (!hroce_qp_admits(qp, skb))
		return 0;
	/* Only what has been sent and not been acknowledged can be answered. */
	if (hroce_psn_before(h.psn, sq->una) || !hroce_psn_before(h.psn, sq->max_psn))
		return 0;
	if (h.flags & (HROCE_PKT_READ_RESP | HROCE_PKT_ATOMICACK))
		return hroce_got_response(qp, skb, &h, n);
	hroce_got_ack(qp, &h);
	return 0;
}

/* Buffers at a time: whoever sends nonsense can do that as fast as it is thrown away. */
#define HROCE_COMPLETE_BUFS	16

/* Work off the inbox. True: there is more, and no response waits for its memory. */
bool hroce_completer_run(struct hroce_qp *qp)
{
	struct hroce_sq *sq = &qp->sq;
	struct sk_buff *skb;
	int n = 0;

	switch (hroce_stall_check(&sq->resp_stall)) {
	case -EINPROGRESS:
		return false;
	case -EFAULT:
		hroce_sq_fail(qp, IB_WC_LOC_PROT_ERR);
		return true;
	}
	while ((skb = skb_peek(&sq->inbox.skbs))) {
		if (n++ == HROCE_COMPLETE_BUFS)
			return true;
		while (hroce_rx_len(skb)) {
			if (hroce_complete_packet(qp, skb)) {
				HROCE_RX(skb)->known = true;
				return false;
			}
			hroce_rx_next(skb);
		}
		hroce_inbox_drop_head(&sq->inbox);
	}
	return false;
}

void hroce_completer_timeout(struct hroce_qp *qp)
{
	struct hroce_sq *sq = &qp->sq;

	hroce_response_late(qp);
	if (!qp->timeout || sq->una == sq->psn || sq->rnr_wait || !hroce_oldest(sq))
		return;
	/* who waits for a page of its own cannot blame the peer */
	if (sq->resp_stall.fault || sq->send_stall.fault) {
		sq->retry_at = jiffies + qp->timeout;
		return;
	}
	if (time_before(jiffies, sq->retry_at))
		return;
	hroce_count(qp->dev->stats, HROCE_LOCAL_ACK_TIMEOUT);
	hroce_retry(qp, true);
}
