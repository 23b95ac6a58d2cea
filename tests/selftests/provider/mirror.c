// SPDX-License-Identifier: GPL-2.0
/* What hmmodp says of this process's mirror in debugfs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "loop.h"
#include "mem.h"
#include "mirror.h"

/* Returns whether there is a mirror of this process. */
static bool find(struct mirror_use *u)
{
	FILE *f = fopen("/sys/kernel/debug/hmmodp/mirrors", "r");
	bool found = false;
	char line[256], *p;

	memset(u, 0, sizeof(*u));
	while (f && !found && fgets(line, sizeof(line), f)) {
		if (atoi(line) != getpid())
			continue;
		found = true;
		p = strstr(line, " bytes=");
		EXPECT(p && sscanf(p, " bytes=%ld spans=%ld leaves=%ld tables=%ld pages=%ld",
				   &u->bytes, &u->spans, &u->leaves, &u->tables, &u->pages) == 5);
	}
	if (f)
		fclose(f);
	return found;
}

bool mirror_kept(struct rc_dev *d)
{
	struct ibv_mr *mr = ibv_reg_mr(d->pd, &d, sizeof(d), IBV_ACCESS_ON_DEMAND);
	struct mirror_use u;
	bool kept = mr && find(&u);

	if (mr)
		EXPECT(!ibv_dereg_mr(mr));
	return kept;
}

struct mirror_use mirror_use(void)
{
	struct mirror_use u;

	find(&u);
	return u;
}

/* Empty spans, and a table kept for the next chunk, go when the mirror is next tidied. */
static struct mirror_use settled(long most)
{
	struct mirror_use u;
	int i;

	for (i = 0; i < 40; i++) {
		u = mirror_use();
		if (u.bytes - u.tables * MIRROR_TABLE <= most)
			return u;
		usleep(500000);
	}
	rc_die("the mirror keeps %ld bytes for %ld spans, %ld tables", u.bytes, u.spans, u.tables);
}

struct mirror_use mirror_weigh(struct rc_dev *d, bool huge)
{
	struct mirror_use u;
	struct ibv_sge sge;
	struct ibv_mr *mr;
	uint8_t *map, *p;

	EXPECT_EQ(settled(0).pages, 0);
	map = mmap(NULL, 2 * MIRROR_SPAN, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	EXPECT(map != MAP_FAILED);
	p = (uint8_t *)(((uintptr_t)map + MIRROR_SPAN - 1) & ~(MIRROR_SPAN - 1UL));
	EXPECT(!madvise(p, MIRROR_SPAN, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE));
	memset(p, 1, MIRROR_SPAN);
	mr = ibv_reg_mr(d->pd, p, MIRROR_SPAN, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_ON_DEMAND);
	if (!mr)
		rc_die_errno("no region");
	sge = (struct ibv_sge){ (uintptr_t)p, MIRROR_SPAN, mr->lkey };
	EXPECT_EQ(ibv_advise_mr(d->pd, IBV_ADVISE_MR_ADVICE_PREFETCH_WRITE,
				IBV_ADVISE_MR_FLAG_FLUSH, &sge, 1), 0);
	u = settled(MIRROR_TABLE - 1);
	EXPECT(!ibv_dereg_mr(mr));
	munmap(map, 2 * MIRROR_SPAN);
	EXPECT_EQ(u.pages, MIRROR_SPAN / RC_PAGE);
	EXPECT_EQ(u.spans, 1);
	EXPECT_EQ(u.leaves, huge ? MIRROR_SPAN / RC_HUGE : 0);
	EXPECT_EQ(u.tables, huge ? 0 : MIRROR_SPAN / RC_HUGE);
	return u;
}
