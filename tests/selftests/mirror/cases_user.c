// SPDX-License-Identifier: GPL-2.0
/* Faults that wait for user space, and processes that die meanwhile. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

struct uffd {
	int fd;
	char *base;
	size_t len;
	unsigned int served;
	useconds_t delay;
	bool stop;
	pthread_t thread;
};

static void uffd_open(struct uffd *u, char *base, size_t len)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range = { (uintptr_t)base, len },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	memset(u, 0, sizeof(*u));
	u->base = base;
	u->len = len;
	u->fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (u->fd < 0)
		test_skip("no userfaultfd");
	CHECK(ioctl(u->fd, UFFDIO_API, &api) == 0);
	CHECK(ioctl(u->fd, UFFDIO_REGISTER, &reg) == 0);
}

/* Serves each page with pattern 77, from a page of its own. */
static void *uffd_serve(void *arg)
{
	struct uffd *u = arg;
	struct pollfd p = { .fd = u->fd, .events = POLLIN };
	char *page = map_anon(PAGE, PAGE);
	struct uffd_msg msg;

	while (!__atomic_load_n(&u->stop, __ATOMIC_ACQUIRE)) {
		struct uffdio_copy copy;
		char *va;

		if (poll(&p, 1, 50) <= 0 || read(u->fd, &msg, sizeof(msg)) != sizeof(msg))
			continue;
		CHECK(msg.event == UFFD_EVENT_PAGEFAULT);
		va = (char *)(uintptr_t)(msg.arg.pagefault.address & ~(PAGE - 1));
		if (u->delay)
			usleep(u->delay);
		pattern_fill(page, PAGE, 77, va - u->base);
		copy = (struct uffdio_copy) {
			.dst = (uintptr_t)va, .src = (uintptr_t)page, .len = PAGE,
		};
		if (ioctl(u->fd, UFFDIO_COPY, &copy) && errno != EEXIST)
			CHECK(errno == EAGAIN || errno == ENOENT);
		u->served++;
	}
	return NULL;
}

static void uffd_start(struct uffd *u)
{
	CHECK(pthread_create(&u->thread, NULL, uffd_serve, u) == 0);
}

static void uffd_stop(struct uffd *u)
{
	__atomic_store_n(&u->stop, true, __ATOMIC_RELEASE);
	pthread_join(u->thread, NULL);
}

static void missing(void)
{
	const size_t size = 64 * PAGE;
	char *m = map_anon(size, PAGE);
	struct device d;
	struct uffd u;

	madvise(m, size, MADV_NOHUGEPAGE);
	uffd_open(&u, m, size);
	uffd_start(&u);
	device_open(&d);
	expect_device_reads(&d, m + 100, 10 * PAGE, 77, 100, 0);
	expect_device_reads(&d, m + 20 * PAGE, 10 * PAGE, 77, 20 * PAGE,
			    FROM_SOFTIRQ | FAULT_ASYNC);
	device_writes(&d, m + 40 * PAGE + 10, 4 * PAGE, 5, 0, 0);
	CHECK(pattern_is(m + 40 * PAGE, 10, 77, 40 * PAGE));
	CHECK(pattern_is(m + 40 * PAGE + 10, 4 * PAGE, 5, 0));
	CHECK(madvise(m, size, MADV_DONTNEED) == 0);
	u.delay = 2000;
	expect_device_reads(&d, m, size, 77, 0, FAULT_ASYNC);
	CHECK(u.served >= 64 + 25);
	uffd_stop(&u);
	device_close(&d);
	close(u.fd);
}

/*
 * Nobody serves the page. Cancel does not wait for it, faults of other pages
 * of the same chunk go on, and the device can be closed.
 */
static void hang(void)
{
	char *m = map_anon(CHUNK, CHUNK);
	struct device d;
	struct uffd u;
	unsigned int i;

	madvise(m, CHUNK, MADV_NOHUGEPAGE);
	pattern_fill(m + MIB, MIB, 1, 0);
	device_open(&d);
	uffd_open(&u, m, MIB);
	for (i = 0; i < 20; i++) {
		CHECK(!device_cancel(&d, m + i % 3 * PAGE, PAGE, i & 1, 10000));
		expect_device_reads(&d, m + MIB, MIB, 1, 0,
				    i & 1 ? FROM_SOFTIRQ | FAULT_ASYNC : 0);
		madvise(m + MIB + i * PAGE, PAGE, MADV_PAGEOUT);	/* if there is swap */
		pattern_fill(m + MIB + i * PAGE, PAGE, 1, i * PAGE);
	}
	device_close(&d);
	device_open(&d);
	expect_device_reads(&d, m + MIB, MIB, 1, 0, 0);
	/* and with the hanging faults released, all is as ever */
	close(u.fd);
	expect_device_reads_zero(&d, m, 3 * PAGE);
	device_close(&d);
}

/* A process with faults that hang, for as long as it lives; it says when they do. */
static pid_t hanging_process(char *m, unsigned int faults, int told)
{
	pid_t child = fork();
	unsigned int i;
	struct device d;
	struct uffd u;

	CHECK(child >= 0);
	if (child)
		return child;
	device_open(&d);
	uffd_open(&u, m, faults * PAGE);
	for (i = 0; i < faults; i++)
		CHECK(!device_cancel(&d, m + i * PAGE, PAGE, false, 500));
	CHECK(write(told, "x", 1) == 1);
	for (;;)
		pause();
}

