/* SPDX-License-Identifier: MIT */
/* sysusers.h - declarations of users and groups: the lines of sysusers.d(5), as systemd 257 reads
 * them. */
#pragma once

#include "base/str.h"

/* A name with what is declared under it: a user, a group, or (as "u" does) both. */
struct account {
	struct str name, where; /* where: "FILE:LINE", for messages */
	bool is_user, is_group;
	bool locked; /* "u!": the account is expired, too */
	/* The ids of the user, and of the group of this name: wanted at first,
	 * and given once gen_users() has settled them. */
	bool has_uid, has_gid;
	uint32_t uid, gid;
	/* The primary group's name or number of "UID:GROUP"; empty: the group of this name. */
	struct str primary;
	struct str gecos, home, shell;
	struct str id_path; /* "/path": wanted ids are those of its owner */
	vec_str members;    /* of the group */
};

struct id_range {
	uint32_t first, last;
};

struct sysusers {
	VEC(struct account) accounts; /* in order of declaration */
	struct map names;
	VEC(struct id_range) ranges; /* of "r" lines */
};

/* Adds what @text declares. The first declaration of a name stands, as for systemd; -EBADMSG names
 * file, line and what is wrong. Strings live in @a or borrow from @text. */
must_check int sysusers_parse(struct arena *a, struct str text, const char *name,
			      struct sysusers *s, struct err *e);
/* One line of it, in fields; empty ones mean "-". */
struct sysusers_line {
	struct str type, name, id, gecos, home, shell, where;
};
must_check int sysusers_add(struct arena *a, struct sysusers *s, const struct sysusers_line *l,
			    struct err *e);
struct account *sysusers_find(const struct sysusers *s, struct str name);
/* Users and groups that only "m" lines mention. */
void sysusers_add_implied(struct arena *a, struct sysusers *s);
