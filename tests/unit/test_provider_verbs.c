// SPDX-License-Identifier: GPL-2.0
/*
 * Posting, polling and the extended verbs of the provider, called as libibverbs
 * would. A pipe is the command file, so that doorbells can be read back; the
 * rings are the test's own memory.
 */
#include <fcntl.h>
#include <unistd.h>
#include "provider.h"
#include "hroce.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))

enum { ENTRIES = 4, SGES = 2, INLINE = 40 };

static struct hroce_context hroce;
static struct ibv_context *const context = &hroce.ibv_ctx.context;
static int bell_fd;		/* the other end of context->cmd_fd */

static struct hroce_qp qp;
static struct hroce_cq cq;

static void setup(enum ibv_qp_state state, enum ibv_qp_type type)
{
	int fd[2];

	if (pipe2(fd, O_NONBLOCK))
		abort();
	bell_fd = fd[0];
	context->cmd_fd = fd[1];

	memset(&qp, 0, sizeof(qp));
	qp.vqp.qp.context = context;
	qp.vqp.qp.handle = 42;
	qp.vqp.qp.state = state;
	qp.vqp.qp.qp_type = type;
	pthread_spin_init(&qp.sq_lock, PTHREAD_PROCESS_PRIVATE);
	pthread_spin_init(&qp.rq_lock, PTHREAD_PROCESS_PRIVATE);
	test_queue_open(&qp.sq, ENTRIES, sizeof(struct hroce_send_wqe), SGES,
			INLINE, 0xffffffff);
	test_queue_open(&qp.rq, ENTRIES, sizeof(struct hroce_recv_wqe), SGES,
			0, 0xffffffff);
	memset(&cq, 0, sizeof(cq));
	pthread_spin_init(&cq.lock, PTHREAD_PROCESS_PRIVATE);
	test_queue_open(&cq.queue, ENTRIES, sizeof(struct hroce_cqe), 0, 0, 7);
}

/* Leaves no lock taken: otherwise this hangs. */
static void teardown(void)
{
	pthread_spin_lock(&qp.sq_lock);
	pthread_spin_lock(&qp.rq_lock);
	pthread_spin_lock(&cq.lock);
	test_queue_close(&qp.sq);
	test_queue_close(&qp.rq);
	test_queue_close(&cq.queue);
	close(bell_fd);
	close(context->cmd_fd);
}

/* Doorbells since the last call; each must be a POST_SEND without a request. */
static int bells(void)
{
	struct ibv_post_send cmd;
	int n = 0;

	while (read(bell_fd, &cmd, sizeof(cmd)) == sizeof(cmd)) {
		n++;
		EXPECT_EQ(cmd.hdr.command, IB_USER_VERBS_CMD_POST_SEND);
		EXPECT_EQ(cmd.hdr.in_words * 4, sizeof(cmd));
		EXPECT_EQ(cmd.hdr.out_words * 4,
			  sizeof(struct ib_uverbs_post_send_resp));
		EXPECT(cmd.response);
		EXPECT_EQ(cmd.qp_handle, 42);
		EXPECT_EQ(cmd.wr_count, 0);
		EXPECT_EQ(cmd.sge_count, 0);
		EXPECT(cmd.wqe_size >= sizeof(struct ib_uverbs_send_wr));
	}
	return n;
}

static const struct hroce_send_wqe *sent(uint32_t nth)
{
	return hroce_queue_entry(&qp.sq, 0xffffffffu + nth);
}

static void link_sends(struct ibv_send_wr *wr, int n)
{
	int i;

	memset(wr, 0, n * sizeof(*wr));
	for (i = 0; i < n; i++) {
		wr[i].wr_id = 100 + i;
		wr[i].opcode = IBV_WR_SEND;
		wr[i].next = i + 1 < n ? &wr[i + 1] : NULL;
	}
}

