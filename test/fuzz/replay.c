/* SPDX-License-Identifier: MIT */
/* replay.c - runs a fuzz target over its corpus: every file must be survived. Arguments: folders.
 */
#include "base/io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
	size_t n_files = 0;

	for (int i = 1; i < argc; i++) {
		_cleanup_arena_ struct arena a = { 0 };
		struct err e = { 0 };
		vec_str names;

		if (dir_list(&a, argv[i], &names, &e) < 0) {
			fprintf(stderr, "%s\n", e.msg);
			return 1;
		}
		vec_each(name, &names) {
			struct str text;

			if (file_read(&a, path_join(&a, argv[i], str_z(&a, *name)), 64 << 20, &text,
				      &e) < 0) {
				fprintf(stderr, "%s\n", e.msg);
				return 1;
			}
			LLVMFuzzerTestOneInput((const uint8_t *)text.p, text.n);
			n_files++;
		}
	}
	if (n_files == 0) {
		fprintf(stderr, "the corpus is empty\n");
		return 1;
	}
	printf("%zu inputs\n", n_files);
	return 0;
}
