/* SPDX-License-Identifier: MIT */
/* main.c - ashlar-status, on the machine itself: what protects it, and what does not. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/status/status.h"
#include "base/io.h"

static const char help[] =
	"Usage: ashlar-status [--json]\n"
	"\n"
	"Says what protects this machine from changed software, and first what does not.\n"
	"\n"
	"Options:\n"
	"      --json  the same and the facts behind it as JSON\n"
	"  -h, --help  print this help\n"
	"\n"
	"Exit status: 0 when nothing is missing, 1 when something is, 2 on a mistake in usage.\n"
	"Some facts only root may see. Whoever has become root can change what it reads: on a machine\n"
	"that may be taken, believe a quote of the TPM instead.\n";

static int print(struct str text, int status)
{
	struct err e;

	if (fd_write(STDOUT_FILENO, text.p, text.n, "standard output", &e) == 0)
		return status;
	fprintf(stderr, "ashlar-status: %s\n", e.msg);
	return 2;
}

int main(int argc, char **argv)
{
	_cleanup_arena_ struct arena a = { 0 };
	bool json = argc == 2 && strcmp(argv[1], "--json") == 0;
	struct status s;

	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
		return print(str_c(help), 0);
	if (argc > 1 && !json) {
		fprintf(stderr, "ashlar-status: '%s'? want --json, --help or nothing\n",
			argc > 2 ? argv[2] : argv[1]);
		return 2;
	}
	status_read(&a, "", &s);
	return print(json ? status_json(&a, &s) : status_text(&a, &s), s.missing.n > 0);
}
