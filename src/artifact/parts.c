/* SPDX-License-Identifier: MIT */
#include "artifact/parts.h"

#include "disk/codec.h"
#include "disk/cpio.h"

enum { INITRD_BYTES_MAX = 256 << 20 };

static const struct {
	enum gpt_type type;
	const char *name;
} partition_types[IMAGE_PARTITIONS] = {
	{ GPT_TYPE_ESP, "ESP" },
	{ GPT_TYPE_ROOT, "root" },
	{ GPT_TYPE_ROOT_VERITY, "root-verity" },
	{ GPT_TYPE_ROOT_VERITY_SIG, "root-verity-sig" },
};

/* gpt_read() has checked that every partition lies within the image. */
int image_partition_find(struct str image, struct image_parts *parts, enum image_partition which,
			 struct err *e)
{
	for (size_t k = 0; k < parts->gpt.n_partitions; k++) {
		const struct gpt_partition *p = &parts->gpt.partitions[k];

		if (!gpt_type_is(p->type, partition_types[which].type))
			continue;
		parts->partitions[which] = p;
		parts->bytes[which] = str_head(str_from(image, p->start_lba * GPT_SECTOR_BYTES),
					       p->size_lba * GPT_SECTOR_BYTES);
		return 0;
	}
	return err_set(e, -ENOENT, "no %s partition", partition_types[which].name);
}

static int esp_read(struct arena *a, struct image_parts *parts, struct err *e)
{
	struct str bytes = parts->bytes[PARTITION_ESP];
	int r = fat_read(a, (const uint8_t *)bytes.p, bytes.n, &parts->esp, e);

	if (r < 0)
		return err_wrap(e, r, "EFI system partition");
	for (size_t i = 0; i < parts->esp.n_files; i++) {
		const struct fat_file *f = &parts->esp.files[i];

		if (str_starts(f->path, "EFI/Linux/"))
			parts->uki = f;
		if (str_starts(f->path, "EFI/BOOT/"))
			parts->boot_loader = f;
	}
	if (!parts->boot_loader)
		return err_set(e, -ENOENT, "no boot loader in EFI/BOOT of the ESP");
	if (!parts->uki)
		return err_set(e, -ENOENT, "no unified kernel image in EFI/Linux of the ESP");
	return 0;
}

static struct str section(const struct image_parts *parts, const char *name)
{
	const struct pe_section *s = pe_section(&parts->uki_pe, name);

	return s ? s->data : (struct str){ 0 };
}

/* The root hash on the command line: the one thing that everything else hangs on. */
static int root_hash_read(struct image_parts *parts, struct err *e)
{
	struct str rest = section(parts, ".cmdline");

	for (struct str word; (word = str_word(&rest)).n > 0;)
		if (str_starts(word, "roothash=") &&
		    hex_decode(str_from(word, strlen("roothash=")), parts->root_hash, SHA256_BYTES))
			return 0;
	return err_set(e, -EBADMSG, "no roothash= on its command line");
}

static int initrd_read(struct arena *a, struct image_parts *parts, struct err *e)
{
	struct cpio_entry entry;
	struct str cpio;
	int r = decompress(a, section(parts, ".initrd"), INITRD_BYTES_MAX, &cpio, e);

	while (r == 0) {
		r = cpio_next(&cpio, &entry, e);
		if (r <= 0)
			break;
		if (str_eqz(entry.name, "ipe-policy")) {
			parts->ipe_template = entry.data;
			return 0;
		}
		r = 0;
	}
	if (r == 0)
		r = err_set(e, -ENOENT, "no execution policy in it");
	return err_wrap(e, r, "initrd");
}

int image_parts_read(struct arena *a, struct str image, struct image_parts *ret, struct err *e)
{
	struct image_parts parts = { 0 };
	int r = gpt_read(a, (const uint8_t *)image.p, image.n, &parts.gpt, e);

	for (size_t i = 0; r == 0 && i < IMAGE_PARTITIONS; i++)
		r = image_partition_find(image, &parts, (enum image_partition)i, e);
	if (r == 0)
		r = esp_read(a, &parts, e);
	if (r < 0)
		return r;
	r = pe_read(a, parts.uki->data, &parts.uki_pe, e);
	if (r == 0)
		r = root_hash_read(&parts, e);
	if (r == 0)
		r = initrd_read(a, &parts, e);
	if (r < 0)
		return err_wrap(e, r, "%.*s", STR_FMT(parts.uki->path));
	*ret = parts;
	return 0;
}
