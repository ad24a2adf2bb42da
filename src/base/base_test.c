/* SPDX-License-Identifier: MIT */
#include "base/test.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/json_parse.h"
#include "base/proc.h"
#include "base/rd.h"
#include "base/thread_pool.h"

static void test_err(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_int_equal(err_set(&e, -EINVAL, "want %d", 3), -EINVAL);
	assert_int_equal(err_wrap(&e, -EINVAL, "file '%s'", "x"), -EINVAL);
	assert_string_equal(e.msg, "file 'x': want 3");
	assert_int_equal(err_wrap(&e, -EINVAL, "file '%s'", "x"), -EINVAL);
	assert_string_equal(e.msg, "file 'x': want 3");
	for (int i = 0; i < 1000; i++)
		(void)err_wrap(&e, -EINVAL, "context %d, so many that there is no room", i);
	assert_true(strstr(e.msg, "file 'x': want 3") != NULL);
	errno = ENOENT;
	assert_int_equal(err_sys(&e, "open"), -ENOENT);
	assert_string_equal(e.msg, "open: No such file or directory");
}

static void test_str(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	static const char *const not_base64[] = { "A",      "=",    "A===", "Zm9=", "Zh==",
						  "Zm9v\n", "Zm=v", "Z===", "====", "Zm 9" };
	struct str s = STR("one two"), names[] = { STR("openssh-server"), STR("openssh-client") };
	uint64_t x;

	(void)state;
	assert_str(str_cut(&s, ' '), "one");
	assert_str(s, "two");
	assert_str(str_cut(&s, ' '), "two");
	assert_int_equal(s.n, 0);
	assert_str(str_trim(STR(" \tx \n")), "x");
	assert_true(str_u64(STR("18446744073709551615"), UINT64_MAX, &x));
	assert_false(str_u64(STR("18446744073709551616"), UINT64_MAX, &x));
	assert_false(str_u64(STR("12a"), UINT64_MAX, &x));
	assert_str(*str_nearest(names, 2, STR("opensh-server")), "openssh-server");
	assert_null(str_nearest(names, 2, STR("bash")));
	assert_str(base64_encode(&a, "light w", 7), "bGlnaHQgdw==");
	for (size_t n = 0; n < 7; n++) {
		assert_true(base64_decode(&a, base64_encode(&a, "\xff\0light", n), &s));
		assert_true(str_eq(s, (struct str){ "\xff\0light", n }));
	}
	for (size_t i = 0; i < sizeof(not_base64) / sizeof(*not_base64); i++)
		assert_false(base64_decode(&a, str_c(not_base64[i]), &s));
	assert_str(hex_encode(&a, "\x01\xab", 2), "01ab");
	assert_str(str_printf(&a, "%s-%d", "x", 7), "x-7");
}

