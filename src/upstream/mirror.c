/* SPDX-License-Identifier: MIT */
#include "upstream/mirror.h"

int mirrors_resolve(struct arena *a, const struct conf_upstream *conf, struct str *ret_urls,
		    vec_auth *auth, struct err *e)
{
	vec_apt_source sources = { 0 };
	bool read = false;

	for (size_t i = 0; i < conf->suites.n; i++) {
		const struct conf_suite *s = &conf->suites.p[i];
		struct str mirror = s->mirror.n > 0 ? s->mirror : conf->mirror;
		int rc = 0;

		if (str_eqz(mirror, "system")) {
			if (!read)
				rc = apt_sources_read(a, "/etc/apt", &sources, e);
			read = true;
			if (rc >= 0)
				rc = apt_mirror(a, &sources, s->name, &mirror, e);
			if (rc < 0)
				return rc;
		}
		mirror = auth_take(a, mirror, auth);
		while (str_ends(mirror, "/"))
			mirror.n--;
		ret_urls[i] = mirror;
	}
	return 0;
}
