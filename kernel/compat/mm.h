/* SPDX-License-Identifier: GPL-2.0 */
/* Kernel differences around memory. */
#ifndef HMMODP_COMPAT_MM_H
#define HMMODP_COMPAT_MM_H

#include <linux/slab.h>

/* Allocation by object, of 7.x; macros, so that no probe is needed. */
#ifndef kmalloc_obj
#define kmalloc_obj(obj, gfp)	kmalloc(sizeof(obj), gfp)
#endif
#ifndef kzalloc_obj
#define kzalloc_obj(obj, gfp)	kzalloc(sizeof(obj), gfp)
#endif

#endif
