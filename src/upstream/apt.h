/* SPDX-License-Identifier: MIT */
/* apt.h - what the machine's own apt knows: its mirrors (sources.list(5)), its proxies and whether
 * old release files are refused (apt.conf(5)). Read only; a machine without apt is fine until
 * "mirror: system" asks for it. */
#pragma once

#include "base/str.h"
#include "upstream/auth.h"

struct apt_source {
	struct str uri;
	vec_str suites, components;
	struct str signed_by; /* a path, or a key block, or empty */
};

typedef VEC(struct apt_source) vec_apt_source;

/* Sources of type "deb" of a .list file (one a line) or a .sources file (deb822), appended to *ret.
 * @name is what messages call the file. */
must_check int apt_list_parse(struct arena *a, struct str text, const char *name,
			      vec_apt_source *ret, struct err *e);
must_check int apt_sources_parse(struct arena *a, struct str text, const char *name,
				 vec_apt_source *ret, struct err *e);
/* All of @dir ("/etc/apt"), in the order that apt reads them. */
must_check int apt_sources_read(struct arena *a, const char *dir, vec_apt_source *ret,
				struct err *e);

/* The mirror among @sources that serves @suite's archive (of whatever release), without a trailing
 * '/': Debian's main archive, or, where @suite ends with "-security", its security archive. Third
 * parties' repositories are passed over: a Debian source has component "main", a folder "debian"
 * (or "debian-security") in its path, plain suite names, and no key of its own; one that names
 * Debian's own keyring comes first. (Whatever is chosen, its release files
 * must still be signed by Debian.) */
must_check int apt_mirror(struct arena *a, const vec_apt_source *sources, struct str suite,
			  struct str *ret, struct err *e);

/* apt's configuration, as "apt-config dump" prints it. */
struct apt_conf {
	struct str text;        /* empty without apt */
	vec_auth auth;          /* of auth.conf and auth.conf.d */
	struct str auth_unread; /* of them, a file that only somebody else may read; or empty */
};

/* With the logins of its auth.conf. */
must_check int apt_conf_read(struct arena *a, struct apt_conf *ret, struct err *e);
/* A file or folder that apt's configuration names, such as "Dir::Etc::netrc", which is below what
 * its parents name; @otherwise without apt. */
char *apt_conf_path(struct arena *a, const struct apt_conf *conf, struct str key,
		    const char *otherwise);
/* Adds what an auth.conf and a folder of such hold; missing ones are fine. */
void apt_auth_read(struct arena *a, const char *file, const char *folder, struct apt_conf *ret);
/* A value by its whole key, without case; empty when it is not set. */
struct str apt_conf_get(const struct apt_conf *conf, struct str key);
/* The proxy for @url: a URL, "DIRECT", or empty: as the environment says. */
struct str apt_conf_proxy(struct arena *a, const struct apt_conf *conf, struct str url);
/* Acquire::https::@name for @url's host, or for all: "CaInfo", "SslCert", "SslKey". */
struct str apt_conf_https(struct arena *a, const struct apt_conf *conf, const char *name,
			  struct str url);
/* Acquire::Check-Valid-Until: true unless switched off. */
bool apt_conf_valid_until(const struct apt_conf *conf);
