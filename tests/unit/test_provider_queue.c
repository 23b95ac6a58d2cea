// SPDX-License-Identifier: GPL-2.0
/* The provider's rings and work queue entries, with the test as the kernel. */
#include <pthread.h>
#include <sched.h>
#include "provider.h"
#include "wqe.h"

static const uint32_t starts[] = { 0, 5, 0x7ffffffd, 0xfffffffd };
#define N(a)	(sizeof(a) / sizeof((a)[0]))

static void test_init_refuses(void)
{
	static const struct hroce_ring_info good = {
		.length = 128 + 4 * 96, .entries = 4, .stride = 96,
		.max_sge = 2, .max_inline = 32,
	};
	static struct { int align; char mem[128 + 4 * 96]; } room;
	struct hroce_ring_info bad[9];
	struct hroce_queue q;
	unsigned int i;

	EXPECT_EQ(hroce_queue_init(&q, &room, &good, 64), 0);
	EXPECT_EQ(q.mask, 3);
	for (i = 0; i < N(bad); i++)
		bad[i] = good;
	bad[0].entries = 0;
	bad[1].entries = 3;
	bad[2].entries = 8;			/* longer than the mapping */
	bad[3].stride = 104;			/* not a multiple of 16 */
	bad[3].length = 128 + 4 * 104;
	bad[4].stride = 80;			/* elements do not fit */
	bad[5].max_sge = 3;
	bad[6].max_inline = 33;
	bad[7].length--;
	bad[8].entries = 1u << 31;		/* length overflows 32 bits */
	bad[8].stride = 1u << 8;
	for (i = 0; i < N(bad); i++)
		EXPECT_EQ(hroce_queue_init(&q, &room, &bad[i], 64), EPROTO);

	/* a product that would be small modulo 2^32 */
	bad[0] = good;
	bad[0].max_sge = 0x10000000;
	EXPECT_EQ(hroce_queue_init(&q, &room, &bad[0], 64), EPROTO);
}

static struct ibv_recv_wr recv_wr(uint64_t id, struct ibv_sge *sge, int n)
{
	return (struct ibv_recv_wr) {
		.wr_id = id, .sg_list = sge, .num_sge = n,
	};
}

/* Fill, drain by some, refill, over all entries and the wrap of the index. */
static void test_produce_wraps(void)
{
	struct ibv_sge sge[2] = { { 0x1000, 10, 1 }, { 0x2000, 20, 2 } };
	const struct hroce_recv_wqe *wqe;
	struct ibv_recv_wr wr;
	struct hroce_queue q;
	uint32_t posted, taken;
	unsigned int s;

	for (s = 0; s < N(starts); s++) {
		test_queue_open(&q, 4, sizeof(*wqe), 2, 0, starts[s]);
		posted = 0;
		for (taken = 0; taken < 20; taken++) {
			while (posted < taken + 4) {
				sge[0].addr = posted;
				wr = recv_wr(posted, sge, 2);
				EXPECT_EQ(hroce_queue_recv(&q, &wr), 0);
				posted++;
			}
			EXPECT_EQ(hroce_queue_recv(&q, &wr), ENOMEM);
			EXPECT_EQ(q.own, starts[s] + posted);
			/* unseen until submitted */
			EXPECT(q.ring->producer != q.own);
			hroce_queue_submit(&q);
			EXPECT_EQ(q.ring->producer, q.own);

			wqe = hroce_queue_entry(&q, q.ring->consumer);
			EXPECT_EQ(wqe->wr_id, taken);
			EXPECT_EQ(wqe->num_sge, 2);
			EXPECT_EQ(wqe->sge[0].addr, taken);
			EXPECT_EQ(wqe->sge[1].addr, 0x2000);
			EXPECT_EQ(wqe->sge[1].length, 20);
			EXPECT_EQ(wqe->sge[1].lkey, 2);
			q.ring->consumer++;
		}
		test_queue_close(&q);
	}
}

/* A consumer index that makes no sense must not make us write ahead of it. */
static void test_mad_consumer(void)
{
	struct ibv_recv_wr wr = recv_wr(1, NULL, 0);
	struct hroce_queue q;
	int i;

	test_queue_open(&q, 2, sizeof(struct hroce_recv_wqe), 1, 0, 0);
	for (i = 0; i < 2; i++)
		EXPECT_EQ(hroce_queue_recv(&q, &wr), 0);
	q.ring->consumer = 77;
	EXPECT_EQ(hroce_queue_recv(&q, &wr), ENOMEM);
	q.ring->consumer = 1;
	EXPECT_EQ(hroce_queue_recv(&q, &wr), 0);
	test_queue_close(&q);
}