static void test_post_send(void)
{
	struct ibv_send_wr wr[5], *bad = NULL;

	setup(IBV_QPS_RTS, IBV_QPT_RC);
	link_sends(wr, 3);
	EXPECT_EQ(hroce_post_send(&qp.vqp.qp, wr, &bad), 0);
	EXPECT_EQ(bells(), 1);
	EXPECT_EQ(qp.sq.ring->producer, 2);
	EXPECT_EQ(sent(0)->wr_id, 100);
	EXPECT_EQ(sent(2)->wr_id, 102);

	/* room for one more: that goes, the next is bad */
	link_sends(wr, 2);
	EXPECT_EQ(hroce_post_send(&qp.vqp.qp, wr, &bad), ENOMEM);
	EXPECT(bad == &wr[1]);
	EXPECT_EQ(bells(), 1);
	EXPECT_EQ(qp.sq.ring->producer, 3);

	/* full: nothing queued, no doorbell */
	EXPECT_EQ(hroce_post_send(&qp.vqp.qp, wr, &bad), ENOMEM);
	EXPECT(bad == &wr[0]);
	EXPECT_EQ(bells(), 0);

	/* a bad one in the middle */
	qp.sq.ring->consumer = 3;
	link_sends(wr, 3);
	wr[1].opcode = IBV_WR_TSO;
	EXPECT_EQ(hroce_post_send(&qp.vqp.qp, wr, &bad), EINVAL);
	EXPECT(bad == &wr[1]);
	EXPECT_EQ(qp.sq.ring->producer, 4);
	EXPECT_EQ(bells(), 1);
	teardown();
}

static void test_post_send_states(void)
{
	static const struct { enum ibv_qp_state state; int err; } table[] = {
		{ IBV_QPS_RESET, EINVAL }, { IBV_QPS_INIT, EINVAL },
		{ IBV_QPS_RTR, EINVAL }, { IBV_QPS_RTS, 0 },
		{ IBV_QPS_SQD, 0 }, { IBV_QPS_SQE, 0 }, { IBV_QPS_ERR, 0 },
	};
	struct ibv_send_wr wr, *bad;
	unsigned int i;

	for (i = 0; i < N(table); i++) {
		setup(table[i].state, IBV_QPT_RC);
		link_sends(&wr, 1);
		bad = NULL;
		EXPECT_EQ(hroce_post_send(&qp.vqp.qp, &wr, &bad), table[i].err);
		EXPECT(bad == (table[i].err ? &wr : NULL));
		EXPECT_EQ(bells(), !table[i].err);
		teardown();
	}
}

/* The requests stay queued, and the next doorbell takes them along. */
static void test_doorbell_fails(void)
{
	struct ibv_send_wr wr[2], *bad = NULL;
	int fd;

	setup(IBV_QPS_RTS, IBV_QPT_RC);
	link_sends(wr, 2);
	fd = context->cmd_fd;
	context->cmd_fd = -1;
	EXPECT_EQ(hroce_post_send(&qp.vqp.qp, wr, &bad), EBADF);
	EXPECT(bad == &wr[0]);
	EXPECT_EQ(qp.sq.ring->producer, 1);
	context->cmd_fd = fd;
	link_sends(wr, 1);
	EXPECT_EQ(hroce_post_send(&qp.vqp.qp, wr, &bad), 0);
	EXPECT_EQ(qp.sq.ring->producer, 2);
	EXPECT_EQ(bells(), 1);
	teardown();
}

static void test_post_recv(void)
{
	struct ibv_recv_wr wr[5] = {}, *bad = NULL;
	int i;

	setup(IBV_QPS_INIT, IBV_QPT_RC);
	for (i = 0; i < 4; i++)
		wr[i].next = &wr[i + 1];
	EXPECT_EQ(hroce_post_recv(&qp.vqp.qp, wr, &bad), ENOMEM);
	EXPECT(bad == &wr[4]);
	EXPECT_EQ(qp.rq.ring->producer, 3);
	EXPECT_EQ(bells(), 0);

	/* as when they are to be flushed */
	qp.rq.ring->doorbell = 1;
	qp.rq.ring->consumer = 3;
	EXPECT_EQ(hroce_post_recv(&qp.vqp.qp, &wr[4], &bad), 0);
	EXPECT_EQ(bells(), 1);

	qp.vqp.qp.state = IBV_QPS_RESET;
	EXPECT_EQ(hroce_post_recv(&qp.vqp.qp, &wr[4], &bad), EINVAL);
	EXPECT_EQ(qp.rq.ring->producer, 4);
	teardown();
}

