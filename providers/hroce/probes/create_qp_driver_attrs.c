// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Does ibv_cmd_create_qp_ex2() take the provider's own ioctl attributes? */
#include <infiniband/driver.h>

int probe(struct ibv_context *ctx, struct verbs_qp *qp,
	  struct ibv_qp_init_attr_ex *attr, struct ibv_create_qp_ex *cmd,
	  struct ib_uverbs_ex_create_qp_resp *resp);
int probe(struct ibv_context *ctx, struct verbs_qp *qp,
	  struct ibv_qp_init_attr_ex *attr, struct ibv_create_qp_ex *cmd,
	  struct ib_uverbs_ex_create_qp_resp *resp)
{
	return ibv_cmd_create_qp_ex2(ctx, qp, attr, cmd, sizeof(*cmd),
				     resp, sizeof(*resp), NULL);
}
