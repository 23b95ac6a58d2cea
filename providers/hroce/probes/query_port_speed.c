// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* A port has one number for its speed. */
#include <infiniband/driver.h>

int probe(struct ibv_context *context, uint64_t *speed);
int probe(struct ibv_context *context, uint64_t *speed)
{
	struct verbs_context_ops ops = { .query_port_speed = ibv_cmd_query_port_speed };

	return ops.query_port_speed(context, 1, speed);
}