static void test_glob(void **state)
{
	static const struct {
		const char *pattern, *path;
		bool match;
	} rows[] = {
		{ "/usr/bin/*", "/usr/bin/ls", true },
		{ "/usr/bin/*", "/usr/bin/x/ls", false },
		{ "/usr/**", "/usr/bin/x/ls", true },
		{ "/usr/share/doc/", "/usr/share/doc/x/y", true },
		{ "/usr/share/doc/", "/usr/share/doc", false },
		{ "/usr/share/*/doc/", "/usr/share/a/doc/y", true },
		{ "/a/**/z", "/a/b/c/z", true },
		{ "/a/**/z", "/a/b/c/y", false },
		{ "/lib?/[a-c]x", "/lib6/bx", true },
		{ "/lib?/[!a-c]x", "/lib6/bx", false },
		{ "*.so", ".so", true },
		{ "", "", true },
		{ "*", "", true },
		{ "[", "[", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (str_glob(str_c(rows[i].pattern), str_c(rows[i].path)) != rows[i].match)
			fail_msg("'%s' on '%s'", rows[i].pattern, rows[i].path);
}

static void test_map(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct map m = { 0 };

	(void)state;
	assert_null(map_get(&m, STR("x")));
	for (uint32_t i = 0; i < 1000; i++)
		map_put(&a, &m, str_printf(&a, "key%u", i), i);
	map_put(&a, &m, STR("key7"), 70);
	assert_int_equal(m.n, 1000);
	assert_int_equal(*map_get(&m, STR("key7")), 70);
	assert_int_equal(*map_get(&m, STR("key999")), 999);
	assert_null(map_get(&m, STR("key1000")));
}

static void test_rd(void **state)
{
	struct rd r = { (const uint8_t *)"\x01\x02\x03\x04\x05", 5, 0, false };

	(void)state;
	assert_int_equal(rd_le16(&r), 0x0201);
	assert_int_equal(rd_be16(&r), 0x0304);
	assert_int_equal(rd_le32(&r), 0);
	assert_true(r.bad);
	assert_int_equal(rd_u8(&r), 0);
}

static void test_hash(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	uint8_t two[2 * SHA256_BYTES], one[SHA256_BYTES];

	(void)state;
	assert_str(sha256_hex(&a, "abc", 3),
		   "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	sha256_blocks((const uint8_t *)"a", 1, (const uint8_t *)"bcbc", 2, 2, two);
	sha256("abc", 3, one);
	assert_memory_equal(two, one, sizeof(one));
	assert_memory_equal(two + SHA256_BYTES, one, sizeof(one));
}

static void test_file(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct err e = { 0 };
	char *dir = test_dir(&a), *path = path_join(&a, dir, "a/b/file");
	struct str text;
	vec_str names;

	(void)state;
	assert_ok(dir_make(path_join(&a, dir, "a/b"), &e), &e);
	assert_ok(file_write(path, 0644, "hello", 5, &e), &e);
	assert_ok(file_read(&a, path, 100, &text, &e), &e);
	assert_str(text, "hello");
	assert_err(file_read(&a, path, 4, &text, &e), &e, "5 bytes, more than the 4 allowed");
	assert_int_equal(file_read(&a, "/nonexistent/x", 4, &text, &e), -ENOENT);
	assert_ok(dir_list(&a, path_join(&a, dir, "a/b"), &names, &e), &e);
	assert_int_equal(names.n, 1);
	assert_ok(dir_remove(dir, &e), &e);
	assert_false(file_exists(dir));
}

static size_t n_temps(const char *dir)
{
	struct dirent *entry;
	DIR *d = opendir(dir);
	size_t n = 0;

	while ((entry = readdir(d)))
		n += strncmp(entry->d_name, ".tmp-", 5) == 0;
	closedir(d);
	return n;
}

/* From one file system to another as well; a source that ends early is an error, not a hole. */
static void test_copy(void **state)
{
	FILE *from = tmpfile();
	int memory = memfd_create("copy", MFD_CLOEXEC);
	char got[8] = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_non_null(from);
	assert_true(memory >= 0);
	assert_ok(fd_write(fileno(from), "0123456789", 10, "from", &e), &e);
	assert_ok(fd_copy(fileno(from), 2, 6, memory, 1, "to", &e), &e);
	assert_int_equal(pread(memory, got, sizeof(got), 0), 7);
	assert_memory_equal(got, "\000234567", 7);
	assert_err(fd_copy(fileno(from), 8, 6, memory, 0, "to", &e), &e,
		   "what goes to 'to' became shorter");
	close(memory);
	fclose(from);
}

static void test_temps(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct err e = { 0 };
	char *dir = test_dir(&a), *path = path_join(&a, dir, "x"), *temp, *folder;
	int fd, folder_fd;
	struct stat st;
	mode_t mask = umask(027);

	(void)state;
	assert_ok(file_temp(&a, path, 0644, &fd, &temp, &e), &e);
	umask(mask);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_ok(dir_temp(&a, path, &folder_fd, &folder, &e), &e);
	assert_ok(file_write(path_join(&a, folder, "inside"), 0644, "", 0, &e), &e);
	dir_clean_temps(dir); /* both are held */
	assert_int_equal(n_temps(dir), 2);
	close(fd);
	close(folder_fd);
	dir_clean_temps(dir);
	assert_int_equal(n_temps(dir), 0);
	assert_ok(dir_remove(dir, &e), &e);
}

static bool is_mine(struct str name)
{
	return str_ends(name, ".raw");
}

/* A folder may be shared: what is not named as file_temp() names it, or not for us, is somebody's.
 */
static void test_temps_of_others(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct err e = { 0 };
	char *dir = test_dir(&a);
	static const char *const names[] = { ".tmp-my-backup",   ".tmp-1-2",
					     ".tmp-1-2-",        ".tmp-x-2-a.raw",
					     ".tmp-1-y-a.raw",   ".tmp-1-9999-a.raw",
					     ".tmp-1-2-a.other", ".tmp--1-2-a.raw",
					     ".tmp-1-2-a.raw" };
	enum { N = sizeof(names) / sizeof(*names) };

	(void)state;
	for (size_t i = 0; i < N; i++)
		assert_ok(file_write(path_join(&a, dir, names[i]), 0644, "", 0, &e), &e);
	assert_ok(dir_make(path_join(&a, dir, ".tmp-1-2-b.raw/below"), &e), &e);
	assert_ok(dir_make(path_join(&a, dir, ".tmp-folder/below"), &e), &e);
	dir_clean_temps_of(dir, is_mine);
	assert_int_equal(n_temps(dir), N - 1 + 1);
	assert_false(file_exists(path_join(&a, dir, ".tmp-1-2-a.raw")));
	assert_false(file_exists(path_join(&a, dir, ".tmp-1-2-b.raw")));
	dir_clean_temps(dir);
	assert_int_equal(n_temps(dir), N - 2 + 1);
	assert_ok(dir_remove(dir, &e), &e);
}

static void test_read_below(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct err e = { 0 };
	char *dir = test_dir(&a), *link = path_join(&a, test_dir(&a), "dir");
	struct str got;

	(void)state;
	assert_ok(dir_make(path_join(&a, dir, "x/y"), &e), &e);
	assert_ok(file_write(path_join(&a, dir, "x/y/file"), 0644, "text", 4, &e), &e);
	assert_int_equal(symlink("file", path_join(&a, dir, "x/y/link")), 0);
	assert_int_equal(symlink("y", path_join(&a, dir, "x/z")), 0);
	assert_int_equal(mkfifo(path_join(&a, dir, "x/pipe"), 0600), 0);
	assert_int_equal(symlink(dir, link), 0);
	assert_ok(file_read_below(&a, dir, "x/y/file", 4, &got, &e), &e);
	assert_str(got, "text");
	assert_ok(file_read_below(&a, link, "x/y/file", 4, &got, &e), &e);
	assert_err(file_read_below(&a, dir, "x/y/link", 4, &got, &e), &e,
		   "x/y/link' is or lies behind a symbolic link");
	assert_err(file_read_below(&a, dir, "x/z/file", 4, &got, &e), &e,
		   "x/z/file' is or lies behind a symbolic link");
	assert_err(file_read_below(&a, dir, "x/pipe", 4, &got, &e), &e,
		   "x/pipe' is no regular file");
	assert_err(file_read_below(&a, dir, "x/y", 4, &got, &e), &e, "x/y' is no regular file");
	assert_err(file_read_below(&a, dir, "x/y/file", 3, &got, &e), &e,
		   "more than the 3 allowed");
	assert_int_equal(file_read_below(&a, dir, "x/none", 3, &got, &e), -ENOENT);
	assert_int_equal(file_read_below(&a, dir, "none/none", 3, &got, &e), -ENOENT);
	assert_int_equal(file_read_below(&a, dir, "x/y/file/none", 3, &got, &e), -ENOTDIR);
	assert_ok(dir_remove(dir, &e), &e);
}

static void test_dir_commit(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct err e = { 0 };
	char *dir = test_dir(&a), *path = path_join(&a, dir, "x"), *temp;
	static const char *const names[] = { "first", "second" };
	char link[1];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		_cleanup_close_ int fd = -1;

		assert_ok(dir_temp(&a, path, &fd, &temp, &e), &e);
		assert_ok(file_write(path_join(&a, temp, names[i]), 0644, "", 0, &e), &e);
		assert_ok(dir_commit(temp, path, &e), &e);
		assert_true(file_exists(path_join(&a, path, names[i])));
		assert_false(file_exists(path_join(&a, path, names[!i])));
		assert_int_equal(n_temps(dir), 0);
	}
	assert_ok(dir_make(path_join(&a, dir, "theirs/below"), &e), &e);
	assert_ok(dir_remove(path, &e), &e);
	assert_int_equal(symlink("theirs", path), 0);
	{
		_cleanup_close_ int fd = -1;

		assert_ok(dir_temp(&a, path, &fd, &temp, &e), &e);
		assert_ok(dir_commit(temp, path, &e),
			  &e); /* in place of the link, not where it leads */
		assert_int_equal(n_temps(dir), 0);
		assert_int_equal(readlink(path, link, sizeof(link)), -1);
		assert_true(file_exists(path_join(&a, dir, "theirs/below")));
	}
	assert_ok(dir_remove(dir, &e), &e);
}

static void test_keep_newest(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	char *dir = test_dir(&a);
	struct err e = { 0 };
	vec_str names;

	(void)state;
	for (int i = 0; i < 4; i++) {
		char *path = path_join(&a, dir, (const char *[]){ "c", "a", "d", "b" }[i]);

		assert_ok(file_write(path, 0644, "x", 1, &e), &e);
		assert_int_equal(utimensat(AT_FDCWD, path,
					   (struct timespec[]){ { i, 0 }, { i, 0 } }, 0),
				 0);
	}
	dir_keep_newest(dir, 2);
	assert_ok(dir_list(&a, dir, &names, &e), &e);
	assert_int_equal(names.n, 2);
	assert_str(names.p[0], "b");
	assert_str(names.p[1], "d");
	assert_ok(dir_remove(dir, &e), &e);
}

static int square(void *arg, size_t i, struct err *e)
{
	(void)e;
	((size_t *)arg)[i] = i * i;
	return 0;
}

static int fail_odd(void *arg, size_t i, struct err *e)
{
	(void)arg;
	return i % 2 ? err_set(e, -EINVAL, "item %zu", i) : 0;
}

static void test_pool(void **state)
{
	struct err e = { 0 };
	size_t squares[500];

	(void)state;
	for (unsigned threads = 1; threads <= 8; threads *= 2) {
		memset(squares, 0, sizeof(squares));
		assert_ok(thread_pool_for(threads, 500, square, squares, &e), &e);
		assert_int_equal(squares[499], 499 * 499);
	}
	assert_err(thread_pool_for(1, 10, fail_odd, NULL, &e), &e, "item 1");
	assert_err(thread_pool_for(4, 10, fail_odd, NULL, &e), &e, "item ");
}

static void test_proc(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	static const char *const cat[] = { "cat", NULL }, *const no[] = { "no-such-program", NULL };
	struct proc_result r;
	struct err e = { 0 };
	struct str big = { arena_alloc(&a, 1 << 20), 1 << 20 };

	(void)state;
	assert_ok(proc_run(&a, cat, big, NULL, &r, &e), &e);
	assert_int_equal(r.status, 0);
	assert_int_equal(r.out.n, big.n);
	assert_err(proc_run(&a, no, (struct str){ 0 }, "some-package", &r, &e), &e,
		   "'no-such-program' is not installed: it is in Debian's package 'some-package'");
}

static size_t descriptors(void)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct err e = { 0 };
	vec_str names;

	assert_ok(dir_list(&a, "/proc/self/fd", &names, &e), &e);
	return names.n;
}

/* No pipe is left when there are descriptors for a part of them only. */
static void test_proc_pipes(void **state)
{
	static const char *const program[] = { "true", NULL };
	_cleanup_arena_ struct arena a = { 0 };
	size_t before = descriptors();
	struct rlimit was, less;
	struct proc_result p;
	struct err e = { 0 };
	int r = -1;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	for (rlim_t n = 3; r < 0; n++) {
		less = (struct rlimit){ n, was.rlim_max };
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &less), 0);
		r = proc_run(&a, program, STR(""), NULL, &p, &e);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
		assert_int_equal(descriptors(), before);
	}
}

