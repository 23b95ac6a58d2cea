// SPDX-License-Identifier: GPL-2.0
/* A port has one number for its speed, besides the lanes and the speed of each. */
#include <rdma/ib_verbs.h>

static int speed(struct ib_device *ibdev, u32 port, u64 *speed)
{
	struct ib_port_speed_info info;
	struct ib_port_attr attr = {};
	int err = ib_port_attr_to_speed_info(&attr, &info);

	*speed = info.rate;
	return err;
}

const struct ib_device_ops probe = { .query_port_speed = speed };
