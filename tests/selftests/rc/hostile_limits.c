// SPDX-License-Identifier: GPL-2.0
/* Requests beyond the limits and against the rules, each of which must be refused. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hostile.h"

static int refused, wrong;

static void must_fail(bool failed, const char *what)
{
	refused++;
	if (failed)
		return;
	fprintf(stderr, "accepted: %s\n", what);
	wrong++;
}

/* --- objects ------------------------------------------------------------------ */

struct caps_case {
	const char *name;
	struct ibv_qp_cap cap;
};

static void try_qp(struct rc_dev *d, struct ibv_cq *cq, const char *name,
		   struct ibv_qp_cap cap, enum ibv_qp_type type)
{
	struct ibv_qp_init_attr a = {
		.qp_type = type, .send_cq = cq, .recv_cq = cq, .cap = cap,
	};
	struct ibv_qp *qp = ibv_create_qp(d->pd, &a);

	must_fail(!qp, name);
	if (qp)
		ibv_destroy_qp(qp);
}

static void qp_limits(struct rc_dev *d, struct ibv_cq *cq)
{
	const struct ibv_device_attr *a = &d->attr.orig_attr;
	uint32_t wr = a->max_qp_wr, sge = a->max_sge;
	const struct caps_case cases[] = {
		{ "max_send_wr + 1", { wr + 1, 1, 1, 1, 0 } },
		{ "max_recv_wr + 1", { 1, wr + 1, 1, 1, 0 } },
		{ "max_send_sge + 1", { 1, 1, sge + 1, 1, 0 } },
		{ "max_recv_sge + 1", { 1, 1, 1, sge + 1, 0 } },
		{ "all send WRs there are", { ~0u, 1, 1, 1, 0 } },
		{ "2^31 receive WRs", { 1, 1u << 31, 1, 1, 0 } },
		{ "2^31 SGEs", { 1, 1, 1u << 31, 1, 0 } },
		{ "2^28 SGEs of receives", { 1, 1, 1, 1u << 28, 0 } },
		{ "1 MiB inline", { 1, 1, 1, 1, 1 << 20 } },
		{ "2^32 - 1 bytes inline", { 1, 1, 1, 1, ~0u } },
	};
	size_t i;

	for (i = 0; i < RC_ARRAY_SIZE(cases); i++)
		try_qp(d, cq, cases[i].name, cases[i].cap, IBV_QPT_RC);
	try_qp(d, cq, "QP of type 77", (struct ibv_qp_cap){ 1, 1, 1, 1, 0 }, 77);
	try_qp(d, cq, "QP of type raw packet", (struct ibv_qp_cap){ 1, 1, 1, 1, 0 },
	       IBV_QPT_RAW_PACKET);
}

static void cq_limits(struct rc_dev *d)
{
	const int entries[] = { 0, -1, d->attr.orig_attr.max_cqe + 1, 0x7fffffff };
	struct ibv_cq *cq;
	char name[32];
	size_t i;

	for (i = 0; i < RC_ARRAY_SIZE(entries); i++) {
		snprintf(name, sizeof(name), "CQ of %d", entries[i]);
		cq = ibv_create_cq(d->ctx, entries[i], NULL, NULL, 0);
		must_fail(!cq, name);
		if (cq)
			ibv_destroy_cq(cq);
	}
	cq = ibv_create_cq(d->ctx, 1, NULL, NULL, 4096);
	must_fail(!cq, "CQ on completion vector 4096");
	if (cq)
		ibv_destroy_cq(cq);
}

static void try_mr(struct rc_dev *d, const char *name, void *p, size_t len, int access)
{
	struct ibv_mr *mr = ibv_reg_mr(d->pd, p, len, access);

	must_fail(!mr, name);
	if (mr)
		ibv_dereg_mr(mr);
}

