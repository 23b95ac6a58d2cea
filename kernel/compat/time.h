/* SPDX-License-Identifier: GPL-2.0 */
/* What differs between kernels in timers. */
#ifndef HMMODP_COMPAT_TIME_H
#define HMMODP_COMPAT_TIME_H

#include <linux/hrtimer.h>

/* A timer of CLOCK_MONOTONIC that runs in softirq. */
static inline void
compat_hrtimer_setup_soft(struct hrtimer *timer,
			  enum hrtimer_restart (*function)(struct hrtimer *timer))
{
#ifdef HMMODP_HAVE_TIME_HRTIMER_SETUP
	hrtimer_setup(timer, function, CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT);
#else
	hrtimer_init(timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT);
	timer->function = function;
#endif
}

#endif
