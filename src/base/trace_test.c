/* SPDX-License-Identifier: MIT */
#include "base/test.h"

#include "base/json_parse.h"
#include "base/proc.h"
#include "base/progress.h"
#include "base/thread_pool.h"
#include "base/trace.h"

static int start(void **state)
{
	(void)state;
	trace_start();
	trace_enable();
	return 0;
}

static int stop(void **state)
{
	(void)state;
	trace_done();
	return 0;
}

static const struct trace_sum *sum_of(const struct trace_report *r, const char *name)
{
	vec_each(sum, &r->sums)
		if (strcmp(sum->name, name) == 0)
			return sum;
	return NULL;
}

/* An event of the trace. */
struct event {
	struct str name, phase;
	uint64_t thread, begin, end;
};
typedef VEC(struct event) vec_event;

static uint64_t number(const vec_json_value *object, const char *key)
{
	const struct json_value *v = json_find(object, key);
	uint64_t ret = 0;

	if (v)
		assert_true(v->type == JSON_NUMBER && str_u64(v->text, UINT64_MAX, &ret));
	return ret;
}

static void events_read(struct arena *a, struct str text, vec_event *ret)
{
	vec_json_value top, events, members;
	struct err e = { 0 };

	*ret = (vec_event){ 0 };
	assert_ok(json_parse(a, text, &top, &e), &e);
	assert_ok(json_parse(a, json_find(&top, "traceEvents")->text, &events, &e), &e);
	vec_each(event, &events) {
		struct event out;

		assert_ok(json_parse(a, event->text, &members, &e), &e);
		out = (struct event){
			.name = json_find(&members, "name")->text,
			.phase = json_find(&members, "ph")->text,
			.thread = number(&members, "tid"),
			.begin = number(&members, "ts"),
		};
		out.end = out.begin + number(&members, "dur");
		vec_push(a, ret) = out;
	}
}

static const struct event *event_of(const vec_event *events, const char *name)
{
	vec_each(event, events)
		if (str_eqz(event->name, name))
			return event;
	return NULL;
}

/* Two spans of one thread lie within each other, or apart. */
static void assert_nested(const vec_event *events)
{
	vec_each(x, events)
		vec_each(y, events)
			if (x < y && str_eqz(x->phase, "X") && str_eqz(y->phase, "X") &&
			    x->thread == y->thread)
				assert_true(y->begin >= x->begin &&
					    (y->end <= x->end || y->begin >= x->end));
}

static void test_off(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct trace_report r;

	(void)state;
	trace_start();
	{
		TRACE("nothing");
	}
	trace_report(&a, &r);
	assert_int_equal(r.sums.n, 0);
	assert_int_equal(r.threads.n, 0);
	assert_true(r.total_sec >= 0);
}

static void test_nested(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct trace_report r;
	vec_event events;

	(void)state;
	for (int i = 0; i < 3; i++) {
		TRACE_OF("outer", STR("\"thing\""));
		TRACE("inner");

		usleep(2000);
	}
	trace_report(&a, &r);
	assert_int_equal(sum_of(&r, "outer")->n, 3);
	assert_int_equal(sum_of(&r, "inner")->n, 3);
	assert_true(sum_of(&r, "outer")->sec >= sum_of(&r, "inner")->sec);
	assert_true(sum_of(&r, "inner")->sec >= 0.006);
	assert_true(sum_of(&r, "inner")->processor_sec < 0.006);
	assert_non_null(sum_of(&r, "before main"));
	assert_int_equal(r.threads.n, 1);
	assert_str(r.threads.p[0].name, "main");
	events_read(&a, trace_json(&a), &events);
	assert_non_null(event_of(&events, "outer \"thing\""));
	assert_non_null(event_of(&events, "thread_name"));
	assert_true(event_of(&events, "before main")->begin == 0);
	assert_nested(&events);
}

/* More than one chunk of spans. */
static void test_many(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct trace_report r;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		TRACE("one");
	}
	trace_report(&a, &r);
	assert_int_equal(sum_of(&r, "one")->n, 1000);
}

