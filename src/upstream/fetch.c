/* SPDX-License-Identifier: MIT */
#include "upstream/fetch.h"

#include "base/url.h"

#include <curl/curl.h>
#include <pthread.h>

enum { HTTP_NOT_MODIFIED = 304, HTTP_UNAUTHORIZED = 401 };

struct job {
	struct fetch *fetch;
	struct str url; /* now: where a redirection led */
	CURL *curl;     /* while it runs */
	struct curl_slist *headers;
	char reason[CURL_ERROR_SIZE];
	struct err err; /* of the sink */
	int rc;         /* of the sink */
	unsigned tries, redirects;
	double first_sec; /* when the first try began */
	double start_sec; /* not before */
	bool done, other; /* @other: it is fetch->other_url's turn */
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
	long status = 0;

	curl_easy_getinfo(j->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status >= 300 && status < 400)
		return size * n; /* words about where else it is */
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

static void auth_set(struct run *r, CURL *c, struct str url, CURLoption user, CURLoption password)
{
	const struct auth *auth = auth_find(&r->apt->auth, url);

	if (!auth)
		return;
	curl_easy_setopt(c, user, str_z(r->a, auth->login));
	curl_easy_setopt(c, password, str_z(r->a, auth->password));
}

static void proxy_set(struct run *r, struct job *j)
{
	struct str proxy = apt_conf_proxy(r->a, r->apt, j->url);

	/* To libcurl, NULL means the environment's proxy and "" none. */
	if (str_eqz(proxy, "DIRECT"))
		proxy = STR("");
	else if (proxy.n == 0)
		return;
	curl_easy_setopt(j->curl, CURLOPT_PROXY, str_z(r->a, proxy));
	auth_set(r, j->curl, proxy, CURLOPT_PROXYUSERNAME, CURLOPT_PROXYPASSWORD);
}

static void certificates_set(struct run *r, struct job *j)
{
	static const struct {
		const char *name;
		CURLoption option;
	} options[] = {
		{ "CaInfo", CURLOPT_CAINFO },
		{ "SslCert", CURLOPT_SSLCERT },
		{ "SslKey", CURLOPT_SSLKEY },
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		struct str value = apt_conf_https(r->a, r->apt, options[i].name, j->url);

		if (value.n > 0)
			curl_easy_setopt(j->curl, options[i].option, str_z(r->a, value));
	}
}

static void limits_set(const struct job *j)
{
	uint64_t sec = (j->fetch->try_sec > 0 ? j->fetch->try_sec : FETCH_TRY_SEC) +
		       j->fetch->size_bytes / FETCH_BYTES_PER_SEC;

	curl_easy_setopt(j->curl, CURLOPT_CONNECTTIMEOUT, (long)FETCH_CONNECT_SEC);
	curl_easy_setopt(j->curl, CURLOPT_LOW_SPEED_LIMIT, (long)FETCH_SLOW_BYTES_PER_SEC);
	curl_easy_setopt(j->curl, CURLOPT_LOW_SPEED_TIME, (long)FETCH_SLOW_SEC);
	curl_easy_setopt(j->curl, CURLOPT_TIMEOUT, (long)(sec < INT32_MAX ? sec : INT32_MAX));
}

static void options_set(struct run *r, struct job *j)
{
	CURL *c = j->curl;

	curl_easy_setopt(c, CURLOPT_URL, str_z(r->a, j->url));
	curl_easy_setopt(c, CURLOPT_PRIVATE, j);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, j->reason);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, j);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "ashlar");
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https,file");
	/* Better to wait for a connection that can carry several than to open more. */
	curl_easy_setopt(c, CURLOPT_PIPEWAIT, 1L);
	limits_set(j);
	headers_set(r, j);
	proxy_set(r, j);
	auth_set(r, c, j->url, CURLOPT_USERNAME, CURLOPT_PASSWORD);
	certificates_set(r, j);
}

