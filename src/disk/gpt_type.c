/* SPDX-License-Identifier: MIT */
#include "disk/gpt.h"

#include "base/uuid.h"

/* Discoverable Partitions Specification, "Defined Partition Type UUIDs". No architecture: the same
 * on all. */
static const struct type {
	enum gpt_type type;
	const char *arch, *name, *uuid;
} types[] = {
	{ GPT_TYPE_ESP, NULL, "ESP", "c12a7328-f81f-11d2-ba4b-00a0c93ec93b" },
	{ GPT_TYPE_ROOT, "x86_64", "root-x86-64", "4f68bce3-e8cd-4db1-96e7-fbcaf984b709" },
	{ GPT_TYPE_ROOT, "aarch64", "root-arm64", "b921b045-1df0-41c3-af44-4c6f280d3fae" },
	{ GPT_TYPE_ROOT_VERITY, "x86_64", "root-x86-64-verity",
	  "2c7357ed-ebd2-46d9-aec1-23d437ec2bf5" },
	{ GPT_TYPE_ROOT_VERITY, "aarch64", "root-arm64-verity",
	  "df3300ce-d69f-4c92-978c-9bfb0f38d820" },
	{ GPT_TYPE_ROOT_VERITY_SIG, "x86_64", "root-x86-64-verity-sig",
	  "41092b05-9fc8-4523-994f-2def0408b176" },
	{ GPT_TYPE_ROOT_VERITY_SIG, "aarch64", "root-arm64-verity-sig",
	  "6db69de6-29f4-4758-a7a5-962190f00ce3" },
	{ GPT_TYPE_VAR, NULL, "var", "4d21b016-b534-45c2-a9fb-5c16e091fd2d" },
};

enum { N_TYPES = sizeof(types) / sizeof(types[0]) };

int gpt_type_uuid(enum gpt_type type, const char *arch, uint8_t ret[16], struct err *e)
{
	for (size_t i = 0; i < N_TYPES; i++)
		if (types[i].type == type && (!types[i].arch || strcmp(types[i].arch, arch) == 0) &&
		    uuid_parse(str_c(types[i].uuid), ret))
			return 0;
	return err_set(e, -EINVAL,
		       "architecture '%s' has no such partition type, want x86_64 or aarch64",
		       arch);
}

struct str gpt_type_name(struct arena *a, const uint8_t type[16])
{
	struct str text = uuid_text(a, type);

	for (size_t i = 0; i < N_TYPES; i++)
		if (str_eqz(text, types[i].uuid))
			return str_c(types[i].name);
	return text;
}
