/* SPDX-License-Identifier: MIT */
/* load.h - definitions from YAML into structs, by tables of yaml.h. */
#pragma once

#include "conf/yaml.h"

/* Reads @text into *ret, which @top describes: a struct for a mapping, a VEC for a list. Fills *doc
 * when it is not NULL, also for yaml_at(). Everything in @a. */
must_check int yaml_load(struct arena *a, const cyaml_schema_value_t *top, struct str text,
			 const char *name, void *ret, struct yaml_doc *doc, struct err *e);
/* The text of the definition DISTRO/@below, at most YAML_BYTES_MAX; -ENOENT when it is missing. No
 * link is followed (file_read_below()). */
must_check int yaml_file(struct arena *a, const char *distro, const char *below, struct str *ret,
			 struct err *e);
/* yaml_file() and yaml_load(). */
must_check int yaml_read(struct arena *a, const cyaml_schema_value_t *top, const char *distro,
			 const char *below, void *ret, struct yaml_doc *doc, struct err *e);
