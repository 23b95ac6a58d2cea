// SPDX-License-Identifier: GPL-2.0
/*
 * Reclaim: a mirror gives back what nobody uses.
 *
 *	a table		when its last entry goes (invalidate.c), at once
 *	an empty span	by a look at all of them every few seconds
 *	cold tables	before the mirror passes its limit, when there was no memory
 *			for it, and by a shrinker when there is none for others
 *
 * Cold is what no access has touched since the hand of a clock last passed. The
 * pages stay the process's; the next access faults them in again, cheaply.
 */
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <linux/sched/mm.h>

#include "mm.h"
#include "core.h"
#include "reclaim.h"
#include "span.h"

#define IDLE_PERIOD	(5 * HZ)

/*
 * Failures in a row before something is given up, and before anything is. In
 * between one turn at a time, so that what is in use stays: else a fault would give
 * up what another has just brought, and no transfer that needs both would end.
 */
#define PATIENCE	2
#define DESPAIR		10

/* Taken away at once; more would keep who waits for span_lock waiting. */
#define SPANS_AT_ONCE	256

/*
 * A lower limit is this one: what a message needs must be there at the same time, and
 * room be left for faults under way.
 */
#define LEAST_KIB	32UL

/* What a fault may add before it looks at the limit again. */
#define FAULT_BYTES	((long)(sizeof(struct hmmodp_span) + HMMODP_TABLE_BYTES))

static ulong mirror_limit_kib;
module_param(mirror_limit_kib, ulong, 0644);
MODULE_PARM_DESC(mirror_limit_kib, "Most memory of a process's mirror; 0: 1/256 of the machine's");

atomic_long_t hmmodp_tables;

static struct shrinker shrinker_room, *shrinker;

static unsigned long limit_bytes(void)
{
	unsigned long kib = READ_ONCE(mirror_limit_kib);

	if (!kib)
		return (totalram_pages() << PAGE_SHIFT) / 256;
	return clamp(kib, LEAST_KIB, LONG_MAX >> 10) << 10;
}

unsigned long hmmodp_reclaim_room(void)
{
	return limit_bytes() / HMMODP_TABLE_BYTES * HMMODP_CHUNK_SIZE;
}

/*
 * Returns the bytes given back. A leaf costs nothing, and goes by force only, for the
 * span that it keeps.
 */
static unsigned long chunk_reclaim(struct hmmodp_span *span, unsigned int i, bool force)
{
	struct hmmodp_chunk *chunk = &span->chunk[i];
	unsigned long base = span->base + i * HMMODP_CHUNK_SIZE;
	bool table = READ_ONCE(chunk->table);

	if (!table && !(force && READ_ONCE(chunk->populated)))
		return 0;
	if (READ_ONCE(chunk->hot) && !force) {
		WRITE_ONCE(chunk->hot, false);
		return 0;
	}
	hmmodp_span_clear(span, base, base + HMMODP_CHUNK_SIZE, HMMODP_RECLAIMS);
	return table ? HMMODP_TABLE_BYTES : 0;
}

static unsigned long span_reclaim(struct hmmodp_span *span, bool force)
{
	unsigned long bytes = 0;
	unsigned int i;

	for (i = 0; i < HMMODP_SPAN_CHUNKS; i++)
		bytes += chunk_reclaim(span, i, force);
	return bytes;
}

/*
 * One turn of the hand over all spans, or until so many bytes are given back.
 * Empty spans go to @dying.
 */
static long turn_locked(struct hmmodp_mirror *mirror, long want, bool force,
			struct list_head *dying)
	__must_hold(&mirror->span_lock)
{
	unsigned long start = mirror->hand, index = start;
	struct hmmodp_span *span;
	bool wrapped = false;
	long got = 0;

	while (got < want) {
		span = xa_find(&mirror->spans, &index, ULONG_MAX, XA_PRESENT);
		if (!span || (wrapped && index >= start)) {
			if (wrapped || !start)
				break;
			wrapped = true;
			index = 0;
			continue;
		}
		got += span_reclaim(span, force);
		if (hmmodp_span_is_empty(span) &&
		    hmmodp_span_unlink_locked(span, dying))
			got += sizeof(*span);
		index++;
		cond_resched();
	}
	mirror->hand = index;
	return got;
}

/* Most turns there are: for cold things, for what the first found hot, for anything. */
#define ALL_TURNS	3

/* Lets go of span_lock, to wait until nobody uses what is given back. */
static void give_back_unlock(struct hmmodp_mirror *mirror, long want, int turns)
{
	LIST_HEAD(dying);
	int turn;

	for (turn = 0; turn < turns && want > 0; turn++)
		want -= turn_locked(mirror, want, turn == ALL_TURNS - 1, &dying);
	mutex_unlock(&mirror->span_lock);
	hmmodp_spans_wait_and_free(mirror, &dying);
}