/* A program that has more to say than fits into a pipe, and takes from us what poll(2) needs: it is
 * not waited for with its pipe full. */
static void test_proc_poll(void **state)
{
	static const char *const program[] = {
		"sh", "-c",
		"prlimit --pid $PPID --nofile=2: && echo x && sleep 0.2 && head -c 1000000 /dev/zero",
		NULL
	};
	static const char *const there[] = { "prlimit", "--version", NULL };
	_cleanup_arena_ struct arena a = { 0 };
	struct rlimit was;
	struct proc_result r;
	struct err e = { 0 };

	(void)state;
	if (proc_run(&a, there, STR(""), NULL, &r, &e) < 0)
		skip();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	assert_err(proc_run(&a, program, STR(""), NULL, &r, &e), &e, "talk to 'sh': Invalid");
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
}

static void test_json(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct json j = { .b = { .a = &a } };

	(void)state;
	json_object(&j, NULL);
	json_str(&j, "a", STR("q\"\n\xff\xc3\xa9"));
	json_array(&j, "b");
	json_u64(&j, NULL, 1);
	json_bool(&j, NULL, false);
	json_end_array(&j);
	json_object(&j, "c");
	json_end_object(&j);
	json_end_object(&j);
	assert_str(json_text(&j),
		   "{\"a\":\"q\\\"\\n\xef\xbf\xbd\xc3\xa9\",\"b\":[1,false],\"c\":{}}");
}