/* With an SRQ there is no receive queue. */
static void test_post_recv_srq(void)
{
	struct hroce_srq srq = {};
	struct ibv_recv_wr wr[2] = { { .next = &wr[1] } }, *bad = NULL;
	struct hroce_ring *ring;

	setup(IBV_QPS_RTS, IBV_QPT_RC);
	ring = qp.rq.ring;
	qp.rq.ring = NULL;
	EXPECT_EQ(hroce_post_recv(&qp.vqp.qp, wr, &bad), EINVAL);
	EXPECT(bad == wr);
	qp.rq.ring = ring;

	pthread_spin_init(&srq.lock, PTHREAD_PROCESS_PRIVATE);
	test_queue_open(&srq.queue, 2, sizeof(struct hroce_recv_wqe), 1, 0, 0);
	EXPECT_EQ(hroce_post_srq_recv(&srq.vsrq.srq, wr, &bad), 0);
	EXPECT_EQ(srq.queue.ring->producer, 2);
	EXPECT_EQ(hroce_post_srq_recv(&srq.vsrq.srq, wr, &bad), ENOMEM);
	EXPECT(bad == wr);
	test_queue_close(&srq.queue);
	teardown();
}

static void complete(uint64_t wr_id, uint32_t status)
{
	struct hroce_cqe *cqe =
		hroce_queue_entry(&cq.queue, cq.queue.ring->producer);

	*cqe = (struct hroce_cqe) {
		.wr_id = wr_id, .status = status,
		.opcode = IBV_WC_RECV_RDMA_WITH_IMM, .vendor_err = 3,
		.byte_len = 4, .imm = 5, .qp_num = 6, .src_qp = 8,
		.flags = HROCE_CQE_IMM | HROCE_CQE_GRH,
		.timestamp_ns = 1ull << 40,
	};
	cq.queue.ring->producer++;
}

static void test_poll(void)
{
	struct ibv_wc wc[8];
	int i;

	setup(IBV_QPS_RTS, IBV_QPT_RC);
	EXPECT_EQ(hroce_poll_cq(&cq.vcq.cq, 8, wc), 0);
	for (i = 0; i < 4; i++)
		complete(i, i ? IBV_WC_RETRY_EXC_ERR : IBV_WC_SUCCESS);
	EXPECT_EQ(hroce_poll_cq(&cq.vcq.cq, 3, wc), 3);
	EXPECT_EQ(cq.queue.ring->consumer, 10);
	EXPECT_EQ(wc[0].status, IBV_WC_SUCCESS);
	EXPECT_EQ(wc[0].opcode, IBV_WC_RECV_RDMA_WITH_IMM);
	EXPECT_EQ(wc[0].byte_len, 4);
	EXPECT_EQ(wc[0].imm_data, 5);
	EXPECT_EQ(wc[0].qp_num, 6);
	EXPECT_EQ(wc[0].src_qp, 8);
	EXPECT_EQ(wc[0].wc_flags, IBV_WC_WITH_IMM | IBV_WC_GRH);
	EXPECT_EQ(wc[2].wr_id, 2);
	EXPECT_EQ(wc[2].status, IBV_WC_RETRY_EXC_ERR);
	EXPECT_EQ(wc[2].vendor_err, 3);
	EXPECT_EQ(hroce_poll_cq(&cq.vcq.cq, 8, wc), 1);
	EXPECT_EQ(wc[0].wr_id, 3);
	EXPECT_EQ(hroce_poll_cq(&cq.vcq.cq, 8, wc), 0);
	EXPECT_EQ(cq.queue.ring->consumer, 11);
	teardown();
}

