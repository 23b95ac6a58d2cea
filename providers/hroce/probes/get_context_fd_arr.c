// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Does ibv_cmd_get_context() take an array of file descriptors? */
#include <infiniband/driver.h>

int probe(struct verbs_context *ctx, struct ibv_get_context *cmd,
	  struct ib_uverbs_get_context_resp *resp);
int probe(struct verbs_context *ctx, struct ibv_get_context *cmd,
	  struct ib_uverbs_get_context_resp *resp)
{
	return ibv_cmd_get_context(ctx, cmd, sizeof(*cmd), NULL,
				   resp, sizeof(*resp));
}
