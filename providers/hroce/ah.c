// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Address handles: the kernel resolves the path, we keep its number. */
#include <stdlib.h>
#include "cmd.h"
#include "hroce.h"

struct ibv_ah *hroce_create_ah(struct ibv_pd *pd, struct ibv_ah_attr *attr)
{
	struct hroce_cmd_create_ah_resp resp = {};
	struct hroce_ah *ah;
	int err;

	ah = calloc(1, sizeof(*ah));
	if (!ah)
		return NULL;

	err = ibv_cmd_create_ah(pd, &ah->ibv_ah, attr, &resp.ibv_resp,
				sizeof(resp));
	if (err) {
		free(ah);
		errno = err;
		return NULL;
	}
	ah->number = resp.drv_payload.ah;
	return &ah->ibv_ah;
}

int hroce_destroy_ah(struct ibv_ah *ibah)
{
	int err = ibv_cmd_destroy_ah(ibah);

	if (!err)
		free(container_of(ibah, struct hroce_ah, ibv_ah));
	return err;
}
