// SPDX-License-Identifier: GPL-2.0
/* Pinning by address is called ib_umem_get_va(), not ib_umem_get(). */
#include <rdma/ib_verbs.h>
#include <rdma/ib_umem.h>

struct ib_umem *probe(struct ib_device *ibdev, unsigned long addr, size_t size)
{
	return ib_umem_get_va(ibdev, addr, size, 0);
}
