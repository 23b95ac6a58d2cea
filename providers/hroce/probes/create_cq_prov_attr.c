// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Does ibv_cmd_create_cq_ex() take the provider's own memory? */
#include <infiniband/driver.h>

int probe(struct ibv_context *ctx, struct ibv_cq_init_attr_ex *attr,
	  struct verbs_cq *cq, struct ibv_create_cq_ex *cmd,
	  struct ib_uverbs_ex_create_cq_resp *resp);
int probe(struct ibv_context *ctx, struct ibv_cq_init_attr_ex *attr,
	  struct verbs_cq *cq, struct ibv_create_cq_ex *cmd,
	  struct ib_uverbs_ex_create_cq_resp *resp)
{
	return ibv_cmd_create_cq_ex(ctx, attr, NULL, cq, cmd, sizeof(*cmd),
				    resp, sizeof(*resp), 0);
}
