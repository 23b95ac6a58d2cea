/* SPDX-License-Identifier: GPL-2.0 */
/* Good and bad places in a process's memory, each with a key. */
#ifndef RC_PLACES_H
#define RC_PLACES_H

#include "conn.h"
#include "mem.h"

enum rc_place_name {
	RC_GOOD,
	RC_BEYOND,	/* runs over the region's end */
	RC_BEFORE,
	RC_WRAP,	/* address plus length passes 2^64 */
	RC_BAD_KEY,	/* one bit wrong */
	RC_NO_KEY,	/* nobody's */
	RC_OTHER_PD,
	RC_GONE,	/* deregistered */
	RC_NO_WRITE,	/* region without the remote right */
	RC_NO_READ,
	RC_NO_ATOMIC,
	RC_NO_LOCAL,	/* without local write */
	RC_UNALIGNED,
	RC_SHORT,	/* good, but only 100 bytes of it are offered */
	RC_HOLE,	/* ODP: not mapped */
	RC_INTO_HOLE,	/* ODP: mapped at first, then not */
	RC_READ_ONLY,	/* ODP: a mapping that the process may only read */
	RC_PLACES,
};

#define RC_PLACE_LEN	200	/* of a message to or from a place */

struct rc_place {
	uint64_t addr;
	uint32_t key;
	uint32_t spare;
};

struct rc_places {
	struct rc_dev *dev;
	struct rc_mem mem;
	uint8_t *model;
	struct ibv_pd *other_pd;
	struct ibv_mr *mr[RC_PLACES];
	int mrs;
	struct rc_place at[RC_PLACES];
};

void rc_places_make(struct rc_places *p, struct rc_dev *dev, bool odp, uint64_t seed);
/* Does no byte outside the good region differ from the model, nor in it? */
void rc_places_check(const struct rc_places *p, const char *when);
void rc_places_free(struct rc_places *p);
/* Where RC_READ_ONLY is from the memory's start, on a side that has it. */
size_t rc_place_read_only(void);
/* Places that only on-demand paging can have. */
static inline bool rc_place_needs_odp(enum rc_place_name n)
{
	return n >= RC_HOLE;
}

#endif
