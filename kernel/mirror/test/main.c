// SPDX-License-Identifier: GPL-2.0
/* The module hmmodp_selftest: the mirror's interface for tests/selftests. */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/interrupt.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <hmmodp/mirror.h>

#include "mm.h"
#include <linux/hmmodp-selftest.h>

#define BOUNCE_MAX	SZ_1M
/* An access that keeps losing its pages to invalidations ends some time. */
#define ROUNDS_MAX	100000

struct device_file {
	struct hmmodp_owner owner;
	struct hmmodp_mirror *mirror;
};

/* One access, handed to softirq. */
struct job {
	struct hmmodp_mirror *mirror;
	unsigned long va;
	size_t len;
	u32 flags;
	char *buf;
	size_t done;
	struct tasklet_struct tasklet;
	struct completion ran;
};

static void copy_actor(void *ctx, void *kaddr, size_t len)
{
	struct job *job = ctx;

	if (job->flags & HMMODP_SELFTEST_WRITE)
		memcpy(kaddr, job->buf + job->done, len);
	else
		memcpy(job->buf + job->done, kaddr, len);
	job->done += len;
}

static void add_actor(void *ctx, void *kaddr, size_t len)
{
	struct job *job = ctx;

	atomic64_inc((atomic64_t *)kaddr);
	job->done += len;
}

/* The return value must agree with what the actor was given. */
static void job_access(struct job *job)
{
	size_t before = job->done;
	size_t got;

	got = hmmodp_access(job->mirror, job->va + before, job->len - before,
			    job->flags & HMMODP_SELFTEST_WRITE ? HMMODP_WRITE :
								 HMMODP_READ,
			    job->flags & HMMODP_SELFTEST_ADD ? add_actor :
							       copy_actor,
			    job);
	WARN_ON_ONCE(got != job->done - before);
}

static void job_tasklet(struct tasklet_struct *tasklet)
{
	struct job *job = container_of(tasklet, struct job, tasklet);

	WARN_ON_ONCE(!in_serving_softirq());
	job_access(job);
	complete(&job->ran);
}

static void job_access_softirq(struct job *job)
{
	init_completion(&job->ran);
	tasklet_setup(&job->tasklet, job_tasklet);
	local_bh_disable();
	tasklet_schedule(&job->tasklet);
	local_bh_enable();	/* runs it, as a rule */
	wait_for_completion(&job->ran);
	tasklet_kill(&job->tasklet);
}

struct waiter {
	struct completion done;
	atomic_t calls;
	int err;
};

static void fault_done(void *ctx, int err)
{
	struct waiter *waiter = ctx;

	WARN_ON_ONCE(atomic_inc_return(&waiter->calls) != 1);
	waiter->err = err;
	complete(&waiter->done);
}

static int fault(struct hmmodp_mirror *mirror, unsigned long va, size_t len,
		 u32 flags)
{
	enum hmmodp_dir dir = flags & HMMODP_SELFTEST_WRITE ? HMMODP_WRITE :
							      HMMODP_READ;
	struct waiter waiter = { .calls = ATOMIC_INIT(0) };
	struct hmmodp_fault *fault;

	if (!(flags & HMMODP_SELFTEST_ASYNC))
		return hmmodp_fault(mirror, va, len, dir);

	init_completion(&waiter.done);
	fault = hmmodp_fault_async(mirror, va, len, dir, fault_done, &waiter);
	if (IS_ERR(fault))
		return PTR_ERR(fault);
	if (wait_for_completion_killable(&waiter.done)) {
		hmmodp_fault_cancel(fault);
		if (!atomic_read(&waiter.calls))
			waiter.err = -EAGAIN;
	}
	hmmodp_fault_put(fault);
	return waiter.err;
}

/* Access and fault until all is done or a fault fails. */
static void run_job(struct job *job, struct hmmodp_selftest_io *io)
{
	unsigned int rounds = 0;

	for (;;) {
		if (job->flags & HMMODP_SELFTEST_SOFTIRQ)
			job_access_softirq(job);
		else
			job_access(job);
		if (job->done == job->len || job->flags & HMMODP_SELFTEST_NOFAULT)
			return;
		io->err = fault(job->mirror, job->va + job->done,
				job->len - job->done, job->flags);
		io->faults++;
		if (io->err == -EFAULT) {
			/* The pages before the bad one have been brought. */
			job_access(job);
			return;
		}
		if (io->err && io->err != -EAGAIN)
			return;
		if (++rounds == ROUNDS_MAX || fatal_signal_pending(current)) {
			io->err = -ELOOP;
			return;
		}
		cond_resched();
	}
}

static int do_io(struct device_file *file, struct hmmodp_selftest_io *io)
{
	struct job job = { .mirror = file->mirror, .flags = io->flags };
	char __user *ubuf = u64_to_user_ptr(io->buf);
	int err = 0;

	io->done = 0;
	io->err = 0;
	io->faults = 0;
	if (io->flags & HMMODP_SELFTEST_ADD && (io->len != 8 || io->va & 7))
		return -EINVAL;
	job.buf = kvmalloc(min_t(u64, io->len, BOUNCE_MAX), GFP_KERNEL);
	if (!job.buf)
		return -ENOMEM;
	while (io->done < io->len && !io->err) {
		job.va = io->va + io->done;
		job.len = min_t(u64, io->len - io->done, BOUNCE_MAX);
		job.done = 0;
		if (io->flags & HMMODP_SELFTEST_WRITE &&
		    !(io->flags & HMMODP_SELFTEST_ADD) &&
		    copy_from_user(job.buf, ubuf + io->done, job.len)) {
			err = -EFAULT;
			break;
		}
		run_job(&job, io);
		if (!(io->flags & HMMODP_SELFTEST_WRITE) &&
		    copy_to_user(ubuf + io->done, job.buf, job.done)) {
			err = -EFAULT;
			break;
		}
		io->done += job.done;
		if (job.done < job.len)
			break;
	}
	kvfree(job.buf);
	return err;
}

