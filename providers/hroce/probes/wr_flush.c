// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* There are ATOMIC WRITE and FLUSH. */
#include <infiniband/verbs.h>

void probe(struct ibv_qp_ex *qpx);

void probe(struct ibv_qp_ex *qpx)
{
	ibv_wr_flush(qpx, 0, 0, 0, IBV_FLUSH_GLOBAL, IBV_FLUSH_RANGE);
	ibv_wr_atomic_write(qpx, 0, 0, "");
}
