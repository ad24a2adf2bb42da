/* SPDX-License-Identifier: MIT */
/* What servers do, by a server on the loopback that does it. */
#include "upstream/fetch.h"

#include "base/test.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

/* One server under two ports, so that one can lead to the other: two hosts to whoever keeps
 * passwords. /auth tells what Authorization came. */
static const char program[] =
	"import base64, http.server, threading, time\n"
	"class H(http.server.BaseHTTPRequestHandler):\n"
	"    def log_message(s, *a): pass\n"
	"    def say(s, status, body=b'', **headers):\n"
	"        s.send_response(status)\n"
	"        for k, v in headers.items(): s.send_header(k, v)\n"
	"        s.send_header('Content-Length', str(len(body))); s.end_headers(); s.wfile.write(body)\n"
	"    def lead(s, to, status=302): s.say(status, b'not this', Location=to)\n"
	"    def do_GET(s):\n"
	"        a = s.headers.get('Authorization', 'Basic ')\n"
	"        p = s.path.split('/')\n"
	"        if p[1] == 'auth': s.say(200, base64.b64decode(a[6:]))\n"
	"        elif p[1] == 'private':\n"
	"            s.say(200, b'hello') if base64.b64decode(a[6:]) == b'me:s3cret' else s.say(401)\n"
	"        elif p[1] == 'hop':\n"
	"            n = int(p[2]); s.lead(f'/hop/{n-1}', [301, 302, 307, 308][n % 4]) if n else s.say(200, b'hello')\n"
	"        elif p[1] == 'leave': s.lead(f'http://127.0.0.1:{ports[1]}/auth')\n"
	"        elif p[1] == 'file': s.lead('file:///etc/passwd')\n"
	"        elif p[1] == 'nowhere': s.say(302)\n"
	"        elif p[1] == 'status': s.say(int(p[2]))\n"
	"        elif p[1] == 'drip':\n"
	"            s.send_response(200); s.end_headers()\n"
	"            for i in range(100): s.wfile.write(b'x'); s.wfile.flush(); time.sleep(.1)\n"
	"        else: s.say(200, s.path.encode())\n"
	"servers = [http.server.ThreadingHTTPServer(('127.0.0.1', 0), H) for i in range(2)]\n"
	"ports = [s.server_port for s in servers]\n"
	"print(*ports, flush=True)\n"
	"threading.Thread(target=servers[1].serve_forever, daemon=True).start()\n"
	"servers[0].serve_forever()\n";

static unsigned ports[2];
static pid_t server;
static struct progress *quiet;

static int setup(void **state)
{
	char line[64] = { 0 };
	int out[2];
	FILE *f;

	(void)state;
	/* The loopback is nobody's proxy's business. */
	setenv("no_proxy", "127.0.0.1", 1);
	quiet = progress_new(PROGRESS_QUIET);
	if (pipe(out) < 0)
		return -1;
	server = fork();
	if (server == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(out[1], 1);
		if (!freopen("/dev/null", "w", stderr))
			_exit(1);
		execlp("python3", "python3", "-c", program, NULL);
		_exit(1);
	}
	close(out[1]);
	f = fdopen(out[0], "r");
	if (!fgets(line, sizeof(line), f) || sscanf(line, "%u %u", &ports[0], &ports[1]) != 2)
		return -1;
	fclose(f);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	kill(server, SIGTERM);
	waitpid(server, NULL, 0);
	progress_free(quiet);
	return 0;
}

static int got_begin(void *arg, struct err *e)
{
	struct buf *b = arg;

	(void)e;
	b->v.n = 0;
	return 0;
}

static int got_data(void *arg, const void *p, size_t n, struct err *e)
{
	(void)e;
	buf_put(arg, p, n);
	return 0;
}

static int got_end(void *arg, struct err *e)
{
	(void)arg;
	(void)e;
	return 0;
}

static const struct fetch_sink sink = { got_begin, got_data, got_end };

/* One file, with what is in @f but the sink. */
static int get(struct arena *a, struct fetch *f, const struct apt_conf *apt, struct str *ret,
	       struct err *e)
{
	struct buf got = { .a = a };
	struct fetch *all[] = { f };
	int rc;

	f->name = STR("it");
	f->sink = &sink;
	f->arg = &got;
	rc = fetch_all(a, all, 1, 1, apt, quiet, e);
	*ret = (struct str){ (const char *)got.v.p, got.v.n };
	return rc;
}

static struct str url(struct arena *a, const char *user, unsigned port, const char *path)
{
	return str_printf(a, "http://%s127.0.0.1:%u%s", user, ports[port], path);
}

