/* SPDX-License-Identifier: MIT */
#include "base/trace.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"

enum { CHUNK_SPANS = 256 };

struct trace_span {
	const char *name;
	struct str detail;
	uint64_t begin_ns, end_ns; /* end 0: still open */
	uint64_t processor_ns;     /* until it ends: what the thread had used before */
	bool stage;
};

/* Spans never move: whoever began one has its address. */
struct chunk {
	struct chunk *next;
	size_t n;
	struct trace_span spans[CHUNK_SPANS];
};

/* One row of the trace. Only its thread writes to it; the lock is for the list. */
struct row {
	struct row *next;
	unsigned number;
	bool taken;
	uint64_t processor_ns; /* of threads that ended */
	struct arena arena;
	struct chunk *first, *last;
};

bool trace_enabled;

static struct {
	pthread_mutex_t lock;
	struct row *rows; /* by number; the first is the main thread's */
	uint64_t begin_ns, before_main_ns;
} all = { .lock = PTHREAD_MUTEX_INITIALIZER };

static _Thread_local struct row *own;

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* The kernel tells in hundredths of a second when a process began; the processor time that it used
 * before main() is exact, and nearly all of that time. */
void trace_start(void)
{
	all.before_main_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	all.begin_ns = clock_ns(CLOCK_MONOTONIC) - all.before_main_ns;
}

/* The free row of the lowest number. */
static struct row *row_take(void)
{
	struct row **at = &all.rows;
	unsigned number = 0;

	pthread_mutex_lock(&all.lock);
	for (; *at && (*at)->taken; at = &(*at)->next)
		number++;
	if (!*at) {
		*at = calloc(1, sizeof(**at));
		if (!*at)
			abort();
		(*at)->number = number;
	}
	(*at)->taken = true;
	pthread_mutex_unlock(&all.lock);
	return *at;
}

void trace_thread_begin(void)
{
	if (trace_enabled && !own)
		own = row_take();
}

void trace_thread_end(void)
{
	if (!own)
		return;
	pthread_mutex_lock(&all.lock);
	own->processor_ns += clock_ns(CLOCK_THREAD_CPUTIME_ID);
	own->taken = false;
	pthread_mutex_unlock(&all.lock);
	own = NULL;
}

static struct trace_span *span_add(struct row *row)
{
	if (!row->last || row->last->n == CHUNK_SPANS) {
		struct chunk *chunk = arena_new(&row->arena, struct chunk);

		if (row->last)
			row->last->next = chunk;
		else
			row->first = chunk;
		row->last = chunk;
	}
	return &row->last->spans[row->last->n++];
}

struct trace_span *trace_record(const char *name, struct str detail)
{
	struct trace_span *span;

	trace_thread_begin();
	span = span_add(own);
	*span = (struct trace_span){
		.name = name,
		.detail = detail.n > 0 ? str_dup(&own->arena, detail) : (struct str){ 0 },
		.begin_ns = clock_ns(CLOCK_MONOTONIC),
		.processor_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID),
	};
	return span;
}

void trace_end(struct trace_span *span)
{
	span->end_ns = clock_ns(CLOCK_MONOTONIC);
	span->processor_ns =
		span->stage ? 0 : clock_ns(CLOCK_THREAD_CPUTIME_ID) - span->processor_ns;
}

struct trace_span *trace_stage_begin(const char *name)
{
	struct trace_span *span = trace_begin("stage", str_c(name));

	if (span)
		span->stage = true;
	return span;
}

void trace_enable(void)
{
	struct trace_span *before;

	trace_enabled = true;
	before = trace_record("before main", (struct str){ 0 });
	*before = (struct trace_span){
		.name = before->name,
		.begin_ns = all.begin_ns,
		.end_ns = all.begin_ns + all.before_main_ns,
		.processor_ns = all.before_main_ns,
	};
}

void trace_done(void)
{
	for (struct row *row = all.rows, *next; row; row = next) {
		next = row->next;
		arena_done(&row->arena);
		free(row);
	}
	all.rows = NULL;
	own = NULL;
	trace_enabled = false;
}

/* Every span, row by row, in the order in which they began. */
struct cursor {
	struct row *row;
	struct chunk *chunk;
	size_t i;
};

static struct trace_span *span_next(struct cursor *c)
{
	for (;;) {
		if (c->chunk && c->i < c->chunk->n)
			return &c->chunk->spans[c->i++];
		c->i = 0;
		if (c->chunk) {
			c->chunk = c->chunk->next;
		} else {
			c->row = c->row ? c->row->next : all.rows;
			if (!c->row)
				return NULL;
			c->chunk = c->row->first;
		}
	}
}

static struct str row_name(struct arena *a, const struct row *row)
{
	return row->number == 0 ? STR("main") : str_printf(a, "thread %u", row->number);
}

static int sum_cmp(const void *x, const void *y)
{
	const struct trace_sum *p = x, *q = y;

	return p->sec != q->sec ? (p->sec < q->sec ? 1 : -1) : strcmp(p->name, q->name);
}

