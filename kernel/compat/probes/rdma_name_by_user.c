// SPDX-License-Identifier: GPL-2.0
/* A device can say that its name was the user's choice. */
#include <rdma/ib_verbs.h>

void probe(struct ib_device *ibdev)
{
	ib_mark_name_assigned_by_user(ibdev);
}
