/* SPDX-License-Identifier: MIT */
#include "base/progress.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/trace.h"

enum { BAR_COLUMNS = 30 };

struct progress {
	pthread_mutex_t lock;
	enum progress_mode mode;
	struct progress_stage stages[PROGRESS_STAGES_MAX];
	struct trace_span *spans[PROGRESS_STAGES_MAX];
	unsigned n_stages, lines_drawn;
	double last_draw_sec;
	double counted_sec, counted_processor_sec; /* until when time is in a stage's own */
};

static double clock_read(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double clock_sec(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

/* Called wherever a stage begins or ends. */
static void count(struct progress *p)
{
	double now = clock_sec(), processor = clock_read(CLOCK_PROCESS_CPUTIME_ID);
	struct progress_stage *last = NULL;

	for (unsigned i = 0; i < p->n_stages; i++)
		if (p->stages[i].running && (!last || p->stages[i].start_sec >= last->start_sec))
			last = &p->stages[i];
	if (last) {
		last->own_sec += now - p->counted_sec;
		last->own_processor_sec += processor - p->counted_processor_sec;
	}
	p->counted_sec = now;
	p->counted_processor_sec = processor;
}

struct progress *progress_new(enum progress_mode mode)
{
	struct progress *p = calloc(1, sizeof(*p));

	if (!p)
		abort();
	pthread_mutex_init(&p->lock, NULL);
	p->mode = mode;
	return p;
}

static void amount(char *out, size_t n, const struct progress_stage *s, uint64_t x)
{
	if (strcmp(s->unit, "B") == 0)
		snprintf(out, n, "%.1f MB", (double)x / 1e6);
	else
		snprintf(out, n, "%llu", (unsigned long long)x);
}

static void describe(char *out, size_t n, const struct progress_stage *s)
{
	char done[32], total[32];
	bool things = s->unit[0] && strcmp(s->unit, "B") != 0;
	const char *blank = things ? " " : "", *unit = things ? s->unit : "";

	amount(done, sizeof(done), s, s->done);
	amount(total, sizeof(total), s, s->total);
	if (s->total > s->done)
		snprintf(out, n, "%s / %s%s%s", done, total, blank, unit);
	else if (s->done > 0)
		snprintf(out, n, "%s%s%s", done, blank, unit);
	else
		out[0] = '\0';
}

static void erase(struct progress *p)
{
	for (unsigned i = 0; i < p->lines_drawn; i++)
		fputs("\x1b[A\x1b[2K", stderr);
	p->lines_drawn = 0;
}

static void bar_draw(const struct progress_stage *s, const char *text)
{
	char bar[BAR_COLUMNS + 1] = { 0 };

	memset(bar, '.', BAR_COLUMNS);
	memset(bar, '#',
	       s->done < s->total ? (size_t)(s->done * BAR_COLUMNS / s->total) : BAR_COLUMNS);
	fprintf(stderr, "%-10s [%s] %s\n", s->name, bar, text);
}

static void draw(struct progress *p, bool force)
{
	double now = clock_sec();

	if (p->mode != PROGRESS_TERMINAL || (!force && now - p->last_draw_sec < 0.05))
		return;
	p->last_draw_sec = now;
	erase(p);
	for (unsigned i = 0; i < p->n_stages; i++) {
		const struct progress_stage *s = &p->stages[i];
		char text[80];

		if (!s->running)
			continue;
		describe(text, sizeof(text), s);
		if (s->total > 0)
			bar_draw(s, text);
		else
			fprintf(stderr, "%-10s ... %s\n", s->name, text);
		p->lines_drawn++;
	}
	fflush(stderr);
}

static void event(const char *what, const struct progress_stage *s)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct json j = { .b = { .a = &a } };
	struct str text;

	json_object(&j, NULL);
	json_str(&j, "event", str_c(what));
	json_str(&j, "stage", str_c(s->name));
	json_u64(&j, "done", s->done);
	json_u64(&j, "total", s->total);
	json_str(&j, "unit", str_c(s->unit));
	if (s->ended)
		json_seconds(&j, "seconds", s->spent_sec);
	json_end_object(&j);
	text = json_text(&j);
	printf("%.*s\n", STR_FMT(text));
	fflush(stdout);
}

/* A stage that is done again goes on with its sums. */
static unsigned stage_find(struct progress *p, const char *name)
{
	unsigned i = 0;

	while (i < p->n_stages && (!p->stages[i].ended || strcmp(p->stages[i].name, name) != 0))
		i++;
	if (i == PROGRESS_STAGES_MAX)
		abort(); /* the stages are written in the source, not given by a user */
	if (i == p->n_stages)
		p->n_stages++;
	return i;
}

unsigned progress_begin(struct progress *p, const char *name, const char *unit, uint64_t total)
{
	struct progress_stage *s;
	unsigned i;

	pthread_mutex_lock(&p->lock);
	count(p);
	i = stage_find(p, name);
	s = &p->stages[i];
	*s = (struct progress_stage){
		.total = total,
		.start_sec = p->counted_sec,
		.own_sec = s->own_sec,
		.own_processor_sec = s->own_processor_sec,
		.running = true,
	};
	p->spans[i] = trace_stage_begin(name);
	snprintf(s->name, sizeof(s->name), "%s", name);
	snprintf(s->unit, sizeof(s->unit), "%s", unit);
	if (p->mode == PROGRESS_JSON)
		event("begin", s);
	draw(p, true);
	pthread_mutex_unlock(&p->lock);
	return i;
}

void progress_add(struct progress *p, unsigned stage, uint64_t n)
{
	pthread_mutex_lock(&p->lock);
	p->stages[stage].done += n;
	if (p->mode == PROGRESS_JSON && clock_sec() - p->last_draw_sec > 0.25) {
		p->last_draw_sec = clock_sec();
		event("progress", &p->stages[stage]);
	}
	draw(p, false);
	pthread_mutex_unlock(&p->lock);
}

void progress_end(struct progress *p, unsigned stage)
{
	struct progress_stage *s = &p->stages[stage];
	char text[80];

	pthread_mutex_lock(&p->lock);
	count(p);
	trace_end_p(&p->spans[stage]);
	s->spent_sec = p->counted_sec - s->start_sec;
	s->running = false;
	s->ended = true;
	if (p->mode == PROGRESS_JSON)
		event("end", s);
	if (p->mode == PROGRESS_TERMINAL || p->mode == PROGRESS_PLAIN) {
		describe(text, sizeof(text), s);
		erase(p);
		fprintf(stderr, "%-10s %6.2f s%s%s\n", s->name, s->spent_sec, text[0] ? "  " : "",
			text);
	}
	draw(p, true);
	pthread_mutex_unlock(&p->lock);
}

void progress_note(struct progress *p, const char *fmt, ...)
{
	char text[ERR_BYTES_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	pthread_mutex_lock(&p->lock);
	if (p->mode == PROGRESS_JSON) {
		_cleanup_arena_ struct arena a = { 0 };
		struct json j = { .b = { .a = &a } };
		struct str out;

		json_object(&j, NULL);
		json_str(&j, "event", STR("note"));
		json_str(&j, "text", str_c(text));
		json_end_object(&j);
		out = json_text(&j);
		printf("%.*s\n", STR_FMT(out));
		fflush(stdout);
	} else if (p->mode != PROGRESS_QUIET) {
		erase(p);
		fprintf(stderr, "%s\n", text);
		draw(p, true);
	}
	pthread_mutex_unlock(&p->lock);
}

unsigned progress_stages(struct progress *p, struct progress_stage ret[PROGRESS_STAGES_MAX])
{
	unsigned n;

	pthread_mutex_lock(&p->lock);
	n = p->n_stages;
	memcpy(ret, p->stages, n * sizeof(*ret));
	pthread_mutex_unlock(&p->lock);
	return n;
}

void progress_free(struct progress *p)
{
	if (!p)
		return;
	erase(p);
	pthread_mutex_destroy(&p->lock);
	free(p);
}
