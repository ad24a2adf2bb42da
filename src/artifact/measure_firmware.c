/* SPDX-License-Identifier: MIT */
/* What firmware measures, as the TCG PC Client Platform Firmware Profile 1.06 (3.3.4.5, 3.3.4.8)
 * says and EDK II does it. */
#include "artifact/measure.h"
#include "base/uuid.h"
#include "disk/gpt.h"
#include "trust/authenticode.h"
#include "trust/efi_variable.h"

static void separator_measure(uint8_t pcr[SHA256_BYTES])
{
	static const uint8_t separator[4]; /* zero: no error so far */

	measure_bytes(pcr, separator, sizeof(separator));
}

int measure_pcr4(struct str boot_loader, struct str uki, uint8_t ret[SHA256_BYTES], struct err *e)
{
	static const char action[] = "Calling EFI Application from Boot Option";
	uint8_t loader_digest[SHA256_BYTES], uki_digest[SHA256_BYTES], pcr[SHA256_BYTES] = { 0 };
	int r = authenticode_digest(boot_loader, loader_digest, e);

	if (r < 0)
		return err_wrap(e, r, "boot loader");
	r = authenticode_digest(uki, uki_digest, e);
	if (r < 0)
		return err_wrap(e, r, "unified kernel image");
	measure_bytes(pcr, action, strlen(action));
	separator_measure(pcr);
	measure_extend(pcr, loader_digest);
	measure_extend(pcr, uki_digest);
	memcpy(ret, pcr, SHA256_BYTES);
	return 0;
}

int program_digest(struct str program, uint8_t ret[SHA256_BYTES], struct err *e)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str copy = str_dup(&a, program);
	const struct pe_section *section;
	struct pe pe;
	int r = pe_read(&a, copy, &pe, e);

	if (r < 0)
		return r;
	section = pe_section(&pe, ".pcrsig");
	if (section)
		memset((char *)section->data.p, 0, section->data.n);
	return authenticode_digest(copy, ret, e);
}

/* UEFI_VARIABLE_DATA, 10.4.2.1 of the Profile. */
static void variable_measure(uint8_t pcr[SHA256_BYTES], const char *name, const uint8_t guid[16],
			     struct str data)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct buf b = { .a = &a };
	uint8_t disk_guid[16];

	uuid_swap(guid, disk_guid);
	buf_put(&b, disk_guid, sizeof(disk_guid));
	buf_le64(&b, strlen(name));
	buf_le64(&b, data.n);
	for (const char *c = name; *c; c++)
		buf_le16(&b, (uint8_t)*c);
	buf_put(&b, data.p, data.n);
	measure_bytes(pcr, b.v.p, b.v.n);
}

int measure_pcr7(const struct str lists[ENROL_VARIABLES], const uint8_t owner[16],
		 struct str authority, uint8_t ret[SHA256_BYTES], struct err *e)
{
	static const char *const names[ENROL_VARIABLES] = { "PK", "KEK", "db", "dbx" };
	_cleanup_arena_ struct arena a = { 0 };
	uint8_t disk_guid[16], pcr[SHA256_BYTES] = { 0 };
	struct str entry, db = lists[ENROL_DB];

	uuid_swap(owner, disk_guid);
	entry = str_cat(&a, (struct str){ (char *)disk_guid, sizeof(disk_guid) }, authority);
	if (db.n == 0 || !memmem(db.p, db.n, entry.p, entry.n))
		return err_set(e, -EINVAL,
			       "db does not hold the certificate that starts the boot loader");
	variable_measure(pcr, "SecureBoot", efi_global_guid, STR("\1"));
	for (enum enrol_variable v = 0; v < ENROL_VARIABLES; v++)
		variable_measure(pcr, names[v], v < ENROL_DB ? efi_global_guid : efi_security_guid,
				 lists[v]);
	separator_measure(pcr);
	/* Once, however many images it starts: the entry of db that a signature led to. */
	variable_measure(pcr, "db", efi_security_guid, entry);
	memcpy(ret, pcr, SHA256_BYTES);
	return 0;
}
