// SPDX-License-Identifier: GPL-2.0
/* The kernel has capability bits for FLUSH and ATOMIC WRITE on demand. */
#include <rdma/ib_verbs.h>

const int probe = IB_ODP_SUPPORT_FLUSH | IB_ODP_SUPPORT_ATOMIC_WRITE;
