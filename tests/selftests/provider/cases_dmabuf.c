// SPDX-License-Identifier: GPL-2.0
/*
 * Regions of a dma-buf: pages of a memfd (udmabuf), of the heap that media programs use
 * (system), a buffer of a GPU without GPU (vgem), and one that its exporter moves.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <drm/drm.h>
#include <linux/hroce-selftest.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>
#include "loop.h"

enum {
	BUF = 16 * 4096,
	OFF = 4096,		/* of the region in the buffer */
	LEN = 9 * 4096,
	AT = 100,		/* of what is written, in the region */
	BYTES = LEN - 2 * AT - 1,
	IOVA = 7 << 20,
	ACCESS = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ |
		 IBV_ACCESS_REMOTE_ATOMIC,
};

/* A buffer: its file, and what the process sees of it. */
struct buffer {
	int fd;
	uint8_t *m;
};

static void map(struct buffer *b, int fd)
{
	b->m = mmap(NULL, BUF, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (b->m == MAP_FAILED)
		rc_die_errno("mmap");
}

static bool udmabuf(struct buffer *b)
{
	struct udmabuf_create create = { .flags = UDMABUF_FLAGS_CLOEXEC, .size = BUF };
	int dev = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);

	if (dev < 0)
		return false;
	create.memfd = memfd_create("dmabuf", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	EXPECT((int)create.memfd >= 0);
	EXPECT(!ftruncate(create.memfd, BUF));
	EXPECT(!fcntl(create.memfd, F_ADD_SEALS, F_SEAL_SHRINK));
	map(b, create.memfd);
	b->fd = ioctl(dev, UDMABUF_CREATE, &create);
	if (b->fd < 0)
		rc_die_errno("UDMABUF_CREATE");
	close(create.memfd);
	close(dev);
	return true;
}

static bool heap(struct buffer *b)
{
	struct dma_heap_allocation_data alloc = { .len = BUF, .fd_flags = O_RDWR | O_CLOEXEC };
	int dev = open("/dev/dma_heap/system", O_RDWR | O_CLOEXEC);

	if (dev < 0)
		return false;
	if (ioctl(dev, DMA_HEAP_IOCTL_ALLOC, &alloc))
		rc_die_errno("DMA_HEAP_IOCTL_ALLOC");
	b->fd = alloc.fd;
	map(b, b->fd);
	close(dev);
	return true;
}

static int vgem_open(void)
{
	char path[32], name[16];
	struct drm_version v;
	int i, fd;

	for (i = 0; i < 8; i++) {
		snprintf(path, sizeof(path), "/dev/dri/card%d", i);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		memset(name, 0, sizeof(name));
		memset(&v, 0, sizeof(v));
		v.name = name;
		v.name_len = sizeof(name) - 1;
		if (!ioctl(fd, DRM_IOCTL_VERSION, &v) && !strcmp(name, "vgem"))
			return fd;
		close(fd);
	}
	return -1;
}

static bool vgem(struct buffer *b)
{
	struct drm_mode_create_dumb dumb = { .width = BUF / 4, .height = 1, .bpp = 32 };
	struct drm_prime_handle prime = { .flags = DRM_RDWR | DRM_CLOEXEC };
	int fd = vgem_open();

	if (fd < 0)
		return false;
	if (ioctl(fd, DRM_IOCTL_MODE_CREATE_DUMB, &dumb))
		rc_die_errno("CREATE_DUMB");
	EXPECT_EQ(dumb.size, BUF);
	prime.handle = dumb.handle;
	if (ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime))
		rc_die_errno("PRIME_HANDLE_TO_FD");
	b->fd = prime.fd;
	map(b, prime.fd);
	close(fd);
	return true;
}

static int selftest_open(void)
{
	int dev = open("/dev/hroce_selftest", O_RDWR | O_CLOEXEC);

	if (dev < 0)
		rc_die_errno("hroce_selftest");
	return dev;
}

static bool movable(struct buffer *b)
{
	uint64_t size = BUF;
	int dev = selftest_open();

	b->fd = ioctl(dev, HROCE_SELFTEST_BUFFER, &size);
	if (b->fd < 0)
		rc_die_errno("HROCE_SELFTEST_BUFFER");
	map(b, b->fd);
	close(dev);
	return true;
}

