/* SPDX-License-Identifier: MIT */
/* check.h - holds YAML text against a table, event by event, so that an error has its line and
 * column. */
#pragma once

#include "conf/yaml.h"

/* Fills doc->marks. What passes is sure to be loaded by libcyaml with the same table. */
must_check int yaml_check(struct arena *a, const cyaml_schema_value_t *top, struct str text,
			  struct yaml_doc *doc, struct err *e);
