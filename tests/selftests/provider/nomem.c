// SPDX-License-Identifier: GPL-2.0
/*
 * nomem --dev NAME --gid INDEX --faults DIR [--percent N] [--rounds N]: verbs and traffic
 * while the kernel's fault injection in DIR refuses N in a hundred of the allocations
 * that it has been told of. What is refused says ENOMEM, what was made works and can be
 * taken down, and every byte arrives.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "loop.h"

enum { BYTES = 256 << 10 };

static unsigned int made, refused;

static void starve(const char *faults, unsigned int percent)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/probability", faults);
	f = fopen(path, "w");
	if (!f || fprintf(f, "%u\n", percent) < 0 || fclose(f))
		rc_die_errno("%s", path);
}

/* @err: 0, or why it was refused */
static bool came(int err, const char *what)
{
	if (!err) {
		made++;
		return true;
	}
	if (err != ENOMEM)
		rc_die("%s: %s", what, strerror(err));
	refused++;
	return false;
}

#define MAKE(var, call)	(errno = 0, (var) = (call), came((var) ? 0 : errno, #call))
#define DO(call)	came(call, #call)
#define END(var, call)	do {						\
	int err_ = (var) ? call(var) : 0;				\
	if (err_)							\
		rc_die("%s: %s", #call, strerror(err_ < 0 ? errno : err_)); \
} while (0)

static void regions(struct rc_dev *d, struct ibv_pd *pd, uint8_t *mem)
{
	int access = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ;
	struct ibv_alloc_dm_attr attr = { .length = 8192 };
	struct ibv_mr *pinned, *odp, *null, *of_dm = NULL;
	struct ibv_sge sge;
	struct ibv_mw *mw;
	struct ibv_dm *dm;

	MAKE(pinned, ibv_reg_mr(pd, mem, BYTES, access));
	if (pinned && rc_now_ns() % 2)
		came(ibv_rereg_mr(pinned, IBV_REREG_MR_CHANGE_TRANSLATION, NULL, mem,
				  BYTES / 2, 0) ? errno : 0, "ibv_rereg_mr");
	if (MAKE(odp, ibv_reg_mr(pd, mem, BYTES, access | IBV_ACCESS_ON_DEMAND))) {
		sge = (struct ibv_sge) { (uintptr_t)mem, BYTES, odp->lkey };
		DO(ibv_advise_mr(pd, IBV_ADVISE_MR_ADVICE_PREFETCH_WRITE,
				 rc_now_ns() % 2 ? IBV_ADVISE_MR_FLAG_FLUSH : 0, &sge, 1));
	}
	MAKE(null, ibv_alloc_null_mr(pd));
	MAKE(mw, ibv_alloc_mw(pd, IBV_MW_TYPE_1));
	if (MAKE(dm, ibv_alloc_dm(d->ctx, &attr)))
		MAKE(of_dm, ibv_reg_dm_mr(pd, dm, 0, 4096, IBV_ACCESS_ZERO_BASED |
					  IBV_ACCESS_LOCAL_WRITE));
	END(of_dm, ibv_dereg_mr);
	END(dm, ibv_free_dm);
	END(mw, ibv_dealloc_mw);
	END(null, ibv_dereg_mr);
	END(odp, ibv_dereg_mr);
	END(pinned, ibv_dereg_mr);
}

/* To a queue pair that sends, to itself. */
static void set_going(struct rc_dev *d, struct ibv_qp *qp)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_INIT, .port_num = 1,
		.path_mtu = IBV_MTU_1024, .dest_qp_num = qp->qp_num,
		.ah_attr = {
			.is_global = 1, .port_num = 1,
			.grh = { .dgid = d->gid, .sgid_index = d->gid_index, .hop_limit = 64 },
		},
		.timeout = LOOP_TIMEOUT, .retry_cnt = 7, .rnr_retry = 7,
		.max_rd_atomic = 4, .max_dest_rd_atomic = 4,
	};

	if (!DO(ibv_modify_qp(qp, &attr, IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT |
			      IBV_QP_ACCESS_FLAGS)))
		return;
	attr.qp_state = IBV_QPS_RTR;
	if (!DO(ibv_modify_qp(qp, &attr, IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU |
			      IBV_QP_DEST_QPN | IBV_QP_RQ_PSN | IBV_QP_MAX_DEST_RD_ATOMIC |
			      IBV_QP_MIN_RNR_TIMER)))
		return;
	attr.qp_state = IBV_QPS_RTS;
	DO(ibv_modify_qp(qp, &attr, IBV_QP_STATE | IBV_QP_SQ_PSN | IBV_QP_TIMEOUT |
			 IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY | IBV_QP_MAX_QP_RD_ATOMIC));
}

static void queue_pairs(struct rc_dev *d, struct ibv_pd *pd, struct ibv_cq *cq,
			struct ibv_srq *srq)
{
	static const enum ibv_qp_type types[] = { IBV_QPT_RC, IBV_QPT_UC, IBV_QPT_UD, IBV_QPT_RC };
	struct ibv_qp *qp[RC_ARRAY_SIZE(types)] = {};
	struct ibv_ah_attr attr = {
		.is_global = 1, .port_num = 1,
		.grh = { .dgid = d->gid, .sgid_index = d->gid_index, .hop_limit = 64 },
	};
	struct ibv_ah *ah;
	unsigned int i;