static void sums_fill(struct arena *a, struct trace_report *ret)
{
	struct cursor c = { 0 };
	struct map names = { 0 };
	struct trace_span *span;

	while ((span = span_next(&c))) {
		const uint32_t *at = map_get(&names, str_c(span->name));
		struct trace_sum *sum;

		if (span->stage || span->end_ns == 0)
			continue;
		if (!at) {
			map_put(a, &names, str_c(span->name), (uint32_t)ret->sums.n);
			vec_push(a, &ret->sums) = (struct trace_sum){ .name = span->name };
		}
		sum = &ret->sums.p[at ? *at : ret->sums.n - 1];
		sum->n++;
		sum->sec += (double)(span->end_ns - span->begin_ns) / 1e9;
		sum->processor_sec += (double)span->processor_ns / 1e9;
	}
	if (ret->sums.n > 1)
		qsort(ret->sums.p, ret->sums.n, sizeof(*ret->sums.p), sum_cmp);
}

void trace_report(struct arena *a, struct trace_report *ret)
{
	*ret = (struct trace_report){
		.total_sec = (double)(clock_ns(CLOCK_MONOTONIC) - all.begin_ns) / 1e9,
		.processor_sec = (double)clock_ns(CLOCK_PROCESS_CPUTIME_ID) / 1e9,
	};
	for (struct row *row = all.rows; row; row = row->next) {
		uint64_t busy_ns = row->processor_ns;

		if (row == own)
			busy_ns += clock_ns(CLOCK_THREAD_CPUTIME_ID);
		vec_push(a, &ret->threads) =
			(struct trace_thread_time){ row_name(a, row), (double)busy_ns / 1e9 };
	}
	sums_fill(a, ret);
}

/* An event's name and thread come first. */
static void event_begin(struct json *j, const char *name, const char *phase, unsigned thread)
{
	json_object(j, NULL);
	json_str(j, "name", str_c(name));
	json_str(j, "ph", str_c(phase));
	json_u64(j, "pid", (uint64_t)getpid());
	json_u64(j, "tid", thread);
}

static void thread_event(struct arena *a, struct json *j, const struct row *row)
{
	event_begin(j, "thread_name", "M", row->number);
	json_object(j, "args");
	json_str(j, "name", row_name(a, row));
	json_end_object(j);
	json_end_object(j);
}

/* Rounded after adding: spans within each other stay so. @until_ns: what its thread's open spans
 * leave of it. */
static void span_event(struct arena *a, struct json *j, const struct row *row,
		       const struct trace_span *span, uint64_t until_ns)
{
	uint64_t begin_us = (span->begin_ns - all.begin_ns) / 1000,
		 end_us = (until_ns - all.begin_ns) / 1000;
	struct str name = str_c(span->name);

	if (span->stage)
		name = span->detail;
	else if (span->detail.n > 0)
		name = str_printf(a, "%s %.*s", span->name, STR_FMT(span->detail));
	event_begin(j, str_z(a, name), "X", row->number);
	json_str(j, "cat", span->stage ? STR("stage") : str_c(span->name));
	json_u64(j, "ts", begin_us);
	json_u64(j, "dur", end_us - begin_us);
	if (!span->stage && span->end_ns != 0) {
		json_object(j, "args");
		json_u64(j, "processor us", span->processor_ns / 1000);
		json_end_object(j);
	}
	json_end_object(j);
}

/* When each span of a row ended, as far as those around it reach: viewers take it for granted that
 * spans of a thread do not overlap, and stages may. */
static void row_events(struct arena *a, struct json *j, struct row *row, uint64_t now_ns)
{
	struct cursor c = { .row = row, .chunk = row->first };
	VEC(uint64_t) ends = { 0 };
	struct trace_span *span;

	thread_event(a, j, row);
	while ((span = span_next(&c)) && c.row == row) {
		uint64_t end_ns = span->end_ns ? span->end_ns : now_ns;

		while (ends.n > 0 && ends.p[ends.n - 1] <= span->begin_ns)
			ends.n--;
		if (ends.n > 0 && ends.p[ends.n - 1] < end_ns)
			end_ns = ends.p[ends.n - 1];
		vec_push(a, &ends) = end_ns;
		span_event(a, j, row, span, end_ns);
	}
}

struct str trace_json(struct arena *a)
{
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
	struct json j = { .b = { .a = a } };

	json_object(&j, NULL);
	json_str(&j, "displayTimeUnit", STR("ms"));
	json_array(&j, "traceEvents");
	event_begin(&j, "process_name", "M", 0);
	json_object(&j, "args");
	json_str(&j, "name", STR("ashlar"));
	json_end_object(&j);
	json_end_object(&j);
	for (struct row *row = all.rows; row; row = row->next)
		row_events(a, &j, row, now_ns);
	json_end_array(&j);
	json_end_object(&j);
	buf_u8(&j.b, '\n');
	return json_text(&j);
}
