/* SPDX-License-Identifier: GPL-2.0 */
/* XRC domains: entries of ib_device_ops. */
#ifndef HROCE_XRC_H
#define HROCE_XRC_H

#include <rdma/ib_verbs.h>

struct hroce_xrcd {
	struct ib_xrcd ibxrcd;
};

int hroce_alloc_xrcd(struct ib_xrcd *xrcd, struct ib_udata *udata);
int hroce_dealloc_xrcd(struct ib_xrcd *xrcd, struct ib_udata *udata);

#endif