/* The exporter moves it if it may, and what the process sees follows; 0 or errno. */
static int move(struct buffer *b)
{
	int dev = selftest_open(), err;

	err = ioctl(dev, HROCE_SELFTEST_BUFFER_MOVE, &b->fd) ? errno : 0;
	close(dev);
	return err;
}

static void add(struct loop *l, const uint8_t *word, uint32_t rkey)
{
	struct ibv_sge sge = loop_sge(l, 0, sizeof(uint64_t));
	struct ibv_send_wr wr = {
		.wr_id = 9, .sg_list = &sge, .num_sge = 1, .send_flags = IBV_SEND_SIGNALED,
		.opcode = IBV_WR_ATOMIC_FETCH_AND_ADD,
		.wr.atomic = { .remote_addr = IOVA + 16, .compare_add = 42, .rkey = rkey },
	}, *bad;
	uint64_t before, after;

	memcpy(&before, word, sizeof(before));
	EXPECT_EQ(ibv_post_send(l->qp[0], &wr, &bad), 0);
	loop_expect(l->scq, 9, IBV_WC_SUCCESS);
	memcpy(&after, word, sizeof(after));
	EXPECT(*(uint64_t *)l->buf == before);
	EXPECT(after == before + 42);
}

/* RDMA to it and from it, against the mapping; and nothing beside. */
static void traffic(struct loop *l, struct buffer *b, struct ibv_mr *mr)
{
	static uint8_t all[BUF];
	uint8_t *local = l->buf + 3;

	rc_fill(1, b->m, BUF);
	memcpy(all, b->m, BUF);
	rc_fill(2, local, BYTES);
	EXPECT_EQ(loop_move(l, IBV_WR_RDMA_WRITE, l->mr->lkey, (uintptr_t)local, BYTES, mr->rkey,
			    IOVA + AT), IBV_WC_SUCCESS);
	memcpy(all + OFF + AT, local, BYTES);
	EXPECT_EQ(rc_differ(b->m, all, BUF), BUF);

	rc_fill(3, b->m, BUF);
	EXPECT_EQ(loop_move(l, IBV_WR_RDMA_READ, l->mr->lkey, (uintptr_t)local, BYTES, mr->rkey,
			    IOVA + AT), IBV_WC_SUCCESS);
	EXPECT_EQ(rc_differ(local, b->m + OFF + AT, BYTES), BYTES);
	/* from it by its local key */
	EXPECT_EQ(loop_move(l, IBV_WR_RDMA_WRITE, mr->lkey, IOVA, LEN, l->mr->rkey,
			    (uintptr_t)l->buf + LOOP_HALF), IBV_WC_SUCCESS);
	EXPECT_EQ(rc_differ(l->buf + LOOP_HALF, b->m + OFF, LEN), LEN);
	add(l, b->m + OFF + 16, mr->rkey);
}

static void refused(struct loop *l, struct buffer *b)
{
	struct ibv_pd *pd = l->d->pd;
	int null = open("/dev/null", O_RDWR);

	EXPECT(!ibv_reg_dmabuf_mr(pd, 0, LEN, 0, null, ACCESS) && errno == EINVAL);
	close(null);
	EXPECT(!ibv_reg_dmabuf_mr(pd, 0, LEN, 0, null, ACCESS) && errno == EBADF);
	EXPECT(!ibv_reg_dmabuf_mr(pd, OFF, BUF, 0, b->fd, ACCESS) && errno == EINVAL);
	EXPECT(!ibv_reg_dmabuf_mr(pd, -4096ull, 8192, 0, b->fd, ACCESS) && errno == EINVAL);
	EXPECT(!ibv_reg_dmabuf_mr(pd, 0, LEN, -4096ull, b->fd, ACCESS) && errno == EINVAL);
	EXPECT(!ibv_reg_dmabuf_mr(pd, 0, 0, 0, b->fd, ACCESS) && errno);
	EXPECT(!ibv_reg_dmabuf_mr(pd, 0, LEN, 0, b->fd, ACCESS | IBV_ACCESS_ON_DEMAND) && errno);
}

