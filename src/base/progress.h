/* SPDX-License-Identifier: MIT */
/* progress.h - what is going on: bars on a terminal, plain lines in a pipe, one JSON event a line
 * with --json. */
#pragma once

#include <stdbool.h>

#include "base/str.h"

enum progress_mode { PROGRESS_QUIET, PROGRESS_PLAIN, PROGRESS_TERMINAL, PROGRESS_JSON };

enum { PROGRESS_STAGES_MAX = 16 };

/* One stage of the work; begun, advanced and ended from any thread. Stages may overlap. */
struct progress_stage {
	char name[24], unit[12];
	uint64_t done, total;
	double start_sec, spent_sec;
	/* Its share where stages overlap or lie within each other: time counts for the one that
	 * began last. So the sum over all stages is the time in which there was one. Of all threads
	 * together: */
	double own_sec, own_processor_sec;
	bool running, ended;
};

struct progress; /* opaque */

/* Writes to standard error, except JSON events, which go to standard output. */
struct progress *progress_new(enum progress_mode mode);
void progress_free(struct progress *p);

/* Returns the stage's number: that of an ended one of the same name, if there is one. @unit: "B"
 * shows sizes, anything else counts things ("packages").
 * @total 0: unknown. */
unsigned progress_begin(struct progress *p, const char *name, const char *unit, uint64_t total);
void progress_add(struct progress *p, unsigned stage, uint64_t n);
void progress_end(struct progress *p, unsigned stage);
/* A sentence worth knowing at once, such as a retry: printed above the bars. */
void progress_note(struct progress *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Stages so far, in the order they began, for summaries. */
unsigned progress_stages(struct progress *p, struct progress_stage ret[PROGRESS_STAGES_MAX]);

/* Seconds on a clock that only goes forward. For durations shown to people, never for output
 * bytes. */
double clock_sec(void);
