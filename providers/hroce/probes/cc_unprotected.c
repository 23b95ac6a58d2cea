// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* A parent domain of which a confidential guest may have buffers in shared memory. */
#include <infiniband/verbs.h>

int probe = IBV_PARENT_DOMAIN_INIT_ATTR_ALLOW_CC_UNPROTECTED_ALLOC;
