/* SPDX-License-Identifier: MIT */
#include "artifact/manifest.h"
#include "artifact/verify_checks.h"
#include "base/uuid.h"
#include "keys/secure_boot.h"

static struct str section(const struct verify_work *w, const char *name)
{
	const struct pe_section *s = pe_section(&w->parts.uki_pe, name);

	return s ? s->data : (struct str){ 0 };
}

static void partitions_fill(struct verify_work *w, struct manifest *m)
{
	m->partitions.p = NULL;
	m->partitions.n = m->partitions.cap = 0;
	for (size_t i = 0; i < w->parts.gpt.n_partitions; i++) {
		const struct gpt_partition *p = &w->parts.gpt.partitions[i];

		vec_push(w->a, &m->partitions) = (struct manifest_partition){
			.label = p->label,
			.type = gpt_type_name(w->a, p->type),
			.uuid = uuid_text(w->a, p->uuid),
			.start_bytes = p->start_lba * GPT_SECTOR_BYTES,
			.size_bytes = p->size_lba * GPT_SECTOR_BYTES,
		};
	}
}

/* The package-signing certificate signs nothing in the image itself. */
static void signing_fill(const struct verify_work *w, struct manifest_signing *s)
{
	s->complete = !w->missing;
	for (size_t i = 0; i < MANIFEST_SIGNERS; i++) {
		struct str by = w->signed_by[manifest_signers[i]];

		if (manifest_signers[i] != KEY_PACKAGE && by.n > 0)
			sha256(by.p, by.n, s->certificates[i]);
	}
}

/* PCR 7 by what the image itself enrols: the keys may have been rotated since. */
static int measurements_fill(const struct verify_work *w, struct manifest_measurements *m,
			     struct err *e)
{
	struct str db = w->missing ? w->in->trusted[KEY_DB].p[0] : w->signed_by[KEY_DB];
	uint8_t pcr[SHA256_BYTES];
	int r = 0;

	m->pcr4_known = !w->missing;
	if (m->pcr4_known)
		r = measure_pcr4(w->parts.boot_loader->data, w->parts.uki->data, m->pcr4, e);
	if (r == 0)
		r = measure_pcr7(w->enrolled, secure_boot_owner, db, m->pcr7, e);
	if (r < 0)
		return err_wrap(e, r, "measurements");
	measure_pcr11(&w->parts.uki_pe, pcr);
	for (size_t i = 0; i < MEASURE_PHASES; i++) {
		measure_phase(pcr, measure_phases[i]);
		memcpy(m->pcr11[i], pcr, sizeof(pcr));
	}
	return 0;
}

/* @ret, which is what the manifest says, with all of it that the image itself tells. */
static int image_tells(struct verify_work *w, struct manifest *ret, struct err *e)
{
	int r;

	ret->version = w->version;
	ret->arch = str_c(w->arch->name);
	ret->kernel = section(w, ".uname");
	memcpy(ret->root_hash, w->parts.root_hash, SHA256_BYTES);
	ret->command_line = section(w, ".cmdline");
	ret->uki = w->parts.uki->path;
	ret->root_bytes = w->parts.bytes[PARTITION_ROOT].n;
	ret->image_bytes = w->in->image.n;
	partitions_fill(w, ret);
	signing_fill(w, &ret->signing);
	r = manifest_programs(ret, w->parts.boot_loader->data, w->parts.uki->data, e);
	return r < 0 ? r : measurements_fill(w, &ret->measurements, e);
}

/* Who signs writes the manifest last: when that was interrupted, it says less than the image has.
 */
static void forgive_less(const struct manifest *m, struct manifest *image)
{
	if (m->signing.complete || m->measurements.pcr4_known)
		return;
	image->signing.complete = false;
	memcpy(image->signing.certificates, m->signing.certificates,
	       sizeof(m->signing.certificates));
	image->measurements.pcr4_known = false;
	memcpy(image->measurements.pcr4, m->measurements.pcr4, SHA256_BYTES);
}

static int budget_check(const char *key, uint64_t max, uint64_t used, struct err *e)
{
	if (max == 0 || used <= max)
		return 0;
	return err_set(e, -EDQUOT, "budgets: '%s' is %llu, but it takes %llu", key,
		       (unsigned long long)max, (unsigned long long)used);
}

static int budgets_check(const struct manifest *m, struct err *e)
{
	int r = budget_check("max-packages", m->budgets.max_packages, m->packages.n, e);

	if (r == 0)
		r = budget_check("max-files-bytes", m->budgets.max_files_bytes, m->files_bytes, e);
	if (r == 0)
		r = budget_check("max-image-bytes", m->budgets.max_image_bytes, m->stored_bytes, e);
	return r;
}

int verify_manifest(struct verify_work *w, struct err *e)
{
	struct manifest m, image;
	int r = manifest_parse(w->a, w->in->manifest, &m, e);

	if (r == 0) {
		image = m;
		w->report.development = m.development_keys;
		r = image_tells(w, &image, e);
	}
	if (r == 0 && w->in->to_sign)
		forgive_less(&m, &image);
	if (r == 0)
		r = manifest_same(w->a, &m, &image, e);
	if (r == 0)
		r = budgets_check(&m, e);
	return r < 0 ? err_wrap(e, r, "manifest") : 0;
}
