/* SPDX-License-Identifier: MIT */
#include "base/proc.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"

enum { OUTPUT_BYTES_MAX = 16 << 20 };

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

int proc_run(struct arena *a, const char *const *argv, struct str input, const char *package,
	     struct proc_result *ret, struct err *e)
{
	struct stream out = { -1, { .a = a } }, err = { -1, { .a = a } };
	int p[3][2] = { { -1, -1 }, { -1, -1 }, { -1, -1 } };
	posix_spawn_file_actions_t actions;
	int r = 0, status = 0;
	pid_t pid;

	for (int i = 0; i < 3; i++)
		if (pipe2(p[i], O_CLOEXEC) < 0)
			return err_sys(e, "pipe");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, p[0][0], 0);
	posix_spawn_file_actions_adddup2(&actions, p[1][1], 1);
	posix_spawn_file_actions_adddup2(&actions, p[2][1], 2);
	/* a blocking write larger than the pipe would wait for a program that waits for us */
	fcntl(p[0][1], F_SETFL, O_NONBLOCK);
	errno = posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)argv, environment(a));
	if (errno != 0) {
		r = err_sys(e, "run '%s'", argv[0]);
		if (package && r == -ENOENT)
			r = err_set(e, r, "'%s' is not installed: it is in Debian's package '%s'",
				    argv[0], package);
	}
	posix_spawn_file_actions_destroy(&actions);
	close_p(&p[0][0]);
	close_p(&p[1][1]);
	close_p(&p[2][1]);
	out.fd = p[1][0];
	err.fd = p[2][0];
	if (r < 0) {
		close_p(&p[0][1]);
	} else {
		int c = converse(p[0][1], input, &out, &err);

		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		if (c < 0) {
			errno = -c;
			r = err_sys(e, "talk to '%s'", argv[0]);
		}
	}
	close_p(&out.fd);
	close_p(&err.fd);
	if (r < 0)
		return r;
	*ret = (struct proc_result){
		.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
		.out = { (char *)out.b.v.p, out.b.v.n },
		.err = { (char *)err.b.v.p, err.b.v.n },
	};
	return 0;
}