static void test_poll_ex(void)
{
	struct ibv_poll_cq_attr attr = {};
	struct ibv_cq_ex *cqx = &cq.vcq.cq_ex;

	setup(IBV_QPS_RTS, IBV_QPT_RC);
	hroce_cq_ex_setup(cqx, IBV_WC_STANDARD_FLAGS |
			  IBV_WC_EX_WITH_COMPLETION_TIMESTAMP);
	EXPECT_EQ(ibv_start_poll(cqx, &attr), ENOENT);
	complete(1, IBV_WC_SUCCESS);
	complete(2, IBV_WC_WR_FLUSH_ERR);
	EXPECT_EQ(ibv_start_poll(cqx, &attr), 0);
	EXPECT_EQ(cqx->wr_id, 1);
	EXPECT_EQ(cqx->status, IBV_WC_SUCCESS);
	EXPECT_EQ(ibv_wc_read_opcode(cqx), IBV_WC_RECV_RDMA_WITH_IMM);
	EXPECT_EQ(ibv_wc_read_byte_len(cqx), 4);
	EXPECT_EQ(ibv_wc_read_imm_data(cqx), 5);
	EXPECT_EQ(ibv_wc_read_qp_num(cqx), 6);
	EXPECT_EQ(ibv_wc_read_src_qp(cqx), 8);
	EXPECT_EQ(ibv_wc_read_wc_flags(cqx), IBV_WC_WITH_IMM | IBV_WC_GRH);
	EXPECT_EQ(ibv_wc_read_completion_ts(cqx), 1ll << 40);
	EXPECT_EQ(ibv_wc_read_slid(cqx), 0);
	EXPECT_EQ(ibv_wc_read_sl(cqx), 0);
	EXPECT_EQ(ibv_wc_read_dlid_path_bits(cqx), 0);
	EXPECT_EQ(cq.queue.ring->consumer, 7);	/* still ours to read */
	EXPECT_EQ(ibv_next_poll(cqx), 0);
	EXPECT_EQ(cqx->wr_id, 2);
	EXPECT_EQ(cqx->status, IBV_WC_WR_FLUSH_ERR);
	EXPECT_EQ(ibv_wc_read_vendor_err(cqx), 3);
	EXPECT_EQ(ibv_next_poll(cqx), ENOENT);
	ibv_end_poll(cqx);
	EXPECT_EQ(cq.queue.ring->consumer, 9);
	EXPECT_EQ(ibv_start_poll(cqx, &attr), ENOENT);
	attr.comp_mask = 1;
	EXPECT_EQ(ibv_start_poll(cqx, &attr), EINVAL);
	teardown();
}

static struct ibv_qp_ex *setup_wr(enum ibv_qp_type type)
{
	setup(IBV_QPS_RTS, type);
	hroce_wr_setup(&qp.vqp.qp_ex, ~0ull);
	return &qp.vqp.qp_ex;
}

static void test_wr_batch(void)
{
	struct ibv_qp_ex *qpx = setup_wr(IBV_QPT_RC);
	struct ibv_sge sge[2] = { { 0x1000, 1, 2 }, { 0x2000, 3, 4 } };
	struct ibv_data_buf buf[2] = { { "hello ", 6 }, { "world", 6 } };

	ibv_wr_start(qpx);
	qpx->wr_id = 1;
	qpx->wr_flags = IBV_SEND_SIGNALED;
	ibv_wr_rdma_write_imm(qpx, 0x11, 0x22, 0x33);
	ibv_wr_set_sge_list(qpx, 2, sge);
	qpx->wr_id = 2;
	qpx->wr_flags = 0;
	ibv_wr_send(qpx);
	ibv_wr_set_inline_data_list(qpx, 2, buf);
	qpx->wr_flags = IBV_SEND_INLINE;	/* the setter decides */
	ibv_wr_atomic_cmp_swp(qpx, 0x44, 0x55, 0x66, 0x77);
	ibv_wr_set_sge(qpx, 9, 0x3000, 8);
	ibv_wr_atomic_fetch_add(qpx, 0x44, 0x55, 0x88);
	ibv_wr_set_sge(qpx, 9, 0x3000, 8);
	EXPECT_EQ(qp.sq.ring->producer, 0xffffffff);
	EXPECT_EQ(ibv_wr_complete(qpx), 0);
	EXPECT_EQ(bells(), 1);
	EXPECT_EQ(qp.sq.ring->producer, 3);

	EXPECT_EQ(sent(0)->wr_id, 1);
	EXPECT_EQ(sent(0)->opcode, IBV_WR_RDMA_WRITE_WITH_IMM);
	EXPECT_EQ(sent(0)->flags, IBV_SEND_SIGNALED);
	EXPECT_EQ(sent(0)->rdma.rkey, 0x11);
	EXPECT_EQ(sent(0)->rdma.remote_addr, 0x22);
	EXPECT_EQ(sent(0)->imm, 0x33);
	EXPECT_EQ(sent(0)->num_sge, 2);
	EXPECT(!memcmp(sent(0)->sge, sge, sizeof(sge)));
	EXPECT_EQ(sent(1)->wr_id, 2);
	EXPECT_EQ(sent(1)->flags, IBV_SEND_INLINE);
	EXPECT_EQ(sent(1)->inline_length, 12);
	EXPECT(!strcmp((const char *)sent(1)->inline_data, "hello world"));
	EXPECT_EQ(sent(2)->opcode, IBV_WR_ATOMIC_CMP_AND_SWP);
	EXPECT_EQ(sent(2)->flags, 0);
	EXPECT_EQ(sent(2)->atomic.rkey, 0x44);
	EXPECT_EQ(sent(2)->atomic.remote_addr, 0x55);
	EXPECT_EQ(sent(2)->atomic.compare_add, 0x66);
	EXPECT_EQ(sent(2)->atomic.swap, 0x77);
	EXPECT_EQ(sent(3)->opcode, IBV_WR_ATOMIC_FETCH_AND_ADD);
	EXPECT_EQ(sent(3)->atomic.compare_add, 0x88);
	EXPECT_EQ(sent(3)->sge[0].addr, 0x3000);
	teardown();
}