static int job_start(struct run *r, struct job *j, struct err *e)
{
	int rc = j->fetch->sink->begin(j->fetch->arg, e);

	if (rc < 0)
		return err_wrap(e, rc, "%.*s", STR_FMT(j->fetch->name));
	j->reason[0] = '\0';
	j->rc = 0;
	if (j->first_sec == 0)
		j->first_sec = clock_sec();
	if (j->redirects == 0)
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
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_OUT_OF_MEMORY:
		return false;
	default:
		return true;
	}
}

/* Whether the server says that it has no such file. Stores whose lists are secret answer 403. */
static bool not_there(CURLcode code, long status)
{
	if (code == CURLE_HTTP_RETURNED_ERROR)
		return status == 403 || status == 404 || status == 410;
	return code == CURLE_FILE_COULDNT_READ_FILE || code == CURLE_REMOTE_FILE_NOT_FOUND;
}

static void job_restart(struct job *j, struct str url)
{
	j->url = url;
	j->tries = j->redirects = 0;
	j->first_sec = j->start_sec = 0;
}

static bool job_may_go_on(const struct job *j)
{
	uint64_t sec = FETCH_ALL_TRIES_SEC + j->fetch->size_bytes / FETCH_BYTES_PER_SEC;

	/* What a disk holds will be the same in a second. */
	return j->tries < FETCH_TRIES && clock_sec() - j->first_sec < (double)sec &&
	       !str_starts(j->url, "file:");
}

/* The try failed with *cause: again later, or for good. */
static int job_failed(struct run *r, struct job *j, bool again, const char *cause, struct err *e)
{
	double delay_sec = r->first_delay_ms / 1000.0;

	if (!again || !job_may_go_on(j))
		return err_set(e, j->rc < 0 ? j->rc : -EIO, "%.*s: %.*s: %s (%u %s)%s",
			       STR_FMT(j->fetch->name), STR_FMT(url_shown(r->a, j->url)), cause,
			       j->tries, j->tries == 1 ? "try" : "tries",
			       again && j->rc == 0
				       ? "; is the mirror reachable, or is a proxy needed?"
				       : "");
	for (unsigned i = 1; i < j->tries; i++)
		delay_sec *= FETCH_DELAY_FACTOR;
	j->start_sec = clock_sec() + delay_sec;
	j->redirects = 0;
	j->url = j->other ? j->fetch->other_url : j->fetch->url;
	progress_note(r->progress, "%.*s: %s; trying again in %.1f s", STR_FMT(j->fetch->name),
		      cause, delay_sec);
	return 0;
}

/* What is not there may be elsewhere, or not be needed. */
static int job_missed(struct run *r, struct job *j, const char *cause, struct err *e)
{
	struct fetch *f = j->fetch;

	if (!j->other && f->other_url.n > 0) {
		j->other = true;
		job_restart(j, f->other_url);
		return 0;
	}
	if (!f->may_miss)
		return job_failed(r, j, false, cause, e);
	f->missing = true;
	f->missing_why = str_printf(r->a, "%.*s: %s", STR_FMT(url_shown(r->a, j->url)), cause);
	j->done = true;
	r->n_done++;
	return 0;
}

static bool redirect_allowed(struct str from, struct str to)
{
	return str_starts(to, "https://") ||
	       (str_starts(to, "http://") && !str_starts(from, "https:"));
}

static int job_redirected(struct run *r, struct job *j, long status, struct str to, struct err *e)
{
	const char *cause;

	if (to.n == 0)
		cause = str_z(
			r->a,
			str_printf(r->a,
				   "the server answers with status %ld, but not with another place",
				   status));
	else if (++j->redirects > FETCH_REDIRECTS_MAX)
		cause = "more redirections than 10; do they lead in a circle?";
	else if (!redirect_allowed(j->url, to))
		cause = str_z(r->a, str_printf(r->a, "the server leads to '%.*s'; want https%s",
					       STR_FMT(url_shown(r->a, to)),
					       str_starts(j->url, "https:") ? "" : " or http"));
	else
		cause = NULL;
	if (cause)
		return job_failed(r, j, false, cause, e);
	j->url = to;
	return 0;
}

