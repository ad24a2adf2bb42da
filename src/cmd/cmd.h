/* SPDX-License-Identifier: MIT */
/* cmd.h - verbs and their options: one table each, from which parsing, --help, man pages and
 * completion come. */
#pragma once

#include <stddef.h>

#include "base/arch.h"
#include "base/io.h"
#include "base/progress.h"
#include "base/str.h"
#include "base/trace.h"

enum option_type { OPTION_FLAG, OPTION_TEXT, OPTION_NUMBER, OPTION_SIZE };

struct option_def {
	const char *name; /* without "--" */
	char letter;      /* or 0 */
	enum option_type type;
	const char *arg;  /* "DIR"; NULL for flags */
	const char *help; /* one line */
	size_t offset; /* of a bool, const char * or uint64_t (sizes: bytes) in the options struct
			*/
	bool shared;   /* also settable by ASHLAR_NAME */
};

/* What every verb shares; the first member of each verb's options struct. */
struct common_options {
	const char *out, *cache, *keys, *distro, *arch_name;
	const struct arch *arch;
	uint64_t jobs;
	bool json, quiet, help;
	bool timings; /* only of verbs that have the option, as is .trace */
	const char *trace;
	struct progress *progress; /* made by main() */
};

struct verb {
	const char *name;
	const char *args;        /* "IMAGE [-- COMMAND ...]" */
	const char *help;        /* one line */
	const char *description; /* paragraphs for the man page, separated by empty lines */
	const char *example;     /* a command line and what it does */
	const struct option_def *options; /* own ones, ended by a NULL name */
	size_t options_size;
	int min_args, max_args; /* max -1: any number */
	/* NULL, or: whether these options go together; else *e says what is wrong with the usage.
	 */
	int (*check)(const void *options, char **args, struct err *e);
	/* @args: what is no option, NULL-terminated. Returns 0, or a negative errno with *e set; a
	 * positive number is the exit status of something that was run on the user's behalf. */
	int (*run)(struct arena *a, void *options, char **args, struct err *e);
	/* where 1 means something else than that the work failed: what then says that, and all of
	 * it for the man page */
	int failed_status;
	const char *exit_status;
};

/* Where the time goes: for verbs whose options have TIMINGS_OPTIONS. */
#define TIMINGS_OPTIONS                                                                                 \
	{ "timings",                                                                                    \
	  0,                                                                                            \
	  OPTION_FLAG,                                                                                  \
	  NULL,                                                                                         \
	  "print where the time went, by stage and by thread",                                          \
	  offsetof(struct common_options, timings),                                                     \
	  false },                                                                                      \
	{                                                                                               \
		"trace", 0, OPTION_TEXT, "FILE",                                                        \
			"write when each thread did what, for Perfetto or chrome://tracing, into FILE", \
			offsetof(struct common_options, trace), false                                   \
	}

struct timings {
	int fd; /* of .temp, which becomes the trace */
	char *temp;
};

/* Before the work. A trace that could not be written is an error now. */
must_check int timings_begin(struct arena *a, const struct common_options *o, struct timings *ret,
			     struct err *e);
/* After it, also when it failed. Frees @o->progress. */
must_check int timings_end(struct arena *a, const struct common_options *o, struct timings *t,
			   struct err *e);

struct image_options;
/* The shared options in the form that image/ takes. */
struct image_options image_options(const struct common_options *c, const char *name);

extern const struct verb verb_build, verb_cache, verb_diff, verb_explain, verb_key, verb_run,
	verb_sign, verb_verify;
extern const struct verb *const verbs[]; /* ended by NULL */
/* NULL with *e set when there is none of that name. */
const struct verb *verb_find(struct arena *a, const char *name, struct err *e);
extern const struct option_def common_option_defs[];

/* One of several things that a verb does, named by its first argument: "ashlar key rotate KEY". */
struct action {
	const char *name, *args; /* "rotate", " KEY" */
	int n_args;
	bool takes_options; /* the verb's own */
	int (*run)(struct arena *a, const void *options, char **args, struct err *e);
};

/* Runs the one of @actions (ended by a NULL name) that args[0] names. @options_given: NULL, or the
 * names of the verb's own options, of which at least one was given. */
must_check int action_run(struct arena *a, const char *verb, const struct action *actions,
			  const void *options, const char *options_given, char **args,
			  struct err *e);

/* Parses argv[1..] after the verb's name into @options (zeroed, of verb->options_size). *ret_args
 * in @a. -EINVAL with a sentence on wrong usage. */
must_check int options_parse(struct arena *a, const struct verb *verb, char **argv, void *options,
			     char ***ret_args, struct err *e);
/* Text of --help, of the man page (roff, section 1), and of bash completion. */
struct str help_main(struct arena *a);
struct str help_verb(struct arena *a, const struct verb *verb);
struct str man_main(struct arena *a, const char *version);
struct str man_verb(struct arena *a, const struct verb *verb, const char *version);
struct str completion_bash(struct arena *a);
