/* SPDX-License-Identifier: MIT */
/* sysusers.h - declarations of users and groups: the lines of sysusers.d(5), as systemd 257 reads
 * them. */
#pragma once

#include "conf/conf.h"
#include "tree/tree.h"

/* A name with what is declared under it: a user, a group, or (as "u" does) both. */
struct account {
	struct str name, where; /* where: "FILE:LINE", for messages */
	bool is_user, is_group;
	struct str gid_where;
	unsigned uid_rank, gid_rank;
	bool locked; /* "u!": the account is expired, too */
	/* The ids of the user, and of the group of this name: wanted at first,
	 * and given once sysusers_settle() is done. */
	bool has_uid, has_gid;
	uint32_t uid, gid;
	/* The primary group's name or number of "UID:GROUP"; empty: the group of this name. */
	struct str primary;
	struct str gecos, home, shell;
	struct str id_path; /* "/path": wanted ids are those of its owner */
	vec_str members;    /* of the group */
};

struct sysusers {
	VEC(struct account) accounts; /* in order of declaration */
	struct map names;
};

/* Adds what @text declares. The first declaration of a name stands, as for systemd, and definitions
 * come before files; but where two of the same rank want different ids, and where an id is another
 * one's by convention (0, 65534, ranges that systemd gives from), that is -EBADMSG, which names
 * file, line and what is wrong. Strings live in @a or borrow from @text. "r" lines are read and
 * have no say: with them, one package would change ids of another. */
must_check int sysusers_parse(struct arena *a, struct str text, const char *name,
			      struct sysusers *s, struct err *e);
/* Which of two declarations that want different ids stands: the one of the higher rank; parts of an
 * image in their order. */
enum { SYSUSERS_FILE, SYSUSERS_PACKAGE, SYSUSERS_PART };

/* One line of it, in fields; empty ones mean "-". */
struct sysusers_line {
	struct str type, name, id, gecos, home, shell, where;
	unsigned rank;
};
must_check int sysusers_add(struct arena *a, struct sysusers *s, const struct sysusers_line *l,
			    struct err *e);
struct account *sysusers_find(const struct sysusers *s, struct str name);
/* Users and groups that only "m" lines mention. */
void sysusers_add_implied(struct arena *a, struct sysusers *s);

/* Gives each account its ids (docs/decisions/0021-ids.md): the one that is wanted, or that the
 * owner of a path in @t has, else the one kept in @ids, else one that follows from the name alone.
 * Never one because another was taken: who wants the same is -EEXIST, naming both, unless @ids may
 * be extended. */
must_check int sysusers_settle(struct arena *a, struct sysusers *s, const struct tree *t,
			       const struct conf_ids *ids, struct err *e);
