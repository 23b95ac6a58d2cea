// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* XRC domains, and target QPs of others. */
#include <stdlib.h>
#include "hroce.h"

struct ibv_xrcd *hroce_open_xrcd(struct ibv_context *context,
				 struct ibv_xrcd_init_attr *attr)
{
	struct ib_uverbs_open_xrcd_resp resp = {};
	struct ibv_open_xrcd cmd = {};
	struct verbs_xrcd *vxrcd;
	int err;

	vxrcd = calloc(1, sizeof(*vxrcd));
	if (!vxrcd)
		return NULL;

	err = ibv_cmd_open_xrcd(context, vxrcd, sizeof(*vxrcd), attr, &cmd,
				sizeof(cmd), &resp, sizeof(resp));
	if (err) {
		free(vxrcd);
		errno = err;
		return NULL;
	}
	return &vxrcd->xrcd;
}

int hroce_close_xrcd(struct ibv_xrcd *xrcd)
{
	struct verbs_xrcd *vxrcd = container_of(xrcd, struct verbs_xrcd, xrcd);
	int err = ibv_cmd_close_xrcd(vxrcd);

	if (!err)
		free(vxrcd);
	return err;
}

/* A target QP has no rings, so a handle is all there is to it. */
struct ibv_qp *hroce_open_qp(struct ibv_context *context,
			     struct ibv_qp_open_attr *attr)
{
	struct ib_uverbs_create_qp_resp resp = {};
	struct ibv_open_qp cmd = {};
	struct hroce_qp *qp;
	int err;

	qp = hroce_object_alloc(NULL, sizeof(*qp));
	if (!qp)
		return NULL;

	err = ibv_cmd_open_qp(context, &qp->vqp, sizeof(qp->vqp), attr, &cmd,
			      sizeof(cmd), &resp, sizeof(resp));
	if (err) {
		hroce_object_free(NULL, qp);
		errno = err;
		return NULL;
	}
	pthread_spin_init(&qp->sq_lock, PTHREAD_PROCESS_PRIVATE);
	pthread_spin_init(&qp->rq_lock, PTHREAD_PROCESS_PRIVATE);
	return &qp->vqp.qp;
}