static void mr_limits(struct rc_dev *d, uint8_t *p)
{
	const int rw = IBV_ACCESS_LOCAL_WRITE, odp = IBV_ACCESS_ON_DEMAND;

	try_mr(d, "pinned region that wraps", p, -(size_t)p + RC_PAGE, rw);
	try_mr(d, "ODP region that wraps", p, -(size_t)p + RC_PAGE, rw | odp);
	try_mr(d, "pinned region of unmapped memory", (void *)(1ul << 40), RC_PAGE, rw);
	try_mr(d, "pinned region in the kernel", (void *)0xffff888000000000, RC_PAGE, rw);
	try_mr(d, "ODP region in the kernel", (void *)0xffff888000000000, RC_PAGE, rw | odp);
	try_mr(d, "remote write without local write", p, RC_PAGE, IBV_ACCESS_REMOTE_WRITE);
	try_mr(d, "remote atomic without local write", p, RC_PAGE, IBV_ACCESS_REMOTE_ATOMIC);
	try_mr(d, "ODP, remote write without local write", p, RC_PAGE, IBV_ACCESS_REMOTE_WRITE | odp);
	try_mr(d, "an access bit nobody knows", p, RC_PAGE, rw | 1 << 19);
}

/* --- queue pair states ----------------------------------------------------------- */

static struct ibv_qp_attr init_attr(void)
{
	return (struct ibv_qp_attr){ .qp_state = IBV_QPS_INIT, .port_num = 1 };
}

static struct ibv_qp_attr rtr_attr(struct rc_dev *d, uint32_t qpn)
{
	return (struct ibv_qp_attr){
		.qp_state = IBV_QPS_RTR, .path_mtu = IBV_MTU_1024, .dest_qp_num = qpn,
		.max_dest_rd_atomic = 1, .min_rnr_timer = 1,
		.ah_attr = {
			.is_global = 1, .port_num = 1,
			.grh = { .dgid = d->gid, .sgid_index = d->gid_index, .hop_limit = 64 },
		},
	};
}

#define INIT_MASK (IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS)
#define RTR_MASK (IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | \
		  IBV_QP_RQ_PSN | IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER)
#define RTS_MASK (IBV_QP_STATE | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY | \
		  IBV_QP_SQ_PSN | IBV_QP_MAX_QP_RD_ATOMIC)

static void try_modify(struct ibv_qp *qp, struct ibv_qp_attr a, int mask, const char *name)
{
	enum ibv_qp_state before = rc_qp_state(qp);

	must_fail(ibv_modify_qp(qp, &a, mask), name);
	if (rc_qp_state(qp) != before)
		rc_die("'%s' took the QP from state %d to %d", name, before, rc_qp_state(qp));
}

static void from_reset(struct rc_dev *d, struct ibv_qp *qp)
{
	struct ibv_qp_attr a = init_attr();

	a.port_num = 2;
	try_modify(qp, a, INIT_MASK, "INIT with port 2");
	a.port_num = 0;
	try_modify(qp, a, INIT_MASK, "INIT with port 0");
	a = init_attr();
	a.pkey_index = 1;
	try_modify(qp, a, INIT_MASK, "INIT with P_Key index 1");
	a = init_attr();
	try_modify(qp, a, IBV_QP_STATE, "INIT without its attributes");
	try_modify(qp, a, INIT_MASK | IBV_QP_QKEY, "INIT with a Q_Key");
	a.qp_state = IBV_QPS_RTS;
	try_modify(qp, a, IBV_QP_STATE, "RESET to RTS");
	try_modify(qp, rtr_attr(d, qp->qp_num), RTR_MASK, "RESET to RTR");
	a.qp_state = IBV_QPS_SQD;
	try_modify(qp, a, IBV_QP_STATE, "RESET to SQD");
	a.qp_state = 9;
	try_modify(qp, a, IBV_QP_STATE, "state 9");
	a = init_attr();
	a.cur_qp_state = IBV_QPS_RTS;
	try_modify(qp, a, INIT_MASK | IBV_QP_CUR_STATE, "INIT, allegedly from RTS");
}

static enum ibv_mtu mtu_too_large(struct rc_dev *d)
{
	return d->port.active_mtu < IBV_MTU_4096 ? d->port.active_mtu + 1 : 6;
}

static void from_init(struct rc_dev *d, struct ibv_qp *qp)
{
	struct ibv_qp_attr good = rtr_attr(d, qp->qp_num), a = good;

	a.path_mtu = 0;
	try_modify(qp, a, RTR_MASK, "RTR with path MTU 0");
	a.path_mtu = mtu_too_large(d);
	try_modify(qp, a, RTR_MASK, "RTR with a path MTU that does not fit the port");
	a = good;
	a.max_dest_rd_atomic = 255;
	try_modify(qp, a, RTR_MASK, "RTR with max_dest_rd_atomic 255");
	a = good;
	a.min_rnr_timer = 32;
	try_modify(qp, a, RTR_MASK, "RTR with RNR timer 32");
	a = good;
	a.ah_attr.is_global = 0;
	try_modify(qp, a, RTR_MASK, "RTR without a GRH");
	a = good;
	a.ah_attr.grh.sgid_index = 255;
	try_modify(qp, a, RTR_MASK, "RTR with SGID index 255");
	a = good;
	a.ah_attr.port_num = 3;
	try_modify(qp, a, RTR_MASK, "RTR with a path from port 3");
	a = good;
	a.qp_state = IBV_QPS_RTS;
	try_modify(qp, a, IBV_QP_STATE, "INIT to RTS");
	try_modify(qp, good, RTR_MASK & ~IBV_QP_DEST_QPN, "RTR without a destination");
}

