// SPDX-License-Identifier: GPL-2.0
/*
 * Does the device do what ibv_query_device() and ibv_query_port() say, and refuse
 * what they do not? Limits are tried at their value; hostile_limits tries beyond.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "conn.h"
#include "mem.h"
#include "util.h"

#define MANY 1000

static int wrong;

static void expect(bool ok, const char *what)
{
	printf("%s %s\n", ok ? "  as said:" : "  NOT SO: ", what);
	wrong += !ok;
}

static struct ibv_qp *make_qp(struct rc_dev *d, struct ibv_cq *cq, enum ibv_qp_type type,
			      struct ibv_qp_cap cap)
{
	struct ibv_qp_init_attr a = {
		.qp_type = type, .send_cq = cq, .recv_cq = cq, .cap = cap,
	};

	return ibv_create_qp(d->pd, &a);
}

static void try_qp(struct rc_dev *d, struct ibv_cq *cq, enum ibv_qp_type type,
		   struct ibv_qp_cap cap, bool should, const char *what)
{
	struct ibv_qp *qp = make_qp(d, cq, type, cap);

	expect(!!qp == should, what);
	if (qp)
		ibv_destroy_qp(qp);
}

static void queue_limits(struct rc_dev *d, struct ibv_cq *cq)
{
	const struct ibv_device_attr *a = &d->attr.orig_attr;
	uint32_t wr = a->max_qp_wr, sge = a->max_sge;
	struct ibv_cq *large;

	try_qp(d, cq, IBV_QPT_RC, (struct ibv_qp_cap){ wr, 1, 1, 1, 0 }, true, "max_qp_wr sends");
	try_qp(d, cq, IBV_QPT_RC, (struct ibv_qp_cap){ 1, wr, 1, 1, 0 }, true, "max_qp_wr receives");
	try_qp(d, cq, IBV_QPT_RC, (struct ibv_qp_cap){ 1, 1, sge, sge, 0 }, true, "max_sge");
	try_qp(d, cq, IBV_QPT_RC, (struct ibv_qp_cap){ 128, 512, 1, 1, 64 }, true, "64 bytes inline");
	large = ibv_create_cq(d->ctx, a->max_cqe, NULL, NULL, 0);
	expect(large, "max_cqe");
	if (large)
		ibv_destroy_cq(large);
}

/* Atomics and READs at the depth that the device names. */
static void rd_atomic(struct rc_dev *d, struct ibv_cq *cq)
{
	struct rc_qp_param p = RC_QP_DEFAULTS;
	struct ibv_qp_init_attr init;
	struct ibv_qp_attr got;
	struct rc_end self = { .gid = d->gid };
	struct ibv_qp *qp = make_qp(d, cq, IBV_QPT_RC, (struct ibv_qp_cap){ 4, 4, 1, 1, 0 });

	if (!qp)
		rc_die_errno("ibv_create_qp");
	self.qpn = qp->qp_num;
	p.mtu = d->port.active_mtu;
	p.rd_atomic = d->attr.orig_attr.max_qp_rd_atom;
	rc_qp_connect(d, qp, &p, 0, &self);
	if (ibv_query_qp(qp, &got, IBV_QP_MAX_QP_RD_ATOMIC | IBV_QP_MAX_DEST_RD_ATOMIC |
			 IBV_QP_PATH_MTU, &init))
		rc_die_errno("ibv_query_qp");
	expect(got.max_rd_atomic == p.rd_atomic && got.max_dest_rd_atomic == p.rd_atomic,
	       "max_qp_rd_atom");
	expect(got.path_mtu == d->port.active_mtu, "path MTU of active_mtu");
	ibv_destroy_qp(qp);
}

static void many_objects(struct rc_dev *d, struct ibv_cq *cq)
{
	static struct ibv_qp *qp[MANY];
	static struct ibv_mr *mr[MANY];
	static struct ibv_pd *pd[MANY];
	uint8_t *p = aligned_alloc(RC_PAGE, RC_PAGE);
	int i, qps = 0, mrs = 0, pds = 0;

	for (i = 0; i < MANY; i++) {
		qp[i] = make_qp(d, cq, IBV_QPT_RC, (struct ibv_qp_cap){ 1, 1, 1, 1, 0 });
		mr[i] = ibv_reg_mr(d->pd, p, RC_PAGE, IBV_ACCESS_LOCAL_WRITE);
		pd[i] = ibv_alloc_pd(d->ctx);
		qps += !!qp[i];
		mrs += !!mr[i];
		pds += !!pd[i];
	}
	expect(qps == MANY || qps >= d->attr.orig_attr.max_qp - 1, "1000 QPs");
	expect(mrs == MANY || mrs >= d->attr.orig_attr.max_mr - 1, "1000 MRs");
	expect(pds == MANY || pds >= d->attr.orig_attr.max_pd - 1, "1000 PDs");
	for (i = 0; i < MANY; i++)
		if ((qp[i] && ibv_destroy_qp(qp[i])) || (mr[i] && ibv_dereg_mr(mr[i])) ||
		    (pd[i] && ibv_dealloc_pd(pd[i])))
			rc_die_errno("cannot destroy object %d", i);
	free(p);
}

