/* SPDX-License-Identifier: MIT */
#include "base/arch.h"

const struct arch arch_x86_64 = {
	.name = "x86_64",
	.debian = "amd64",
	.gnu = "x86_64-linux-gnu",
	.efi = "x64",
	.efi_boot = "EFI/BOOT/BOOTX64.EFI",
	.pe_machine = 0x8664,
	.elf_machine = 62,
	.rpm_lead = 1,
	.ld_cache = 0x0303,
	.gpt_root = { "root-x86-64", "4f68bce3-e8cd-4db1-96e7-fbcaf984b709" },
	.gpt_root_verity = { "root-x86-64-verity", "2c7357ed-ebd2-46d9-aec1-23d437ec2bf5" },
	.gpt_root_verity_sig = { "root-x86-64-verity-sig", "41092b05-9fc8-4523-994f-2def0408b176" },
};

const struct arch arch_aarch64 = {
	.name = "aarch64",
	.debian = "arm64",
	.gnu = "aarch64-linux-gnu",
	.efi = "aa64",
	.efi_boot = "EFI/BOOT/BOOTAA64.EFI",
	.pe_machine = 0xaa64,
	.elf_machine = 183,
	.rpm_lead = 19,
	.ld_cache = 0x0a03,
	.gpt_root = { "root-arm64", "b921b045-1df0-41c3-af44-4c6f280d3fae" },
	.gpt_root_verity = { "root-arm64-verity", "df3300ce-d69f-4c92-978c-9bfb0f38d820" },
	.gpt_root_verity_sig = { "root-arm64-verity-sig", "6db69de6-29f4-4758-a7a5-962190f00ce3" },
};

const struct arch *const archs[ARCHS] = { &arch_x86_64, &arch_aarch64 };

const struct arch *arch_find(struct str name)
{
	for (size_t i = 0; i < ARCHS; i++)
		if (str_eqz(name, archs[i]->name))
			return archs[i];
	return NULL;
}

const struct arch *arch_by_pe(uint16_t pe_machine)
{
	for (size_t i = 0; i < ARCHS; i++)
		if (archs[i]->pe_machine == pe_machine)
			return archs[i];
	return NULL;
}

struct str arch_names(struct arena *a)
{
	vec_str names = { 0 };

	for (size_t i = 0; i < ARCHS; i++)
		vec_push(a, &names) = str_c(archs[i]->name);
	return str_names(a, &names);
}

const struct arch *arch_native(void)
{
#if defined(__x86_64__)
	return &arch_x86_64;
#elif defined(__aarch64__)
	return &arch_aarch64;
#else
#error "this architecture is not in the table"
#endif
}
