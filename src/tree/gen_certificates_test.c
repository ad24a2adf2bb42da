/* SPDX-License-Identifier: MIT */
#include "tree/gen_test.h"

#define SOURCES "/usr/share/ca-certificates/"
#define CERTS   "/etc/ssl/certs/"

/* A fresh self-signed certificate, in PEM. */
static char *certificate(const char *subject)
{
	const char *const argv[] = { "openssl",
				     "req",
				     "-x509",
				     "-newkey",
				     "ec",
				     "-pkeyopt",
				     "ec_paramgen_curve:P-256",
				     "-noenc",
				     "-keyout",
				     "-",
				     "-subj",
				     subject,
				     "-days",
				     "1",
				     NULL };
	struct proc_result result;
	const char *text;

	assert_ok(proc_run(a, argv, (struct str){ 0 }, "openssl", &result, &e), &e);
	assert_int_equal(result.status, 0);
	text = strstr(str_z(a, result.out), "-----BEGIN CERTIFICATE");
	assert_non_null(text);
	return str_z(a, str_c(text));
}

/* "NAME -> TARGET" of every link of the folder that is named by a hash. */
static struct str hashes(const struct tree *t)
{
	struct buf b = { .a = a };
	vec_id ids;

	tree_children(a, t, tree_find(t, STR("/etc/ssl/certs")), &ids);
	vec_each(id, &ids) {
		const struct tree_node *n = &t->nodes.p[*id];

		if (S_ISLNK(n->mode) && !str_ends(n->name, ".pem"))
			buf_printf(&b, "%.*s -> %.*s\n", STR_FMT(n->name), STR_FMT(n->data));
	}
	return (struct str){ (char *)b.v.p, b.v.n };
}

static struct str hashes_of(const char *dir)
{
	struct buf b = { .a = a };
	vec_str names;
	char target[256];

	assert_ok(dir_list(a, dir, &names, &e), &e);
	vec_each(name, &names) {
		ssize_t n = readlink(path_join(a, dir, str_z(a, *name)), target, sizeof(target));

		if (n > 0 && !str_ends(*name, ".pem"))
			buf_printf(&b, "%.*s -> %.*s\n", STR_FMT(*name), (int)n, target);
	}
	return (struct str){ (char *)b.v.p, b.v.n };
}

/* Names in odd characters, one subject twice, one certificate twice; openssl says what their links
 * are. */
static void test_rehash(void **state)
{
	char *one = certificate("/CN=one"), *again = certificate("/CN=one"),
	     *two = certificate("/CN=two"), *dir = test_dir(a);
	struct {
		const char *source, *pem, *text;
	} files[] = {
		{ "m/b one.crt", "b_one.pem", one },
		{ "m/a,one (old).crt", "a_one_=old=.pem", again },
		{ "m/two.crt", "two.pem", two },
		{ "n/copy.crt", "copy.pem", two },
		{ "n/pair.crt", "pair.pem", str_z(a, str_cat(a, str_c(one), str_c(two))) },
		{ "n/none.crt", "none.pem", "only text" },
	};
	const char *const argv[] = { "openssl", "rehash", dir, NULL };
	struct tree t = parsed("");
	struct proc_result result;

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		put(&t, str_z(a, str_printf(a, SOURCES "%s", files[i].source)), files[i].text);
		assert_ok(file_write(path_join(a, dir, files[i].pem), 0644, files[i].text,
				     strlen(files[i].text), &e),
			  &e);
	}
	assert_ok(gen_certificates(&t, &e), &e);
	assert_str(link_of(&t, CERTS "b_one.pem"), SOURCES "m/b one.crt");
	assert_str(link_of(&t, CERTS "a_one_=old=.pem"), SOURCES "m/a,one (old).crt");
	assert_str(content(&t, CERTS "ca-certificates.crt"),
		   str_z(a,
			 str_printf(a, "%s%s%s%sonly text\n%s%s", again, one, two, two, one, two)));
	assert_ok(proc_run(a, argv, (struct str){ 0 }, "openssl", &result, &e), &e);
	assert_str(hashes(&t), str_z(a, hashes_of(dir)));
}

/* This machine's own certificates of a folder. */
static void put_folder(struct tree *t, const char *folder)
{
	struct str text;
	vec_str names = { 0 };

	if (file_exists(folder))
		assert_ok(dir_list(a, folder, &names, &e), &e);
	vec_each(name, &names) {
		char *path = path_join(a, folder, str_z(a, *name));

		assert_ok(file_read(a, path, 1 << 20, &text, &e), &e);
		put(t, path, str_z(a, text));
	}
}

/* What this machine's own update-ca-certificates made of them. */
static void test_debian(void **state)
{
	struct tree t = parsed("");
	struct str text;

	(void)state;
	put_folder(&t, SOURCES "mozilla");
	put_folder(&t, "/usr/local/share/ca-certificates");
	assert_ok(gen_certificates(&t, &e), &e);
	if (!file_exists(CERTS "ca-certificates.crt"))
		skip();
	assert_ok(file_read(a, CERTS "ca-certificates.crt", 16 << 20, &text, &e), &e);
	if (!str_eq(content(&t, CERTS "ca-certificates.crt"), text))
		skip(); /* the machine's administrator deselected some */
	assert_str(hashes(&t), str_z(a, hashes_of("/etc/ssl/certs")));
}

static void test_errors(void **state)
{
	struct tree t = parsed("");

	(void)state;
	put(&t, SOURCES "a/x.crt", "");
	put(&t, "/usr/local/share/ca-certificates/x.crt", "");
	assert_err(
		gen_certificates(&t, &e), &e,
		"certificate '/usr/local/share/ca-certificates/x.crt': another one is called 'x.pem', too");
	t = parsed("");
	put(&t, SOURCES "x.crt", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
	assert_err(gen_certificates(&t, &e), &e,
		   "/etc/ssl/certs/x.pem: not a readable certificate: ");
	t = parsed("");
	assert_ok(gen_certificates(&t, &e), &e);
	assert_int_equal(tree_find(&t, STR("/etc")), TREE_NONE);
}

static char *made; /* one certificate for all trees */

static struct tree sources(void)
{
	struct tree t = parsed("l 0777 root root - 0 /usr/share/ca-certificates/linked -> ../more\n"
			       "l 0777 root root - 0 /etc/ssl/certs/linked.pem -> ../own.pem\n"
			       "f 0644 root root - 0 /usr/share/more/x.crt <text>\n"
			       "f 0644 root root - 0 /etc/ssl/certs/hand.pem <text>\n"
			       "f 0644 root root - 0 /etc/ssl/openssl.cnf <text>\n");

	put(&t, SOURCES "one.crt", made);
	put(&t, "/usr/local/share/ca-certificates/two.crt", "only text");
	put(&t, "/etc/ssl/own.pem", made);
	return t;
}

static struct gen_inputs inputs(struct tree *t)
{
	struct gen_inputs in;

	gen_certificates_inputs(a, t, &in);
	return in;
}

static int run(struct tree *t)
{
	return gen_certificates(t, &e);
}

static void test_inputs(void **state)
{
	(void)state;
	made = certificate("/CN=one");
	assert_stated(&(struct stated){ sources, inputs, run });
}

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_rehash), TEST(test_debian), TEST(test_errors),
					    TEST(test_inputs) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
