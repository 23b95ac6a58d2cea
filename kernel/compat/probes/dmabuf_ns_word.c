// SPDX-License-Identifier: GPL-2.0
/* A symbol namespace is a bare word, not a string. */
#include <linux/module.h>

MODULE_IMPORT_NS(DMA_BUF);
