// SPDX-License-Identifier: GPL-2.0
/*
 * mpi_check: every rank sends to every other, in several sizes, by messages,
 * collectives and one-sided access, and checks each byte it gets.
 */
#include <mpi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int rank, ranks;

static uint8_t byte(int from, int to, size_t round, size_t i)
{
	uint64_t x = i * 0x9e3779b97f4a7c15ull + from * 131 + to * 31 + round * 17;

	return x >> 32 ^ x >> 7;
}

static void fill(uint8_t *p, size_t n, int from, int to, size_t round)
{
	for (size_t i = 0; i < n; i++)
		p[i] = byte(from, to, round, i);
}

static void check(const uint8_t *p, size_t n, int from, int to, size_t round, const char *what)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] == byte(from, to, round, i))
			continue;
		fprintf(stderr, "rank %d: %s of %zu bytes from %d: wrong at byte %zu\n", rank,
			what, n, from, i);
		MPI_Abort(MPI_COMM_WORLD, 1);
	}
}

/* Around a ring, both ways at once. */
static void ring(size_t n)
{
	int next = (rank + 1) % ranks, before = (rank + ranks - 1) % ranks;
	uint8_t *out = malloc(n + 1), *in = malloc(n + 1);

	for (size_t round = 0; round < 3; round++) {
		fill(out, n, rank, next, round);
		memset(in, 0, n);
		MPI_Sendrecv(out, n, MPI_BYTE, next, 1, in, n, MPI_BYTE, before, 1,
			     MPI_COMM_WORLD, MPI_STATUS_IGNORE);
		check(in, n, before, rank, round, "ring");
	}
	free(out);
	free(in);
}

static void all_to_all(size_t n)
{
	uint8_t *out = malloc(n * ranks), *in = calloc(ranks, n);

	for (int i = 0; i < ranks; i++)
		fill(out + i * n, n, rank, i, 7);
	MPI_Alltoall(out, n, MPI_BYTE, in, n, MPI_BYTE, MPI_COMM_WORLD);
	for (int i = 0; i < ranks; i++)
		check(in + i * n, n, i, rank, 7, "all to all");
	free(out);
	free(in);
}

/* Put into the next rank's window, get it back from there. */
static void one_sided(size_t n)
{
	int next = (rank + 1) % ranks, before = (rank + ranks - 1) % ranks;
	uint8_t *window, *out = malloc(n), *back = calloc(1, n);
	MPI_Win win;

	MPI_Win_allocate(n, 1, MPI_INFO_NULL, MPI_COMM_WORLD, &window, &win);
	fill(out, n, rank, next, 9);
	MPI_Win_fence(0, win);
	MPI_Put(out, n, MPI_BYTE, next, 0, n, MPI_BYTE, win);
	MPI_Win_fence(0, win);
	check(window, n, before, rank, 9, "put");
	MPI_Get(back, n, MPI_BYTE, next, 0, n, MPI_BYTE, win);
	MPI_Win_fence(0, win);
	check(back, n, rank, next, 9, "get");
	MPI_Win_free(&win);
	free(out);
	free(back);
}

int main(int argc, char **argv)
{
	static const size_t sizes[] = { 1, 8, 100, 1024, 8191, 65536, 300000, 1 << 20 };

	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &ranks);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		ring(sizes[i]);
		if (sizes[i] <= 65536)
			all_to_all(sizes[i]);
		if (sizes[i] <= 300000)
			one_sided(sizes[i]);
	}
	if (!rank)
		printf("mpi_check: %d ranks, every byte right\n", ranks);
	return MPI_Finalize();
}
