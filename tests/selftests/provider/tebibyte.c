// SPDX-License-Identifier: GPL-2.0
/*
 * tebibyte --dev NAME --gid INDEX --places N --rounds N: RDMA to places all over 1 TiB
 * of memory by the key of an implicit region, in a memory cgroup far too small for it.
 *
 * The memory is cut into a stripe a place. A place is some bytes anywhere in its
 * stripe; what is read back from it lands nearby. A round writes all places and reads
 * them in another order. It then maps the memory anew, for the page tables of so many
 * places stay until then.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "loop.h"
#include "mem.h"
#include "mirror.h"

#define TIB (1ul << 40)

enum {
	PAIRS = 4,
	MAX_LEN = 64 << 10,
	SILENCE_MS = 100000,
	ACCESS = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ |
		 IBV_ACCESS_ON_DEMAND,
};

struct place {
	uint8_t *at, *land;	/* both in the same 2 MiB */
	uint32_t len;
	uint64_t seed;		/* 0: given back to the kernel, reads as zeroes */
};

static struct rc_dev d;
static struct loop pair[PAIRS];
static struct ibv_mr *mr;
static struct rc_rng rng = { 40 };
static uint8_t *mem;
static struct place *place;
static uint32_t places, *order;
static atomic_bool stop;
static _Atomic long most;	/* bytes of the mirror */
static uint64_t longest;	/* milliseconds that a request took */

static void map_memory(void)
{
	uint8_t *p = mmap(mem, TIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS |
			  MAP_NORESERVE | (mem ? MAP_FIXED : 0), -1, 0);

	if (p == MAP_FAILED)
		rc_die_errno("mmap of 1 TiB");
	EXPECT(!madvise(p, TIB, MADV_NOHUGEPAGE));
	mem = p;
}

static void choose_places(void)
{
	size_t stripe = TIB / places & ~(RC_HUGE - 1ul);
	uint32_t i;

	for (i = 0; i < places; i++) {
		struct place *p = &place[i];
		uint8_t *chunk = mem + i * stripe +
				 rc_below(&rng, stripe / RC_HUGE - 1) * (size_t)RC_HUGE;

		/* the memory is aligned to pages, no more */
		chunk = (uint8_t *)(((uintptr_t)chunk + RC_HUGE - 1) & ~(RC_HUGE - 1ul));
		p->at = chunk + rc_below(&rng, RC_HUGE / 2 - MAX_LEN);
		p->land = chunk + RC_HUGE / 2 + rc_below(&rng, RC_HUGE / 2 - MAX_LEN);
		p->len = 1 + rc_below(&rng, MAX_LEN);
		p->seed = rc_rng(&rng) | 1;
	}
}

static void shuffle(void)
{
	uint32_t i, k;

	for (i = 0; i < places; i++) {
		k = rc_below(&rng, i + 1);
		order[i] = order[k];
		order[k] = i;
	}
}

static void give_back(void *at, uint32_t len)
{
	uintptr_t first = (uintptr_t)at & ~(RC_PAGE - 1ul);

	EXPECT(!madvise((void *)first, (uintptr_t)at + len - first, MADV_DONTNEED));
}

static void post(struct loop *l, enum ibv_wr_opcode op, void *local, void *remote, uint32_t len)
{
	struct ibv_sge sge = { (uintptr_t)local, len, mr->lkey };
	struct ibv_send_wr wr = {
		.wr_id = 1, .sg_list = &sge, .num_sge = 1, .opcode = op,
		.send_flags = IBV_SEND_SIGNALED,
		.wr.rdma = { .remote_addr = (uintptr_t)remote, .rkey = mr->rkey },
	}, *bad;

	EXPECT_EQ(ibv_post_send(l->qp[0], &wr, &bad), 0);
}

/* The pair's request, however long swapping takes. */
static void finish(struct loop *l)
{
	uint64_t start = rc_now_ms(), took;
	struct ibv_wc wc;
	int n;

	do {
		n = ibv_poll_cq(l->scq, 1, &wc);
		took = rc_now_ms() - start;
		if (took > SILENCE_MS)
			rc_die("no completion within %d s", SILENCE_MS / 1000);
		if (!n && took > 2)
			usleep(200);	/* others need the CPU more */
	} while (!n);
	EXPECT_EQ(n, 1);
	if (wc.status)
		rc_die("completion: %s", ibv_wc_status_str(wc.status));
	if (took > longest)
		longest = took;
}

