/* SPDX-License-Identifier: MIT */
/* unit.h - names and [Install] sections of unit files (systemd.unit(5)), and presets
 * (systemd.preset(5)). */
#pragma once

#include "base/str.h"

struct unit_install {
	vec_str alias, wanted_by, required_by, upheld_by, also;
	struct str default_instance;
	bool any; /* there is something to enable */
};

/* Reads the section; what systemd ignores with a warning is ignored. */
void unit_install_parse(struct arena *a, struct str text, struct unit_install *ret);

/* "foo@bar.service": prefix "foo", instance "bar", suffix ".service"; .template is "foo@.service".
 * Without '@', .template and .instance are empty. False when the suffix is no type of unit. */
struct unit_name {
	struct str full, prefix, instance, suffix, template;
};
must_check bool unit_name_parse(struct arena *a, struct str name, struct unit_name *ret);
/* "foo@.service" with @instance. */
struct str unit_instance(struct arena *a, const struct unit_name *template, struct str instance);

/* Replaces the specifiers that say something about the unit's name (%n %N %p %i %j %%); false on
 * any other, which would speak of the running machine. */
must_check bool unit_expand(struct arena *a, struct str text, const struct unit_name *name,
			    struct str *ret);

enum preset_action { PRESET_ENABLE, PRESET_DISABLE, PRESET_IGNORE };

struct preset_rule {
	enum preset_action action;
	struct str pattern;
	vec_str instances;
};

typedef VEC(struct preset_rule) vec_preset_rule;

/* Appends the rules of one file; the first that matches counts. */
void preset_parse(struct arena *a, struct str text, vec_preset_rule *rules);
/* The rule for a unit file's name, templates included, or NULL (systemd then enables). */
const struct preset_rule *preset_find(const vec_preset_rule *rules, struct str name);