/* All or nothing: an error anywhere takes back the whole batch. */
static void test_wr_errors(void)
{
	static char long_data[INLINE + 1];
	struct ibv_qp_ex *qpx = setup_wr(IBV_QPT_RC);
	struct ibv_sge sge[3] = {};
	int i;

	ibv_wr_start(qpx);
	ibv_wr_send(qpx);
	ibv_wr_set_inline_data(qpx, long_data, sizeof(long_data));
	ibv_wr_send(qpx);
	EXPECT_EQ(ibv_wr_complete(qpx), EINVAL);

	ibv_wr_start(qpx);
	ibv_wr_send(qpx);
	ibv_wr_set_sge_list(qpx, 3, sge);
	EXPECT_EQ(ibv_wr_complete(qpx), EINVAL);

	ibv_wr_start(qpx);
	ibv_wr_rdma_read(qpx, 1, 2);
	ibv_wr_set_inline_data(qpx, long_data, 1);
	EXPECT_EQ(ibv_wr_complete(qpx), EINVAL);

	ibv_wr_start(qpx);
	for (i = 0; i < ENTRIES + 1; i++) {
		ibv_wr_send(qpx);
		ibv_wr_set_sge(qpx, 1, 2, 3);
	}
	EXPECT_EQ(ibv_wr_complete(qpx), ENOMEM);

	ibv_wr_start(qpx);
	ibv_wr_send(qpx);
	ibv_wr_abort(qpx);

	ibv_wr_start(qpx);
	EXPECT_EQ(ibv_wr_complete(qpx), 0);

	qp.vqp.qp.state = IBV_QPS_INIT;
	ibv_wr_start(qpx);
	ibv_wr_send(qpx);
	EXPECT_EQ(ibv_wr_complete(qpx), EINVAL);

	EXPECT_EQ(bells(), 0);
	EXPECT_EQ(qp.sq.ring->producer, 0xffffffff);
	EXPECT_EQ(qp.sq.own, 0xffffffff);
	teardown();
}

