/* SPDX-License-Identifier: GPL-2.0 */
/* Port counters, shown in hw_counters and by "rdma statistic". */
#ifndef HROCE_STATS_H
#define HROCE_STATS_H

#include <linux/percpu.h>
#include <linux/types.h>

struct hroce_dev;

enum hroce_counter {
	HROCE_SENT_PKTS,
	HROCE_RCVD_PKTS,
	HROCE_SENT_BYTES,		/* payload */
	HROCE_RCVD_BYTES,
	HROCE_DUPLICATE_REQUEST,
	HROCE_OUT_OF_SEQUENCE,		/* requests past the expected PSN */
	HROCE_RNR_NAK_RCVD,
	HROCE_RNR_NAK_SENT,
	HROCE_PACKET_SEQ_ERR,		/* sequence NAKs received */
	HROCE_NAK_SENT,			/* other than RNR */
	HROCE_LOCAL_ACK_TIMEOUT,
	HROCE_RETRY_EXCEEDED,
	HROCE_RNR_RETRY_EXCEEDED,
	HROCE_RETRANSMIT,		/* times the requester went back */
	HROCE_ICRC_ERR,
	HROCE_RX_MALFORMED,		/* bad headers, lengths, opcodes */
	HROCE_RX_NO_QP,			/* no such QP, wrong peer, type or state */
	HROCE_TX_DROPPED,		/* not taken by the network stack */
	HROCE_PARKED_PKTS,		/* held back while a page fault was served */
	HROCE_PARK_OVERFLOW,		/* dropped, beyond the bound */
	HROCE_REQ_FAULTS,		/* page faults that stopped a requester */
	HROCE_RESP_FAULTS,		/* page faults that stopped a responder */
	HROCE_STALL_US,			/* how long all of these stopped one */
	HROCE_NUM_COUNTERS,
};

struct hroce_stats {
	u64 value[HROCE_NUM_COUNTERS];
};

static inline void hroce_count_n(struct hroce_stats __percpu *s,
				 enum hroce_counter c, u64 n)
{
	this_cpu_add(s->value[c], n);
}

static inline void hroce_count(struct hroce_stats __percpu *s,
			       enum hroce_counter c)
{
	hroce_count_n(s, c, 1);
}

struct ib_device;
struct rdma_hw_stats;

/* ib_device_ops */
struct rdma_hw_stats *hroce_alloc_hw_port_stats(struct ib_device *ibdev, u32 port);
int hroce_get_hw_stats(struct ib_device *ibdev, struct rdma_hw_stats *stats, u32 port,
		       int index);

#endif
