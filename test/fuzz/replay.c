/* SPDX-License-Identifier: MIT */
/* replay.c - runs a fuzz target over its corpus. Every file must be survived; those named
 * should-fail-* must be refused, at least one of them, and all others accepted. Arguments: folders.
 */
#include "base/io.h"
#include "fuzz.h"

struct tally {
	size_t accepted, refused, wrong;
};

static int file_try(const char *path, struct str name, struct tally *t, struct err *e)
{
	bool want = !str_starts(name, "should-fail-");
	_cleanup_arena_ struct arena a = { 0 };
	struct str text;
	bool accepted;
	int r = file_read(&a, path, 64 << 20, &text, e);

	if (r < 0)
		return r;
	accepted = fuzz_accepts((const uint8_t *)text.p, text.n);
	t->accepted += accepted;
	t->refused += !accepted;
	t->wrong += accepted != want;
	if (accepted != want)
		fprintf(stderr, "%s is %s\n", path, accepted ? "accepted" : "refused");
	return 0;
}

static int folder_try(const char *folder, struct tally *t, struct err *e)
{
	_cleanup_arena_ struct arena a = { 0 };
	vec_str names;
	int r = dir_list(&a, folder, &names, e);

	if (r < 0)
		return r;
	vec_each(name, &names) {
		r = file_try(path_join(&a, folder, str_z(&a, *name)), *name, t, e);
		if (r < 0)
			return r;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct tally t = { 0 };
	struct err e = { 0 };

	for (int i = 1; i < argc; i++)
		if (folder_try(argv[i], &t, &e) < 0) {
			fprintf(stderr, "%s\n", e.msg);
			return 1;
		}
	printf("%zu inputs accepted, %zu refused\n", t.accepted, t.refused);
	if (t.accepted == 0 || t.refused == 0)
		fprintf(stderr, "the corpus has no file that is %s\n",
			t.accepted == 0 ? "accepted" : "refused");
	return t.wrong > 0 || t.accepted == 0 || t.refused == 0;
}
