/* SPDX-License-Identifier: MIT */
/* With programs in the place of ssh-keygen and ssh, which other tests use in a real machine. */
#include "vm/remote.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/progress.h"
#include "base/test.h"

static void program(struct arena *a, const char *dir, const char *name, const char *text)
{
	test_file_put(a, dir, name, str_printf(a, "#!/bin/sh\n%s\n", text));
	assert_int_equal(chmod(path_join(a, dir, name), 0755), 0);
}

/* A process that greets at @port as sshd does, and no more. */
static pid_t greeter(unsigned port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons((uint16_t)port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	pid_t pid;

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 5), 0);
	pid = fork();
	assert_true(pid >= 0);
	for (int i = 0; pid == 0 && i < 20; i++) {
		int to = accept(fd, NULL, NULL);

		(void)!write(to, "SSH-2.0-test\r\n", 14);
		close(to);
	}
	if (pid == 0)
		_exit(0);
	close(fd);
	return pid;
}

/* What comes of a command when ssh does what @ssh says; *ret_dir has what it left. */
static int command(struct arena *a, const char *ssh, const char **ret_dir, struct err *e)
{
	char *dir = test_dir(a), *path = getenv("PATH");
	struct remote remote;
	struct qemu q = { 0 };
	struct guest g;
	pid_t pid;
	int r, status;

	assert_int_equal(setenv("TMPDIR", dir, 1), 0);
	program(a, dir, "ssh-keygen", "echo private >\"$9\"; echo ssh-ed25519 AAAA >\"$9.pub\"");
	program(a, dir, "ssh", ssh);
	assert_int_equal(setenv("PATH", str_z(a, str_printf(a, "%s:%s", dir, path)), 1), 0);
	vec_push(a, &q.credentials) =
		(struct credential){ "ssh.authorized_keys.root", STR("ssh-ed25519 users\n") };
	assert_ok(remote_prepare(a, &q, NULL, &remote, e), e);
	assert_int_equal(q.credentials.n, 1);
	assert_str(q.credentials.p[0].value, "ssh-ed25519 users\nssh-ed25519 AAAA\n");
	pid = greeter(q.ssh_port);
	guest_init(a, &g);
	assert_ok(guest_channel(&g, CHANNEL_CONSOLE, &status, e), e);
	g.timeout_sec = 20;
	g.end_sec = clock_sec() + 20;
	assert_ok(remote_start(&remote, STR("the script"), &g, e), e);
	assert_int_equal(waitpid(g.remote, NULL, 0), g.remote);
	g.remote = 0;
	assert_int_equal(write(status, "login: ", 7), 7);
	r = guest_watch(a, &g, AWAIT_LOGIN, &status, e);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	guest_end(&g);
	remote_done(&remote);
	assert_int_equal(setenv("PATH", path, 1), 0);
	*ret_dir = dir;
	return r;
}

/* The second run has the key of the first, which is the one that the machine's state has. */
static void test_machine(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *path = getenv("PATH"), *dir = test_dir(&a), *machine = test_dir(&a);
	struct qemu first = { .ssh_port = 1 }, second = { .ssh_port = 1 };
	struct remote remote;
	struct err e = { 0 };
	struct stat st;

	(void)state;
	program(&a, dir, "ssh-keygen", "echo private >\"$9\"; echo ssh-ed25519 $$ >\"$9.pub\"");
	assert_int_equal(setenv("PATH", str_z(&a, str_printf(&a, "%s:%s", dir, path)), 1), 0);
	assert_ok(remote_prepare(&a, &first, machine, &remote, &e), &e);
	remote_done(&remote);
	assert_ok(remote_prepare(&a, &second, machine, &remote, &e), &e);
	remote_done(&remote);
	assert_int_equal(setenv("PATH", path, 1), 0);
	assert_true(str_eq(first.credentials.p[0].value, second.credentials.p[0].value));
	assert_int_equal(stat(path_join(&a, machine, "ssh-key"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void test_delivered(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct err e = { 0 };
	const char *dir;
	struct str text;

	(void)state;
	/* not at the first time */
	assert_ok(command(&a,
			  "cd \"${0%/*}\"\n[ -e tried ] || { touch tried; exit 255; }\n"
			  "cat >got; cat \"$5\" >key",
			  &dir, &e),
		  &e);
	assert_ok(file_read(&a, path_join(&a, dir, "got"), 100, &text, &e), &e);
	assert_str(text, "the script");
	assert_ok(file_read(&a, path_join(&a, dir, "key"), 100, &text, &e), &e);
	assert_str(text, "private\n");
}

static void test_refused(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct err e = { 0 };
	const char *dir;

	(void)state;
	assert_err(
		command(&a,
			"cat >/dev/null; echo 'root@127.0.0.1: Permission denied (publickey).' >&2; exit 255",
			&dir, &e),
		&e, "does not take the credential 'ssh.authorized_keys.root' from outside");
	assert_err(command(&a, "cat >/dev/null; echo 'systemd-run: not found' >&2; exit 127", &dir,
			   &e),
		   &e, "the machine does not run the command: systemd-run: not found");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_machine),
		cmocka_unit_test(test_delivered),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