static void test_drop(void)
{
	struct ibv_recv_wr wr = recv_wr(1, NULL, 0);
	struct hroce_queue q;
	int zeroed, i;

	for (zeroed = 0; zeroed < 2; zeroed++) {
		test_queue_open(&q, 4, sizeof(struct hroce_recv_wqe), 1, 0, 9);
		for (i = 0; i < 3; i++)
			EXPECT_EQ(hroce_queue_recv(&q, &wr), 0);
		hroce_queue_submit(&q);
		if (zeroed)
			q.ring->producer = 0;
		q.ring->consumer = q.ring->producer;
		hroce_queue_drop(&q);
		EXPECT_EQ(q.ring->producer, q.ring->consumer);
		EXPECT_EQ(q.own, zeroed ? 0 : 12);
		for (i = 0; i < 4; i++)
			EXPECT_EQ(hroce_queue_recv(&q, &wr), 0);
		EXPECT_EQ(hroce_queue_recv(&q, &wr), ENOMEM);
		test_queue_close(&q);
	}
}

static void test_recv_sges(void)
{
	struct ibv_sge sge[3] = {};
	struct ibv_recv_wr wr;
	struct hroce_queue q;

	test_queue_open(&q, 4, sizeof(struct hroce_recv_wqe), 2, 0, 0);
	wr = recv_wr(1, sge, 3);
	EXPECT_EQ(hroce_queue_recv(&q, &wr), EINVAL);
	wr.num_sge = -1;
	EXPECT_EQ(hroce_queue_recv(&q, &wr), EINVAL);
	EXPECT_EQ(q.own, 0);
	wr.num_sge = 2;
	EXPECT_EQ(hroce_queue_recv(&q, &wr), 0);
	EXPECT_EQ(q.own, 1);
	test_queue_close(&q);
}

/* Which opcode goes on which type of QP: the table of the IB specification. */
static void test_opcodes(void)
{
	static const struct {
		enum ibv_wr_opcode opcode;
		bool rc, uc, ud;
	} table[] = {
		{ IBV_WR_RDMA_WRITE, true, true, false },
		{ IBV_WR_RDMA_WRITE_WITH_IMM, true, true, false },
		{ IBV_WR_SEND, true, true, true },
		{ IBV_WR_SEND_WITH_IMM, true, true, true },
		{ IBV_WR_RDMA_READ, true, false, false },
		{ IBV_WR_ATOMIC_CMP_AND_SWP, true, false, false },
		{ IBV_WR_ATOMIC_FETCH_AND_ADD, true, false, false },
		{ IBV_WR_LOCAL_INV, true, false, false },
		{ IBV_WR_BIND_MW, true, false, false },
		{ IBV_WR_SEND_WITH_INV, true, false, false },
		{ (enum ibv_wr_opcode)HROCE_WR_ATOMIC_WRITE, true, false, false },
		/* by ibv_wr_flush() alone */
		{ (enum ibv_wr_opcode)HROCE_WR_FLUSH, false, false, false },
		/* not there */
		{ IBV_WR_TSO, false, false, false },
		{ (enum ibv_wr_opcode)33, false, false, false },
		{ (enum ibv_wr_opcode)-1, false, false, false },
	};
	struct hroce_ah ah = { .number = 5 };
	struct ibv_mw mw = { .rkey = 0x501 };
	struct ibv_send_wr wr = { .wr.ud.ah = &ah.ibv_ah, .bind_mw.mw = &mw };
	struct hroce_queue q;
	unsigned int i;

	test_queue_open(&q, 64, sizeof(struct hroce_send_wqe), 1, 16, 0);
	for (i = 0; i < N(table); i++) {
		wr.opcode = table[i].opcode;
		EXPECT_EQ(hroce_queue_send(&q, IBV_QPT_RC, &wr),
			  table[i].rc ? 0 : EINVAL);
		EXPECT_EQ(hroce_queue_send(&q, IBV_QPT_UC, &wr),
			  table[i].uc ? 0 : EINVAL);
		EXPECT_EQ(hroce_queue_send(&q, IBV_QPT_UD, &wr),
			  table[i].ud ? 0 : EINVAL);
		EXPECT_EQ(hroce_queue_send(&q, IBV_QPT_RAW_PACKET, &wr), EINVAL);
	}
	EXPECT_EQ(q.own, 11 + 4 + 2);
	test_queue_close(&q);
}

