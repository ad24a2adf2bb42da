/* SPDX-License-Identifier: MIT */
/* load.h - definitions from YAML into structs, by tables of yaml.h. */
#pragma once

#include "conf/yaml.h"

/* Reads @text into *ret, which @top describes: a struct for a mapping, a VEC for a list. Fills *doc
 * when it is not NULL, also for yaml_at(). Everything in @a. */
must_check int yaml_load(struct arena *a, const cyaml_schema_value_t *top, struct str text,
			 const char *name, void *ret, struct yaml_doc *doc, struct err *e);
/* A definition's text, at most YAML_BYTES_MAX; -ENOENT when it is missing. */
must_check int yaml_file(struct arena *a, const char *path, struct str *ret, struct err *e);
/* yaml_file() and yaml_load(). */
must_check int yaml_read(struct arena *a, const cyaml_schema_value_t *top, const char *path,
			 void *ret, struct yaml_doc *doc, struct err *e);
