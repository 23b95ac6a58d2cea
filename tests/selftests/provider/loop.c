// SPDX-License-Identifier: GPL-2.0
/* Two RC QPs of one device, connected to each other. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <rdma/hroce-abi.h>
#include "loop.h"

enum ibv_mtu loop_mtu = IBV_MTU_1024;
uint8_t loop_timeout = LOOP_TIMEOUT;
uint8_t loop_rd_atomic = 1;
int loop_access;

static void open_cqs(struct loop *l, bool extended)
{
	struct ibv_cq_init_attr_ex attr = {
		.cqe = 2 * LOOP_WR, .channel = l->channel,
		.wc_flags = IBV_WC_STANDARD_FLAGS | IBV_WC_EX_WITH_COMPLETION_TIMESTAMP,
	};

	if (extended) {
		l->scqx = ibv_create_cq_ex(l->d->ctx, &attr);
		l->scq = l->scqx ? ibv_cq_ex_to_cq(l->scqx) : NULL;
	} else {
		l->scq = ibv_create_cq(l->d->ctx, 2 * LOOP_WR, NULL, l->channel, 0);
	}
	l->rcq = ibv_create_cq(l->d->ctx, 2 * LOOP_WR, NULL, l->channel, 0);
	if (!l->scq || !l->rcq)
		rc_die_errno("no CQ");
}

static struct ibv_qp *open_qp(struct loop *l, bool extended)
{
	struct ibv_qp_init_attr_ex attr = {
		.qp_type = IBV_QPT_RC, .send_cq = l->scq, .recv_cq = l->rcq,
		.cap = {
			.max_send_wr = LOOP_WR, .max_recv_wr = LOOP_WR,
			.max_send_sge = LOOP_SGE, .max_recv_sge = LOOP_SGE,
			.max_inline_data = LOOP_INLINE,
		},
		.pd = l->d->pd, .comp_mask = IBV_QP_INIT_ATTR_PD,
	};
	struct ibv_qp *qp;

	if (extended) {
		attr.comp_mask |= IBV_QP_INIT_ATTR_SEND_OPS_FLAGS;
		attr.send_ops_flags = IBV_QP_EX_WITH_SEND |
			IBV_QP_EX_WITH_RDMA_WRITE | IBV_QP_EX_WITH_RDMA_WRITE_WITH_IMM |
			IBV_QP_EX_WITH_RDMA_READ | IBV_QP_EX_WITH_ATOMIC_FETCH_AND_ADD |
			IBV_QP_EX_WITH_ATOMIC_WRITE | IBV_QP_EX_WITH_FLUSH;
	}
	qp = ibv_create_qp_ex(l->d->ctx, &attr);
	if (!qp)
		rc_die_errno("no QP");
	l->cap = attr.cap;
	return qp;
}

void loop_open(struct loop *l, struct rc_dev *d, bool extended)
{
	int i;

	memset(l, 0, sizeof(*l));
	l->d = d;
	l->buf = aligned_alloc(4096, LOOP_BYTES);
	if (!l->buf)
		rc_die("no memory");
	rc_fill(1, l->buf, LOOP_HALF);
	memset(l->buf + LOOP_HALF, 0, LOOP_HALF);
	l->mr = ibv_reg_mr(d->pd, l->buf, LOOP_BYTES, IBV_ACCESS_LOCAL_WRITE |
			   IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ |
			   IBV_ACCESS_REMOTE_ATOMIC);
	l->channel = ibv_create_comp_channel(d->ctx);
	if (!l->mr || !l->channel)
		rc_die_errno("no MR or channel");
	open_cqs(l, extended);
	for (i = 0; i < 2; i++)
		l->qp[i] = open_qp(l, extended);
	loop_connect(l);
}

void loop_close(struct loop *l)
{
	if (ibv_destroy_qp(l->qp[0]) || ibv_destroy_qp(l->qp[1]) ||
	    ibv_destroy_cq(l->scq) || ibv_destroy_cq(l->rcq) ||
	    ibv_destroy_comp_channel(l->channel) || ibv_dereg_mr(l->mr))
		rc_die_errno("cannot close");
	free(l->buf);
}

/* From RESET. */
void loop_connect(struct loop *l)
{
	struct rc_qp_param p = RC_QP_DEFAULTS;
	struct rc_end end[2] = {};
	int i;

	p.timeout = loop_timeout;
	p.mtu = loop_mtu;
	p.rd_atomic = loop_rd_atomic;
	p.access |= loop_access;

	for (i = 0; i < 2; i++) {
		rc_qp_init(l->qp[i], p.access);
		end[i].qpn = l->qp[i]->qp_num;
		end[i].psn = rc_psn();
		end[i].gid = l->d->gid;
	}
	for (i = 0; i < 2; i++)
		rc_qp_connect(l->d, l->qp[i], &p, end[i].psn, &end[!i]);
}

