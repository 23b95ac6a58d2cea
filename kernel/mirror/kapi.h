/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The one door to the kernel for the pure parts of the mirror (entry.h,
 * chunk.[ch], stream.[ch]). The unit tests define its guard and bring a shim instead.
 */
#ifndef HMMODP_KAPI_H
#define HMMODP_KAPI_H

#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/bug.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#endif