static int body(void *arg, size_t i, struct err *e)
{
	TRACE_OF("task", STR("x"));

	(void)arg;
	(void)i;
	(void)e;
	usleep(1000);
	return 0;
}

/* A second pool's threads take the places of the first one's. */
static void test_threads(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct trace_report r;
	vec_event events;
	struct err e = { 0 };

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_ok(thread_pool_for(3, 30, body, NULL, &e), &e);
	trace_report(&a, &r);
	assert_int_equal(sum_of(&r, "task")->n, 60);
	assert_int_equal(r.threads.n, 4);
	assert_str(r.threads.p[3].name, "thread 3");
	vec_each(thread, &r.threads)
		assert_true(thread->busy_sec >= 0 && thread->busy_sec <= r.processor_sec);
	events_read(&a, trace_json(&a), &events);
	assert_nested(&events);
}

/* Stages overlap, and one is never ended: spans do not, and all is still valid. */
static void test_stages(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct progress *p = progress_new(PROGRESS_QUIET);
	struct progress_stage stages[PROGRESS_STAGES_MAX];
	struct trace_report r;
	vec_event events;
	unsigned first = progress_begin(p, "first", "", 0), second;
	double own_sec = 0;

	(void)state;
	usleep(3000);
	second = progress_begin(p, "second", "", 0);
	usleep(3000);
	progress_end(p, first);
	usleep(3000);
	progress_end(p, second);
	(void)progress_begin(p, "third", "", 0);
	trace_report(&a, &r);
	assert_int_equal(progress_stages(p, stages), 3);
	for (unsigned i = 0; i < 3; i++)
		own_sec += stages[i].own_sec;
	assert_true(own_sec <= r.total_sec);
	assert_true(own_sec >= 0.009);
	assert_true(stages[0].spent_sec > stages[0].own_sec);
	assert_true(stages[1].own_sec >= 0.006);
	assert_null(sum_of(&r, "stage"));
	events_read(&a, trace_json(&a), &events);
	assert_non_null(event_of(&events, "third"));
	assert_nested(&events);
	progress_free(p);
}

/* A stage that is done again, around another one, is one stage still. */
static void test_stage_again(void **state)
{
	struct progress *p = progress_new(PROGRESS_QUIET);
	struct progress_stage stages[PROGRESS_STAGES_MAX];
	unsigned twice = 0, other;

	(void)state;
	for (int i = 0; i < 20; i++) {
		twice = progress_begin(p, "twice", "", 0);
		other = progress_begin(p, "other", "", 0);
		usleep(1000);
		progress_end(p, other);
		progress_end(p, twice);
	}
	assert_int_equal(progress_stages(p, stages), 2);
	assert_true(stages[1].own_sec >= 0.02 && stages[1].spent_sec < stages[1].own_sec);
	assert_true(stages[0].own_sec < stages[1].own_sec);
	progress_free(p);
}

static void test_python_reads(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	static const char script[] =
		"import json, sys; print(len(json.load(sys.stdin)['traceEvents']))";
	const char *const argv[] = { "python3", "-c", script, NULL };
	struct proc_result result;
	struct err e = { 0 };

	(void)state;
	{
		TRACE_OF("bytes", STR("\x01\xff\\\"\n"));
	}
	if (proc_run(&a, argv, trace_json(&a), "python3", &result, &e) < 0)
		skip();
	assert_int_equal(result.status, 0);
	assert_str(result.out, "4\n"); /* process, thread, before main, bytes */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_off),
		cmocka_unit_test_setup_teardown(test_nested, start, stop),
		cmocka_unit_test_setup_teardown(test_many, start, stop),
		cmocka_unit_test_setup_teardown(test_threads, start, stop),
		cmocka_unit_test_setup_teardown(test_stages, start, stop),
		cmocka_unit_test(test_stage_again),
		cmocka_unit_test_setup_teardown(test_python_reads, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
