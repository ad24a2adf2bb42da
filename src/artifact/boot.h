/* SPDX-License-Identifier: MIT */
/* boot.h - what firmware starts: the unified kernel image, and the EFI system partition that it
 * lies on with the boot loader. */
#pragma once

#include "artifact/payload.h"
#include "conf/conf.h"
#include "disk/segment.h"
#include "keys/keys.h"

/* "EFI/Linux/ashlar_1.0.20261123.efi", by which systemd-boot finds it and sorts versions. */
struct str boot_uki_name(struct arena *a, const struct conf_release *release, struct str version);

/* The words behind roothash=: what agent/init is to insist on (agent/init/cmdline.h), @release's
 * generation among it, then the definition's own. -E2BIG when the kernel would leave out some. */
must_check int boot_command_line(struct arena *a, const struct conf_release *release,
				 const struct conf_image *image,
				 const uint8_t root_hash[SHA256_BYTES], struct str *ret,
				 struct err *e);

/* That @line, of an image, has no room for words that nobody signed. */
must_check int boot_command_line_check(struct str line, struct err *e);

struct boot_uki {
	const struct conf_release *release;
	struct str version, os_release, kernel_version;
	struct str stub, kernel, initrd, command_line;
	/* The first is what new state is bound to; room for a signature of PCR 11 by the key of
	 * each is left blank in .pcrsig. */
	const vec_str *pcr_certificates;
};

/* Not signed. */
must_check int boot_uki(struct arena *a, const struct boot_uki *in, struct str *ret, struct err *e);

/* The EFI system partition: what firmware starts, the kernels, and the keys that a machine without
 * an owner may enrol. */
must_check int boot_esp(struct arena *a, const struct payload *p, struct segments *ret,
			struct err *e);