static void srq_limits(struct rc_dev *d, struct ibv_srq *srq)
{
	const struct ibv_device_attr *a = &d->attr.orig_attr;
	struct ibv_srq_init_attr most = { .attr = { .max_wr = a->max_srq_wr, .max_sge = a->max_srq_sge } };
	struct ibv_srq_attr twice = { .max_wr = 32 };
	struct ibv_srq *large = ibv_create_srq(d->pd, &most);
	int err = ibv_modify_srq(srq, &twice, IBV_SRQ_MAX_WR);

	expect(large, "max_srq_wr and max_srq_sge");
	if (large)
		ibv_destroy_srq(large);
	expect(!err == !!(a->device_cap_flags & IBV_DEVICE_SRQ_RESIZE), "resizing an SRQ");
}

/* A count of 0 means: there are none. */
static void absent_or_present(struct rc_dev *d, struct ibv_cq *cq)
{
	const struct ibv_device_attr *a = &d->attr.orig_attr;
	struct ibv_srq_init_attr srq_attr = { .attr = { .max_wr = 16, .max_sge = 1 } };
	struct ibv_srq *srq = ibv_create_srq(d->pd, &srq_attr);
	struct ibv_mw *mw = ibv_alloc_mw(d->pd, IBV_MW_TYPE_1);
	struct ibv_qp *ud = make_qp(d, cq, IBV_QPT_UD, (struct ibv_qp_cap){ 4, 4, 1, 1, 0 });

	expect(!!srq == !!a->max_srq, "max_srq and ibv_create_srq");
	if (srq)
		srq_limits(d, srq);
	expect(!!mw == !!a->max_mw, "max_mw and ibv_alloc_mw");
	if (ud && !a->max_mcast_grp) {
		union ibv_gid group = { .raw = { 0xff, 0x0e, [15] = 1 } };

		expect(ibv_attach_mcast(ud, &group, 0), "no multicast groups, no attachment");
	}
	if (ud)
		ibv_destroy_qp(ud);
	if (srq)
		ibv_destroy_srq(srq);
	if (mw)
		ibv_dealloc_mw(mw);
}

static void odp(struct rc_dev *d)
{
	uint64_t general = d->attr.odp_caps.general_caps;
	size_t len = 16 * RC_PAGE;
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct ibv_mr *mr = ibv_reg_mr(d->pd, p, len, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_ON_DEMAND);
	struct ibv_sge sge = { .addr = (uintptr_t)p, .length = len };
	struct ibv_mr *implicit;
	int err;

	expect(!!mr == !!(general & IBV_ODP_SUPPORT), "ODP regions");
	implicit = ibv_reg_mr(d->pd, NULL, SIZE_MAX, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_ON_DEMAND);
	expect(!!implicit == !!(general & IBV_ODP_SUPPORT_IMPLICIT), "implicit ODP region");
	if (implicit)
		ibv_dereg_mr(implicit);
	if (!mr)
		return;
	sge.lkey = mr->lkey;
	err = ibv_advise_mr(d->pd, IBV_ADVISE_MR_ADVICE_PREFETCH, IBV_ADVISE_MR_FLAG_FLUSH, &sge, 1);
	expect(!err || err == EOPNOTSUPP || err == ENOSYS,
	       "prefetch works, or is said to be unsupported");
	ibv_dereg_mr(mr);
	munmap(p, len);
}

static void port(struct rc_dev *d, uint32_t mtu)
{
	union ibv_gid gid;
	uint16_t pkey;
	int i, err = 0;

	expect(d->port.state == IBV_PORT_ACTIVE, "port active");
	expect(d->port.link_layer == IBV_LINK_LAYER_ETHERNET, "Ethernet");
	for (i = 0; i < d->port.gid_tbl_len; i++)
		err |= ibv_query_gid(d->ctx, 1, i, &gid);
	expect(!err, "every GID index can be read");
	for (i = 0; i < d->port.pkey_tbl_len; i++)
		err |= ibv_query_pkey(d->ctx, 1, i, &pkey);
	expect(!err, "every P_Key index can be read");
	expect(ibv_query_pkey(d->ctx, 1, d->port.pkey_tbl_len, &pkey), "and no more of them");
	expect(d->port.active_width && d->port.active_speed, "width and speed");
	if (mtu)
		expect(d->port.active_mtu == rc_mtu(mtu), "active MTU of the netdev");
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		RC_LINK_OPTIONS, { "active-mtu", required_argument, NULL, 'M' }, { }
	};
	struct rc_link_opts link = RC_LINK_DEFAULTS;
	struct ibv_cq *cq;
	uint32_t mtu = 0;
	struct rc_dev d;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'M')
			mtu = rc_number(optarg);
		else if (!rc_link_option(&link, c, optarg))
			return 2;
	}
	rc_dev_open(&d, &link);
	cq = ibv_create_cq(d.ctx, 64, NULL, NULL, 0);
	if (!cq)
		rc_die_errno("ibv_create_cq");
	port(&d, mtu);
	queue_limits(&d, cq);
	rd_atomic(&d, cq);
	many_objects(&d, cq);
	absent_or_present(&d, cq);
	odp(&d);
	if (ibv_destroy_cq(cq))
		rc_die_errno("ibv_destroy_cq");
	rc_dev_close(&d);
	if (wrong)
		rc_die("%d capabilities are not what they are said to be", wrong);
	return 0;
}