/* More faults hang than a work queue runs: one process's, then those of many. */
static void hang_many(unsigned int processes, unsigned int faults)
{
	char *m = map_anon(faults * PAGE, CHUNK), *mine = map_anon(PAGE, PAGE), c;
	pid_t child[processes];
	struct device d;
	unsigned int i;
	int tell[2];

	madvise(m, faults * PAGE, MADV_NOHUGEPAGE);
	pattern_fill(mine, PAGE, 3, 0);
	CHECK(pipe(tell) == 0);
	for (i = 0; i < processes; i++) {
		child[i] = hanging_process(m, faults, tell[1]);
		CHECK(read(tell[0], &c, 1) == 1);
	}
	close(tell[1]);
	/* another process's go on */
	device_open(&d);
	expect_device_reads(&d, mine, PAGE, 3, 0, FAULT_ASYNC);
	device_close(&d);
	for (i = 0; i < processes; i++) {
		CHECK(kill(child[i], SIGKILL) == 0);
		CHECK(waitpid(child[i], NULL, 0) == child[i]);
	}
	close(tell[0]);
	CHECK(munmap(m, faults * PAGE) == 0);
}

static void hang_one(void)
{
	hang_many(1, 2100);
}

static void hang_each(void)
{
	hang_many(36, 150);
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* Opening a device makes a mirror. A signal meanwhile is no reason to fail. */
static void signals(void)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval timer = { .it_value.tv_usec = 0 };
	__u64 rnd = 5;
	unsigned int i;
	struct device d;

	CHECK(sigaction(SIGALRM, &action, NULL) == 0);
	for (i = 0; i < 400; i++) {
		timer.it_value.tv_usec = 1 + random_next(&rnd) % 300;
		CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0);
		device_open(&d);
		device_close(&d);
	}
	timer.it_value.tv_usec = 0;
	CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0);
}

/* A process whose faults hang, killed: it must go. */
static void hang_killed(void)
{
	unsigned int i;
	int status;

	for (i = 0; i < 5; i++) {
		pid_t child = fork();

		if (!child) {
			char *m = map_anon(CHUNK, CHUNK), c;
			struct device d;
			struct uffd u;

			device_open(&d);
			madvise(m, CHUNK, MADV_NOHUGEPAGE);
			uffd_open(&u, m, CHUNK);
			device_cancel(&d, m + PAGE, PAGE, true, 1000);
			device_read(&d, m, &c, 1, i & 1 ? FAULT_ASYNC : 0, NULL);
			_exit(0);
		}
		usleep(200000);
		CHECK(waitpid(child, &status, WNOHANG) == 0);
		CHECK(kill(child, SIGKILL) == 0);
		CHECK(waitpid(child, &status, 0) == child);
	}
}

static void *reader(void *arg)
{
	struct device *d = arg;
	__u64 rnd = (uintptr_t)&rnd;
	char buf[8 * PAGE];

	for (;;) {
		char *m = map_anon(CHUNK, CHUNK);

		device_read(d, m + random_next(&rnd) % MIB, buf, sizeof(buf),
			    FAULT_ASYNC | (rnd & 1 ? FROM_SOFTIRQ : 0), NULL);
		device_write(d, m + random_next(&rnd) % MIB, buf, sizeof(buf),
			     0, NULL);
		munmap(m, CHUNK);
	}
	return NULL;
}

static void exit_in_flight(void)
{
	__u64 rnd = 11;
	unsigned int i;
	int status;

	for (i = 0; i < 15; i++) {
		pid_t child = fork();

		if (!child) {
			struct device d;
			pthread_t t;

			device_open(&d);
			pthread_create(&t, NULL, reader, &d);
			pthread_create(&t, NULL, reader, &d);
			reader(&d);
		}
		usleep(20000 + random_next(&rnd) % 60000);
		CHECK(kill(child, SIGKILL) == 0);
		CHECK(waitpid(child, &status, 0) == child);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	}
}

/* The mirrored process is gone, its device is not. */
static void outlived(void)
{
	int pass[2], status;
	struct device d;
	char *m = map_anon(CHUNK, CHUNK), buf[16], c;
	pid_t owner, heir;

	CHECK(pipe(pass) == 0);
	owner = fork();
	if (!owner) {
		device_open(&d);
		device_writes(&d, m, CHUNK, 1, 0, 0);
		heir = fork();
		if (heir) {
			usleep(20000);
			_exit(0);
		}
		/* the parent's memory, not that of the child */
		memset(m, 0, CHUNK);
		if (!device_read(&d, m, buf, 16, 0, NULL))
			CHECK(pattern_is(buf, 16, 1, 0));
		while (getppid() == owner)
			usleep(1000);
		usleep(50000);
		CHECK(device_read(&d, m, buf, 16, 0, NULL) == -EFAULT);
		CHECK(device_write(&d, m, buf, 16, FAULT_ASYNC, NULL) == -EFAULT);
		CHECK(device_resident(&d) == 0);
		device_close(&d);
		CHECK(write(pass[1], "x", 1) == 1);
		_exit(0);
	}
	close(pass[1]);
	CHECK(waitpid(owner, &status, 0) == owner && status == 0);
	CHECK(read(pass[0], &c, 1) == 1);
}

const struct test_case cases_user[] = {
	{ "userfaultfd: missing pages are served", missing },
	{ "userfaultfd: a fault that hangs harms no other", hang },
	{ "userfaultfd: more faults hang than a queue runs", hang_one },
	{ "userfaultfd: more faults hang than a queue runs, of many", hang_each },
	{ "signals while a device is opened", signals },
	{ "userfaultfd: kill with faults hanging", hang_killed },
	{ "kill with faults in flight", exit_in_flight },
	{ "device outlives the process", outlived },
	{}
};