static void test_redirects(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct apt_conf apt = { 0 };
	struct fetch f = { 0 };
	struct str got;
	struct err e;

	(void)state;
	f.url = url(&a, "", 0, "/hop/10");
	assert_ok(get(&a, &f, &apt, &got, &e), &e);
	assert_str(got, "hello");
	f.url = url(&a, "", 0, "/hop/11");
	assert_err(get(&a, &f, &apt, &got, &e), &e,
		   "/hop/1: more redirections than 10; do they lead in a circle? (1 try)");
	f.url = url(&a, "", 0, "/file");
	assert_err(get(&a, &f, &apt, &got, &e), &e,
		   "the server leads to 'file:///etc/passwd'; want https or http (1 try)");
	f.url = url(&a, "", 0, "/nowhere");
	assert_err(get(&a, &f, &apt, &got, &e), &e,
		   "the server answers with status 302, but not with another place");
}

static void test_missing(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct apt_conf apt = { 0 };
	struct fetch f = { 0 };
	struct str got;
	struct err e;

	(void)state;
	f.url = url(&a, "", 0, "/status/404");
	f.other_url = url(&a, "", 0, "/other");
	assert_ok(get(&a, &f, &apt, &got, &e), &e);
	assert_str(got, "/other");
	f.other_url = url(&a, "", 0, "/status/410");
	assert_err(get(&a, &f, &apt, &got, &e), &e,
		   "/status/410: the server answers with status 410 (1 try)");
	f.may_miss = true;
	assert_ok(get(&a, &f, &apt, &got, &e), &e);
	assert_true(f.missing);
	assert_true(str_ends(f.missing_why, "/status/410: the server answers with status 410"));
	/* what may pass is no answer */
	f = (struct fetch){ .url = url(&a, "", 0, "/status/503"),
			    .other_url = url(&a, "", 0, "/other"),
			    .may_miss = true };
	assert_err(get(&a, &f, &apt, &got, &e), &e, "status 503 (4 tries)");
	f = (struct fetch){ .url = STR("file:///nonexistent/a"),
			    .other_url = STR("file:///dev/null") };
	assert_ok(get(&a, &f, &apt, &got, &e), &e);
}

static void test_login(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct apt_conf apt = { 0 };
	struct fetch f = { 0 };
	struct str got;
	struct err e;

	(void)state;
	f.url = url(&a, "", 0, "/private/x");
	assert_err(
		get(&a, &f, &apt, &got, &e), &e,
		"it wants a login; name it in a file of /etc/apt/auth.conf.d, 'machine http://127.0.0.1:");
	apt.auth_unread = STR("/etc/apt/auth.conf");
	assert_err(get(&a, &f, &apt, &got, &e), &e,
		   "it wants a login; there is '/etc/apt/auth.conf', which you may not read");
	auth_parse(&a,
		   str_printf(&a, "machine http://127.0.0.1:%u/private login me password s3cret",
			      ports[0]),
		   &apt.auth);
	assert_ok(get(&a, &f, &apt, &got, &e), &e);
	assert_str(got, "hello");
	apt.auth.p[0].password = STR("s4cret");
	assert_err(get(&a, &f, &apt, &got, &e), &e,
		   "it does not take the login that it was given (1 try)");
	assert_null(strstr(e.msg, "s4cret"));
}

/* A login goes where it belongs, not where a server leads. */
static void test_login_redirected(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct apt_conf apt = { 0 };
	struct fetch f = { 0 };
	struct str got;
	struct err e;

	(void)state;
	auth_parse(&a,
		   str_printf(&a, "machine http://127.0.0.1:%u login me password s3cret", ports[0]),
		   &apt.auth);
	f.url = url(&a, "", 0, "/auth");
	assert_ok(get(&a, &f, &apt, &got, &e), &e);
	assert_str(got, "me:s3cret");
	f.url = url(&a, "", 0, "/leave");
	assert_ok(get(&a, &f, &apt, &got, &e), &e);
	assert_str(got, "");
	auth_parse(&a,
		   str_printf(&a, "machine http://127.0.0.1:%u/auth login you password y",
			      ports[1]),
		   &apt.auth);
	assert_ok(get(&a, &f, &apt, &got, &e), &e);
	assert_str(got, "you:y");
	f.url = url(&a, "me:s3cret@", 0, "/status/500");
	assert_err(get(&a, &f, &apt, &got, &e), &e, "it: http://127.0.0.1:");
	assert_null(strstr(e.msg, "s3cret"));
}

static void test_slow(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct apt_conf apt = { 0 };
	struct fetch f = { .try_sec = 1 };
	struct str got;
	struct err e;

	(void)state;
	f.url = url(&a, "", 0, "/drip");
	assert_err(get(&a, &f, &apt, &got, &e), &e, "timed out after 1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_redirects), cmocka_unit_test(test_missing),
		cmocka_unit_test(test_login),     cmocka_unit_test(test_login_redirected),
		cmocka_unit_test(test_slow),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