static void test_json_parse(void **state)
{
	static const struct {
		const char *text, *error;
	} bad[] = {
		{ "", "JSON, byte 0: want an object or an array" },
		{ "\"a\"", "JSON, byte 0: want an object or an array" },
		{ "{", "JSON, byte 1: want a string" },
		{ "{\"a\"}", "JSON, byte 4: want ':'" },
		{ "{\"a\":}", "JSON, byte 5: want a value" },
		{ "{\"a\":1,}", "JSON, byte 7: want a string" },
		{ "[1,]", "JSON, byte 3: want a value" },
		{ "[1 2]", "JSON, byte 3: want ',' or ']'" },
		{ "[] x", "JSON, byte 3: want nothing behind the end" },
		{ "[01]", "want ',' or ']'" },
		{ "[1.]", "want a value" },
		{ "[-]", "want a value" },
		{ "[1e+]", "want a value" },
		{ "[nul]", "want a value" },
		{ "[\"\n\"]", "want a character of a string, as UTF-8" },
		{ "[\"\xff\"]", "want a character of a string, as UTF-8" },
		{ "[\"a", "want a character of a string, as UTF-8" },
		{ "[\"\\x\"]", "want an escape" },
		{ "[\"\\u0000\"]", "want an escape of a character other than NUL" },
		{ "[\"\\ud800x\"]", "want an escape" },
		{ "[\"\\udc00\"]", "want an escape" },
		{ "{\"a\":1,\"\\u0061\":2}", "a second member of the name" },
		{ "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "more than 32 levels" },
	};
	_cleanup_arena_ struct arena a = { 0 };
	vec_json_value v, inner;
	struct err e = { 0 };
	struct buf many = { .a = &a };

	(void)state;
	assert_ok(
		json_parse(
			&a,
			STR(" { \"a\" : \"q\\\"\\n\\u00e9\\ud83d\\ude00\\/\" , \"b\":[1,-0.5e3, null],"
			    "\"c\":true,\"d\":{} } "),
			&v, &e),
		&e);
	assert_int_equal(v.n, 4);
	assert_str(json_find(&v, "a")->text, "q\"\n\xc3\xa9\xf0\x9f\x98\x80/");
	assert_int_equal(json_find(&v, "c")->type, JSON_TRUE);
	assert_null(json_find(&v, "e"));
	assert_str(json_find(&v, "b")->text, "[1,-0.5e3, null]");
	assert_ok(json_parse(&a, json_find(&v, "b")->text, &inner, &e), &e);
	assert_int_equal(inner.n, 3);
	assert_str(inner.p[1].text, "-0.5e3");
	assert_ok(json_parse(&a, json_find(&v, "d")->text, &inner, &e), &e);
	assert_int_equal(inner.n, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_err(json_parse(&a, str_c(bad[i].text), &v, &e), &e, bad[i].error);
	for (int i = 0; i <= JSON_ELEMENTS_MAX; i++)
		buf_printf(&many, "%c0", i == 0 ? '[' : ',');
	buf_u8(&many, ']');
	assert_err(json_parse(&a, (struct str){ (char *)many.v.p, many.v.n }, &v, &e), &e,
		   "too many values");
}

/* main() raises the limit for packs, not for programs. */
static void test_proc_files(void **state)
{
	static const char *const shell[] = { "sh", "-c", "sleep 0.2; ulimit -Sn", NULL };
	_cleanup_arena_ struct arena a = { 0 };
	struct rlimit was, raised;
	struct proc_result r;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	raised = was;
	raised.rlim_cur = was.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &raised), 0);
	assert_ok(proc_run(&a, shell, STR(""), NULL, &r, &e), &e);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	if (was.rlim_max > 1024)
		assert_str(str_trim(r.out), "1024");
}

