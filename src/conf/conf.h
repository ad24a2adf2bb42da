/* SPDX-License-Identifier: MIT */
/* conf.h - the definitions under distro/: what to make. YAML read through libcyaml into these
 * structs.
 *
 * Every error reads "FILE:LINE:COLUMN: what was wrong; what was expected; did you mean '...'?".
 * Docs: docs/definitions.md. */
#pragma once

#include "base/boot_words.h"
#include "disk/erofs.h"

/* distro/release.yaml */
struct conf_release {
	struct str id;      /* "ashlar": os-release ID */
	struct str name;    /* "Ashlar Linux" */
	struct str version; /* "1.0": VERSION_ID */
	struct str codename, home_url, bug_url, vendor;
	uint64_t sbat_generation; /* counts up when an image must no longer start: 0 as 1 */
};

/* distro/upstreams.yaml: a list */
enum upstream_type { UPSTREAM_DEBIAN };
enum valid_until {
	VALID_UNTIL_SYSTEM, /* as the machine's apt says */
	VALID_UNTIL_YES,
	VALID_UNTIL_NO,
};

/* Whether a release file from the future is refused. */
enum check_date { CHECK_DATE_YES, CHECK_DATE_NO };

struct conf_suite {
	struct str
		name; /* "trixie-security"; "stable/updates"; a flat repository's ends with '/' */
	struct str mirror;       /* "system", a URL, or "file:///...": overrides the upstream's */
	struct str codename;     /* what its release file calls itself, when not @name; or empty */
	struct str accept_older; /* "2026-09-12 07:55:41 UTC": release files since then are taken,
				    whatever was seen before; or empty */
};

struct conf_upstream {
	struct str name; /* "debian" */
	enum upstream_type type;
	struct str mirror; /* "system" or a URL */
	VEC(struct conf_suite) suites;
	vec_str components; /* none for flat repositories */
	/* Who may sign: a file or folder of OpenPGP certificates, more of them, and their text. At
	 * least one is there. */
	struct str keyring;
	vec_str keyrings;
	struct str signed_by;
	enum valid_until check_valid_until;
	enum check_date check_date;
	/* Facts about a distribution whose packages expect an administrator's tools inside:
	 * requirements on these names are dropped from every package (dpkg, debconf, ...). */
	vec_str drop_requires;
	/* Shell commands and helper names in maintainer scripts that generators cover, or that mean
	 * nothing in an image whose packages never change (globs over a line of a script). */
	vec_str script_covered;
};

struct conf_user {
	struct str name, description, home, shell;
	struct str id; /* a number, or "-": any free system id */
};

struct conf_group {
	struct str name, id;
};

struct conf_member {
	struct str user, group;
};

/* distro/ids.yaml: the ids of accounts for which nobody asked for one, as machines have them. One
 * for each name, which its user and its group share; none is ever given to another name. */
enum { CONF_ID_FIRST = 101, CONF_ID_LAST = 999 }; /* Debian Policy 9.2.2; 100 is the group users */

struct conf_id {
	struct str name;
	uint64_t id;
};
typedef VEC(struct conf_id) vec_conf_id;

struct conf_ids {
	vec_conf_id v;
	const char *source;
	bool extend; /* this build may choose ids, which are then added to the file */
};

/* distro/packages/NAME/package.yaml: what Ashlar changes about an upstream package */
struct conf_alternative {
	struct str link, name, path; /* /usr/bin/pager, pager, /usr/bin/less */
	uint64_t priority;
};

struct conf_caps {
	struct str path, caps; /* /usr/bin/ping, cap_net_raw=ep */
};

struct conf_mode {
	struct str path, user, group; /* empty ones stay as upstream has them */
	struct str mode;              /* octal text "4755" */
};

/* Whose what matches is, instead of an account of whoever built the package. */
struct conf_owner {
	struct str path;        /* a glob */
	struct str user, group; /* empty ones stay as upstream has them */
};

/* A file of other packages that is elsewhere beside this one: dpkg-divert(1). */
struct conf_diversion {
	struct str path, to;
};

struct conf_link {
	struct str path, target;
};

struct conf_file {
	struct str path, mode; /* path in the image; mode octal text, default 0644 (0755 for
				  folders, whose content is absent) */
	struct str content;    /* inline text, or */
	struct str source;     /* a file beside the definition: files/NAME */
	bool directory;
	struct str user, group; /* empty: whose home it lies in, else root */
};

struct conf_scripts {
	struct str script; /* "preinst", "postinst" or "triggers"; the others are never looked at */
	struct str reason; /* why nothing is lost: required */
	struct str sha256; /* of the commands this was written for (upstream/scripts.h), or empty:
			      any */
};

