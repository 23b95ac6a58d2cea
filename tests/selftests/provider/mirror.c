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

static long number_of(const char *path, const char *name)
{
	FILE *f = fopen(path, "r");
	char word[64];
	long n = -1, v;

	if (!f)
		rc_die_errno("%s", path);
	if (!name)
		EXPECT_EQ(fscanf(f, "%ld", &n), 1);
	else
		while (fscanf(f, "%63s %ld%*[^\n]", word, &v) == 2)
			if (!strcmp(word, name))
				n = v;
	fclose(f);
	EXPECT(n >= 0);
	return n;
}

long mirror_limit(void)
{
	long kib = number_of("/sys/module/hmmodp/parameters/mirror_limit_kib", NULL);

	return kib ? kib << 10 : (number_of("/proc/meminfo", "MemTotal:") << 10) / 256;
}

long mirror_charged(const char *what)
{
	char path[256] = "", *end;
	FILE *f = fopen("/proc/self/cgroup", "r");
	char line[128];

	EXPECT(f && fgets(line, sizeof(line), f) && !strncmp(line, "0::", 3));
	fclose(f);
	end = strchr(line, '\n');
	EXPECT(end);
	*end = 0;
	snprintf(path, sizeof(path), "/sys/fs/cgroup%s/memory.stat", line + 3);
	return number_of(path, what);
}

void mirror_check_charge(long before)
{
	long slab = mirror_charged("slab") - before;
	struct mirror_use u = mirror_use();
	long real = u.tables * number_of("/sys/kernel/slab/kmalloc-cg-4k/slab_size", NULL) +
		    u.spans * number_of("/sys/kernel/slab/hmmodp_span/slab_size", NULL);

	printf("mirror: %ld KiB, %ld with debugging, %ld of the cgroup's\n", u.bytes >> 10,
	       real >> 10, slab >> 10);
	EXPECT(u.bytes >= u.tables * MIRROR_TABLE);
	EXPECT(slab >= real * 9 / 10 - MIRROR_STALE);
	EXPECT(slab <= real * 11 / 10 + MIRROR_STALE);
}
