/* SPDX-License-Identifier: MIT */
/* thread_pool.h - work on several threads, with results that do not depend on how many. */
#pragma once

#include "base/arena.h"
#include "base/err.h"

/* One task, which gives itself a name in traces (trace.h). @a is the worker's own arena: it lives
 * until pool_end(), so results may stay in it. Returns 0 or a negative errno with *e set. */
typedef int (*thread_pool_task)(void *arg, struct arena *a, struct err *e);

struct thread_pool;

/* @n_threads workers; 1 runs every task inside thread_pool_wait(), in the order of submission, for
 * debugging. */
struct thread_pool *thread_pool_new(unsigned n_threads);
/* Tasks may be submitted from any thread, also from a task. Started in order of submission. */
void thread_pool_submit(struct thread_pool *p, thread_pool_task task, void *arg);
/* Waits until all is done. After a failure, tasks not yet started are dropped. Returns the error of
 * the failed task that was submitted first, so one thread and many report the same when tasks do
 * not depend on each other. */
must_check int thread_pool_wait(struct thread_pool *p, struct err *e);
/* Not called thread_pool_free(): libsolv exports that name, and its own would be replaced by
 * ours. */
void pool_end(struct thread_pool *p);

/* for (i = 0; i < n; i++) body(arg, i, ...) on @n_threads threads. */
typedef int (*thread_pool_body)(void *arg, size_t i, struct err *e);
must_check int thread_pool_for(unsigned n_threads, size_t n, thread_pool_body body, void *arg,
			       struct err *e);
