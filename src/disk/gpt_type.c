/* SPDX-License-Identifier: MIT */
#include <assert.h>

#include "base/arch.h"
#include "base/uuid.h"
#include "disk/gpt.h"

/* Discoverable Partitions Specification, "Defined Partition Type UUIDs"; those of an architecture
 * stand in base/arch.c. */
static const struct type {
	const char *name, *uuid;
} common[] = {
	[GPT_TYPE_ESP] = { "ESP", "c12a7328-f81f-11d2-ba4b-00a0c93ec93b" },
	[GPT_TYPE_VAR] = { "var", "4d21b016-b534-45c2-a9fb-5c16e091fd2d" },
};

static struct type type_of(enum gpt_type type, const struct arch *arch)
{
	if (type == GPT_TYPE_ROOT)
		return (struct type){ arch->gpt_root.name, arch->gpt_root.uuid };
	if (type == GPT_TYPE_ROOT_VERITY)
		return (struct type){ arch->gpt_root_verity.name, arch->gpt_root_verity.uuid };
	if (type == GPT_TYPE_ROOT_VERITY_SIG)
		return (struct type){ arch->gpt_root_verity_sig.name,
				      arch->gpt_root_verity_sig.uuid };
	return common[type];
}

void gpt_type_uuid(enum gpt_type type, const struct arch *arch, uint8_t ret[16])
{
	bool ours = uuid_parse(str_c(type_of(type, arch).uuid), ret);

	assert(ours);
}

bool gpt_type_is(const uint8_t uuid[16], enum gpt_type type)
{
	uint8_t want[16];

	for (size_t i = 0; i < ARCHS; i++) {
		gpt_type_uuid(type, archs[i], want);
		if (memcmp(uuid, want, sizeof(want)) == 0)
			return true;
	}
	return false;
}

struct str gpt_type_name(struct arena *a, const uint8_t uuid[16])
{
	for (int type = 0; type < GPT_TYPES; type++)
		for (size_t i = 0; i < ARCHS; i++) {
			uint8_t want[16];

			gpt_type_uuid((enum gpt_type)type, archs[i], want);
			if (memcmp(uuid, want, sizeof(want)) == 0)
				return str_c(type_of((enum gpt_type)type, archs[i]).name);
		}
	return uuid_text(a, uuid);
}
