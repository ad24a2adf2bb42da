/* SPDX-License-Identifier: MIT */
#include "artifact/layout.h"
#include "artifact/verify_checks.h"

#define VERSION_KEY "IMAGE_VERSION="

/* As tree/gen_system.c writes it: in quotes. */
static int version_read(struct verify_work *w, struct err *e)
{
	const struct pe_section *s = pe_section(&w->parts.uki_pe, ".osrel");
	struct str text = s ? s->data : (struct str){ 0 };

	while (text.n > 0) {
		struct str line = str_cut(&text, '\n');

		if (!str_starts(line, VERSION_KEY "\""))
			continue;
		line = str_from(line, strlen(VERSION_KEY "\""));
		w->version = str_cut(&line, '"');
		return 0;
	}
	return err_set(e, -EBADMSG, "'%.*s': section .osrel has no " VERSION_KEY,
		       STR_FMT(w->parts.uki->path));
}

static int gap_check(struct verify_work *w, uint64_t from, uint64_t to, struct err *e)
{
	struct segments zeroes = { 0 };
	const char *region = str_z(w->a, str_printf(w->a, "gap behind byte %llu of the disk",
						    (unsigned long long)from));

	segments_zero(w->a, &zeroes, to - from);
	return verify_same(region, str_head(str_from(w->in->image, from), to - from), &zeroes, e);
}

static int table_check(struct verify_work *w, const char *region, uint64_t at, struct str table,
		       struct err *e)
{
	struct segments want = { 0 };

	segments_add(w->a, &want, table.p, table.n);
	return verify_same(region, str_head(str_from(w->in->image, at), table.n), &want, e);
}

/* What lies behind the primary table, between the partitions, and before the backup. */
static int gaps_check(struct verify_work *w, const struct image_layout *l, struct err *e)
{
	uint64_t at = l->primary.n;
	int r = 0;

	for (size_t i = 0; r == 0 && i < IMAGE_PARTITIONS; i++) {
		const struct gpt_partition *p = &l->partitions[i];

		r = gap_check(w, at, p->start_lba * GPT_SECTOR_BYTES, e);
		at = (p->start_lba + p->size_lba) * GPT_SECTOR_BYTES;
	}
	return r < 0 ? r : gap_check(w, at, l->size_bytes - l->backup.n, e);
}

int verify_layout(struct verify_work *w, struct err *e)
{
	uint64_t sizes[IMAGE_PARTITIONS];
	struct image_layout l;
	int r = version_read(w, e);

	for (size_t i = 0; i < IMAGE_PARTITIONS; i++)
		sizes[i] = w->parts.bytes[i].n;
	if (r == 0)
		r = image_layout(w->a, w->arch, w->version, w->parts.root_hash, sizes, &l, e);
	if (r < 0)
		return r;
	if (l.size_bytes != w->in->image.n)
		return err_set(
			e, -EBADMSG,
			"partition table: a disk of %zu bytes; with these partitions it has %llu",
			w->in->image.n, (unsigned long long)l.size_bytes);
	r = table_check(w, "partition table", 0, l.primary, e);
	if (r == 0)
		r = table_check(w, "backup partition table", l.size_bytes - l.backup.n, l.backup,
				e);
	return r < 0 ? r : gaps_check(w, &l, e);
}
