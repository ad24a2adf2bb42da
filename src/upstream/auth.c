/* SPDX-License-Identifier: MIT */
#include "upstream/auth.h"

#include "base/url.h"

/* All words, of all lines that are no comments: pairs may stand over several. */
static vec_str words(struct arena *a, struct str text)
{
	vec_str ret = { 0 };

	while (text.n > 0) {
		struct str line = str_trim(str_cut(&text, '\n')), word;

		if (str_starts(line, "#"))
			continue;
		while ((word = str_word(&line)).n > 0)
			vec_push(a, &ret) = word;
	}
	return ret;
}

void auth_parse(struct arena *a, struct str text, vec_auth *ret)
{
	vec_str all = words(a, text);
	struct auth *entry = NULL;

	for (size_t i = 0; i < all.n; i++) {
		struct str word = all.p[i], value = i + 1 < all.n ? all.p[i + 1] : STR("");

		if (str_eqz(word, "machine")) {
			entry = &vec_push(a, ret);
			*entry = (struct auth){ .machine = value };
		} else if (entry && str_eqz(word, "login")) {
			entry->login = value;
		} else if (entry && str_eqz(word, "password")) {
			entry->password = value;
		} else {
			if (str_eqz(word, "default")) /* of netrc(5): for any host, so for none */
				entry = NULL;
			continue;
		}
		i++;
	}
}

struct str auth_take(struct arena *a, struct str url, vec_auth *ret)
{
	struct str clean = url_clean(a, url), below = clean;
	struct url u;

	if (!url_parse(url, &u) || !u.has_user)
		return url;
	while (str_ends(below, "/"))
		below.n--;
	vec_push(a, ret) = (struct auth){
		.below = str_cat(a, below, STR("/")),
		.login = url_unescape(a, u.user),
		.password = url_unescape(a, u.password),
	};
	return clean;
}

/* Whether @host and @path begin with @machine. */
static bool path_matches(struct str machine, struct str host, struct str path)
{
	return machine.n >= host.n && str_eq(str_head(machine, host.n), host) &&
	       str_from(machine, host.n).n <= path.n &&
	       str_eq(str_from(machine, host.n), str_head(path, machine.n - host.n));
}

static bool machine_matches(struct str machine, const struct url *u)
{
	struct url of;

	if (str_has(machine, "://")) {
		if (!url_parse(machine, &of) || !str_eq(of.scheme, u->scheme))
			return false;
		machine = str_from(machine, of.scheme.n + 3);
	} else if (!str_eqz(u->scheme, "https")) {
		return false; /* a password that everybody on the way can read is asked for */
	}
	if (machine.n == 0)
		return false;
	if (str_find(machine, '/') < 0)
		return str_eq(machine, u->host) || str_eq(machine, u->place);
	return path_matches(machine, u->host, u->path) || path_matches(machine, u->place, u->path);
}

const struct auth *auth_find(const vec_auth *all, struct str url)
{
	struct url u;

	if (!url_parse(url, &u))
		return NULL;
	vec_each(entry, all)
		if (entry->below.n > 0 && url.n >= entry->below.n &&
		    str_eq(str_head(url, entry->below.n), entry->below))
			return entry;
	vec_each(entry, all)
		if (entry->machine.n > 0 && machine_matches(entry->machine, &u))
			return entry;
	return NULL;
}
