/* SPDX-License-Identifier: MIT */
#include "image/refresh.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/trace.h"

struct refresh {
	struct arena a; /* the thread's, until it is joined */
	const struct image_options *o;
	vec_conf_upstream upstreams;
	struct upstream_state *states;
	pthread_t thread;
	bool running;
	unsigned stage;
	int r;
	struct err err;
};

static void refresh_run(struct refresh *f)
{
	f->stage = progress_begin(f->o->progress, "refresh", "", 0);
	f->states = arena_array(&f->a, f->upstreams.n, sizeof(*f->states));
	f->r = upstream_refresh(&f->a, f->upstreams.p, f->upstreams.n, f->o->arch, f->o->cache,
				f->o->progress, f->states, &f->err);
	progress_end(f->o->progress, f->stage);
}

static void *refresh_thread(void *arg)
{
	trace_thread_begin();
	refresh_run(arg);
	trace_thread_end();
	return NULL;
}

struct refresh *refresh_begin(const struct image_options *o, const vec_conf_upstream *upstreams)
{
	struct refresh *f = calloc(1, sizeof(*f));

	if (!f)
		abort();
	f->o = o;
	f->upstreams = *upstreams;
	f->running = pthread_create(&f->thread, NULL, refresh_thread, f) == 0;
	if (!f->running)
		refresh_run(f);
	return f;
}

static void refresh_join(struct refresh *f)
{
	if (f->running)
		pthread_join(f->thread, NULL);
	f->running = false;
}

int refresh_wait(struct refresh *f, const struct upstream_state **ret, struct err *e)
{
	refresh_join(f);
	if (f->r < 0) {
		*e = f->err;
		return f->r;
	}
	*ret = f->states;
	return 0;
}

void refresh_end(struct refresh *f)
{
	if (!f)
		return;
	refresh_join(f);
	arena_done(&f->a);
	free(f);
}
