/* SPDX-License-Identifier: MIT */
/* tpm - what whoever may use a machine's TPM can do to what it remembers: root on it, or a system
 *of his own. The TPM is swtpm with the machine's file.
 *
 *	tpm FILE show		a line for each of the two indices
 *	tpm FILE forget		removes them
 *	tpm FILE unwrite	defines them anew, the same but for their content
 */
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/init/anchor.h"

static pid_t swtpm_start(struct arena *a, const char *file, int fd)
{
	const char *fd_text = str_z(a, str_printf(a, "%d", fd)),
		   *state = str_z(a, str_printf(a, "backend-uri=file://%s", file));
	pid_t pid = fork();

	if (pid == 0) {
		execlp("swtpm", "swtpm", "socket", "--tpm2", "--fd", fd_text, "--tpmstate", state,
		       "--flags", "not-need-init,startup-clear", NULL);
		_exit(127);
	}
	return pid;
}

static int show(struct tpm2 *t, const struct tpm2_nv *nv, struct err *e)
{
	struct anchor_content c;
	struct str bytes;
	int r;

	if (!(nv->attributes & TPM2_NV_WRITTEN))
		return printf("%x: not written\n", nv->index) < 0;
	r = tpm2_nv_read(t, nv, &bytes, e);
	if (r == 0)
		r = anchor_content_parse(bytes, &c, e);
	if (r < 0)
		return r;
	printf("%x: flags %u, image generation %u, generation %llu, secret %.*s\n", nv->index,
	       c.flags, c.image_generation, (unsigned long long)c.generation,
	       STR_FMT(hex_encode(t->a, c.id, sizeof(c.id))));
	return 0;
}

static int unwrite(struct tpm2 *t, const struct tpm2_nv *nv, struct err *e)
{
	struct tpm2_nv again = *nv;
	int r = tpm2_nv_undefine(t, nv->index, e);

	again.attributes &= ~(uint32_t)TPM2_NV_WRITTEN;
	return r < 0 ? r : tpm2_nv_define(t, &again, e);
}

static int act(struct tpm2 *t, uint32_t index, const char *what, struct err *e)
{
	struct tpm2_nv nv;
	int r = tpm2_nv_public(t, index, &nv, e);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	if (!strcmp(what, "forget"))
		return tpm2_nv_undefine(t, index, e);
	return !strcmp(what, "unwrite") ? unwrite(t, &nv, e) : show(t, &nv, e);
}

int main(int argc, char **argv)
{
	struct arena a = { 0 };
	struct tpm2 t = { .a = &a };
	struct err e = { 0 };
	int pair[2], r;
	pid_t pid;

	if (argc != 3 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		return 2;
	pid = swtpm_start(&a, argv[1], pair[1]);
	close(pair[1]);
	t.fd = pair[0];
	r = act(&t, ANCHOR_INDEX, argv[2], &e);
	if (r == 0)
		r = act(&t, ANCHOR_INDEX_OTHER, argv[2], &e);
	if (r < 0)
		fprintf(stderr, "tpm: %s\n", e.msg);
	tpm2_close(&t);
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	arena_done(&a);
	return r < 0;
}
