/* SPDX-License-Identifier: MIT */
#include "base/thread_pool.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/trace.h"

struct task {
	struct task *next;
	thread_pool_task run;
	void *arg;
	uint64_t serial;
};

struct worker {
	pthread_t thread;
	struct thread_pool *pool;
	struct arena arena;
};

struct thread_pool {
	pthread_mutex_t lock;
	pthread_cond_t more, idle;
	struct task *head, **tail;
	unsigned running, n_workers;
	bool closing;
	uint64_t submitted, failed_serial;
	int failed;
	struct err err;
	struct arena tasks;
	struct worker *workers;
};

/* Called with the lock held; drops it while the task runs. */
static void run_one(struct thread_pool *p, struct arena *a)
{
	struct task *t = p->head;
	struct err *e;
	int r;

	p->head = t->next;
	if (!p->head)
		p->tail = &p->head;
	p->running++;
	e = malloc(sizeof(*e));
	if (!e)
		abort();
	e->msg[0] = '\0';
	pthread_mutex_unlock(&p->lock);
	r = t->run(t->arg, a, e);
	pthread_mutex_lock(&p->lock);
	p->running--;
	if (r < 0 && (!p->failed || t->serial < p->failed_serial)) {
		p->failed = r;
		p->failed_serial = t->serial;
		p->err = *e;
	}
	free(e);
	if (p->failed) {
		p->head = NULL;
		p->tail = &p->head;
	}
	if (p->running == 0 && !p->head)
		pthread_cond_broadcast(&p->idle);
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	struct thread_pool *p = w->pool;

	trace_thread_begin();
	pthread_mutex_lock(&p->lock);
	while (!p->closing) {
		if (p->head)
			run_one(p, &w->arena);
		else
			pthread_cond_wait(&p->more, &p->lock);
	}
	pthread_mutex_unlock(&p->lock);
	trace_thread_end();
	return NULL;
}

struct thread_pool *thread_pool_new(unsigned n_threads)
{
	struct thread_pool *p = calloc(1, sizeof(*p));

	if (!p)
		abort();
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->more, NULL);
	pthread_cond_init(&p->idle, NULL);
	p->tail = &p->head;
	p->workers = calloc(n_threads ? n_threads : 1, sizeof(*p->workers));
	if (!p->workers)
		abort();
	p->workers[0].pool = p;
	for (unsigned i = 0; n_threads > 1 && i < n_threads; i++) {
		p->workers[i].pool = p;
		if (pthread_create(&p->workers[i].thread, NULL, worker_main, &p->workers[i]) != 0)
			break; /* fewer threads, or none: thread_pool_wait() works too */
		p->n_workers++;
	}
	return p;
}

void thread_pool_submit(struct thread_pool *p, thread_pool_task task, void *arg)
{
	struct task *t;

	pthread_mutex_lock(&p->lock);
	if (!p->failed) {
		t = arena_new(&p->tasks, struct task);
		*t = (struct task){ .run = task, .arg = arg, .serial = p->submitted++ };
		*p->tail = t;
		p->tail = &t->next;
		pthread_cond_signal(&p->more);
	}
	pthread_mutex_unlock(&p->lock);
}

int thread_pool_wait(struct thread_pool *p, struct err *e)
{
	int r;

	pthread_mutex_lock(&p->lock);
	while (p->head || p->running > 0) {
		if (p->n_workers == 0 && p->head)
			run_one(p, &p->workers[0].arena);
		else
			pthread_cond_wait(&p->idle, &p->lock);
	}
	r = p->failed;
	if (r < 0)
		*e = p->err;
	p->failed = 0;
	pthread_mutex_unlock(&p->lock);
	return r;
}

void pool_end(struct thread_pool *p)
{
	unsigned n;

	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->closing = true;
	n = p->n_workers;
	pthread_cond_broadcast(&p->more);
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < n; i++)
		pthread_join(p->workers[i].thread, NULL);
	for (unsigned i = 0; i < (n ? n : 1); i++)
		arena_done(&p->workers[i].arena);
	arena_done(&p->tasks);
	free(p->workers);
	pthread_cond_destroy(&p->more);
	pthread_cond_destroy(&p->idle);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

struct for_item {
	thread_pool_body body;
	void *arg;
	size_t i;
};

static int for_task(void *arg, struct arena *a, struct err *e)
{
	struct for_item *item = arg;

	(void)a;
	return item->body(item->arg, item->i, e);
}

int thread_pool_for(unsigned n_threads, size_t n, thread_pool_body body, void *arg, struct err *e)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct for_item *items = arena_array(&a, n, sizeof(*items));
	struct thread_pool *p;
	int r;

	if (n_threads > n)
		n_threads = (unsigned)n;
	p = thread_pool_new(n_threads);
	for (size_t i = 0; i < n; i++) {
		items[i] = (struct for_item){ body, arg, i };
		thread_pool_submit(p, for_task, &items[i]);
	}
	r = thread_pool_wait(p, e);
	pool_end(p);
	return r;
}
