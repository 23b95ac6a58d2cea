/* SPDX-License-Identifier: GPL-2.0 */
/* Packets made by hand for a queue pair of a device that talks to itself. */
#ifndef PROVIDER_BYHAND_H
#define PROVIDER_BYHAND_H

#include "../../fuzz/roce.h"
#include "loop.h"

/* From the device to itself; close @sock of it. */
struct roce_path byhand_path(struct rc_dev *d);
/* PSN of the next request of a queue pair that has none under way. */
uint32_t byhand_psn(struct ibv_qp *qp);

#endif
