// SPDX-License-Identifier: GPL-2.0
/*
 * Everything at once. Workers move data by the device and check each byte, one
 * block at a time under the block's lock; they also unmap, move and protect the
 * blocks they hold. Churners, who hold no lock, do to all of the memory at any
 * time what must not change a byte of it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "test.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MADV_COLD
#define MADV_COLD 20
#define MADV_PAGEOUT 21
#endif

#define SIZE		(16 * MIB)
#define BLOCK		(64 * KIB)
#define BLOCKS		(SIZE / BLOCK)
#define WORKERS		3

static char *region, *elsewhere;
static struct device device;
static struct block {
	pthread_mutex_t lock;	/* protects the content and seed */
	__u64 seed;		/* of the pattern in it, 0: zeroes */
} blocks[BLOCKS];
static bool stop;
static unsigned long operations;

struct worker {
	pthread_t thread;
	__u64 rnd;
	char buf[BLOCK];
};

static bool is_content(const char *buf, size_t len, __u64 seed, size_t offset)
{
	size_t i;

	if (seed)
		return pattern_is(buf, len, seed, offset);
	for (i = 0; i < len; i++)
		if (buf[i])
			return false;
	return true;
}

static unsigned int any_mode(__u64 *rnd)
{
	static const unsigned int modes[] = {
		0, FROM_SOFTIRQ, FAULT_ASYNC, FROM_SOFTIRQ | FAULT_ASYNC,
	};

	return modes[random_next(rnd) % 4];
}

static void device_reads_part(struct worker *w, struct block *b, char *va)
{
	size_t off = random_next(&w->rnd) % BLOCK;
	size_t len = 1 + random_next(&w->rnd) % (BLOCK - off);

	CHECK(device_read(&device, va + off, w->buf, len, any_mode(&w->rnd), NULL) == 0);
	CHECK(is_content(w->buf, len, b->seed, off));
}

static void device_writes_all(struct worker *w, struct block *b, char *va)
{
	size_t cut = 1 + random_next(&w->rnd) % (BLOCK - 1);

	b->seed = random_next(&w->rnd) | 1;
	device_writes(&device, va + cut, BLOCK - cut, b->seed, cut, any_mode(&w->rnd));
	device_writes(&device, va, cut, b->seed, 0, any_mode(&w->rnd));
	CHECK(is_content(va, BLOCK, b->seed, 0));
}

static void protect_block(struct worker *w, struct block *b, char *va)
{
	CHECK(mprotect(va, BLOCK, PROT_READ) == 0);
	CHECK(device_write(&device, va, w->buf, 100, any_mode(&w->rnd), NULL) == -EFAULT);
	device_reads_part(w, b, va);
	CHECK(mprotect(va, BLOCK, PROT_NONE) == 0);
	CHECK(device_read(&device, va, w->buf, 100, any_mode(&w->rnd), NULL) == -EFAULT);
	CHECK(mprotect(va, BLOCK, PROT_READ | PROT_WRITE) == 0);
}

static void reserve_elsewhere(size_t offset, size_t len)
{
	CHECK(mmap(elsewhere + offset, len, PROT_NONE, MAP_PRIVATE |
		   MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) ==
	      elsewhere + offset);
}