/* Whoever writes the file meanwhile changes nothing of what was mapped. */
static void test_map_copy(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	char *dir = test_dir(&a);
	const char *path = path_join(&a, dir, "f");
	_cleanup_map_ struct str bytes = { 0 };
	struct err e = { 0 };
	vec_str names = { 0 };

	(void)state;
	test_file_put(&a, dir, "f", STR("as it was"));
	assert_int_equal(truncate(path, 1 << 20), 0);
	assert_ok(file_map_copy(&a, path, &bytes, &e), &e);
	assert_int_equal(bytes.n, 1 << 20);
	test_file_put(&a, dir, "f", STR("otherwise"));
	assert_str(str_head(bytes, 9), "as it was");
	assert_ok(dir_list(&a, dir, &names, &e), &e);
	assert_int_equal(names.n, 1);
	assert_err(file_map_copy(&a, path_join(&a, dir, "none"), &bytes, &e), &e, "open '");
	assert_ok(dir_remove(dir, &e), &e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_err),
		cmocka_unit_test(test_str),
		cmocka_unit_test(test_glob),
		cmocka_unit_test(test_map),
		cmocka_unit_test(test_rd),
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_keep_newest),
		cmocka_unit_test(test_pool),
		cmocka_unit_test(test_temps),
		cmocka_unit_test(test_dir_commit),
		cmocka_unit_test(test_temps_of_others),
		cmocka_unit_test(test_read_below),
		cmocka_unit_test(test_proc_files),
		cmocka_unit_test(test_proc),
		cmocka_unit_test(test_proc_pipes),
		cmocka_unit_test(test_proc_poll),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_json_parse),
		cmocka_unit_test(test_map_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