/* Windows and keys that end; in the request as the kernel looks for them. */
static void test_wr_windows(void)
{
	struct ibv_qp_ex *qpx = setup_wr(IBV_QPT_RC);
	struct ibv_mr mr = { .lkey = 0x700 };
	struct ibv_mw mw = { .rkey = 0x501 };
	struct ibv_mw_bind_info info = { &mr, 0x1000, 0x2000, IBV_ACCESS_REMOTE_READ };
	const struct hroce_bind *b;

	ibv_wr_start(qpx);
	qpx->wr_id = 1;
	qpx->wr_flags = IBV_SEND_FENCE;
	ibv_wr_bind_mw(qpx, &mw, 0x502, &info);
	qpx->wr_flags = 0;
	ibv_wr_local_inv(qpx, 0x503);
	ibv_wr_send_inv(qpx, 0x504);
	ibv_wr_set_inline_data(qpx, "abc", 3);
	EXPECT_EQ(ibv_wr_complete(qpx), 0);
	b = &sent(0)->bind;
	EXPECT_EQ(sent(0)->opcode, IBV_WR_BIND_MW);
	EXPECT_EQ(sent(0)->flags, IBV_SEND_FENCE);
	EXPECT(b->key == 0x501 && b->rkey == 0x502 && b->lkey == 0x700);
	EXPECT(b->addr == 0x1000 && b->length == 0x2000 &&
	       b->access == IBV_ACCESS_REMOTE_READ);
	EXPECT_EQ(sent(1)->opcode, IBV_WR_LOCAL_INV);
	EXPECT_EQ(sent(1)->imm, 0x503);
	EXPECT_EQ(sent(2)->opcode, IBV_WR_SEND_WITH_INV);
	EXPECT_EQ(sent(2)->imm, 0x504);
	EXPECT_EQ(sent(2)->inline_length, 3);

	/* something of no region */
	info.mr = NULL;
	ibv_wr_start(qpx);
	ibv_wr_bind_mw(qpx, &mw, 0x502, &info);
	EXPECT_EQ(ibv_wr_complete(qpx), EINVAL);
	teardown();
}

static void test_wr_ud(void)
{
	struct ibv_qp_ex *qpx = setup_wr(IBV_QPT_UD);
	struct hroce_ah ah = { .number = 12 };

	ibv_wr_start(qpx);
	ibv_wr_send_imm(qpx, 34);
	ibv_wr_set_ud_addr(qpx, &ah.ibv_ah, 56, 78);
	ibv_wr_set_sge(qpx, 1, 2, 3);
	EXPECT_EQ(ibv_wr_complete(qpx), 0);
	EXPECT_EQ(sent(0)->imm, 34);
	EXPECT_EQ(sent(0)->ah, 12);
	EXPECT_EQ(sent(0)->ud.remote_qpn, 56);
	EXPECT_EQ(sent(0)->ud.remote_qkey, 78);
	EXPECT_EQ(bells(), 1);
	teardown();
}

static void test_wr_supported(void)
{
	EXPECT(hroce_wr_supported(IBV_QPT_RC, 0x7f));
	EXPECT(hroce_wr_supported(IBV_QPT_RC, IBV_QP_EX_WITH_BIND_MW |
				  IBV_QP_EX_WITH_LOCAL_INV |
				  IBV_QP_EX_WITH_SEND_WITH_INV));
	EXPECT(!hroce_wr_supported(IBV_QPT_UC, IBV_QP_EX_WITH_BIND_MW));
	EXPECT(!hroce_wr_supported(IBV_QPT_RC, IBV_QP_EX_WITH_TSO));
	EXPECT(!hroce_wr_supported(IBV_QPT_RC, 1ull << 40));
	EXPECT(hroce_wr_supported(IBV_QPT_UC, 0xf));
	EXPECT(!hroce_wr_supported(IBV_QPT_UC, IBV_QP_EX_WITH_RDMA_READ));
	EXPECT(hroce_wr_supported(IBV_QPT_UD, IBV_QP_EX_WITH_SEND));
	EXPECT(!hroce_wr_supported(IBV_QPT_UD, IBV_QP_EX_WITH_RDMA_WRITE));
}

int main(void)
{
	static const struct test tests[] = {
		{ "ibv_post_send", test_post_send },
		{ "ibv_post_send by state", test_post_send_states },
		{ "a failing doorbell", test_doorbell_fails },
		{ "ibv_post_recv", test_post_recv },
		{ "ibv_post_recv and SRQ", test_post_recv_srq },
		{ "ibv_poll_cq", test_poll },
		{ "extended CQ", test_poll_ex },
		{ "ibv_wr batch", test_wr_batch },
		{ "ibv_wr errors", test_wr_errors },
		{ "ibv_wr of windows", test_wr_windows },
		{ "ibv_wr to UD", test_wr_ud },
		{ "send operations by QP type", test_wr_supported },
	};

	return test_main(tests, N(tests));
}
