/* SPDX-License-Identifier: MIT */
/* state_luks.h - whether an encrypted volume is what agent/init makes, and not something that reads
 * as one: who holds the disk can write a header that asks for no cipher, for several segments of
 * which some are not encrypted, or for a conversion that is to go on (CVE-2021-4122). */
#pragma once

#include "base/boot_words.h"

/* Before it is opened: what the header asks for (LUKS2 On-Disk Format 1.1.3, 2 and 3), so that
 * nothing is begun. Only the first of its two copies, so it is not what is relied on. @head: the
 * partition's first STATE_HEAD_BYTES. @integrity: what the image wants. */
must_check int state_luks_check(struct arena *a, struct str head, enum state_integrity integrity,
				struct err *e);

/* Whether each TPM's token of such a header asks for the value of PCR 7, and of no other: one that
 * does not may be of a time before Secure Boot was on, also when an older copy of the header was
 * put back. False when there is none. */
must_check bool state_luks_asks_pcr7(struct arena *a, struct str head);

struct state_table {
	uint32_t targets;
	uint64_t start_sector, sectors; /* of the first */
	struct str type, params;
	struct str devno; /* of the device itself: "254:1" */
};
/* When it is open: what the kernel was told to do
 * (Documentation/admin-guide/device-mapper/dm-crypt) is AES-XTS over all of @devno ("253:5"), which
 * has @size_bytes, and nothing else. */
must_check int state_table_check(const struct state_table *t, struct str devno, uint64_t size_bytes,
				 struct err *e);
/* The same of authenticated state: @t is AES-XTS with HMAC-SHA-256 over all that @below gives,
 * which is dm-integrity over @devno and keeps what dm-crypt gives it (Documentation/admin-guide/
 * device-mapper/dm-integrity). */
must_check int state_tables_check(const struct state_table *t, const struct state_table *below,
				  struct str devno, struct err *e);
