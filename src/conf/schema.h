/* SPDX-License-Identifier: MIT */
/* schema.h - the tables of every definition's keys. docs/definitions.md explains each to people. */
#pragma once

#include "conf/conf.h"
#include "conf/yaml.h"

/* An image's file as it is written: `from` and its own lists are not yet laid out. */
struct image_yaml {
	struct conf_image image;
	struct str from;
	struct conf_feature own;
};

extern const cyaml_schema_value_t schema_release, schema_upstreams, schema_package, schema_feature,
	schema_image, schema_ids;