void loop_to(struct ibv_qp *qp, enum ibv_qp_state state)
{
	struct ibv_qp_attr attr = { .qp_state = state };

	if (ibv_modify_qp(qp, &attr, IBV_QP_STATE))
		rc_die_errno("QP to state %d", state);
}

struct ibv_sge loop_sge(struct loop *l, size_t at, uint32_t len)
{
	return (struct ibv_sge) {
		.addr = (uintptr_t)l->buf + at, .length = len, .lkey = l->mr->lkey,
	};
}

struct ibv_send_wr loop_write(struct loop *l, uint64_t id, struct ibv_sge *sge, size_t to)
{
	return (struct ibv_send_wr) {
		.wr_id = id, .sg_list = sge, .num_sge = 1,
		.opcode = IBV_WR_RDMA_WRITE, .send_flags = IBV_SEND_SIGNALED,
		.wr.rdma = {
			.remote_addr = (uintptr_t)l->buf + to, .rkey = l->mr->rkey,
		},
	};
}

int loop_post_recv(struct loop *l, uint64_t id, size_t at, uint32_t len)
{
	struct ibv_sge sge = loop_sge(l, at, len);
	struct ibv_recv_wr wr = { .wr_id = id, .sg_list = &sge, .num_sge = 1 }, *bad;

	return ibv_post_recv(l->qp[1], &wr, &bad);
}

struct ibv_wc loop_wait(struct ibv_cq *cq)
{
	uint64_t end = rc_patience(10000);
	struct ibv_wc wc;
	int n;

	while (!(n = ibv_poll_cq(cq, 1, &wc)))
		if (rc_now_ms() > end)
			rc_die("no completion within 10 s");
	if (n < 0)
		rc_die("ibv_poll_cq: %d", n);
	return wc;
}

void loop_expect(struct ibv_cq *cq, uint64_t wr_id, enum ibv_wc_status status)
{
	struct ibv_wc wc = loop_wait(cq);

	if (wc.wr_id != wr_id || wc.status != status)
		rc_die("completion of %llu is %s, not of %llu %s",
		       (unsigned long long)wc.wr_id, ibv_wc_status_str(wc.status),
		       (unsigned long long)wr_id, ibv_wc_status_str(status));
}

void loop_expect_none(struct ibv_cq *cq)
{
	struct ibv_wc wc;

	EXPECT_EQ(ibv_poll_cq(cq, 1, &wc), 0);
}

uint8_t *loop_map(size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	EXPECT(p != MAP_FAILED);
	EXPECT(!madvise(p, len, MADV_NOHUGEPAGE));
	return p;
}

enum ibv_wc_status loop_move(struct loop *l, enum ibv_wr_opcode op, uint32_t lkey,
			     uint64_t local, uint32_t len, uint32_t rkey, uint64_t remote)
{
	struct ibv_sge sge = { .addr = local, .length = len, .lkey = lkey };
	struct ibv_send_wr wr = {
		.wr_id = 1, .sg_list = &sge, .num_sge = 1, .opcode = op,
		.send_flags = IBV_SEND_SIGNALED,
		.wr.rdma = { .remote_addr = remote, .rkey = rkey },
	}, *bad;

	EXPECT_EQ(ibv_post_send(l->qp[0], &wr, &bad), 0);
	return loop_wait(l->scq).status;
}

long loop_counter(struct rc_dev *d, const char *name)
{
	char path[256];
	long n = -1;
	FILE *f;

	usleep(50000);	/* the counters' lifespan */
	snprintf(path, sizeof(path), "/sys/class/infiniband/%s/ports/1/hw_counters/%s",
		 ibv_get_device_name(d->ctx->device), name);
	f = fopen(path, "r");
	EXPECT(f && fscanf(f, "%ld", &n) == 1);
	fclose(f);
	return n;
}

bool loop_async_event(struct rc_dev *d, enum ibv_event_type type, const void *of, int ms)
{
	struct pollfd p = { .fd = d->ctx->async_fd, .events = POLLIN };
	struct ibv_async_event e;

	if (poll(&p, 1, ms) != 1)
		return false;
	EXPECT(!ibv_get_async_event(d->ctx, &e));
	if (e.event_type != type)
		rc_die("event %s, not %s", ibv_event_type_str(e.event_type), ibv_event_type_str(type));
	EXPECT(e.element.srq == of);
	ibv_ack_async_event(&e);
	return true;
}

struct hroce_ring *loop_find_ring(uint32_t producer)
{
	FILE *f = fopen("/proc/self/maps", "r");
	struct hroce_ring *found = NULL, *ring;
	unsigned long from, to;
	char line[512];

	EXPECT(f);
	while (fgets(line, sizeof(line), f)) {
		if (!strstr(line, "/dev/infiniband/uverbs") ||
		    sscanf(line, "%lx-%lx", &from, &to) != 2)
			continue;
		ring = (void *)from;
		if (ring->producer == producer && !ring->consumer) {
			EXPECT(!found);
			found = ring;
		}
	}
	fclose(f);
	EXPECT(found);
	return found;
}
