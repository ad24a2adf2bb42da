/* SPDX-License-Identifier: MIT */
#include "disk/elf.h"

#include "base/test.h"
#include "disk/elf_test.h"

static void test_soname(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct elf_library l = { 0 };

	(void)state;
	assert_true(elf_library_read(elf_make(&a, EM_AARCH64, "libx.so.1"), &l));
	assert_int_equal(l.machine, EM_AARCH64);
	assert_str(l.soname, "libx.so.1");
	assert_true(elf_library_read(elf_make(&a, EM_X86_64, NULL), &l));
	assert_str(l.soname, "");
}

/* Every truncation, and every byte of the headers set to 0xff: no answer, or one from within the
 * file. */
static void test_damage(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str good = elf_make(&a, EM_X86_64, "libx.so.1"), s = str_dup(&a, good);
	struct elf_library l;

	(void)state;
	for (size_t n = 0; n < good.n - 256 + 10; n++)
		assert_false(elf_library_read((struct str){ good.p, n }, &l));
	for (size_t i = 0; i < good.n; i++) {
		char *p = (char *)s.p + i, byte = *p;

		*p = (char)0xff;
		if (elf_library_read(s, &l) && l.soname.n > 0)
			assert_true(l.soname.p >= s.p && l.soname.p + l.soname.n < s.p + s.n);
		*p = byte;
	}
	assert_false(elf_library_read(STR("/* GNU ld script */ GROUP ( libc.so.6 )"), &l));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_soname),
					    cmocka_unit_test(test_damage) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
