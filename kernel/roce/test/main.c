// SPDX-License-Identifier: GPL-2.0
/*
 * The module hroce_selftest: a kernel user of the verbs for tests/selftests, which
 * registers memory of the calling process, on demand too.
 */
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/nsproxy.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <rdma/ib_cache.h>
#include <rdma/ib_verbs.h>

#include <linux/hroce-selftest.h>

#include "buffer.h"

enum { FROM, TO };

#define MOVE_LIMIT	(30 * HZ)

struct request {
	struct ib_cqe cqe;
	enum ib_wc_status status;
	bool done;
};

/* All that a move needs; what is not there is NULL. */
struct mover {
	struct ib_device *dev;
	struct ib_pd *pd;
	struct ib_cq *cq;
	struct ib_qp *qp[2];	/* FROM sends all requests */
	struct ib_mr *mr[2];
	struct request sent, received;
};

static void request_done(struct ib_cq *cq, struct ib_wc *wc)
{
	struct request *r = container_of(wc->wr_cqe, struct request, cqe);

	r->status = wc->status;
	r->done = true;
}

static int to_init(struct ib_qp *qp, int access)
{
	struct ib_qp_attr attr = {
		.qp_state = IB_QPS_INIT,
		.port_num = 1,
		.qp_access_flags = access & (IB_ACCESS_REMOTE_READ | IB_ACCESS_REMOTE_WRITE),
	};

	return ib_modify_qp(qp, &attr, IB_QP_STATE | IB_QP_PKEY_INDEX | IB_QP_PORT |
				       IB_QP_ACCESS_FLAGS);
}

static int to_rtr(struct ib_qp *qp, u32 peer, u32 gid_index)
{
	struct ib_qp_attr attr = {
		.qp_state = IB_QPS_RTR,
		.path_mtu = IB_MTU_1024,
		.dest_qp_num = peer,
		.max_dest_rd_atomic = 1,
		.min_rnr_timer = 1,
	};
	union ib_gid gid;
	int err;

	err = rdma_query_gid(qp->device, 1, gid_index, &gid);
	if (err)
		return err;
	attr.ah_attr.type = rdma_ah_find_type(qp->device, 1);
	rdma_ah_set_port_num(&attr.ah_attr, 1);
	rdma_ah_set_grh(&attr.ah_attr, &gid, 0, gid_index, 64, 0);
	return ib_modify_qp(qp, &attr, IB_QP_STATE | IB_QP_AV | IB_QP_PATH_MTU |
				       IB_QP_DEST_QPN | IB_QP_RQ_PSN |
				       IB_QP_MAX_DEST_RD_ATOMIC | IB_QP_MIN_RNR_TIMER);
}

static int to_rts(struct ib_qp *qp)
{
	struct ib_qp_attr attr = {
		.qp_state = IB_QPS_RTS,
		.timeout = 15,
		.retry_cnt = 7,
		.rnr_retry = 7,
		.max_rd_atomic = 1,
	};

	return ib_modify_qp(qp, &attr, IB_QP_STATE | IB_QP_TIMEOUT | IB_QP_RETRY_CNT |
				       IB_QP_RNR_RETRY | IB_QP_SQ_PSN |
				       IB_QP_MAX_QP_RD_ATOMIC);
}

static int connect(struct mover *m, const struct hroce_selftest_move *a)
{
	int i, err;

	for (i = FROM; i <= TO; i++) {
		err = to_init(m->qp[i], a->access) ?:
		      to_rtr(m->qp[i], m->qp[!i]->qp_num, a->gid_index) ?:
		      to_rts(m->qp[i]);
		if (err)
			return err;
	}
	return 0;
}

/* A verb's object into @slot, or its error. */
#define MAKE(slot, verb) ({			\
	typeof(slot) made_ = (verb);		\
						\
	if (!IS_ERR(made_))			\
		(slot) = made_;			\
	PTR_ERR_OR_ZERO(made_);			\
})

static int make_queues(struct mover *m)
{
	struct ib_qp_init_attr init = {
		.qp_type = IB_QPT_RC,
		.sq_sig_type = IB_SIGNAL_ALL_WR,
		.cap = {
			.max_send_wr = 1, .max_recv_wr = 1,
			.max_send_sge = 1, .max_recv_sge = 1,
		},
	};
	int i, err;

	err = MAKE(m->pd, ib_alloc_pd(m->dev, 0)) ?:
	      MAKE(m->cq, ib_alloc_cq(m->dev, NULL, 4, 0, IB_POLL_DIRECT));
	init.send_cq = m->cq;
	init.recv_cq = m->cq;
	for (i = FROM; i <= TO && !err; i++)
		err = MAKE(m->qp[i], ib_create_qp(m->pd, &init));
	return err;
}

