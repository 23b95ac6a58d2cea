// SPDX-License-Identifier: GPL-2.0
/* A flow has flowi4_dscp in place of flowi4_tos (7.x). */
#include <net/flow.h>
#include <net/inet_dscp.h>

void probe(struct flowi4 *fl4)
{
	fl4->flowi4_dscp = inet_dsfield_to_dscp(0);
}