/* One place a pair at a time. */
static void write_places(void)
{
	uint32_t i, k;

	for (i = 0; i < places; i += k) {
		for (k = 0; k < PAIRS && i + k < places; k++) {
			struct place *p = &place[order[i + k]];

			rc_fill(p->seed, pair[k].buf, p->len);
			post(&pair[k], IBV_WR_RDMA_WRITE, pair[k].buf, p->at, p->len);
		}
		for (k = 0; k < PAIRS && i + k < places; k++) {
			struct place *p = &place[order[i + k]];

			finish(&pair[k]);
			if (!rc_once_in(&rng, 4))
				continue;
			give_back(p->at, p->len);
			p->seed = 0;
		}
	}
}

/* A place has a page table at least, made by the kernel's worker that faulted it in. */
static void check_page_tables(void)
{
	uint32_t i, kept = 0;
	long paid = mirror_charged("pagetables");

	for (i = 0; i < places; i++)
		kept += place[i].seed != 0;
	printf("%u places in use, %ld KiB of page tables\n", kept, paid >> 10);
	EXPECT(paid >= (long)kept * RC_PAGE - MIRROR_STALE);
}

static void check_place(const struct place *p, const uint8_t *got, const char *what)
{
	static uint8_t should[MAX_LEN];

	if (p->seed)
		rc_fill(p->seed, should, p->len);
	else
		memset(should, 0, p->len);
	if (memcmp(got, should, p->len))
		rc_die("%s: byte %zu of %u at %#zx is wrong", what,
		       rc_differ(got, should, p->len), p->len, (size_t)(p->at - mem));
}

static void read_places(void)
{
	uint32_t i, k;

	for (i = 0; i < places; i += k) {
		for (k = 0; k < PAIRS && i + k < places; k++) {
			struct place *p = &place[order[i + k]];

			post(&pair[k], IBV_WR_RDMA_READ, p->land, p->at, p->len);
		}
		for (k = 0; k < PAIRS && i + k < places; k++) {
			struct place *p = &place[order[i + k]];

			finish(&pair[k]);
			check_place(p, p->land, "read back");
			check_place(p, p->at, "the place itself");
			give_back(p->land, p->len);
		}
	}
}

static void *watch(void *unused)
{
	long bytes;

	for (; !stop; usleep(1000)) {
		bytes = mirror_use().bytes;
		if (bytes > most)
			most = bytes;
	}
	return unused;
}

static void work(uint32_t rounds)
{
	long before = mirror_charged("slab");
	pthread_t watcher;
	uint32_t i;

	for (i = 0; i < PAIRS; i++)
		loop_open(&pair[i], &d, false);
	EXPECT(!pthread_create(&watcher, NULL, watch, NULL));
	for (i = 0; i < rounds; i++) {
		map_memory();
		choose_places();
		shuffle();
		write_places();
		mirror_check_charge(before);
		check_page_tables();
		shuffle();
		read_places();
	}
	stop = true;
	pthread_join(watcher, NULL);
	printf("%u places, %u rounds, %lu ms at most; mirror: at most %ld KiB of %ld\n", places,
	       rounds, longest, most >> 10, mirror_limit() >> 10);
	EXPECT(most <= mirror_limit());
	for (i = 0; i < PAIRS; i++)
		loop_close(&pair[i]);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		RC_LINK_OPTIONS, { "places", required_argument, NULL, 'n' },
		{ "rounds", required_argument, NULL, 'r' }, { },
	};
	struct rc_link_opts link = RC_LINK_DEFAULTS;
	uint32_t rounds = 1;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'n')
			places = rc_number(optarg);
		else if (c == 'r')
			rounds = rc_number(optarg);
		else if (!rc_link_option(&link, c, optarg))
			return 2;
	}
	if (!places || places > TIB / MIRROR_SPAN)
		return 2;
	loop_mtu = IBV_MTU_4096;
	rc_dev_open(&d, &link);
	mr = ibv_reg_mr(d.pd, NULL, SIZE_MAX, ACCESS);
	if (!mr)
		rc_die_errno("implicit region");
	place = calloc(places, sizeof(*place));
	order = calloc(places, sizeof(*order));
	EXPECT(place && order);
	work(rounds);
	EXPECT(!ibv_dereg_mr(mr));
	rc_dev_close(&d);
	return 0;
}
