/* SPDX-License-Identifier: MIT */
/* Which id an account gets. What state holds belongs to numbers, and outlives the image that wrote
 * it: so a number follows from the account alone, never from who else is there. */
#include <stdlib.h>

#include "base/hash.h"
#include "tree/sysusers.h"

struct ids {
	struct arena *a;
	struct sysusers *s;
	const struct conf_ids *kept;
	struct map users, groups; /* account's index + 1, by the number's bytes */
	struct err *e;
};

static struct account *holder(const struct ids *ids, const struct map *m, uint32_t id)
{
	const uint32_t *i = map_get(m, (struct str){ (const char *)&id, sizeof(id) });

	return i ? &ids->s->accounts.p[*i - 1] : NULL;
}

static const struct conf_id *kept_of(const struct ids *ids, struct str name)
{
	vec_each(k, &ids->kept->v)
		if (str_eq(k->name, name))
			return k;
	return NULL;
}

static const struct conf_id *kept_as(const struct ids *ids, uint32_t id)
{
	vec_each(k, &ids->kept->v)
		if (k->id == id)
			return k;
	return NULL;
}

static const char *kind(bool user)
{
	return user ? "user" : "group";
}

static struct str where(const struct account *c, bool user)
{
	return user || c->gid_where.n == 0 ? c->where : c->gid_where;
}

static int taken(const struct ids *ids, const struct account *c, bool user, uint32_t id,
		 const struct account *by)
{
	return err_set(
		ids->e, -EEXIST,
		"%s '%.*s' (%.*s) and %s '%.*s' (%.*s) both want the id %u; want one of its own for each",
		kind(user), STR_FMT(c->name), STR_FMT(where(c, user)), kind(user),
		STR_FMT(by->name), STR_FMT(where(by, user)), id);
}

/* A kept number stays its name's, also where that is not in this image: machines may have files of
 * it. */
static int kept_check(const struct ids *ids, const struct account *c, bool user, uint32_t id)
{
	const struct conf_id *name = kept_of(ids, c->name), *number = kept_as(ids, id);

	if (number && !str_eq(number->name, c->name))
		return err_set(
			ids->e, -EEXIST,
			"%s '%.*s' (%.*s) wants the id %u, which '%s' keeps for '%.*s', whose files "
			"machines may have; want another one",
			kind(user), STR_FMT(c->name), STR_FMT(where(c, user)), id,
			ids->kept->source, STR_FMT(number->name));
	if (name && name->id != id)
		return err_set(
			ids->e, -EEXIST,
			"%s '%.*s' (%.*s) wants the id %u, and '%s' keeps %llu for it, of which machines "
			"may have files; want one of the two in both places",
			kind(user), STR_FMT(c->name), STR_FMT(where(c, user)), id,
			ids->kept->source, (unsigned long long)name->id);
	return 0;
}

/* A user and a group may have one number under two names (sync is 4, and so is adm); two users may
 * not, nor two groups: they would be one. */
static int claim(struct ids *ids, struct account *c, bool user, uint32_t id)
{
	struct map *m = user ? &ids->users : &ids->groups;
	const struct account *by = holder(ids, m, id);
	struct str key = { arena_copy(ids->a, &id, sizeof(id)), sizeof(id) };

	if (by)
		return taken(ids, c, user, id, by);
	map_put(ids->a, m, key, (uint32_t)(c - ids->s->accounts.p) + 1);
	*(user ? &c->has_uid : &c->has_gid) = true;
	*(user ? &c->uid : &c->gid) = id;
	return kept_check(ids, c, user, id);
}

/* An owner known by number; one known by name has its number already, so it is taken. */
static void ids_of_path(const struct tree *t, struct account *c)
{
	uint32_t id = c->id_path.n > 0 ? tree_find(t, c->id_path) : TREE_NONE;
	const struct tree_node *n;

	if (id == TREE_NONE)
		return;
	n = &t->nodes.p[id];
	if (c->is_user && n->user.n == 0 && !c->has_uid) {
		c->uid = n->uid;
		c->has_uid = true;
	}
	if (c->is_group && n->group.n == 0 && !c->has_gid) {
		c->gid = n->gid;
		c->has_gid = true;
	}
}

