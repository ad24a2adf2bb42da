/* SPDX-License-Identifier: MIT */
#include "image/agents.h"

#include <string.h>

/* agents_blob.S, which agents_blob.sh writes */
extern const char agent_init[], agent_init_end[], agent_status[], agent_status_end[];

enum { ELF_MACHINE_OFFSET = 18 };

static bool runs_on(struct str program, uint16_t machine)
{
	return program.n > ELF_MACHINE_OFFSET + 1 &&
	       ((uint8_t)program.p[ELF_MACHINE_OFFSET] | (uint8_t)program.p[ELF_MACHINE_OFFSET + 1]
								 << 8) == machine;
}

int agents_for(const struct arch *arch, struct agents *ret, struct err *e)
{
	struct agents agents = {
		.init = { agent_init, (size_t)(agent_init_end - agent_init) },
		.status = { agent_status, (size_t)(agent_status_end - agent_status) },
	};

	if (!runs_on(agents.init, arch->elf_machine) || !runs_on(agents.status, arch->elf_machine))
		return err_set(e, -ENOTSUP,
			       "this ashlar holds no init for %s; build ashlar on such a machine",
			       arch->name);
	*ret = agents;
	return 0;
}
