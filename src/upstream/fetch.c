/* SPDX-License-Identifier: MIT */
#include "upstream/fetch.h"

#include <curl/curl.h>
#include <pthread.h>

/* A connection that gives less than this is dead. */
enum { CONNECT_SEC = 20, SLOW_BYTES_PER_SEC = 200, SLOW_SEC = 30, REDIRECTS_MAX = 5 };

struct job {
	struct fetch *fetch;
	CURL *curl; /* while it runs */
	struct curl_slist *headers;
	char reason[CURL_ERROR_SIZE];
	struct err err; /* of the sink */
	int rc;         /* of the sink */
	unsigned tries;
	double start_sec; /* not before */
	bool done;
};

struct run {
	struct arena *a;
	struct job *jobs;
	size_t n, n_done, n_active;
	unsigned first_delay_ms;
	struct progress *progress;
	const struct apt_conf *apt;
	CURLM *multi;
};

static void library_init(void)
{
	/* Its only failure is want of memory, which curl_easy_init() reports again. */
	(void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

static size_t on_data(char *p, size_t size, size_t n, void *arg)
{
	struct job *j = arg;

	j->rc = j->fetch->sink->data(j->fetch->arg, p, size * n, &j->err);
	return j->rc < 0 ? 0 : size * n;
}

static void headers_set(struct run *r, struct job *j)
{
	struct fetch *f = j->fetch;

	if (f->etag.n > 0)
		j->headers = curl_slist_append(j->headers,
					       str_z(r->a, str_printf(r->a, "If-None-Match: %.*s",
								      STR_FMT(f->etag))));
	if (f->modified.n > 0)
		j->headers =
			curl_slist_append(j->headers,
					  str_z(r->a, str_printf(r->a, "If-Modified-Since: %.*s",
								 STR_FMT(f->modified))));
	curl_easy_setopt(j->curl, CURLOPT_HTTPHEADER, j->headers);
}

static void proxy_set(struct run *r, struct job *j)
{
	struct str proxy = apt_conf_proxy(r->a, r->apt, j->fetch->url);

	/* To libcurl, NULL means the environment's proxy and "" none. */
	if (str_eqz(proxy, "DIRECT"))
		curl_easy_setopt(j->curl, CURLOPT_PROXY, "");
	else if (proxy.n > 0)
		curl_easy_setopt(j->curl, CURLOPT_PROXY, str_z(r->a, proxy));
}

static void options_set(struct run *r, struct job *j)
{
	CURL *c = j->curl;

	curl_easy_setopt(c, CURLOPT_URL, str_z(r->a, j->fetch->url));
	curl_easy_setopt(c, CURLOPT_PRIVATE, j);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, j->reason);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, j);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "ashlar");
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(c, CURLOPT_MAXREDIRS, (long)REDIRECTS_MAX);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https,file");
	curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SEC);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, (long)SLOW_BYTES_PER_SEC);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)SLOW_SEC);
	/* Better to wait for a connection that can carry several than to open more. */
	curl_easy_setopt(c, CURLOPT_PIPEWAIT, 1L);
	headers_set(r, j);
	proxy_set(r, j);
}

static int job_start(struct run *r, struct job *j, struct err *e)
{
	int rc = j->fetch->sink->begin(j->fetch->arg, e);

	if (rc < 0)
		return err_wrap(e, rc, "%.*s", STR_FMT(j->fetch->name));
	j->reason[0] = '\0';
	j->rc = 0;
	j->tries++;
	j->curl = curl_easy_init();
	if (!j->curl)
		return err_set(e, -ENOMEM, "libcurl: out of memory");
	options_set(r, j);
	if (curl_multi_add_handle(r->multi, j->curl) != CURLM_OK)
		return err_set(e, -ENOMEM, "libcurl: cannot start a transfer");
	r->n_active++;
	return 0;
}

static void job_stop(struct run *r, struct job *j)
{
	if (!j->curl)
		return;
	curl_multi_remove_handle(r->multi, j->curl);
	curl_easy_cleanup(j->curl);
	curl_slist_free_all(j->headers);
	j->curl = NULL;
	j->headers = NULL;
	r->n_active--;
}

static struct str header_get(struct run *r, CURL *c, const char *name)
{
	struct curl_header *h;

	if (curl_easy_header(c, name, 0, CURLH_HEADER, -1, &h) != CURLHE_OK)
		return (struct str){ 0 };
	return str_dup(r->a, str_c(h->value));
}

/* Whether the same request may fare better soon. */
static bool may_pass(CURLcode code, long status)
{
	switch (code) {
	case CURLE_HTTP_RETURNED_ERROR:
		return status >= 500 || status == 408 || status == 429;
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_URL_MALFORMAT:
	case CURLE_FILE_COULDNT_READ_FILE:
	case CURLE_REMOTE_FILE_NOT_FOUND:
	case CURLE_TOO_MANY_REDIRECTS:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_OUT_OF_MEMORY:
		return false;
	default:
		return true;
	}
}