static void from_rtr(struct ibv_qp *qp)
{
	struct ibv_qp_attr good = { .qp_state = IBV_QPS_RTS, .timeout = 14, .retry_cnt = 7,
		.rnr_retry = 7, .max_rd_atomic = 1 }, a = good;

	a.timeout = 32;
	try_modify(qp, a, RTS_MASK, "RTS with timeout 32");
	a = good;
	a.retry_cnt = 8;
	try_modify(qp, a, RTS_MASK, "RTS with retry count 8");
	a = good;
	a.rnr_retry = 8;
	try_modify(qp, a, RTS_MASK, "RTS with RNR retry 8");
	a = good;
	a.max_rd_atomic = 255;
	try_modify(qp, a, RTS_MASK, "RTS with max_rd_atomic 255");
	try_modify(qp, good, RTS_MASK | IBV_QP_ALT_PATH, "RTS with an alternate path of zeros");
	a.qp_state = IBV_QPS_INIT;
	try_modify(qp, a, IBV_QP_STATE, "RTR to INIT");
}

static void qp_states(struct rc_dev *d, struct ibv_cq *cq)
{
	struct ibv_qp_init_attr a = {
		.qp_type = IBV_QPT_RC, .send_cq = cq, .recv_cq = cq, .cap = { 4, 4, 1, 1, 0 },
	};
	struct ibv_qp *qp = ibv_create_qp(d->pd, &a);
	struct ibv_qp_attr rtr, good = { .qp_state = IBV_QPS_RTS, .timeout = 14, .retry_cnt = 7,
		.rnr_retry = 7, .max_rd_atomic = 1 };

	if (!qp)
		rc_die_errno("ibv_create_qp");
	from_reset(d, qp);
	rc_qp_init(qp, 0);
	from_init(d, qp);
	rtr = rtr_attr(d, qp->qp_num);
	if (ibv_modify_qp(qp, &rtr, RTR_MASK))
		rc_die_errno("after all that, to RTR");
	from_rtr(qp);
	if (ibv_modify_qp(qp, &good, RTS_MASK))
		rc_die_errno("after all that, to RTS");
	if (ibv_destroy_qp(qp))
		rc_die_errno("ibv_destroy_qp");
}

/* Destroying what is in use. */
static void in_use(struct rc_dev *d, struct ibv_cq *cq)
{
	struct ibv_qp_init_attr a = {
		.qp_type = IBV_QPT_RC, .send_cq = cq, .recv_cq = cq, .cap = { 1, 1, 1, 1, 0 },
	};
	struct ibv_qp *qp = ibv_create_qp(d->pd, &a);

	if (!qp)
		rc_die_errno("ibv_create_qp");
	must_fail(ibv_dealloc_pd(d->pd), "PD destroyed under its QP");
	if (ibv_destroy_qp(qp))
		rc_die_errno("ibv_destroy_qp");
}

void hostile_limits(struct rc_dev *d, struct rc_rng *r, uint64_t ms)
{
	struct ibv_cq *cq = ibv_create_cq(d->ctx, 16, NULL, NULL, 0);
	struct rc_mem mem;

	(void)r;
	(void)ms;
	if (!cq)
		rc_die_errno("ibv_create_cq");
	rc_mem_get(&mem, RC_MEM_PLAIN, 4 * RC_PAGE);
	qp_limits(d, cq);
	cq_limits(d);
	mr_limits(d, mem.addr);
	qp_states(d, cq);
	in_use(d, cq);
	if (ibv_destroy_cq(cq))
		rc_die_errno("ibv_destroy_cq");
	printf("limits: %d requests refused\n", refused - wrong);
	if (wrong)
		rc_die("%d requests were accepted that must not be", wrong);
}
