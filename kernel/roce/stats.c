// SPDX-License-Identifier: GPL-2.0
/* Port counters: summed over the CPUs and named. */
#include <linux/cpumask.h>

#include "dev.h"
#include "stats.h"

enum hroce_odp_counter {
	HROCE_ODP_FAULTS = HROCE_NUM_COUNTERS,
	HROCE_ODP_INVALIDATIONS,
	HROCE_ODP_PREFETCH,
	HROCE_ODP_READAHEAD,
	HROCE_ODP_READAHEAD_HITS,
	HROCE_ODP_RECLAIMS,
	HROCE_ODP_RETRIES,
	HROCE_ODP_ERRORS,
	HROCE_ODP_ADVISED,
	HROCE_ODP_ADVICE_ERRORS,
	HROCE_NUM_SHOWN,
};

/* The names that other drivers use where the meaning is the same. */
static const struct rdma_stat_desc hroce_counter_descs[] = {
	[HROCE_SENT_PKTS].name = "sent_pkts",
	[HROCE_RCVD_PKTS].name = "rcvd_pkts",
	[HROCE_SENT_BYTES].name = "sent_bytes",
	[HROCE_RCVD_BYTES].name = "rcvd_bytes",
	[HROCE_DUPLICATE_REQUEST].name = "duplicate_request",
	[HROCE_OUT_OF_SEQUENCE].name = "out_of_sequence",
	[HROCE_RNR_NAK_RCVD].name = "rnr_nak_retry_err",
	[HROCE_RNR_NAK_SENT].name = "send_rnr_err",
	[HROCE_PACKET_SEQ_ERR].name = "packet_seq_err",
	[HROCE_NAK_SENT].name = "nak_sent",
	[HROCE_LOCAL_ACK_TIMEOUT].name = "local_ack_timeout_err",
	[HROCE_RETRY_EXCEEDED].name = "retry_exceeded_err",
	[HROCE_RNR_RETRY_EXCEEDED].name = "retry_rnr_exceeded_err",
	[HROCE_RETRANSMIT].name = "retransmits",
	[HROCE_ICRC_ERR].name = "rx_icrc_encapsulated",
	[HROCE_RX_MALFORMED].name = "rx_malformed",
	[HROCE_RX_NO_QP].name = "rx_no_qp",
	[HROCE_TX_DROPPED].name = "tx_dropped",
	[HROCE_PARKED_PKTS].name = "parked_pkts",
	[HROCE_PARK_OVERFLOW].name = "park_overflow",
	[HROCE_REQ_FAULTS].name = "requester_faults",
	[HROCE_RESP_FAULTS].name = "responder_faults",
	[HROCE_STALL_US].name = "fault_stall_us",
	[HROCE_ODP_FAULTS].name = "page_faults",
	[HROCE_ODP_INVALIDATIONS].name = "page_invalidations",
	[HROCE_ODP_PREFETCH].name = "page_prefetch",
	[HROCE_ODP_READAHEAD].name = "page_readahead",
	[HROCE_ODP_READAHEAD_HITS].name = "page_readahead_hits",
	[HROCE_ODP_RECLAIMS].name = "page_reclaims",
	[HROCE_ODP_RETRIES].name = "page_fault_retries",
	[HROCE_ODP_ERRORS].name = "page_fault_errors",
	[HROCE_ODP_ADVISED].name = "prefetch_ranges",
	[HROCE_ODP_ADVICE_ERRORS].name = "prefetch_errors",
};

static_assert(ARRAY_SIZE(hroce_counter_descs) == HROCE_NUM_SHOWN);

struct rdma_hw_stats *hroce_alloc_hw_port_stats(struct ib_device *ibdev, u32 port)
{
	return rdma_alloc_hw_stats_struct(hroce_counter_descs, HROCE_NUM_SHOWN,
					  RDMA_HW_STATS_DEFAULT_LIFESPAN);
}

static u64 hroce_stats_sum(const struct hroce_dev *dev, enum hroce_counter c)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(dev->stats, cpu)->value[c]);
	return sum;
}

int hroce_get_hw_stats(struct ib_device *ibdev, struct rdma_hw_stats *stats, u32 port,
		       int index)
{
	struct hroce_dev *dev = to_hdev(ibdev);
	struct hmmodp_stats *odp = &dev->odp.stats;
	int c;

	if (!port || !stats)
		return -EINVAL;
	for (c = 0; c < HROCE_NUM_COUNTERS; c++)
		stats->value[c] = hroce_stats_sum(dev, c);
	stats->value[HROCE_ODP_FAULTS] = atomic64_read(&odp->page_faults);
	stats->value[HROCE_ODP_INVALIDATIONS] = atomic64_read(&odp->page_invalidations);
	stats->value[HROCE_ODP_PREFETCH] = atomic64_read(&odp->page_prefetch);
	stats->value[HROCE_ODP_READAHEAD] = atomic64_read(&odp->page_readahead);
	stats->value[HROCE_ODP_READAHEAD_HITS] = atomic64_read(&odp->page_readahead_hits);
	stats->value[HROCE_ODP_RECLAIMS] = atomic64_read(&odp->page_reclaims);
	stats->value[HROCE_ODP_RETRIES] = atomic64_read(&odp->fault_retries);
	stats->value[HROCE_ODP_ERRORS] = atomic64_read(&odp->fault_errors);
	stats->value[HROCE_ODP_ADVISED] = atomic64_read(&odp->prefetches);
	stats->value[HROCE_ODP_ADVICE_ERRORS] = atomic64_read(&odp->prefetch_errors);
	return HROCE_NUM_SHOWN;
}
