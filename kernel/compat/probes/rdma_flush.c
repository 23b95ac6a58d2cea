// SPDX-License-Identifier: GPL-2.0
/* The kernel knows FLUSH and ATOMIC WRITE. */
#include <rdma/ib_pack.h>
#include <rdma/ib_user_verbs.h>
#include <rdma/ib_verbs.h>

const int probe[] = {
	IB_UVERBS_WR_FLUSH, IB_UVERBS_WR_ATOMIC_WRITE, IB_UVERBS_WC_FLUSH,
	IB_UVERBS_WC_ATOMIC_WRITE, IB_OPCODE_RC_FLUSH, IB_OPCODE_RC_ATOMIC_WRITE,
	IB_ACCESS_FLUSH_GLOBAL,
};

const u64 probe_caps = IB_DEVICE_FLUSH_GLOBAL | IB_DEVICE_ATOMIC_WRITE;