static int account_cmp(const void *x, const void *y)
{
	return str_cmp((*(struct account *const *)x)->name, (*(struct account *const *)y)->name);
}

static struct account **by_name(struct arena *a, const struct sysusers *s)
{
	struct account **ret = arena_array(a, s->accounts.n + 1, sizeof(*ret));

	for (size_t i = 0; i < s->accounts.n; i++)
		ret[i] = &s->accounts.p[i];
	qsort(ret, s->accounts.n, sizeof(*ret), account_cmp);
	return ret;
}

/* The same in every image that was ever made or will be. */
static uint32_t number_of(struct str name)
{
	uint8_t digest[SHA256_BYTES];
	uint32_t n = 0;

	sha256(name.p, name.n, digest);
	for (size_t i = 0; i < sizeof(n); i++)
		n = n << 8 | digest[i];
	return CONF_ID_FIRST + n % (CONF_ID_LAST - CONF_ID_FIRST + 1);
}

/* Who has it, or "": nobody. */
static struct str held_by(const struct ids *ids, uint32_t id)
{
	const struct account *user = holder(ids, &ids->users, id),
			     *group = holder(ids, &ids->groups, id);
	const struct conf_id *kept = kept_as(ids, id);

	return user ? user->name : group ? group->name : kept ? kept->name : (struct str){ 0 };
}

/* The first free one from there on, where it will be kept. */
static int another(const struct ids *ids, const struct account *c, uint32_t *id)
{
	struct str by = held_by(ids, *id);

	if (by.n > 0 && !ids->kept->extend)
		return err_set(
			ids->e, -EEXIST,
			"'%.*s' (%.*s) would have the id %u by its name, which is that of '%.*s'; "
			"'ashlar build IMAGE --update-ids' chooses another one and keeps it in '%s'",
			STR_FMT(c->name), STR_FMT(c->where), *id, STR_FMT(by), ids->kept->source);
	for (unsigned tries = CONF_ID_FIRST; held_by(ids, *id).n > 0; tries++) {
		if (tries > CONF_ID_LAST)
			return err_set(ids->e, -ENOSPC,
				       "%.*s: no free id is left for '%.*s'; give it one",
				       STR_FMT(c->where), STR_FMT(c->name));
		*id = *id == CONF_ID_LAST ? CONF_ID_FIRST : *id + 1;
	}
	return 0;
}

static int settle_one(struct ids *ids, struct account *c)
{
	bool need_gid = c->is_group && !c->has_gid, need_uid = c->is_user && !c->has_uid;
	const struct conf_id *kept = kept_of(ids, c->name);
	uint32_t id = kept ? (uint32_t)kept->id : number_of(c->name);
	int r = 0;

	if (need_uid && c->is_group && c->has_gid)
		return claim(ids, c, true, c->gid);
	if (need_gid && c->has_uid)
		return claim(ids, c, false, c->uid);
	if (!need_uid && !need_gid)
		return 0;
	if (!kept)
		r = another(ids, c, &id);
	if (r == 0 && need_gid)
		r = claim(ids, c, false, id);
	if (r == 0 && need_uid)
		r = claim(ids, c, true, id);
	return r;
}

/* Wanted numbers, then those of the account's other half or of the ledger, then names' own: in this
 * order, so that whose number is in the way is named, and not who came later. */
int sysusers_settle(struct arena *a, struct sysusers *s, const struct tree *t,
		    const struct conf_ids *kept, struct err *e)
{
	struct ids ids = { .a = a, .s = s, .kept = kept, .e = e };
	struct account **sorted = by_name(a, s);
	int r = 0;

	vec_each(c, &s->accounts) {
		ids_of_path(t, c);
		if (r == 0 && c->has_gid)
			r = claim(&ids, c, false, c->gid);
		if (r == 0 && c->has_uid)
			r = claim(&ids, c, true, c->uid);
	}
	for (int named = 0; named < 2; named++)
		for (size_t i = 0; i < s->accounts.n && r == 0; i++) {
			const struct account *c = sorted[i];

			if (named || c->has_gid || c->has_uid || kept_of(&ids, c->name))
				r = settle_one(&ids, sorted[i]);
		}
	return r;
}