/*
 * Bytes by which the mirror would pass the limit if all faults under way added what
 * they may. That they keep half of it free is enough: many may wait for user space.
 */
static long bytes_over(struct hmmodp_mirror *mirror, long limit)
{
	long growth = min(atomic_read(&mirror->faults) * FAULT_BYTES, limit / 2);

	return atomic_long_read(&mirror->bytes) + growth - limit;
}

void hmmodp_reclaim_make_room(struct hmmodp_mirror *mirror)
{
	long limit = limit_bytes();
	long over;

	if (bytes_over(mirror, limit) <= 0)
		return;
	mutex_lock(&mirror->room_lock);
	over = bytes_over(mirror, limit);
	if (over > 0) {
		mutex_lock(&mirror->span_lock);
		/* an eighth more, so that it is not soon to do again */
		give_back_unlock(mirror, over + limit / 8, ALL_TURNS);
	}
	mutex_unlock(&mirror->room_lock);
}

void hmmodp_reclaim_some(struct hmmodp_mirror *mirror, unsigned int tries)
{
	/* one at a time is enough */
	if (tries >= PATIENCE && mutex_trylock(&mirror->span_lock))
		give_back_unlock(mirror, atomic_long_read(&mirror->bytes) / 8,
				 tries < DESPAIR ? 1 : ALL_TURNS);
}

/* The empty ones go. Returns whether others are left. */
static bool drop_empty(struct hmmodp_mirror *mirror)
{
	struct hmmodp_span *span;
	LIST_HEAD(dying);
	unsigned long index;
	unsigned int n = 0;
	bool left;

	hmmodp_table_drop_spare(mirror);
	mutex_lock(&mirror->span_lock);
	xa_for_each(&mirror->spans, index, span)
		if (hmmodp_span_is_empty(span) &&
		    hmmodp_span_unlink_locked(span, &dying) && ++n == SPANS_AT_ONCE)
			break;
	left = !xa_empty(&mirror->spans);
	mutex_unlock(&mirror->span_lock);
	hmmodp_spans_wait_and_free(mirror, &dying);
	return left;
}

/*
 * With the owner's lock held it cannot be disarmed in between. The caller's own
 * reference covers the time until the work has one.
 */
void hmmodp_reclaim_arm(struct hmmodp_mirror *mirror)
{
	if (delayed_work_pending(&mirror->idle))
		return;
	spin_lock_bh(&mirror->owner_lock);
	if (mirror->owner &&
	    queue_delayed_work(mirror->queue, &mirror->idle, IDLE_PERIOD))
		kref_get(&mirror->ref);
	spin_unlock_bh(&mirror->owner_lock);
}

void hmmodp_reclaim_work(struct work_struct *work)
{
	struct hmmodp_mirror *mirror = container_of(to_delayed_work(work),
						    struct hmmodp_mirror, idle);

	if (drop_empty(mirror))
		hmmodp_reclaim_arm(mirror);
	hmmodp_mirror_unref(mirror);
}

void hmmodp_reclaim_disarm(struct hmmodp_mirror *mirror)
{
	if (cancel_delayed_work_sync(&mirror->idle))
		hmmodp_mirror_unref(mirror);
}

static unsigned long shrink_count(struct shrinker *s, struct shrink_control *sc)
{
	unsigned long n = atomic_long_read(&hmmodp_tables);

	return n ? n : SHRINK_EMPTY;
}

/*
 * In reclaim: takes spinlocks only, as an invalidation does, and leaves the spans
 * where they are. RCU keeps mirrors and spans meanwhile.
 */
static unsigned long shrink_scan(struct shrinker *s, struct shrink_control *sc)
{
	unsigned long want = sc->nr_to_scan * HMMODP_TABLE_BYTES, got = 0, index;
	struct hmmodp_mirror *mirror;
	struct hmmodp_span *span;

	rcu_read_lock();
	list_for_each_entry_rcu(mirror, &hmmodp_mirrors, list) {
		xa_for_each(&mirror->spans, index, span) {
			got += span_reclaim(span, false);
			if (got >= want)
				goto out;
		}
	}
out:
	rcu_read_unlock();
	return got ? got / HMMODP_TABLE_BYTES : SHRINK_STOP;
}

int __init hmmodp_reclaim_init(void)
{
	shrinker = hmmodp_shrinker_register(&shrinker_room, "hmmodp", shrink_count,
					    shrink_scan);
	return shrinker ? 0 : -ENOMEM;
}

void hmmodp_reclaim_exit(void)
{
	hmmodp_shrinker_unregister(shrinker);
}