struct conf_package {
	struct str name;       /* of the folder */
	vec_str drop_files;    /* globs of paths that do not enter the RPM */
	vec_str drop_requires; /* names of requirements dropped (a whole "a | b" goes when every
				  alternative is named) */
	vec_str add_requires;  /* RPM dependency text */
	vec_str add_provides;
	VEC(struct conf_user) users;
	VEC(struct conf_group) groups;
	VEC(struct conf_member) members;
	vec_str enable_units, disable_units, mask_units;
	VEC(struct conf_alternative) alternatives;
	VEC(struct conf_caps) caps;
	VEC(struct conf_owner) owners; /* in order, before modes */
	VEC(struct conf_mode) modes;
	vec_str device_files;        /* devices that it may bring */
	uint64_t max_unpacked_bytes; /* 0: as every package */
	VEC(struct conf_diversion) diversions;
	VEC(struct conf_link) links;
	VEC(struct conf_file) files;
	VEC(struct conf_scripts) scripts; /* whose work is done otherwise, or not needed */
	struct str source;                /* file it came from, for messages */
};

/* distro/images/NAME.yaml */
struct conf_feature { /* distro/features/NAME.yaml: packages, files and units that go together */
	struct str name;
	vec_str packages;
	vec_str enable_units, disable_units, mask_units;
	VEC(struct conf_file) files;
	VEC(struct conf_user) users;
	VEC(struct conf_link) links;
	struct str source;
};

/* An entry of one of an image's lists, as its own file has it: what has no effect there is a
 * mistake, while an inherited list serves other images, too. */
struct conf_entry {
	const char *key;
	struct str text;
	const char *at; /* FILE:LINE:COLUMN */
};

struct conf_image {
	struct str name, description;
	VEC(struct conf_entry) own;
	vec_str packages; /* all that is asked for: of every part, in order, each once */
	vec_str features; /* names, in order; already resolved into the vectors below by
			     conf_image_read() */
	/* What the image is of, in order: features and the inherited image's own lists, this one's
	 * last. */
	VEC(struct conf_feature) parts;
	vec_str drop_files;     /* globs left out of the image although packages hold them */
	vec_str setuid_files;   /* that may be set-user-ID, set-group-ID or have capabilities */
	bool documentation;     /* keep man pages and /usr/share/doc */
	vec_str locales;        /* localised files kept: "en" ...; none by default */
	bool weak_dependencies; /* follow Recommends */
	vec_str exclude;        /* packages that must not be chosen */
	struct str hostname, default_unit;
	vec_str kernel_command_line;
	vec_str kernel_modules; /* globs of module paths kept in the image, below kernel/; with what
				   they depend on */
	vec_str initrd_modules; /* module names loaded always by agent/init */
	vec_str initrd_drivers; /* module names loaded when a device asks for them */
	vec_str platform_credentials; /* which ones a machine takes from outside under Secure Boot:
					 names, or with '*' at their end how names begin */
	uint64_t esp_bytes;
	enum erofs_codec root_compression; /* how the root's content is stored */
	struct boot_words boot;
	/* Budgets: the build fails when one is exceeded. 0: none. */
	uint64_t max_packages, max_files_bytes, max_image_bytes;
	struct str source;
	struct conf_ids ids; /* of every image below DISTRO */
};

/* Reads DISTRO/release.yaml. All results live in @a. */
must_check int conf_release_read(struct arena *a, const char *distro, struct conf_release *ret,
				 struct err *e);
typedef VEC(struct conf_upstream) vec_conf_upstream;
must_check int conf_upstreams_read(struct arena *a, const char *distro, vec_conf_upstream *ret,
				   struct err *e);
/* Reads DISTRO/ids.yaml; without one, no ids are kept. */
must_check int conf_ids_read(struct arena *a, const char *distro, struct conf_ids *ret,
			     struct err *e);
/* Adds @more, sorted by name, to the end of the file. */
must_check int conf_ids_add(struct arena *a, const char *distro, const vec_conf_id *more,
			    struct err *e);
/* Reads DISTRO/images/NAME.yaml, whatever it inherits by `from:` (the nearer file wins for single
 * values, lists add up, "-name" in packages or features takes an inherited one away) and its
 * features. */
must_check int conf_image_read(struct arena *a, const char *distro, const char *name,
			       struct conf_image *ret, struct err *e);
/* Whether another image says `from: NAME`. */
bool conf_image_inherited(const char *distro, struct str name);
/* Reads DISTRO/packages/NAME/package.yaml; a package without one gets an empty definition. */
must_check int conf_package_read(struct arena *a, const char *distro, struct str name,
				 struct conf_package *ret, struct err *e);

/* The parsers behind them, over bytes; @name is what messages call the file. */
must_check int conf_package_parse(struct arena *a, struct str yaml, const char *name,
				  struct conf_package *ret, struct err *e);
must_check int conf_upstreams_parse(struct arena *a, struct str yaml, const char *name,
				    vec_conf_upstream *ret, struct err *e);
