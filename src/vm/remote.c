/* SPDX-License-Identifier: MIT */
#include "vm/remote.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/proc.h"

enum {
	KEY_BYTES_MAX = 4096,
	BANNER_WAIT_SEC = 5,
	AGAIN_USEC = 500000,
	SSH_FAILED = 255, /* ssh(1), EXIT STATUS */
	SAID_BYTES_MAX = 1000
};

#define PACKAGE "openssh-client"
#define KEY     "ssh.authorized_keys.root"

/* ssh-keygen writes files only; they are gone as soon as they are read. */
static int key_make(struct arena *a, const char *dir, struct str *ret_private,
		    struct str *ret_public, struct err *e)
{
	const char *path = path_join(a, dir, "key");
	const char *const argv[] = { "ssh-keygen", "-q",  "-t", "ed25519", "-N", "",
				     "-C",         "run", "-f", path,      NULL };
	struct proc_result p;
	int r = proc_run(a, argv, STR(""), PACKAGE, &p, e);

	if (r == 0 && p.status != 0)
		r = err_set(e, -EIO, "ssh-keygen makes no key: %.*s", STR_FMT(str_trim(p.err)));
	if (r == 0)
		r = file_read(a, path, KEY_BYTES_MAX, ret_private, e);
	if (r == 0)
		r = file_read(a, path_join(a, dir, "key.pub"), KEY_BYTES_MAX, ret_public, e);
	return r;
}

/* Beside one that the user brought. */
static void key_announce(struct arena *a, struct qemu *q, struct str key)
{
	vec_each(c, &q->credentials)
		if (strcmp(c->name, KEY) == 0) {
			c->value = str_printf(a, "%.*s\n%.*s", STR_FMT(str_trim(c->value)),
					      STR_FMT(key));
			return;
		}
	vec_push(a, &q->credentials) = (struct credential){ KEY, key };
}

static int key_fresh(struct arena *a, struct str *ret_private, struct str *ret_public,
		     struct err *e)
{
	const char *temporary = getenv("TMPDIR");
	char *dir = str_z(a, str_printf(a, "%s/ashlar-run-XXXXXX",
					temporary && *temporary ? temporary : "/tmp"));
	struct err ignored;
	int r;

	if (!mkdtemp(dir))
		return err_sys(e, "make folder '%s'", dir);
	r = key_make(a, dir, ret_private, ret_public, e);
	(void)!dir_remove(dir, &ignored);
	return r;
}

/* What the first run let in as root stays in the machine's state, and what the next one names is
 * not taken (tmpfiles.d(5), "f^"): so the key stays the same, beside the disk that it opens. */
static int key_of_machine(struct arena *a, const char *machine, struct str *ret_private,
			  struct str *ret_public, struct err *e)
{
	const char *private = path_join(a, machine, "ssh-key");
	const char *public = path_join(a, machine, "ssh-key.pub");
	int r;

	if (file_exists(public)) {
		r = file_read(a, private, KEY_BYTES_MAX, ret_private, e);
		return r < 0 ? r : file_read(a, public, KEY_BYTES_MAX, ret_public, e);
	}
	r = key_fresh(a, ret_private, ret_public, e);
	if (r == 0)
		r = file_write(private, 0600, ret_private->p, ret_private->n, e);
	/* last, as it says that both are there */
	return r < 0 ? r : file_write(public, 0600, ret_public->p, ret_public->n, e);
}

int remote_prepare(struct arena *a, struct qemu *q, const char *machine, struct remote *ret,
		   struct err *e)
{
	struct str private, public;
	int r;

	*ret = (struct remote){ .key = -1 };
	r = machine ? key_of_machine(a, machine, &private, &public, e)
		    : key_fresh(a, &private, &public, e);
	if (r < 0)
		return r;
	/* ssh wants that only its owner may read it */
	ret->key = memfd_create("key", MFD_CLOEXEC);
	if (ret->key < 0 || fchmod(ret->key, 0600) < 0)
		return err_sys(e, "memfd_create");
	r = fd_write(ret->key, private.p, private.n, "a key", e);
	if (r == 0 && q->ssh_port == 0)
		r = qemu_free_port(&q->ssh_port, e);
	ret->port = q->ssh_port;
	key_announce(a, q, public);
	return r;
}

/* QEMU takes the connection long before the guest does; that is up when it says who it is. */
static bool answers(unsigned port)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct timeval wait = { BANNER_WAIT_SEC, 0 };
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons((uint16_t)port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	char text[4];

	return fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) == 0 &&
	       connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	       recv(fd, text, sizeof(text), MSG_WAITALL) == sizeof(text) &&
	       memcmp(text, "SSH-", sizeof(text)) == 0;
}

/* A unit rather than the session's child: the command runs as it would on any other machine, and
 * nobody has to stay connected. */
static int deliver(struct arena *a, const struct remote *r, struct str script,
		   struct proc_result *ret, struct err *e)
{
	static const char receive[] =
		"umask 077; cat >/run/ashlar.command && exec systemd-run --quiet --collect "
		"--unit=ashlar-run --description='Command of ashlar run' "
		"--property=DefaultDependencies=no /bin/sh /run/ashlar.command";
	const char *const argv[] = {
		"ssh", "-F", "none", "-T", "-i",
		/* of the process that holds it: ssh closes what it inherits */
		str_z(a, str_printf(a, "/proc/%d/fd/%d", (int)getpid(), r->key)), "-p",
		str_z(a, str_printf(a, "%u", r->port)), "-o", "BatchMode=yes", "-o",
		"IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "LogLevel=ERROR", "-o",
		/* nobody else listens at this port of this machine, and the guest is new to it */
		"StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o",
		"GlobalKnownHostsFile=/dev/null", "root@127.0.0.1", receive, NULL
	};

	return proc_run(a, argv, script, PACKAGE, ret, e);
}

/* What ends as often as the guest is not up yet is tried again. */
static int deliver_when_up(const struct remote *remote, struct str script, struct err *e)
{
	for (;; usleep(AGAIN_USEC)) {
		_cleanup_arena_ struct arena a = { 0 };
		struct proc_result p;
		struct str said;
		int r;

		if (!answers(remote->port))
			continue;
		r = deliver(&a, remote, script, &p, e);
		if (r < 0 || p.status == 0)
			return r;
		said = str_head(str_trim(p.err), SAID_BYTES_MAX);
		if (p.status == SSH_FAILED && str_has(said, "Permission denied"))
			return err_set(
				e, -EACCES,
				"the machine lets nobody in by SSH to run the command: its image "
				"does not take the credential '" KEY "' from outside "
				"('platform-credentials' in its definition); without a command "
				"you get its console");
		if (p.status != SSH_FAILED)
			return err_set(e, -EIO, "the machine does not run the command: %.*s",
				       STR_FMT(said));
	}
}

int remote_start(const struct remote *r, struct str script, struct guest *g, struct err *e)
{
	int theirs, ret = guest_channel(g, CHANNEL_REMOTE, &theirs, e);
	struct err said;

	if (ret < 0)
		return ret;
	g->remote = fork();
	if (g->remote < 0)
		ret = err_sys(e, "fork");
	if (g->remote == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (deliver_when_up(r, script, &said) < 0)
			ret = write(theirs, said.msg, strlen(said.msg)) < 0;
		_exit(ret);
	}
	close_p(&theirs);
	return ret;
}

void remote_done(struct remote *r)
{
	close_p(&r->key);
}
