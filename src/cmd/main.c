/* SPDX-License-Identifier: MIT */
/* main.c - from arguments to an exit status; the only place that prints an error. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/json.h"
#include "cmd/cmd.h"

/* Each file appears by renaming, so there is nothing to undo; temporary files are removed by the
 * next run. That is all that can be promised at any moment: a build that was putting its results in
 * place leaves some of them new and some old. */
static void interrupted(int number)
{
	static const char text[] =
		"\nashlar: interrupted; no file is half written, and the same command again completes what was begun\n";

	(void)number;
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(1);
	_exit(1);
}

static void print(struct str text)
{
	fwrite(text.p, 1, text.n, stdout);
}

static int usage_error(const struct err *e)
{
	fprintf(stderr, "ashlar: %s\n", e->msg);
	return 2;
}

static enum progress_mode progress_mode(const struct common_options *o)
{
	if (o->json)
		return PROGRESS_JSON;
	if (o->quiet)
		return PROGRESS_QUIET;
	return isatty(STDERR_FILENO) ? PROGRESS_TERMINAL : PROGRESS_PLAIN;
}

/* Returns the exit status. */
static int work_failed(struct arena *a, const struct verb *verb, const struct common_options *o,
		       const struct err *e)
{
	int status = verb->failed_status ? verb->failed_status : 1;
	struct json j = { .b = { .a = a } };

	fprintf(stderr, "ashlar: %s\n", e->msg);
	if (!o->json)
		return status;
	json_object(&j, NULL);
	json_str(&j, "event", STR("error"));
	json_str(&j, "text", str_c(e->msg));
	json_end_object(&j);
	print(json_text(&j));
	putchar('\n');
	return status;
}

/* In an arena of its own, so that the time to free it is counted. */
static int work(const struct verb *verb, void *options, char **args, struct err *e)
{
	struct arena a = { 0 };
	int r = verb->run(&a, options, args, e);

	TRACE("free memory");
	arena_done(&a);
	return r;
}

static int verb_main(struct arena *a, const struct verb *verb, char **argv)
{
	struct common_options *options = arena_alloc(a, verb->options_size);
	struct timings timings = { 0 };
	struct err e = { 0 };
	char **args;
	int r = options_parse(a, verb, argv, options, &args, &e);

	if (r < 0)
		return usage_error(&e);
	if (options->help) {
		print(help_verb(a, verb));
		return 0;
	}
	if (verb->check && verb->check(options, args, &e) < 0)
		return usage_error(&e);
	r = timings_begin(a, options, &timings, &e);
	if (r < 0)
		return work_failed(a, verb, options, &e);
	options->progress = progress_new(progress_mode(options));
	r = work(verb, options, args, &e);
	if (r < 0)
		r = work_failed(a, verb, options, &e);
	if (timings_end(a, options, &timings, &e) < 0)
		r = work_failed(a, verb, options, &e);
	return r;
}

/* ashlar help man [VERB] | help completion: for the build, which makes pages and completion from
 * the tables. */
static int help_main_verb(struct arena *a, char **args)
{
	const struct verb *verb;
	struct err e = { 0 };

	if (args[0] && !strcmp(args[0], "completion")) {
		print(completion_bash(a));
		return 0;
	}
	if (args[0] && !strcmp(args[0], "man")) {
		if (!args[1]) {
			print(man_main(a, ASHLAR_VERSION));
			return 0;
		}
		verb = verb_find(a, args[1], &e);
		if (!verb)
			return usage_error(&e);
		print(man_verb(a, verb, ASHLAR_VERSION));
		return 0;
	}
	print(help_main(a));
	return 0;
}

/* Every pack that an image is made of stays open, and an image may be made of more than the soft
 * limit allows, which is 1024 for the sake of programs that call select(). */
static void files_allow(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
	_cleanup_arena_ struct arena a = { 0 };
	const struct verb *verb;
	struct err e = { 0 };

	trace_start();
	signal(SIGINT, interrupted);
	signal(SIGTERM, interrupted);
	signal(SIGPIPE, SIG_IGN);
	files_allow();
	signal(SIGXFSZ, SIG_IGN); /* write() then says EFBIG, and the message names the file */
	if (argc < 2) {
		fprintf(stderr, "ashlar: want a verb; 'ashlar --help' lists them\n");
		return 2;
	}
	if (!strcmp(argv[1], "--version")) {
		puts("ashlar " ASHLAR_VERSION);
		return 0;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))
		return help_main_verb(&a, argv + 2);
	verb = verb_find(&a, argv[1], &e);
	if (!verb)
		return usage_error(&e);
	return verb_main(&a, verb, argv + 2);
}