/* How to come by what the server wants to see first. */
static const char *login_hint(struct run *r, const struct job *j)
{
	struct url u;

	if (auth_find(&r->apt->auth, j->url))
		return "the server answers with status 401: it does not take the login that it was given";
	if (r->apt->auth_unread.n > 0)
		return str_z(
			r->a,
			str_printf(
				r->a,
				"the server answers with status 401: it wants a login; there is '%.*s', "
				"which you may not read",
				STR_FMT(r->apt->auth_unread)));
	if (!url_parse(j->url, &u))
		return "the server answers with status 401";
	return str_z(
		r->a,
		str_printf(
			r->a,
			"the server answers with status 401: it wants a login; name it in a file of "
			"/etc/apt/auth.conf.d, 'machine %.*s://%.*s login NAME password WORD'",
			STR_FMT(u.scheme), STR_FMT(u.place)));
}

static const char *cause_of(struct run *r, struct job *j, CURLcode code, long status)
{
	if (code == CURLE_HTTP_RETURNED_ERROR && status == HTTP_UNAUTHORIZED)
		return login_hint(r, j);
	if (code == CURLE_HTTP_RETURNED_ERROR)
		snprintf(j->reason, sizeof(j->reason), "the server answers with status %ld",
			 status);
	return j->reason[0] ? j->reason : curl_easy_strerror(code);
}

static int job_succeeded(struct run *r, struct job *j, struct err *e)
{
	struct fetch *f = j->fetch;

	if (!f->unchanged)
		j->rc = f->sink->end(f->arg, &j->err);
	/* Not of a body that was refused: the next try would be told that nothing has changed
	 * since. */
	if (!f->unchanged && j->rc >= 0) {
		f->etag = header_get(r, j->curl, "ETag");
		f->modified = header_get(r, j->curl, "Last-Modified");
	}
	job_stop(r, j);
	if (j->rc < 0)
		return job_failed(r, j, j->rc == -EBADMSG, j->err.msg, e);
	j->done = true;
	r->n_done++;
	return 0;
}

static int job_ended(struct run *r, struct job *j, CURLcode code, struct err *e)
{
	char *to = NULL;
	long status = 0;

	curl_easy_getinfo(j->curl, CURLINFO_RESPONSE_CODE, &status);
	j->fetch->unchanged = code == CURLE_OK && status == HTTP_NOT_MODIFIED && j->headers;
	if (code == CURLE_OK && (status < 300 || status >= 400 || j->fetch->unchanged))
		return job_succeeded(r, j, e);
	curl_easy_getinfo(j->curl, CURLINFO_REDIRECT_URL, &to);
	to = str_z(r->a, str_c(to));
	job_stop(r, j);
	if (code == CURLE_OK)
		return job_redirected(r, j, status, str_c(to), e);
	if (j->rc < 0)
		return job_failed(r, j, j->rc == -EBADMSG, j->err.msg, e);
	if (not_there(code, status))
		return job_missed(r, j, cause_of(r, j, code, status), e);
	return job_failed(r, j, may_pass(code, status), cause_of(r, j, code, status), e);
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
		size_t n_active = r->n_active;

		if (rc < 0)
			return rc;
		if (curl_multi_perform(r->multi, &running) != CURLM_OK)
			return err_set(e, -EIO, "libcurl: cannot go on with the transfers");
		rc = messages_read(r, e);
		if (rc < 0)
			return rc;
		/* one that ended may have to begin again at once */
		if (n_active == r->n_active && running == (int)n_active && r->n_done < r->n &&
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
		r.jobs[i] = (struct job){ .fetch = items[i], .url = items[i]->url };
	r.multi = curl_multi_init();
	if (!r.multi)
		return err_set(e, -ENOMEM, "libcurl: out of memory");
	rc = run_all(&r, e);
	for (size_t i = 0; i < n; i++)
		job_stop(&r, &r.jobs[i]);
	curl_multi_cleanup(r.multi);
	return rc;
}