static void test_send_fields(void)
{
	struct ibv_sge sge[2] = { { 0x1234567890, 10, 1 }, { 0x2000, 20, 2 } };
	struct ibv_send_wr wr = {
		.wr_id = 0x1122334455667788, .sg_list = sge, .num_sge = 2,
		.opcode = IBV_WR_RDMA_WRITE_WITH_IMM, .imm_data = 0xcafe,
		.send_flags = IBV_SEND_SIGNALED | IBV_SEND_FENCE |
			      IBV_SEND_SOLICITED,
		.wr.rdma = { 0xabcdef0123, 0x55 },
	};
	struct hroce_ah ah = { .number = 0x77 };
	const struct hroce_send_wqe *wqe;
	struct hroce_queue q;

	test_queue_open(&q, 8, sizeof(*wqe), 2, 0, 0);

	wqe = hroce_queue_head(&q);
	EXPECT_EQ(hroce_queue_send(&q, IBV_QPT_RC, &wr), 0);
	EXPECT_EQ(wqe->wr_id, 0x1122334455667788);
	EXPECT_EQ(wqe->opcode, IBV_WR_RDMA_WRITE_WITH_IMM);
	EXPECT_EQ(wqe->flags, 7);
	EXPECT_EQ(wqe->num_sge, 2);
	EXPECT_EQ(wqe->inline_length, 0);
	EXPECT_EQ(wqe->imm, 0xcafe);
	EXPECT_EQ(wqe->rdma.remote_addr, 0xabcdef0123);
	EXPECT_EQ(wqe->rdma.rkey, 0x55);
	EXPECT_EQ(wqe->ah, 0);
	EXPECT(!memcmp(wqe->sge, sge, sizeof(sge)));

	wr.opcode = IBV_WR_ATOMIC_CMP_AND_SWP;
	wr.wr.atomic.remote_addr = 0x8888;
	wr.wr.atomic.compare_add = 1ull << 60;
	wr.wr.atomic.swap = 1ull << 61;
	wr.wr.atomic.rkey = 0x66;
	wqe = hroce_queue_head(&q);
	EXPECT_EQ(hroce_queue_send(&q, IBV_QPT_RC, &wr), 0);
	EXPECT_EQ(wqe->atomic.remote_addr, 0x8888);
	EXPECT_EQ(wqe->atomic.compare_add, 1ll << 60);
	EXPECT_EQ(wqe->atomic.swap, 1ll << 61);
	EXPECT_EQ(wqe->atomic.rkey, 0x66);

	wr.opcode = IBV_WR_SEND;
	wr.wr.ud.ah = &ah.ibv_ah;
	wr.wr.ud.remote_qpn = 0x99;
	wr.wr.ud.remote_qkey = 0x11111111;
	wqe = hroce_queue_head(&q);
	EXPECT_EQ(hroce_queue_send(&q, IBV_QPT_UD, &wr), 0);
	EXPECT_EQ(wqe->imm, 0);
	EXPECT_EQ(wqe->ah, 0x77);
	EXPECT_EQ(wqe->ud.remote_qpn, 0x99);
	EXPECT_EQ(wqe->ud.remote_qkey, 0x11111111);
	wr.wr.ud.ah = NULL;
	EXPECT_EQ(hroce_queue_send(&q, IBV_QPT_UD, &wr), EINVAL);

	wr.send_flags = IBV_SEND_IP_CSUM;
	EXPECT_EQ(hroce_queue_send(&q, IBV_QPT_RC, &wr), EINVAL);
	wr.send_flags = 0;
	wr.num_sge = 3;
	EXPECT_EQ(hroce_queue_send(&q, IBV_QPT_RC, &wr), EINVAL);
	wr.num_sge = -1;
	EXPECT_EQ(hroce_queue_send(&q, IBV_QPT_RC, &wr), EINVAL);
	EXPECT_EQ(q.own, 3);
	test_queue_close(&q);
}