static int make_regions(struct mover *m, const struct hroce_selftest_move *a)
{
	enum ib_uverbs_advise_mr_advice advice[] = {
		[FROM] = IB_UVERBS_ADVISE_MR_ADVICE_PREFETCH,
		[TO] = IB_UVERBS_ADVISE_MR_ADVICE_PREFETCH_WRITE,
	};
	u64 at[] = { [FROM] = a->from, [TO] = a->to };
	struct ib_sge sge;
	int i, err = 0;

	for (i = FROM; i <= TO && !err; i++) {
		err = MAKE(m->mr[i], ib_reg_user_mr(m->pd, at[i], a->length, at[i], a->access));
		if (err || !a->prefetch)
			continue;
		sge = (struct ib_sge){ at[i], a->length, m->mr[i]->lkey };
		err = ib_advise_mr(m->pd, advice[i], IB_UVERBS_ADVISE_MR_FLAG_FLUSH, &sge, 1);
	}
	return err;
}

static int post(struct mover *m, const struct hroce_selftest_move *a)
{
	static const enum ib_wr_opcode opcode[] = {
		[HROCE_SELFTEST_SEND] = IB_WR_SEND,
		[HROCE_SELFTEST_WRITE] = IB_WR_RDMA_WRITE,
		[HROCE_SELFTEST_READ] = IB_WR_RDMA_READ,
	};
	struct ib_sge from = { a->from, a->length, m->mr[FROM]->lkey };
	struct ib_sge to = { a->to, a->length, m->mr[TO]->lkey };
	bool read = a->op == HROCE_SELFTEST_READ;
	struct ib_recv_wr recv = {
		.wr_cqe = &m->received.cqe, .sg_list = &to, .num_sge = 1,
	};
	struct ib_rdma_wr send = {
		.wr = {
			.wr_cqe = &m->sent.cqe, .sg_list = read ? &to : &from, .num_sge = 1,
			.opcode = opcode[a->op],
		},
		.remote_addr = read ? a->from : a->to,
		.rkey = m->mr[read ? FROM : TO]->rkey,
	};
	int err = 0;

	m->sent = (struct request){ .cqe.done = request_done };
	m->received = m->sent;
	if (a->op == HROCE_SELFTEST_SEND)
		err = ib_post_recv(m->qp[TO], &recv, NULL);
	else
		m->received.done = true;
	return err ?: ib_post_send(m->qp[FROM], &send.wr, NULL);
}

static int wait(struct mover *m, u32 *status)
{
	unsigned long limit = jiffies + MOVE_LIMIT;

	while (!m->sent.done || (!m->received.done && m->sent.status == IB_WC_SUCCESS)) {
		if (fatal_signal_pending(current))
			return -EINTR;
		if (time_after(jiffies, limit))
			return -ETIMEDOUT;
		if (!ib_process_cq_direct(m->cq, -1))
			usleep_range(50, 100);
	}
	*status = m->sent.status ?: m->received.status;
	return 0;
}

static void unmake(struct mover *m)
{
	int i;

	for (i = FROM; i <= TO; i++)
		if (m->qp[i])
			ib_destroy_qp(m->qp[i]);
	for (i = FROM; i <= TO; i++)
		if (m->mr[i])
			ib_dereg_mr(m->mr[i]);
	if (m->cq)
		ib_free_cq(m->cq);
	if (m->pd)
		ib_dealloc_pd(m->pd);
	ib_device_put(m->dev);
}

/* The device on a network interface, with a reference; or NULL. */
static struct ib_device *device_on(const char *ifname)
{
	struct net_device *ndev = dev_get_by_name(current->nsproxy->net_ns, ifname);
	struct ib_device *dev;

	if (!ndev)
		return NULL;
	dev = ib_device_get_by_netdev(ndev, RDMA_DRIVER_UNKNOWN);
	dev_put(ndev);
	return dev;
}

static int move(struct hroce_selftest_move *a)
{
	struct mover m = {};
	int err;

	if (a->op > HROCE_SELFTEST_READ || a->length > BIT(31) || a->reserved ||
	    strnlen(a->ifname, sizeof(a->ifname)) == sizeof(a->ifname))
		return -EINVAL;
	m.dev = device_on(a->ifname);
	if (!m.dev)
		return -ENODEV;
	err = make_queues(&m) ?: connect(&m, a) ?: make_regions(&m, a) ?:
	      post(&m, a) ?: wait(&m, &a->status);
	unmake(&m);
	return err;
}

static int ioctl_move(void __user *user)
{
	struct hroce_selftest_move a;
	int err;

	if (copy_from_user(&a, user, sizeof(a)))
		return -EFAULT;
	err = move(&a);
	if (!err && copy_to_user(user, &a, sizeof(a)))
		err = -EFAULT;
	return err;
}

static long selftest_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;
	u64 size;
	s32 fd;

	switch (cmd) {
	case HROCE_SELFTEST_MOVE:
		return ioctl_move(user);
	case HROCE_SELFTEST_BUFFER:
		return copy_from_user(&size, user, sizeof(size)) ? -EFAULT : buffer_new(size);
	case HROCE_SELFTEST_BUFFER_MOVE:
		return copy_from_user(&fd, user, sizeof(fd)) ? -EFAULT : buffer_move(fd);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations selftest_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = selftest_ioctl,
};

static struct miscdevice selftest_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "hroce_selftest",
	.fops = &selftest_fops,
};

module_misc_device(selftest_device);

MODULE_DESCRIPTION("hroce: a kernel user of the verbs, for tests");
MODULE_LICENSE("GPL");
