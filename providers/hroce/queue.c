// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Mapping the rings. */
#include <string.h>
#include <sys/mman.h>
#include "queue.h"

/* A ring without entries does not exist: success, with q->ring NULL. */
int hroce_queue_map(struct hroce_queue *q, int cmd_fd,
		    const struct hroce_ring_info *info, size_t header)
{
	void *mapping;
	int err;

	memset(q, 0, sizeof(*q));
	if (!info->entries)
		return 0;

	mapping = mmap(NULL, info->length, PROT_READ | PROT_WRITE, MAP_SHARED,
		       cmd_fd, info->offset);
	if (mapping == MAP_FAILED)
		return errno;

	err = hroce_queue_init(q, mapping, info, header);
	if (err)
		munmap(mapping, info->length);
	return err;
}

void hroce_queue_unmap(struct hroce_queue *q)
{
	if (q->ring)
		munmap(q->ring, q->length);
	q->ring = NULL;
}