	for (i = 0; i < RC_ARRAY_SIZE(types); i++) {
		struct ibv_qp_init_attr init = {
			.qp_type = types[i], .send_cq = cq, .recv_cq = cq,
			.srq = i == 3 ? srq : NULL,
			.cap = { .max_send_wr = 100, .max_recv_wr = 100,
				 .max_send_sge = 4, .max_recv_sge = 4 },
		};

		if (MAKE(qp[i], ibv_create_qp(pd, &init)) && types[i] == IBV_QPT_RC)
			set_going(d, qp[i]);
	}
	MAKE(ah, ibv_create_ah(pd, &attr));
	END(ah, ibv_destroy_ah);
	for (i = 0; i < RC_ARRAY_SIZE(types); i++)
		END(qp[i], ibv_destroy_qp);
}

static void objects(struct rc_dev *d, uint8_t *mem)
{
	struct ibv_srq_init_attr init = { .attr = { .max_wr = 100, .max_sge = 2 } };
	struct ibv_srq_attr larger = { .max_wr = 900 };
	struct ibv_comp_channel *channel;
	struct ibv_srq *srq;
	struct ibv_pd *pd;
	struct ibv_cq *cq;

	if (!MAKE(pd, ibv_alloc_pd(d->ctx)))
		return;
	MAKE(channel, ibv_create_comp_channel(d->ctx));
	if (MAKE(srq, ibv_create_srq(pd, &init)))
		DO(ibv_modify_srq(srq, &larger, IBV_SRQ_MAX_WR));
	if (MAKE(cq, ibv_create_cq(d->ctx, 200, NULL, channel, 0))) {
		DO(ibv_resize_cq(cq, 1000));
		queue_pairs(d, pd, cq, srq);
	}
	regions(d, pd, mem);
	END(cq, ibv_destroy_cq);
	END(srq, ibv_destroy_srq);
	END(channel, ibv_destroy_comp_channel);
	END(pd, ibv_dealloc_pd);
}

/* There and back, and by a SEND, where nothing has been before. */
static void traffic(struct loop *l, uint8_t *mem)
{
	uint64_t at = (uintptr_t)l->buf, back = at + LOOP_HALF;
	struct ibv_sge sge = { (uintptr_t)mem + BYTES, BYTES, 0 };
	struct ibv_recv_wr wr = { .sg_list = &sge, .num_sge = 1 }, *bad;
	struct ibv_mr *mr;

	if (!MAKE(mr, ibv_reg_mr(l->d->pd, mem, 2 * BYTES, IBV_ACCESS_ON_DEMAND |
				 IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE |
				 IBV_ACCESS_REMOTE_READ)))
		return;
	sge.lkey = mr->lkey;
	memset(l->buf + LOOP_HALF, 0, BYTES);
	EXPECT_EQ(loop_move(l, IBV_WR_RDMA_WRITE, l->mr->lkey, at, BYTES, mr->rkey,
			    (uintptr_t)mem), IBV_WC_SUCCESS);
	EXPECT(!memcmp(mem, l->buf, BYTES));
	EXPECT_EQ(loop_move(l, IBV_WR_RDMA_READ, l->mr->lkey, back, BYTES, mr->rkey,
			    (uintptr_t)mem), IBV_WC_SUCCESS);
	EXPECT(!memcmp(l->buf + LOOP_HALF, l->buf, BYTES));
	EXPECT_EQ(ibv_post_recv(l->qp[1], &wr, &bad), 0);
	EXPECT_EQ(loop_move(l, IBV_WR_SEND, l->mr->lkey, at, BYTES, 0, 0), IBV_WC_SUCCESS);
	EXPECT_EQ(loop_wait(l->rcq).status, IBV_WC_SUCCESS);
	EXPECT(!memcmp(mem + BYTES, l->buf, BYTES));
	END(mr, ibv_dereg_mr);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		RC_LINK_OPTIONS, { "faults", required_argument, NULL, 'f' },
		{ "percent", required_argument, NULL, 'c' },
		{ "rounds", required_argument, NULL, 'n' }, { }
	};
	struct rc_link_opts link = RC_LINK_DEFAULTS;
	unsigned int percent = 10, rounds = 20, i;
	const char *faults = NULL;
	struct rc_dev d;
	struct loop l;
	long retries;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'f')
			faults = optarg;
		else if (c == 'c')
			percent = rc_number(optarg);
		else if (c == 'n')
			rounds = rc_number(optarg);
		else if (!rc_link_option(&link, c, optarg))
			return 2;
	}
	if (!faults)
		rc_die("--faults DIR");
	rc_dev_open(&d, &link);
	loop_open(&l, &d, false);
	retries = loop_counter(&d, "page_fault_retries");
	for (i = 0; i < rounds; i++) {
		uint8_t *mem = loop_map(2 * BYTES);

		starve(faults, percent);
		objects(&d, mem);
		traffic(&l, mem);
		starve(faults, 0);
		EXPECT(!munmap(mem, 2 * BYTES));
	}
	retries = loop_counter(&d, "page_fault_retries") - retries;
	printf("%u made, %u refused, %ld faults tried again\n", made, refused, retries);
	EXPECT(made);
	loop_close(&l);
	rc_dev_close(&d);
	return 0;
}