/* Inline data of all lengths, cut into one, two and three pieces. */
static void test_inline(void)
{
	enum { MAX = 70 };
	struct ibv_send_wr wr = {
		.opcode = IBV_WR_SEND, .send_flags = IBV_SEND_INLINE,
	};
	const struct hroce_send_wqe *wqe;
	unsigned char data[MAX + 1];
	struct ibv_sge sge[4] = {};
	struct hroce_queue q;
	uint32_t len, cut;
	int i;

	for (i = 0; i <= MAX; i++)
		data[i] = i + 1;
	test_queue_open(&q, 2, sizeof(*wqe), 3, MAX, 0xffffffff);
	wr.sg_list = sge;
	for (len = 0; len <= MAX + 1; len++) {
		for (wr.num_sge = 1; wr.num_sge <= 3; wr.num_sge++) {
			cut = len;
			for (i = 0; i < wr.num_sge; i++) {
				sge[i].addr = (uintptr_t)data + len - cut;
				sge[i].length = i + 1 < wr.num_sge ? cut / 2 : cut;
				cut -= sge[i].length;
			}
			wqe = hroce_queue_head(&q);
			q.peer = q.own;		/* never full */
			EXPECT_EQ(hroce_queue_send(&q, IBV_QPT_RC, &wr),
				  len > MAX ? EINVAL : 0);
			if (len > MAX)
				continue;
			EXPECT_EQ(wqe->flags & IBV_SEND_INLINE, IBV_SEND_INLINE);
			EXPECT_EQ(wqe->inline_length, len);
			EXPECT_EQ(wqe->num_sge, 0);
			EXPECT(!memcmp(wqe->inline_data, data, len));
		}
	}
	wr.num_sge = 4;
	EXPECT_EQ(hroce_queue_send(&q, IBV_QPT_RC, &wr), EINVAL);

	/* lengths whose sum is small modulo 2^32 */
	wr.num_sge = 2;
	sge[0].length = 8;
	sge[1].length = 0xffffffff;
	EXPECT_EQ(hroce_queue_send(&q, IBV_QPT_RC, &wr), EINVAL);

	/* nothing to copy from there */
	sge[0].length = 8;
	wr.num_sge = 1;
	wr.opcode = IBV_WR_RDMA_READ;
	EXPECT_EQ(hroce_queue_send(&q, IBV_QPT_RC, &wr), EINVAL);
	test_queue_close(&q);
}

#define STREAM	50000u

/* The kernel's part: completions as fast as there is room. */
static void *stream_producer(void *arg)
{
	struct hroce_queue *user = arg;
	struct hroce_ring *ring = user->ring;
	struct hroce_cqe *cqe;
	uint32_t i, index;

	for (i = 0; i < STREAM; i++) {
		index = ring->producer;
		while (index - __atomic_load_n(&ring->consumer,
					       __ATOMIC_ACQUIRE) > user->mask)
			sched_yield();
		cqe = hroce_queue_entry(user, index);
		memset(cqe, i, sizeof(*cqe));
		cqe->wr_id = i;
		__atomic_store_n(&ring->producer, index + 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

static void test_consume_stream(void)
{
	const struct hroce_cqe *cqe;
	struct hroce_queue q;
	pthread_t thread;
	uint32_t i, bad = 0;

	test_queue_open(&q, 16, sizeof(*cqe), 0, 0, 0xffffff00);
	EXPECT(!hroce_queue_peek(&q));
	if (pthread_create(&thread, NULL, stream_producer, &q))
		abort();
	for (i = 0; i < STREAM; i++) {
		while (!(cqe = hroce_queue_peek(&q)))
			sched_yield();
		bad += cqe->wr_id != i ||
		       cqe->qp_num != (i & 0xff) * 0x01010101u ||
		       cqe->reserved2 != (i & 0xff) * 0x0101010101010101ull;
		q.own++;
		if (i % 3 == 0)
			hroce_queue_release(&q);
	}
	pthread_join(thread, NULL);
	EXPECT_EQ(bad, 0);
	EXPECT(!hroce_queue_peek(&q));
	test_queue_close(&q);
}

int main(void)
{
	static const struct test tests[] = {
		{ "init refuses what does not fit", test_init_refuses },
		{ "producing wraps", test_produce_wraps },
		{ "a mad consumer index means full", test_mad_consumer },
		{ "drop follows the kernel", test_drop },
		{ "receive elements", test_recv_sges },
		{ "opcodes by QP type", test_opcodes },
		{ "send fields", test_send_fields },
		{ "inline data", test_inline },
		{ "consuming a stream", test_consume_stream },
	};

	return test_main(tests, N(tests));
}
