/* SPDX-License-Identifier: GPL-2.0 */
/* memcpy() and its kin, for pure kernel files compiled in user space. */
#include <string.h>