static int do_prefetch(struct device_file *file, struct hmmodp_selftest_fault *f)
{
	enum hmmodp_dir dir = f->flags & HMMODP_SELFTEST_WRITE ? HMMODP_WRITE : HMMODP_READ;
	bool may_fault = !(f->flags & HMMODP_SELFTEST_NOFAULT);

	f->err = 0;
	if (f->flags & HMMODP_SELFTEST_ASYNC)
		hmmodp_prefetch_async(file->mirror, f->va, f->len, dir, may_fault);
	else
		f->err = hmmodp_prefetch(file->mirror, f->va, f->len, dir, may_fault);
	return 0;
}

static int do_fault(struct device_file *file, struct hmmodp_selftest_fault *f)
{
	f->err = fault(file->mirror, f->va, f->len, f->flags);
	return 0;
}

/* After cancel has returned, done must not run: its context is gone then. */
static int do_cancel(struct device_file *file, struct hmmodp_selftest_fault *f)
{
	struct hmmodp_fault *fault;
	struct waiter *waiter;

	waiter = kzalloc_obj(*waiter, GFP_KERNEL);
	if (!waiter)
		return -ENOMEM;
	init_completion(&waiter->done);
	fault = hmmodp_fault_async(file->mirror, f->va, f->len,
				   f->flags & HMMODP_SELFTEST_WRITE ?
					HMMODP_WRITE : HMMODP_READ,
				   fault_done, waiter);
	if (IS_ERR(fault)) {
		kfree(waiter);
		return PTR_ERR(fault);
	}
	if (f->cancel_after_us)
		fsleep(f->cancel_after_us);
	hmmodp_fault_cancel(fault);
	hmmodp_fault_cancel(fault);	/* twice is no harm */
	f->called = atomic_read(&waiter->calls);
	f->err = waiter->err;
	hmmodp_fault_put(fault);
	memset(waiter, 0x6b, sizeof(*waiter));	/* a late done trips on it */
	kfree(waiter);
	return 0;
}

static void do_stats(struct device_file *file, struct hmmodp_selftest_stats *out)
{
	struct hmmodp_stats *s = &file->owner.stats;

	out->page_faults = atomic64_read(&s->page_faults);
	out->page_invalidations = atomic64_read(&s->page_invalidations);
	out->page_prefetch = atomic64_read(&s->page_prefetch);
	out->page_reclaims = atomic64_read(&s->page_reclaims);
	out->prefetches = atomic64_read(&s->prefetches);
	out->prefetch_errors = atomic64_read(&s->prefetch_errors);
	out->fault_retries = atomic64_read(&s->fault_retries);
	out->fault_errors = atomic64_read(&s->fault_errors);
}

static long selftest_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	struct device_file *file = filp->private_data;
	union {
		struct hmmodp_selftest_io io;
		struct hmmodp_selftest_fault fault;
		struct hmmodp_selftest_stats stats;
	} a = {};
	int err;

	if (_IOC_SIZE(cmd) > sizeof(a))
		return -ENOTTY;
	if (_IOC_DIR(cmd) & _IOC_WRITE &&
	    copy_from_user(&a, (void __user *)arg, _IOC_SIZE(cmd)))
		return -EFAULT;
	switch (cmd) {
	case HMMODP_SELFTEST_IO:
		err = do_io(file, &a.io);
		break;
	case HMMODP_SELFTEST_FAULT:
		err = do_fault(file, &a.fault);
		break;
	case HMMODP_SELFTEST_CANCEL:
		err = do_cancel(file, &a.fault);
		break;
	case HMMODP_SELFTEST_PREFETCH:
		err = do_prefetch(file, &a.fault);
		break;
	case HMMODP_SELFTEST_STATS:
		do_stats(file, &a.stats);
		err = 0;
		break;
	default:
		return -ENOTTY;
	}
	if (!err && copy_to_user((void __user *)arg, &a, _IOC_SIZE(cmd)))
		err = -EFAULT;
	return err;
}

static int selftest_open(struct inode *inode, struct file *filp)
{
	struct device_file *file = kzalloc_obj(*file, GFP_KERNEL);
	int err;

	if (!file)
		return -ENOMEM;
	file->mirror = hmmodp_mirror_get(&file->owner);
	if (IS_ERR(file->mirror)) {
		err = PTR_ERR(file->mirror);
		kfree(file);
		return err;
	}
	filp->private_data = file;
	return 0;
}

static int selftest_release(struct inode *inode, struct file *filp)
{
	struct device_file *file = filp->private_data;

	hmmodp_mirror_put(file->mirror);
	memset(file, 0x6b, sizeof(*file));	/* whoever still counts trips */
	kfree(file);
	return 0;
}

static const struct file_operations selftest_fops = {
	.owner = THIS_MODULE,
	.open = selftest_open,
	.release = selftest_release,
	.unlocked_ioctl = selftest_ioctl,
};

static struct miscdevice selftest_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "hmmodp_selftest",
	.fops = &selftest_fops,
};

module_misc_device(selftest_device);

MODULE_DESCRIPTION("hmmodp: test interface to the mirror");
MODULE_LICENSE("GPL");
