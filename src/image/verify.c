/* SPDX-License-Identifier: MIT */
#include "image/verify.h"

#include "base/hash.h"
#include "disk/erofs.h"
#include "disk/fat.h"
#include "disk/gpt.h"
#include "disk/pe.h"
#include "disk/verity.h"

static struct str partition_bytes(struct str image, const struct gpt_partition *p)
{
	return str_head(str_from(image, p->start_lba * GPT_SECTOR_BYTES),
			p->size_lba * GPT_SECTOR_BYTES);
}

static bool is_type(const struct gpt_partition *p, enum gpt_type type)
{
	static const char *const archs[] = { "x86_64", "aarch64" };
	uint8_t uuid[16];
	struct err e;

	for (size_t i = 0; i < 2; i++)
		if (gpt_type_uuid(type, archs[i], uuid, &e) == 0 &&
		    memcmp(uuid, p->type, sizeof(uuid)) == 0)
			return true;
	return false;
}

static int partition_find(struct str image, const struct gpt *gpt, enum gpt_type type,
			  const char *name, struct str *ret,
			  const struct gpt_partition **ret_partition, struct err *e)
{
	for (size_t i = 0; i < gpt->n_partitions; i++)
		if (is_type(&gpt->partitions[i], type)) {
			*ret = partition_bytes(image, &gpt->partitions[i]);
			*ret_partition = &gpt->partitions[i];
			return 0;
		}
	return err_set(e, -ENOENT, "no %s partition", name);
}

/* The root hash on the command line inside the UKI: the one thing that everything else hangs on. */
static int uki_root_hash(struct arena *a, const struct fat_input *esp, struct verify_report *report,
			 struct err *e)
{
	const struct pe_section *cmdline;
	struct pe pe;
	struct str rest;
	int r;

	for (size_t i = 0; i < esp->n_files; i++) {
		if (!str_starts(esp->files[i].path, "EFI/Linux/"))
			continue;
		report->uki = esp->files[i].path;
		r = pe_read(a, esp->files[i].data, &pe, e);
		if (r == 0)
			r = pe_checksum_check(esp->files[i].data, e);
		if (r < 0)
			return err_wrap(e, r, "%.*s", STR_FMT(report->uki));
		cmdline = pe_section(&pe, ".cmdline");
		rest = cmdline ? cmdline->data : (struct str){ 0 };
		for (struct str word; (word = str_word(&rest)).n > 0;)
			if (str_starts(word, "roothash=") &&
			    hex_decode(str_from(word, strlen("roothash=")), report->root_hash,
				       SHA256_BYTES))
				return 0;
		return err_set(e, -EBADMSG, "%.*s: no roothash= on its command line",
			       STR_FMT(report->uki));
	}
	return err_set(e, -ENOENT, "no unified kernel image in EFI/Linux of the ESP");
}

static int uuid_check(struct arena *a, const struct gpt_partition *p, const uint8_t want[16],
		      struct err *e)
{
	if (memcmp(p->uuid, want, 16) == 0)
		return 0;
	return err_set(e, -EBADMSG, "partition '%.*s' has UUID %.*s; its root hash implies %.*s",
		       STR_FMT(p->label), STR_FMT(uuid_text(a, p->uuid)),
		       STR_FMT(uuid_text(a, want)));
}

static int root_check(struct arena *a, struct str image, const struct gpt *gpt, unsigned jobs,
		      struct verify_report *report, struct err *e)
{
	const struct gpt_partition *root_p, *hash_p;
	uint8_t root_uuid[16], hash_uuid[16];
	struct verity_super super;
	struct erofs_input erofs;
	struct str root, hash;
	int r = partition_find(image, gpt, GPT_TYPE_ROOT, "root", &root, &root_p, e);

	if (r == 0)
		r = partition_find(image, gpt, GPT_TYPE_ROOT_VERITY, "root-verity", &hash, &hash_p,
				   e);
	if (r < 0)
		return r;
	verity_partition_uuids(report->root_hash, root_uuid, hash_uuid);
	r = uuid_check(a, root_p, root_uuid, e);
	if (r == 0)
		r = uuid_check(a, hash_p, hash_uuid, e);
	if (r == 0)
		r = verity_super_parse((const uint8_t *)hash.p, hash.n, &super, e);
	if (r == 0 && super.data_blocks > root.n / VERITY_BLOCK_BYTES)
		r = err_set(e, -EBADMSG, "verity covers %llu blocks, the root partition has %zu",
			    (unsigned long long)super.data_blocks, root.n / VERITY_BLOCK_BYTES);
	if (r == 0)
		r = verity_check((const uint8_t *)root.p, super.data_blocks * VERITY_BLOCK_BYTES,
				 (const uint8_t *)hash.p, hash.n, report->root_hash, jobs, e);
	if (r < 0)
		return err_wrap(e, r, "root partition");
	r = erofs_read(a, (const uint8_t *)root.p, root.n, &erofs, e);
	if (r < 0)
		return err_wrap(e, r, "root file system");
	report->n_inodes = erofs.n_inodes;
	return 0;
}

int image_verify(struct arena *a, struct str image, unsigned jobs, struct verify_report *ret,
		 struct err *e)
{
	struct verify_report report = { 0 };
	const struct gpt_partition *p;
	struct fat_input esp;
	struct str bytes;
	struct gpt gpt;
	int r = gpt_read(a, (const uint8_t *)image.p, image.n, &gpt, e);

	if (r < 0)
		return r;
	report.n_partitions = gpt.n_partitions;
	r = partition_find(image, &gpt, GPT_TYPE_ESP, "ESP", &bytes, &p, e);
	if (r == 0)
		r = fat_read(a, (const uint8_t *)bytes.p, bytes.n, &esp, e);
	if (r < 0)
		return err_wrap(e, r, "EFI system partition");
	r = uki_root_hash(a, &esp, &report, e);
	if (r == 0)
		r = root_check(a, image, &gpt, jobs, &report, e);
	if (r < 0)
		return r;
	*ret = report;
	return 0;
}
