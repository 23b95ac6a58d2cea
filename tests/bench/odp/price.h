/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of odp_price share. */
#ifndef ODP_PRICE_H
#define ODP_PRICE_H

#include "loop.h"

#define PAGE	4096UL
#define MIB	(1UL << 20)

/* A line of JSON: what was measured, of how many bytes, how, and the value. */
void report(const char *what, const char *how, size_t bytes, const char *unit,
	    double value);

struct samples {
	double v[64];
	unsigned int n;
};

void sample(struct samples *s, double v);
double median(struct samples *s);

/* Fresh anonymous memory, in huge pages or never; nothing of it is touched. */
uint8_t *fresh(size_t len, bool huge);

/* One RDMA WRITE, from posting to its completion; sleeps for that. */
uint64_t write_ns(struct loop *l, uint32_t lkey, const void *from, uint32_t rkey,
		  void *to, uint32_t len);

void measure_resident(struct rc_dev *d);
void measure_register(struct rc_dev *d);
void measure_cold(struct rc_dev *d);
void measure_unmap(struct rc_dev *d);

#endif
