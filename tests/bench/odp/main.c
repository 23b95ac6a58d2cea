// SPDX-License-Identifier: GPL-2.0
/*
 * odp_price --dev NAME --gid INDEX: what on-demand paging costs, by one process whose
 * two queue pairs are connected to each other. A line of JSON a figure.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "price.h"

static const char *device;

void report(const char *what, const char *how, size_t bytes, const char *unit,
	    double value)
{
	printf("{\"device\":\"%s\",\"what\":\"%s\",\"how\":\"%s\",\"bytes\":%zu,\"unit\":\"%s\",\"value\":%.3f}\n",
	       device, what, how, bytes, unit, value);
	fflush(stdout);
}

void sample(struct samples *s, double v)
{
	if (s->n < RC_ARRAY_SIZE(s->v))
		s->v[s->n++] = v;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

double median(struct samples *s)
{
	qsort(s->v, s->n, sizeof(s->v[0]), by_size);
	return s->n ? s->v[s->n / 2] : 0;
}

uint8_t *fresh(size_t len, bool huge)
{
	size_t align = 2 * MIB;
	uint8_t *p, *aligned;

	p = mmap(NULL, len + align, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		rc_die_errno("mmap of %zu bytes", len);
	aligned = (uint8_t *)(((uintptr_t)p + align - 1) & ~(align - 1));
	if (aligned > p)
		munmap(p, aligned - p);
	munmap(aligned + len, p + align - aligned);
	madvise(aligned, len, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	return aligned;
}

uint64_t write_ns(struct loop *l, uint32_t lkey, const void *from, uint32_t rkey,
		  void *to, uint32_t len)
{
	struct ibv_sge sge = { .addr = (uintptr_t)from, .length = len, .lkey = lkey };
	struct ibv_send_wr wr = {
		.sg_list = &sge, .num_sge = 1, .opcode = IBV_WR_RDMA_WRITE,
		.send_flags = IBV_SEND_SIGNALED,
		.wr.rdma = { .remote_addr = (uintptr_t)to, .rkey = rkey },
	}, *bad;
	struct ibv_wc wc = { .status = IBV_WC_GENERAL_ERR };
	struct ibv_cq *cq;
	uint64_t start;
	void *context;

	EXPECT(!ibv_req_notify_cq(l->scq, 0));
	start = rc_now_ns();
	EXPECT(!ibv_post_send(l->qp[0], &wr, &bad));
	EXPECT(!ibv_get_cq_event(l->channel, &cq, &context));
	start = rc_now_ns() - start;
	ibv_ack_cq_events(cq, 1);
	EXPECT_EQ(ibv_poll_cq(l->scq, 1, &wc), 1);
	if (wc.status)
		rc_die("WRITE of %u bytes: %s", len, ibv_wc_status_str(wc.status));
	return start;
}

int main(int argc, char **argv)
{
	static const struct option options[] = { RC_LINK_OPTIONS, { } };
	struct rc_link_opts link = RC_LINK_DEFAULTS;
	struct rc_dev d;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!rc_link_option(&link, c, optarg))
			return 2;
	rc_dev_open(&d, &link);
	/* smaller packets end within pages, where stock rxe moves wrong bytes */
	loop_mtu = IBV_MTU_4096;
	device = ibv_get_device_name(d.ctx->device);
	measure_resident(&d);
	measure_register(&d);
	measure_cold(&d);
	measure_unmap(&d);
	rc_dev_close(&d);
	return 0;
}
