/* SPDX-License-Identifier: MIT */
/* replay.c - runs a fuzz target over its corpus, a folder. Every file must be survived; those named
 * should-fail-* must be refused, at least one of them, and all others accepted. Then each file is
 * changed at random, in the same way in every run, some times: a sample of what fuzzing does, of
 * which all must be survived.
 */
#include <stdlib.h>

#include "base/io.h"
#include "fuzz.h"

enum { CHANGED_TIMES = 50, CHANGES_MAX = 4, CHANGED_BYTES_MAX = 64 << 10 };

struct tally {
	size_t accepted, refused, wrong;
};

/* xorshift64 (Marsaglia 2003) */
static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* A bit, a byte of a kind that lengths and offsets dislike, an end that comes early, or bytes
 * twice. */
static void change(uint8_t *p, size_t *n, uint64_t *state)
{
	static const uint8_t odd[] = { 0, 1, 0x7f, 0x80, 0xff, '\n', ' ', '"' };
	size_t at = random_next(state) % *n, m;

	switch (random_next(state) % 8) {
	case 0:
		*n = at + 1;
		break;
	case 1:
		m = *n - at < 8 ? *n - at : 8;
		memmove(p + random_next(state) % (*n - m + 1), p + at, m);
		break;
	case 2:
	case 3:
	case 4:
		p[at] = odd[random_next(state) % sizeof(odd)];
		break;
	default:
		p[at] ^= (uint8_t)(1 << random_next(state) % 8);
	}
}

/* A copy of just its length, behind which a sanitizer sees every byte that is read. */
static void changed_try(struct str text)
{
	uint64_t state = 88172645463325252 + text.n;

	if (text.n == 0 || text.n > CHANGED_BYTES_MAX)
		return;
	for (unsigned i = 0; i < CHANGED_TIMES; i++) {
		uint8_t *p = malloc(text.n), *fits;
		size_t n = text.n;

		if (!p)
			return;
		memcpy(p, text.p, n);
		for (uint64_t k = random_next(&state) % CHANGES_MAX + 1; k > 0; k--)
			change(p, &n, &state);
		fits = realloc(p, n);
		p = fits ? fits : p;
		(void)!fuzz_accepts(p, n);
		free(p);
	}
}

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
	changed_try(text);
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

	if (argc != 2 || folder_try(argv[1], &t, &e) < 0) {
		fprintf(stderr, "%s\n", argc != 2 ? "usage: fuzz_X CORPUS" : e.msg);
		return 1;
	}
	printf("%zu inputs accepted, %zu refused\n", t.accepted, t.refused);
	if (t.accepted == 0 || t.refused == 0)
		fprintf(stderr, "the corpus has no file that is %s\n",
			t.accepted == 0 ? "accepted" : "refused");
	return t.wrong > 0 || t.accepted == 0 || t.refused == 0;
}