static void one(struct rc_dev *d, struct buffer *b)
{
	struct ibv_mr *mr;
	struct loop l;

	loop_open(&l, d, false);
	refused(&l, b);
	mr = ibv_reg_dmabuf_mr(d->pd, OFF, LEN, IOVA, b->fd, ACCESS);
	if (!mr)
		rc_die_errno("ibv_reg_dmabuf_mr");
	traffic(&l, b, mr);
	/* the region has the buffer, the file may go; its translation stays as it is */
	close(b->fd);
	traffic(&l, b, mr);
	EXPECT(ibv_rereg_mr(mr, IBV_REREG_MR_CHANGE_ACCESS, NULL, NULL, 0,
			    IBV_ACCESS_LOCAL_WRITE));
	traffic(&l, b, mr);
	EXPECT_EQ(loop_move(&l, IBV_WR_RDMA_WRITE, l.mr->lkey, (uintptr_t)l.buf, 2, mr->rkey,
			    IOVA + LEN - 1), IBV_WC_REM_ACCESS_ERR);
	EXPECT_EQ(ibv_dereg_mr(mr), 0);
	munmap(b->m, BUF);
	loop_close(&l);
}

struct mover {
	struct buffer *b;
	atomic_bool stop;
	unsigned int moves;
};

static void *keep_moving(void *arg)
{
	struct mover *m = arg;

	while (!m->stop) {
		EXPECT_EQ(move(m->b), 0);
		m->moves++;
		usleep(m->moves % 8 * 100);
	}
	return NULL;
}

/* Under traffic of two regions. */
static void moves(struct loop *l, struct buffer *b, struct ibv_mr *mr[2])
{
	struct mover m = { .b = b };
	pthread_t thread;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		EXPECT_EQ(move(b), 0);
		traffic(l, b, mr[i & 1]);
	}
	EXPECT(!pthread_create(&thread, NULL, keep_moving, &m));
	for (i = 0; i < 100; i++)
		traffic(l, b, mr[i & 1]);
	m.stop = true;
	EXPECT(!pthread_join(thread, NULL));
	printf("%u moves\n", m.moves);
	EXPECT(m.moves > 10);
}

/* A buffer that moves is found again; where the kernel pins it, it is where it was. */
void case_dmabuf_moves(struct rc_dev *d)
{
	struct ibv_mr *mr[2];
	struct buffer b;
	struct loop l;
	int i, err;

	loop_open(&l, d, false);
	EXPECT(movable(&b));
	refused(&l, &b);
	EXPECT_EQ(move(&b), 0);
	for (i = 0; i < 2; i++) {
		mr[i] = ibv_reg_dmabuf_mr(d->pd, OFF, LEN, IOVA, b.fd, ACCESS);
		if (!mr[i])
			rc_die_errno("ibv_reg_dmabuf_mr");
	}
	traffic(&l, &b, mr[0]);
	err = move(&b);
	if (err) {
		EXPECT_EQ(err, EBUSY);
		printf("pinned by this kernel\n");
	} else {
		moves(&l, &b, mr);
	}
	EXPECT_EQ(ibv_dereg_mr(mr[0]), 0);
	traffic(&l, &b, mr[1]);
	EXPECT_EQ(ibv_dereg_mr(mr[1]), 0);
	EXPECT_EQ(move(&b), 0);
	one(d, &b);
	loop_close(&l);
}

void case_dmabuf(struct rc_dev *d)
{
	static const struct {
		const char *name;
		bool (*open)(struct buffer *b);
	} exporters[] = { { "udmabuf", udmabuf }, { "system heap", heap }, { "vgem", vgem } };
	unsigned int i, done = 0;
	struct buffer b;

	for (i = 0; i < RC_ARRAY_SIZE(exporters); i++) {
		if (!exporters[i].open(&b))
			continue;
		printf("%s\n", exporters[i].name);
		fflush(stdout);
		one(d, &b);
		done++;
	}
	EXPECT(done);
}
