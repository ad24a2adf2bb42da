/* SPDX-License-Identifier: MIT */
#include "base/proc.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"

/* INR_OPEN_CUR of the kernel, which programs that call select() rely on */
enum { FILES_SOFT_DEFAULT = 1024 };

enum { OUTPUT_BYTES_MAX = 16 << 20, FDS_GIVEN_MAX = 8 };

struct stream {
	int fd;
	struct buf b;
};

static int drain(struct stream *s)
{
	uint8_t chunk[65536];
	ssize_t n = read(s->fd, chunk, sizeof(chunk));

	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -errno;
	if (n == 0)
		close_p(&s->fd);
	else if (s->b.v.n + (size_t)n <= OUTPUT_BYTES_MAX)
		buf_put(&s->b, chunk, (size_t)n);
	return 0;
}

/* Feeds the input and reads both outputs, whichever is ready, so that no pipe can fill and
 * block. */
static int converse(int in, struct str input, struct stream *out, struct stream *err)
{
	int r = 0;

	while (r == 0 && (out->fd >= 0 || err->fd >= 0)) {
		struct pollfd fds[3] = { { out->fd, POLLIN, 0 },
					 { err->fd, POLLIN, 0 },
					 { in, POLLOUT, 0 } };

		if (input.n == 0 && in >= 0)
			close_p(&in);
		fds[2].fd = in;
		if (poll(fds, 3, -1) < 0 && errno != EINTR)
			r = -errno;
		if (r == 0 && fds[0].revents)
			r = drain(out);
		if (r == 0 && fds[1].revents)
			r = drain(err);
		if (r == 0 && fds[2].revents) {
			ssize_t n = write(in, input.p, input.n);

			if (n > 0)
				input = str_from(input, (size_t)n);
			else if (errno != EINTR && errno != EAGAIN)
				input.n =
					0; /* the program does not want it: its status will tell */
		}
	}
	close_p(&in);
	return r;
}

static char **environment(struct arena *a)
{
	VEC(char *) env = { 0 };

	for (char **v = environ; *v; v++)
		if (strncmp(*v, "LC_", 3) != 0 && strncmp(*v, "LANG", 4) != 0)
			vec_push(a, &env) = *v;
	vec_push(a, &env) = (char *)"LC_ALL=C";
	vec_push(a, &env) = NULL;
	return env.p;
}

/* Pairs as pipe(2) gives them, of which the program gets one end each. */
struct pipes {
	int in[2], out[2], err[2];
};

static void pipes_close(struct pipes *p)
{
	for (int i = 0; i < 2; i++) {
		close_p(&p->in[i]);
		close_p(&p->out[i]);
		close_p(&p->err[i]);
	}
}

static int pipes_open(struct pipes *ret, struct err *e)
{
	struct pipes p = { { -1, -1 }, { -1, -1 }, { -1, -1 } };

	if (pipe2(p.in, O_CLOEXEC) < 0 || pipe2(p.out, O_CLOEXEC) < 0 ||
	    pipe2(p.err, O_CLOEXEC) < 0) {
		int r = err_sys(e, "pipe");

		pipes_close(&p);
		return r;
	}
	/* a blocking write larger than the pipe would wait for a program that waits for us */
	fcntl(p.in[1], F_SETFL, O_NONBLOCK);
	*ret = p;
	return 0;
}

/* What the program gets as descriptors 3, 4 and so on: copies whose numbers none of those has, so
 * that no dup2() hits one that is still to be moved. */
struct given {
	int fds[FDS_GIVEN_MAX];
	size_t n;
};

static void given_open(const int *fds, size_t n, struct given *ret)
{
	ret->n = n < FDS_GIVEN_MAX ? n : FDS_GIVEN_MAX;
	for (size_t i = 0; i < ret->n; i++)
		ret->fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, FDS_GIVEN_MAX + 3);
}

static void given_close(struct given *g)
{
	for (size_t i = 0; i < g->n; i++)
		close_p(&g->fds[i]);
}

void proc_files_default(pid_t pid)
{
	struct rlimit limit;

	if (prlimit(pid, RLIMIT_NOFILE, NULL, &limit) < 0 || limit.rlim_cur <= FILES_SOFT_DEFAULT)
		return;
	limit.rlim_cur = FILES_SOFT_DEFAULT;
	prlimit(pid, RLIMIT_NOFILE, &limit, NULL);
}

/* The program's ends are closed here, whatever comes of it. */
static int spawn(struct arena *a, const char *const *argv, const char *package, struct pipes *p,
		 const struct given *given, pid_t *ret, struct err *e)
{
	posix_spawn_file_actions_t actions;
	int r = 0;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, p->in[0], 0);
	posix_spawn_file_actions_adddup2(&actions, p->out[1], 1);
	posix_spawn_file_actions_adddup2(&actions, p->err[1], 2);
	for (size_t i = 0; i < given->n; i++)
		posix_spawn_file_actions_adddup2(&actions, given->fds[i], (int)i + 3);
	errno = posix_spawnp(ret, argv[0], &actions, NULL, (char *const *)argv, environment(a));
	if (errno != 0)
		r = err_sys(e, "run '%s'", argv[0]);
	else /* posix_spawn() has no way to say that before it runs */
		proc_files_default(*ret);
	if (package && r == -ENOENT)
		r = err_set(e, r, "'%s' is not installed: it is in Debian's package '%s'", argv[0],
			    package);
	posix_spawn_file_actions_destroy(&actions);
	close_p(&p->in[0]);
	close_p(&p->out[1]);
	close_p(&p->err[1]);
	return r;
}

/* The pipes are closed before the wait: where talking failed, the program may still want to. */
static int talk(const char *name, pid_t pid, struct pipes *p, struct str input, struct stream *out,
		struct stream *err, int *ret_status, struct err *e)
{
	int r = converse(p->in[1], input, out, err);

	p->in[1] = -1;
	close_p(&out->fd);
	close_p(&err->fd);
	while (waitpid(pid, ret_status, 0) < 0 && errno == EINTR)
		;
	if (r == 0)
		return 0;
	errno = -r;
	return err_sys(e, "talk to '%s'", name);
}

int proc_run(struct arena *a, const char *const *argv, struct str input, const char *package,
	     struct proc_result *ret, struct err *e)
{
	return proc_run_with(a, argv, input, NULL, 0, package, ret, e);
}

int proc_run_with(struct arena *a, const char *const *argv, struct str input, const int *fds,
		  size_t n_fds, const char *package, struct proc_result *ret, struct err *e)
{
	struct given given;
	struct stream out = { -1, { .a = a } }, err = { -1, { .a = a } };
	struct pipes p;
	int r = pipes_open(&p, e), status = 0;
	pid_t pid;

	if (r < 0)
		return r;
	given_open(fds, n_fds, &given);
	r = spawn(a, argv, package, &p, &given, &pid, e);
	given_close(&given);
	if (r < 0) {
		pipes_close(&p);
		return r;
	}
	out.fd = p.out[0];
	err.fd = p.err[0];
	r = talk(argv[0], pid, &p, input, &out, &err, &status, e);
	if (r < 0)
		return r;
	*ret = (struct proc_result){
		.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
		.out = { (char *)out.b.v.p, out.b.v.n },
		.err = { (char *)err.b.v.p, err.b.v.n },
	};
	return 0;
}
