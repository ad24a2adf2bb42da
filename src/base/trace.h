/* SPDX-License-Identifier: MIT */
/* trace.h - what each thread did, and when: nested spans of time, for `--timings` and `--trace`.
 *
 * Off unless trace_enable() was called: a span then costs a load and a branch. What is recorded is
 * the process's own and never changes what it makes, so, unlike all else here, it is global: any
 * function says in one line that its time is worth knowing. */
#pragma once

#include <stdbool.h>

#include "base/str.h"

/* First of all in main(): time is counted from here, and what the loader took before. */
void trace_start(void);
/* Before other threads are started. */
void trace_enable(void);
/* Forgets all, and is off again. As all below: while no other thread records. */
void trace_done(void);

struct trace_thread_time {
	struct str name; /* "main", "thread 1": a number goes on to the next thread that starts */
	double busy_sec; /* on a processor */
};

/* All spans of one name, also those within each other's. */
struct trace_sum {
	const char *name;
	unsigned n;
	double sec;           /* the sum; each with all that is inside of it */
	double processor_sec; /* of the span's own thread */
};

struct trace_report {
	double total_sec, processor_sec; /* of the process, until now */
	VEC(struct trace_thread_time) threads;
	VEC(struct trace_sum) sums; /* the longest first */
};

void trace_report(struct arena *a, struct trace_report *ret);
/* Everything in Chrome's Trace Event Format (object form: complete events, microseconds since the
 * process started), which Perfetto and chrome://tracing show. */
struct str trace_json(struct arena *a);

/* From here to the end of the block, on this thread. @name is a constant (sums are made by it);
 * @detail, copied, says of which thing: a package's name. */
#define TRACE(name)            TRACE_OF(name, ((struct str){ 0 }))
#define TRACE_OF(name, detail) TRACE_LINE(name, detail, __LINE__)
#define TRACE_LINE(n, d, line) TRACE_SCOPE(n, d, line)
#define TRACE_SCOPE(n, d, line)                                                              \
	struct trace_span *trace_span_##line __attribute__((cleanup(trace_end_p), unused)) = \
		trace_begin(n, d)

struct trace_span;

extern bool trace_enabled;

struct trace_span *trace_record(const char *name, struct str detail);
void trace_end(struct trace_span *span);

static inline struct trace_span *trace_begin(const char *name, struct str detail)
{
	return trace_enabled ? trace_record(name, detail) : NULL;
}

static inline void trace_end_p(struct trace_span **span)
{
	if (*span)
		trace_end(*span);
}

/* A stage of the work (progress.h), which may end on another thread than it began: shown, but in no
 * sum. */
struct trace_span *trace_stage_begin(const char *name);

/* What every thread but the main one calls first and last. */
void trace_thread_begin(void);
void trace_thread_end(void);
