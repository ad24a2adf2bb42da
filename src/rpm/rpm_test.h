/* SPDX-License-Identifier: MIT */
/* rpm_test.h - a package that has one of everything, for the tests of this folder. */
#pragma once

#include <sys/stat.h>

#include "base/proc.h"
#include "base/test.h"
#include "rpm/rpmfile.h"

static inline struct rpm_file test_file(const char *path, uint32_t mode, const char *data)
{
	return (struct rpm_file){
		.path = str_c(path),
		.mode = mode,
		.user = STR("root"),
		.group = STR("root"),
		.mtime_sec = 1700000001,
		.data = str_c(data),
	};
}

static inline void test_files_add(struct arena *a, vec_rpm_file *files)
{
	struct rpm_file f;

	f = test_file("/etc/hello.conf", S_IFREG | 0644, "greeting = hello\n");
	f.flags = FILE_CONFIG | FILE_NOREPLACE;
	vec_push(a, files) = f;
	vec_push(a, files) = test_file("/usr/bin/hello", S_IFREG | 0755, "#!/bin/sh\necho hello\n");
	f = test_file("/usr/bin/ping", S_IFREG | 0755, "capable");
	/* cap_net_raw=ep */
	xattr_set(a, &f.xattrs, STR(XATTR_CAPS),
		  (struct str){ "\1\0\0\2\0\40\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20 });
	vec_push(a, files) = f;
	f = test_file("/usr/bin/wall", S_IFREG | 02755, "");
	f.group = STR("tty");
	vec_push(a, files) = f;
	vec_push(a, files) = test_file("/usr/lib/hello", S_IFDIR | 0755, "");
	f = test_file("/usr/lib/hello/one", S_IFREG | 0644, "the same inode");
	f.link_group = 7;
	vec_push(a, files) = f;
	f.path = STR("/usr/lib/hello/two");
	vec_push(a, files) = f;
	vec_push(a, files) = test_file("/usr/lib/libhello.so", S_IFLNK | 0777, "libhello.so.1");
	f = test_file("/usr/share/doc/hello/changelog", S_IFREG | 0644, "Changes\n");
	f.flags = FILE_DOC;
	vec_push(a, files) = f;
	f = test_file("/usr/share/doc/hello/copyright", S_IFREG | 0644, "MIT\n");
	f.flags = FILE_LICENSE;
	vec_push(a, files) = f;
	f = test_file("/usr/share/locale/de/hello.mo", S_IFREG | 0644, "hallo");
	f.lang = STR("de");
	vec_push(a, files) = f;
	f = test_file("/var/lib/hello/console", S_IFCHR | 0600, "");
	f.rdev_major = 5;
	f.rdev_minor = 1;
	vec_push(a, files) = f;
	f = test_file("/var/log/hello.log", S_IFREG | 0640, "");
	f.flags = FILE_GHOST;
	vec_push(a, files) = f;
}

static inline struct rpm_package test_package(struct arena *a)
{
	struct rpm_package p = { .build_time_sec = 1710000000 };
	struct rpm_meta *m = &p.meta;

	*m = (struct rpm_meta){
		.name = STR("hello"),
		.version = STR("2.10~rc1"),
		.release = STR("3+b1"),
		.arch = STR("x86_64"),
		.epoch = 1,
		.summary = STR("Greets"),
		.description = STR("Greets the world.\nÜber alles."),
		.license = STR("MIT"),
		.url = STR("https://example.invalid/hello"),
		.vendor = STR("Debian"),
		.group = STR("utils"),
		.upstream = STR("debian"),
		.source_name = STR("hello-src"),
		.source_version = STR("1:2.10~rc1-3"),
		.origin_name = STR("hello"),
		.origin_version = STR("1:2.10~rc1-3+b1"),
		.origin_arch = STR("amd64"),
		.location = STR("pool/main/h/hello/hello_2.10~rc1-3+b1_amd64.deb"),
		.size_bytes = 12345,
		.essential = true,
	};
	memset(m->sha256, 0xab, sizeof(m->sha256));
	vec_push(a, &m->requires) =
		(struct dep){ STR("libc6"), STR("2.38"), DEP_GREATER | DEP_EQUAL };
	vec_push(a, &m->requires) = (struct dep){ STR("(awk or gawk >= 1)"), STR(""), DEP_ANY };
	vec_push(a, &m->provides) = (struct dep){ STR("greeter"), STR(""), DEP_ANY };
	vec_push(a, &m->conflicts) = (struct dep){ STR("goodbye"), STR("2"), DEP_LESS };
	vec_push(a, &m->obsoletes) = (struct dep){ STR("hullo"), STR("2.10"), DEP_LESS };
	vec_push(a, &m->recommends) = (struct dep){ STR("world"), STR(""), DEP_ANY };
	vec_push(a, &m->suggests) = (struct dep){ STR("moon"), STR(""), DEP_ANY };
	vec_push(a, &p.replaces) = (struct dep){ STR("hullo"), STR("1:2.10-0"), DEP_LESS };
	vec_push(a, &p.replaces) = (struct dep){ STR("servus"), STR(""), DEP_ANY };
	vec_push(a, &p.diverts) =
		(struct rpm_divert){ STR("hello"), STR("/usr/bin/hi"), STR("/usr/bin/hi.distrib") };
	test_files_add(a, &p.files);
	vec_push(a, &p.changelog) = (struct changelog_entry){
		1700000000, STR("A. Person <a@example.invalid> - 2.10~rc1-3"), STR("- New.")
	};
	return p;
}

static inline struct openpgp_key *test_key(struct arena *a)
{
	static struct signer *signer; /* outlives every key */
	struct openpgp_key *key;
	struct str pem;
	struct err e;

	assert_ok(file_read(a, "test/data/package-signing.pem", 1 << 20, &pem, &e), &e);
	if (!signer)
		assert_ok(signer_pem_parse(pem, &signer, &e), &e);
	assert_ok(openpgp_new(signer, STR("Test (development key) <test@ashlar.invalid>"),
			      1700000000, &key, &e),
		  &e);
	return key;
}

/* Runs a program that must succeed; what it printed on both outputs. */
static inline struct str test_run(struct arena *a, const char *const *argv)
{
	struct proc_result result;
	struct err e;

	assert_ok(proc_run(a, argv, STR(""), NULL, &result, &e), &e);
	if (result.status != 0)
		fail_msg("%s: status %d, %.*s%.*s", argv[0], result.status, STR_FMT(result.out),
			 STR_FMT(result.err));
	return str_cat(a, result.out, result.err);
}

#define assert_has(s, text)                                                         \
	do {                                                                        \
		struct str assert_s = (s);                                          \
		if (!str_has(assert_s, (text)))                                     \
			fail_msg("want '%s' in '%.*s'", (text), STR_FMT(assert_s)); \
	} while (0)
