/* SPDX-License-Identifier: MIT */
#include "agent/init/ask.h"

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"

enum { ACTIVE_BYTES_MAX = 4096 };

void consoles_open(struct arena *a, struct consoles *ret)
{
	struct consoles c = { 0 };
	struct err ignored;
	struct str names;

	if (file_read(a, "/sys/class/tty/console/active", ACTIVE_BYTES_MAX, &names, &ignored) < 0)
		names = STR("console");
	names = str_trim(names);
	while (names.n > 0 && c.n < ASK_CONSOLES_MAX) {
		const char *path = path_join(a, "/dev", str_z(a, str_cut(&names, ' ')));
		int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

		if (fd >= 0)
			c.fds[c.n++] = fd;
	}
	*ret = c;
}

void consoles_close(struct consoles *c)
{
	while (c->n > 0)
		close_p(&c->fds[--c->n]);
}

/* A console that cannot keep up loses text rather than stopping the boot. */
void consoles_say(const struct consoles *c, struct str text)
{
	for (size_t i = 0; i < c->n; i++) {
		struct str left = text;

		while (left.n > 0) {
			struct pollfd p = { c->fds[i], POLLOUT, 0 };
			ssize_t n = poll(&p, 1, 1000) > 0 ? write(c->fds[i], left.p, left.n) : 0;

			if (n <= 0)
				break;
			left = str_from(left, (size_t)n);
		}
	}
}

/* Whole lines, so that the kernel takes care of the backspace key; without echo but for the line's
 * end. What is no terminal has no echo. */
static void hide(const struct consoles *c, struct termios old[ASK_CONSOLES_MAX])
{
	for (size_t i = 0; i < c->n; i++) {
		struct termios t;

		if (tcgetattr(c->fds[i], &old[i]) < 0)
			continue;
		t = old[i];
		t.c_iflag |= ICRNL;
		t.c_lflag |= ICANON | ECHONL;
		t.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
		(void)tcsetattr(c->fds[i], TCSAFLUSH, &t);
	}
}

/* A terminal has its speed in c_cflag, so nothing there means that there was nothing to keep. */
static void show(const struct consoles *c, const struct termios old[ASK_CONSOLES_MAX])
{
	for (size_t i = 0; i < c->n; i++)
		if (old[i].c_cflag != 0)
			(void)tcsetattr(c->fds[i], TCSADRAIN, &old[i]);
}

/* One that hangs up is not listened to any more. */
static int line_read(const struct consoles *c, unsigned timeout_sec, char ret[ASK_SECRET_BYTES_MAX],
		     struct str *ret_line, struct err *e)
{
	struct pollfd fds[ASK_CONSOLES_MAX];
	size_t left = c->n;

	for (size_t i = 0; i < c->n; i++)
		fds[i] = (struct pollfd){ c->fds[i], POLLIN, 0 };
	while (left > 0) {
		if (poll(fds, c->n, timeout_sec > 0 ? (int)timeout_sec * 1000 : -1) <= 0)
			return err_set(e, -ETIMEDOUT, "nobody answered at the console in %u s",
				       timeout_sec);
		for (size_t i = 0; i < c->n; i++) {
			ssize_t n = fds[i].revents ? read(fds[i].fd, ret, ASK_SECRET_BYTES_MAX) : 0;

			if (n > 0) {
				*ret_line = str_trim((struct str){ ret, (size_t)n });
				return 0;
			}
			if (fds[i].revents) {
				fds[i].fd = -1;
				left--;
			}
		}
	}
	return err_set(e, -EIO, "no console can be read");
}

int consoles_ask(const struct consoles *c, struct str prompt, unsigned timeout_sec,
		 char ret[ASK_SECRET_BYTES_MAX], struct str *ret_line, struct err *e)
{
	struct termios old[ASK_CONSOLES_MAX] = { 0 };
	int r;

	if (c->n == 0)
		return err_set(e, -ENXIO, "there is no console to ask at");
	hide(c, old);
	consoles_say(c, prompt);
	r = line_read(c, timeout_sec, ret, ret_line, e);
	show(c, old);
	return r;
}
