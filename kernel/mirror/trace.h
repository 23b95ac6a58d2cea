/* SPDX-License-Identifier: GPL-2.0 */
/* Tracepoints of the mirror. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM hmmodp

#if !defined(HMMODP_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define HMMODP_TRACE_H

#include <linux/mmu_notifier.h>
#include <linux/tracepoint.h>

TRACE_EVENT(hmmodp_fault,
	    TP_PROTO(unsigned long va, size_t len, unsigned int how, int err),
	    TP_ARGS(va, len, how, err),
	    TP_STRUCT__entry(__field(unsigned long, va)
			     __field(size_t, len)
			     __field(unsigned int, how)
			     __field(int, err)),
	    TP_fast_assign(__entry->va = va;
			   __entry->len = len;
			   __entry->how = how;
			   __entry->err = err;),
	    TP_printk("va=%#lx len=%zu %s%s%s%s err=%d", __entry->va, __entry->len,
		      __entry->how & 1 ? "write" : "read",
		      __entry->how & 2 ? " prefetch" : "",
		      __entry->how & 4 ? " present" : "",
		      __entry->how & 8 ? " ahead" : "", __entry->err)
);

TRACE_DEFINE_ENUM(MMU_NOTIFY_UNMAP);
TRACE_DEFINE_ENUM(MMU_NOTIFY_CLEAR);
TRACE_DEFINE_ENUM(MMU_NOTIFY_PROTECTION_VMA);
TRACE_DEFINE_ENUM(MMU_NOTIFY_PROTECTION_PAGE);
TRACE_DEFINE_ENUM(MMU_NOTIFY_SOFT_DIRTY);
TRACE_DEFINE_ENUM(MMU_NOTIFY_RELEASE);
TRACE_DEFINE_ENUM(MMU_NOTIFY_MIGRATE);
TRACE_DEFINE_ENUM(MMU_NOTIFY_EXCLUSIVE);

TRACE_EVENT(hmmodp_invalidate,
	    TP_PROTO(unsigned long start, unsigned long end, int event,
		     unsigned int pages),
	    TP_ARGS(start, end, event, pages),
	    TP_STRUCT__entry(__field(unsigned long, start)
			     __field(unsigned long, end)
			     __field(int, event)
			     __field(unsigned int, pages)),
	    TP_fast_assign(__entry->start = start;
			   __entry->end = end;
			   __entry->event = event;
			   __entry->pages = pages;),
	    TP_printk("start=%#lx end=%#lx event=%s pages=%u", __entry->start,
		      __entry->end,
		      __print_symbolic(__entry->event,
				       { MMU_NOTIFY_UNMAP, "unmap" },
				       { MMU_NOTIFY_CLEAR, "clear" },
				       { MMU_NOTIFY_PROTECTION_VMA, "protection" },
				       { MMU_NOTIFY_PROTECTION_PAGE, "page protection" },
				       { MMU_NOTIFY_SOFT_DIRTY, "soft dirty" },
				       { MMU_NOTIFY_RELEASE, "release" },
				       { MMU_NOTIFY_MIGRATE, "migrate" },
				       { MMU_NOTIFY_EXCLUSIVE, "exclusive" }),
		      __entry->pages)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
