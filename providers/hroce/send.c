// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* ibv_post_send() and the doorbell. */
#include <unistd.h>
#include <rdma/ib_user_ioctl_cmds.h>
#include <infiniband/cmd_ioctl.h>
#include "hroce.h"

/* The same command wrapped in an ioctl(): slower. */
static int hroce_doorbell_ioctl(struct ibv_qp *ibqp)
{
	struct ib_uverbs_post_send_resp resp;
	struct ib_uverbs_post_send cmd = {
		.qp_handle = ibqp->handle,
		.wqe_size = sizeof(struct ib_uverbs_send_wr),
	};
	DECLARE_COMMAND_BUFFER(buf, UVERBS_OBJECT_DEVICE, UVERBS_METHOD_INVOKE_WRITE, 3);

	fill_attr_const_in(buf, UVERBS_ATTR_WRITE_CMD, IB_USER_VERBS_CMD_POST_SEND);
	fill_attr_in_ptr(buf, UVERBS_ATTR_CORE_IN, &cmd);
	fill_attr_out_ptr(buf, UVERBS_ATTR_CORE_OUT, &resp);
	return execute_ioctl(ibqp->context, buf);
}

/*
 * Tell the kernel to look at the send queue: the POST_SEND command without a
 * request in it. The kernel transmits in the caller's context, so this must not
 * be called under a spin lock.
 *
 * uverbs takes write() only from who has the credentials that the device was opened
 * with: not from one who has imported the context, nor after a setuid() and the like.
 */
int hroce_doorbell(struct ibv_qp *ibqp)
{
	struct hroce_context *ctx = container_of(ibqp->context, struct hroce_context,
						 ibv_ctx.context);
	struct ib_uverbs_post_send_resp resp;
	struct ibv_post_send cmd = {
		.hdr = {
			.command = IB_USER_VERBS_CMD_POST_SEND,
			.in_words = sizeof(cmd) / 4,
			.out_words = sizeof(resp) / 4,
		},
		.response = (uintptr_t)&resp,
		.qp_handle = ibqp->handle,
		.wqe_size = sizeof(struct ib_uverbs_send_wr),
	};

	ssize_t written;

	if (__atomic_load_n(&ctx->refused, __ATOMIC_RELAXED))
		return hroce_doorbell_ioctl(ibqp);
	written = write(ibqp->context->cmd_fd, &cmd, sizeof(cmd));
	if (written == sizeof(cmd))
		return 0;
	if (written >= 0)
		return EIO;
	if (errno != EACCES)
		return errno;
	__atomic_store_n(&ctx->refused, true, __ATOMIC_RELAXED);
	return hroce_doorbell_ioctl(ibqp);
}

/*
 * Requests up to the first bad one are queued, and the doorbell is rung for
 * them. Should the doorbell itself fail, they are in the ring all the same and
 * will run when it next succeeds; the error is returned with the head of the
 * list as the bad request, as nothing is known to have been started.
 */
int hroce_post_send(struct ibv_qp *ibqp, struct ibv_send_wr *wr,
		    struct ibv_send_wr **bad_wr)
{
	struct hroce_qp *qp = to_hqp(ibqp);
	struct ibv_send_wr *head = wr;
	bool queued;
	uint32_t first;
	int bell = 0;
	int err = 0;

	if (!hroce_can_post_send(ibqp)) {
		*bad_wr = wr;
		return EINVAL;
	}

	pthread_spin_lock(&qp->sq_lock);
	first = qp->sq.own;
	for (; wr; wr = wr->next) {
		err = hroce_queue_send(&qp->sq, ibqp->qp_type, wr);
		if (err)
			break;
	}
	queued = qp->sq.own != first;
	if (queued)
		hroce_queue_submit(&qp->sq);
	pthread_spin_unlock(&qp->sq_lock);

	if (queued)
		bell = hroce_doorbell(ibqp);
	if (err)
		*bad_wr = wr;
	else if (bell)
		*bad_wr = head;
	return err ? err : bell;
}