/* Away and back again. Nobody here maps so little that it could land between. */
static void move_block(struct worker *w, struct block *b, char *va)
{
	char *to = elsewhere + (va - region);

	CHECK(mremap(va, BLOCK, BLOCK, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	CHECK(device_fault(&device, va, 1, false, any_mode(&w->rnd) & FAULT_ASYNC) == -EFAULT);
	device_reads_part(w, b, to);
	CHECK(mremap(to, BLOCK, BLOCK, MREMAP_MAYMOVE | MREMAP_FIXED, va) == va);
	reserve_elsewhere(va - region, BLOCK);
}

static void *work(void *arg)
{
	struct worker *w = arg;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		size_t n = random_next(&w->rnd) % BLOCKS;
		char *va = region + n * BLOCK;
		struct block *b = &blocks[n];

		pthread_mutex_lock(&b->lock);
		switch (random_next(&w->rnd) % 12) {
		case 0:
			CHECK(madvise(va, BLOCK, MADV_DONTNEED) == 0);
			b->seed = 0;
			break;
		case 1:
			CHECK(mmap(va, BLOCK, PROT_READ | PROT_WRITE, MAP_FIXED |
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == va);
			b->seed = 0;
			break;
		case 2:
			protect_block(w, b, va);
			break;
		case 3:
			move_block(w, b, va);
			break;
		case 4:
		case 5:
			b->seed = random_next(&w->rnd) | 1;
			pattern_fill(va, BLOCK, b->seed, 0);
			break;
		case 6:
			/* what the process wrote may go, what the device does not */
			CHECK(madvise(va, BLOCK, MADV_FREE) == 0);
			device_writes_all(w, b, va);
			madvise(va, BLOCK, MADV_PAGEOUT);
			break;
		case 7:
		case 8:
		case 9:
			device_writes_all(w, b, va);
			break;
		default:
			CHECK(is_content(va, BLOCK, b->seed, 0));
			break;
		}
		device_reads_part(w, b, va);
		pthread_mutex_unlock(&b->lock);
		__atomic_fetch_add(&operations, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* The child writes on its side of the copy. */
static void churn_fork(__u64 *rnd)
{
	pid_t pid = fork();

	if (!pid) {
		unsigned int i;

		/* a block may be elsewhere or protected just then */
		signal(SIGSEGV, SIG_DFL);
		for (i = 0; i < 50; i++)
			region[random_next(rnd) % SIZE] ^= 0x55;
		_exit(0);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

static void churn_compact(void)
{
	int fd = open("/proc/sys/vm/compact_memory", O_WRONLY);

	if (fd >= 0) {
		if (write(fd, "1", 1) != 1)
			usleep(1000);
		close(fd);
	}
}

static void *churn(void *arg)
{
	static const int advices[] = {
		MADV_PAGEOUT, MADV_PAGEOUT, MADV_COLLAPSE, MADV_COLLAPSE,
		MADV_COLD, MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_MERGEABLE,
		MADV_UNMERGEABLE,
	};
	__u64 rnd = *(__u64 *)arg;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		size_t off = random_next(&rnd) % (SIZE / PAGE) * PAGE;
		size_t len = (1 + random_next(&rnd) % 1024) * PAGE;
		unsigned int what = random_next(&rnd) % 12;

		/* what splits a mapping does so between blocks: they are moved whole */
		if (what >= 5) {
			off = off / BLOCK * BLOCK;
			len = (len + BLOCK - 1) / BLOCK * BLOCK;
		}
		if (len > SIZE - off)
			len = SIZE - off;
		if (what < sizeof(advices) / sizeof(*advices))
			madvise(region + off, len, advices[what]);
		else if (what == 9 && random_next(&rnd) % 16 == 0)
			churn_compact();
		else
			churn_fork(&rnd);
		usleep(random_next(&rnd) % 2000);
	}
	return NULL;
}

/* Reads and writes of memory that comes and goes: nothing to check but peace. */
static void *wild(void *arg)
{
	__u64 rnd = *(__u64 *)arg ^ 0x1234;
	char *m = map_anon(CHUNK, CHUNK), buf[3 * PAGE];

	memset(buf, 0x77, sizeof(buf));
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		device_write(&device, m + random_next(&rnd) % (CHUNK - sizeof(buf)),
			     buf, sizeof(buf), any_mode(&rnd), NULL);
		device_cancel(&device, m + random_next(&rnd) % MIB, MIB, rnd & 1,
			      random_next(&rnd) % 500);
		if (random_next(&rnd) % 8 == 0)
			CHECK(mmap(m, CHUNK, PROT_READ | PROT_WRITE, MAP_FIXED |
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == m);
		else
			madvise(m + random_next(&rnd) % MIB / PAGE * PAGE, MIB,
				MADV_DONTNEED);
	}
	return NULL;
}

int stress(unsigned int seconds, __u64 seed)
{
	struct worker *workers = calloc(WORKERS, sizeof(*workers));
	struct hmmodp_selftest_stats s;
	pthread_t churner, wildling;
	unsigned int i;

	CHECK(workers);
	printf("# seed %#llx\n", (unsigned long long)seed);
	region = map_anon(SIZE, CHUNK);
	elsewhere = map_anon(SIZE, CHUNK);
	reserve_elsewhere(0, SIZE);
	device_open(&device);
	for (i = 0; i < BLOCKS; i++)
		pthread_mutex_init(&blocks[i].lock, NULL);
	alarm(seconds + 120 * slowness());
	for (i = 0; i < WORKERS; i++) {
		workers[i].rnd = seed + i * 1000;
		CHECK(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
	}
	CHECK(pthread_create(&churner, NULL, churn, &seed) == 0);
	CHECK(pthread_create(&wildling, NULL, wild, &seed) == 0);
	sleep(seconds);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < WORKERS; i++)
		pthread_join(workers[i].thread, NULL);
	pthread_join(churner, NULL);
	pthread_join(wildling, NULL);
	for (i = 0; i < BLOCKS; i++) {
		CHECK(is_content(region + i * BLOCK, BLOCK, blocks[i].seed, 0));
		CHECK(device_read(&device, region + i * BLOCK, workers[0].buf, BLOCK, 0,
				  NULL) == 0);
		CHECK(is_content(workers[0].buf, BLOCK, blocks[i].seed, 0));
	}
	s = device_stats(&device);
	printf("# %lu operations, %llu pages faulted, %llu invalidated, %llu retries\n",
	       operations, (unsigned long long)s.page_faults,
	       (unsigned long long)s.page_invalidations,
	       (unsigned long long)s.fault_retries);
	CHECK(operations > 0 && s.page_invalidations > 0);
	device_close(&device);
	return 0;
}