/* The try failed with *cause: again later, or for good. */
static int job_failed(struct run *r, struct job *j, bool again, const char *cause, struct err *e)
{
	double delay_sec = r->first_delay_ms / 1000.0;

	/* What a disk holds will be the same in a second. */
	if (!again || j->tries >= FETCH_TRIES || str_starts(j->fetch->url, "file:"))
		return err_set(e, j->rc < 0 ? j->rc : -EIO, "%.*s: %.*s: %s (%u %s)%s",
			       STR_FMT(j->fetch->name), STR_FMT(j->fetch->url), cause, j->tries,
			       j->tries == 1 ? "try" : "tries",
			       again && j->rc == 0
				       ? "; is the mirror reachable, or is a proxy needed?"
				       : "");
	for (unsigned i = 1; i < j->tries; i++)
		delay_sec *= FETCH_DELAY_FACTOR;
	j->start_sec = clock_sec() + delay_sec;
	progress_note(r->progress, "%.*s: %s; trying again in %.1f s", STR_FMT(j->fetch->name),
		      cause, delay_sec);
	return 0;
}

static int job_ended(struct run *r, struct job *j, CURLcode code, struct err *e)
{
	struct fetch *f = j->fetch;
	long status = 0;

	curl_easy_getinfo(j->curl, CURLINFO_RESPONSE_CODE, &status);
	f->unchanged = status == 304 && j->headers;
	if (code == CURLE_OK && !f->unchanged)
		j->rc = f->sink->end(f->arg, &j->err);
	/* Not of a body that was refused: the next try would be told that nothing has changed
	 * since. */
	if (code == CURLE_OK && !f->unchanged && j->rc >= 0) {
		f->etag = header_get(r, j->curl, "ETag");
		f->modified = header_get(r, j->curl, "Last-Modified");
	}
	job_stop(r, j);
	if (j->rc < 0)
		return job_failed(r, j, j->rc == -EBADMSG, j->err.msg, e);
	if (code == CURLE_HTTP_RETURNED_ERROR)
		snprintf(j->reason, sizeof(j->reason), "the server answers with status %ld",
			 status);
	if (code != CURLE_OK)
		return job_failed(r, j, may_pass(code, status),
				  j->reason[0] ? j->reason : curl_easy_strerror(code), e);
	j->done = true;
	r->n_done++;
	return 0;
}

static int messages_read(struct run *r, struct err *e)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(r->multi, &left))) {
		char *private = NULL;
		int rc;

		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &private);
		rc = job_ended(r, (struct job *)(void *)private, msg->data.result, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Starts what may start; *ret_wait_ms: until the next pause is over. */
static int jobs_start(struct run *r, int *ret_wait_ms, struct err *e)
{
	double now = clock_sec(), wait_sec = 1;

	for (size_t i = 0; i < r->n && r->n_active < FETCH_PARALLEL; i++) {
		struct job *j = &r->jobs[i];
		int rc;

		if (j->done || j->curl)
			continue;
		if (j->start_sec > now) {
			wait_sec = j->start_sec - now < wait_sec ? j->start_sec - now : wait_sec;
			continue;
		}
		rc = job_start(r, j, e);
		if (rc < 0)
			return rc;
	}
	*ret_wait_ms = (int)(wait_sec * 1000) + 1;
	return 0;
}

static int run_all(struct run *r, struct err *e)
{
	while (r->n_done < r->n) {
		int running, wait_ms, rc = jobs_start(r, &wait_ms, e);

		if (rc < 0)
			return rc;
		if (curl_multi_perform(r->multi, &running) != CURLM_OK)
			return err_set(e, -EIO, "libcurl: cannot go on with the transfers");
		rc = messages_read(r, e);
		if (rc < 0)
			return rc;
		if (running == (int)r->n_active && r->n_done < r->n &&
		    curl_multi_poll(r->multi, NULL, 0, wait_ms, NULL) != CURLM_OK)
			return err_set(e, -EIO, "libcurl: cannot wait for the transfers");
	}
	return 0;
}

int fetch_all(struct arena *a, struct fetch *const *items, size_t n, unsigned first_delay_ms,
	      const struct apt_conf *apt, struct progress *progress, struct err *e)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct run r = {
		.a = a, .n = n, .first_delay_ms = first_delay_ms, .apt = apt, .progress = progress
	};
	int rc;

	if (n == 0)
		return 0;
	pthread_once(&once, library_init);
	r.jobs = arena_array(a, n, sizeof(*r.jobs));
	for (size_t i = 0; i < n; i++)
		r.jobs[i].fetch = items[i];
	r.multi = curl_multi_init();
	if (!r.multi)
		return err_set(e, -ENOMEM, "libcurl: out of memory");
	rc = run_all(&r, e);
	for (size_t i = 0; i < n; i++)
		job_stop(&r, &r.jobs[i]);
	curl_multi_cleanup(r.multi);
	return rc;
}
