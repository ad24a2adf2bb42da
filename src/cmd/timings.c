/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/json.h"
#include "cmd/cmd.h"

/* What is shown of what lies inside stages. */
#define SHOWN_SEC 0.001

int timings_begin(struct arena *a, const struct common_options *o, struct timings *ret,
		  struct err *e)
{
	struct timings t = { .fd = -1 };
	struct stat st;
	int r = 0;

	if (o->trace && stat(o->trace, &st) == 0 && !S_ISREG(st.st_mode))
		r = err_set(e, -EINVAL, "'%s' is no regular file", o->trace);
	if (r == 0 && o->trace)
		r = file_temp(a, o->trace, 0644, &t.fd, &t.temp, e);
	if (r < 0)
		return err_wrap(e, r, "--trace");
	if (o->timings || o->trace)
		trace_enable();
	*ret = t;
	return 0;
}

/* What is printed, all in seconds. */
struct table {
	struct progress_stage stages[PROGRESS_STAGES_MAX];
	unsigned n_stages;
	double outside_sec, outside_processor_sec;
	struct trace_report report;
};

static void table_fill(struct arena *a, const struct common_options *o, struct table *ret)
{
	ret->n_stages = progress_stages(o->progress, ret->stages);
	trace_report(a, &ret->report);
	ret->outside_sec = ret->report.total_sec;
	ret->outside_processor_sec = ret->report.processor_sec;
	for (unsigned i = 0; i < ret->n_stages; i++) {
		ret->outside_sec -= ret->stages[i].own_sec;
		ret->outside_processor_sec -= ret->stages[i].own_processor_sec;
	}
}

static void print_stage(const struct table *t, const char *name, double sec, double processor_sec)
{
	printf("  %-20s %9.3f s %5.1f %% %9.3f s\n", name, sec, 100 * sec / t->report.total_sec,
	       processor_sec);
}

static void print_text(const struct table *t)
{
	const struct trace_report *r = &t->report;

	printf("\n  %-20s %11s %7s %11s\n", "stage", "time", "share", "processor");
	for (unsigned i = 0; i < t->n_stages; i++)
		print_stage(t, t->stages[i].name, t->stages[i].own_sec,
			    t->stages[i].own_processor_sec);
	print_stage(t, "outside of stages", t->outside_sec, t->outside_processor_sec);
	print_stage(t, "total", r->total_sec, r->processor_sec);
	printf("\n  %-20s %11s %19s\n", "thread", "busy", "idle");
	vec_each(thread, &r->threads)
		printf("  %-20.*s %9.3f s %17.3f s\n", STR_FMT(thread->name), thread->busy_sec,
		       r->total_sec - thread->busy_sec);
	printf("\n  %-20s %11s %7s %11s\n", "in all of them", "time", "times", "processor");
	vec_each(sum, &r->sums)
		if (sum->sec >= SHOWN_SEC)
			printf("  %-20s %9.3f s %7u %9.3f s\n", sum->name, sum->sec, sum->n,
			       sum->processor_sec);
}

static void json_times(struct json *j, double sec, double processor_sec)
{
	json_seconds(j, "seconds", sec);
	json_seconds(j, "processor-seconds", processor_sec);
}

static void json_stages(struct json *j, const struct table *t)
{
	json_array(j, "stages");
	for (unsigned i = 0; i < t->n_stages; i++) {
		json_object(j, NULL);
		json_str(j, "stage", str_c(t->stages[i].name));
		json_times(j, t->stages[i].own_sec, t->stages[i].own_processor_sec);
		json_end_object(j);
	}
	json_end_array(j);
	json_object(j, "outside-of-stages");
	json_times(j, t->outside_sec, t->outside_processor_sec);
	json_end_object(j);
}

static void json_report(struct json *j, const struct trace_report *r)
{
	json_array(j, "threads");
	vec_each(thread, &r->threads) {
		json_object(j, NULL);
		json_str(j, "thread", thread->name);
		json_seconds(j, "busy-seconds", thread->busy_sec);
		json_seconds(j, "idle-seconds", r->total_sec - thread->busy_sec);
		json_end_object(j);
	}
	json_end_array(j);
	json_array(j, "spans");
	vec_each(sum, &r->sums) {
		json_object(j, NULL);
		json_str(j, "span", str_c(sum->name));
		json_u64(j, "times", sum->n);
		json_times(j, sum->sec, sum->processor_sec);
		json_end_object(j);
	}
	json_end_array(j);
}

static void print_json(struct arena *a, const struct table *t)
{
	struct json j = { .b = { .a = a } };
	struct str text;

	json_object(&j, NULL);
	json_str(&j, "event", STR("timings"));
	json_times(&j, t->report.total_sec, t->report.processor_sec);
	json_stages(&j, t);
	json_report(&j, &t->report);
	json_end_object(&j);
	text = json_text(&j);
	printf("%.*s\n", STR_FMT(text));
}

static int trace_write(struct arena *a, const char *path, struct timings *t, struct err *e)
{
	struct str text = trace_json(a);
	int r = fd_write(t->fd, text.p, text.n, path, e);

	if (r == 0)
		r = file_commit(t->fd, t->temp, path, e);
	if (r < 0)
		file_discard(t->temp);
	close_p(&t->fd);
	return r;
}

int timings_end(struct arena *a, const struct common_options *o, struct timings *t, struct err *e)
{
	struct table table;
	int r = 0;

	if (o->timings)
		table_fill(a, o, &table);
	progress_free(o->progress);
	if (o->timings && o->json)
		print_json(a, &table);
	else if (o->timings)
		print_text(&table);
	if (o->trace)
		r = trace_write(a, o->trace, t, e);
	return r;
}
