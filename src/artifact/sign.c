/* SPDX-License-Identifier: MIT */
#include "artifact/sign.h"

#include <unistd.h>

#include "artifact/container.h"
#include "artifact/manifest.h"
#include "artifact/parts.h"
#include "artifact/verify.h"
#include "base/io.h"
#include "disk/ipe_policy.h"
#include "trust/authenticode.h"
#include "trust/certificate.h"

#define RAW ".raw"

enum { HOLE_BYTES = 64 << 10 };

/* What there was before anything was signed. */
static int unsigned_parts(struct arena *a, const struct image_parts *in, const struct keys *keys,
			  struct boot_parts *ret, struct err *e)
{
	struct boot_parts parts = { .ipe_policy =
					    ipe_policy_text(a, in->ipe_template, in->root_hash) };
	const struct pe_section *pcrsig;
	struct str blank, uki;
	struct pe pe;
	int r = authenticode_strip(a, in->boot_loader->data, &parts.boot_loader, e);

	memcpy(parts.root_hash, in->root_hash, SHA256_BYTES);
	if (r < 0)
		return err_wrap(e, r, "%.*s", STR_FMT(in->boot_loader->path));
	r = authenticode_strip(a, in->uki->data, &uki, e);
	if (r == 0)
		r = pe_read(a, uki, &pe, e);
	if (r < 0)
		return err_wrap(e, r, "%.*s", STR_FMT(in->uki->path));
	pcrsig = pe_section(&pe, ".pcrsig");
	blank = measure_pcrsig_blank(a, &keys->trusted[KEY_PCR]);
	if (!pcrsig || pcrsig->data.n != blank.n)
		return err_set(
			e, -EBADMSG,
			"%.*s: no room for a signature by this pcr-signing key; build the image "
			"again with it",
			STR_FMT(in->uki->path));
	memcpy((char *)pcrsig->data.p, blank.p, blank.n);
	vec_push(a, &parts.ukis) = uki;
	*ret = parts;
	return 0;
}

/* The key that state is bound to stands in the UKI, so it cannot be another one now. */
static int pcr_key_check(struct arena *a, const struct image_parts *in, const struct keys *keys,
			 struct err *e)
{
	const struct pe_section *section = pe_section(&in->uki_pe, ".pcrpkey");
	struct str public_key;
	int r = certificate_public_key(a, keys->k[KEY_PCR].certificate, &public_key, e);

	if (r < 0)
		return err_wrap(e, r, "%s.crt", key_role_name(KEY_PCR));
	if (!section || !str_eq(section->data, public_key_pem(a, public_key)))
		return err_set(
			e, -EKEYREJECTED,
			"%.*s was built for another pcr-signing key than %s.crt among the keys",
			STR_FMT(in->uki->path), key_role_name(KEY_PCR));
	return 0;
}

static int esp_again(struct arena *a, const struct image_parts *in, const struct boot_signed *out,
		     struct segments *ret, struct err *e)
{
	struct fat_file *files = arena_array(a, in->esp.n_files, sizeof(*files));
	struct fat_input esp = in->esp;

	for (size_t i = 0; i < esp.n_files; i++) {
		files[i] = in->esp.files[i];
		if (&in->esp.files[i] == in->uki)
			files[i].data = out->ukis.p[0].bytes;
		if (&in->esp.files[i] == in->boot_loader)
			files[i].data = out->boot_loader;
	}
	esp.files = files;
	return fat_write(a, &esp, ret, e);
}

/* Appends @bytes with holes for what is zeroes, as it was written. */
static void bytes_lay(struct arena *a, struct str bytes, struct segments *ret)
{
	static const char zeroes[HOLE_BYTES];

	while (bytes.n > 0) {
		struct str part = str_head(bytes, HOLE_BYTES);

		if (memcmp(part.p, zeroes, part.n) == 0)
			segments_zero(a, ret, part.n);
		else
			segments_add(a, ret, part.p, part.n);
		bytes = str_from(bytes, part.n);
	}
}

static int image_put(struct arena *a, const char *path, const struct laid *laid, struct err *e)
{
	_cleanup_close_ int fd = -1;
	char *temp;
	int r = file_temp(a, path, 0644, &fd, &temp, e);

	if (r < 0)
		return r;
	r = laid_write(laid, fd, path, NULL, 0, e);
	if (r == 0)
		r = file_commit(fd, temp, path, e);
	if (r < 0)
		file_discard(temp);
	return r;
}

/* What is to be put in place of the image at @path. */
struct signed_image {
	const char *path;
	struct str base; /* @path without .raw */
	struct laid laid;
	struct boot_signed boot;
	int64_t grown_bytes;
};

static const char *beside(struct arena *a, const struct signed_image *s, const char *suffix)
{
	return str_z(a, str_printf(a, "%.*s%s", STR_FMT(s->base), suffix));
}

static int manifest_replace(struct arena *a, const struct signed_image *s, const struct keys *keys,
			    struct err *e)
{
	const char *path = manifest_path(a, s->path);
	struct manifest m;
	struct str text;
	int r = file_read(a, path, MANIFEST_BYTES_MAX, &text, e);

	if (r < 0)
		return r;
	r = manifest_parse(a, text, &m, e);
	if (r == 0)
		r = manifest_measure(a, &s->boot, keys, &m.measurements, e);
	if (r < 0)
		return err_wrap(e, r, "%s", path);
	manifest_signing(&s->boot, keys, &m.signing);
	m.stored_bytes += (uint64_t)s->grown_bytes;
	text = manifest_dump(a, &m);
	return file_write(path, 0644, text.p, text.n, e);
}

/* What the folder asked for earlier; signatures that were made for it stay. */
static void requests_remove(struct arena *a, const char *dir)
{
	struct err ignored;
	vec_str names;

	if (dir_list(a, dir, &names, &ignored) < 0)
		return;
	vec_each(name, &names)
		if (!str_ends(*name, ".sig"))
			(void)unlink(path_join(a, dir, str_z(a, *name)));
	(void)rmdir(dir);
}

/* The manifest last: as long as it says less than the image holds, nothing is wrong. */
static int replace(struct arena *a, const struct signed_image *s, const struct keys *keys,
		   struct sign_report *report, struct err *e)
{
	const char *asked = beside(a, s, ".to-sign");
	int r = 0;

	report->pending = s->boot.pending;
	requests_remove(a, asked);
	if (s->boot.pending.n > 0) {
		report->asked = asked;
		r = dir_make(asked, e);
		if (r == 0)
			r = signatures_ask(a, asked, &s->boot.pending, e);
	}
	if (r == 0)
		r = image_put(a, s->path, &s->laid, e);
	return r < 0 ? r : manifest_replace(a, s, keys, e);
}

/* The disk as it is, but for these two partitions. */
static void disk_lay(struct arena *a, const struct image_parts *in, struct str image,
		     const struct segments *esp, struct signed_image *s)
{
	struct segments *disk = &s->laid.bytes;
	const char *esp_at = in->bytes[PARTITION_ESP].p,
		   *sig_at = in->bytes[PARTITION_VERITY_SIG].p;

	bytes_lay(a, (struct str){ image.p, (size_t)(esp_at - image.p) }, disk);
	segments_append(a, disk, esp);
	segments_zero(a, disk, in->bytes[PARTITION_ESP].n - esp->size_bytes);
	bytes_lay(a,
		  (struct str){ image.p + disk->size_bytes,
				(size_t)(sig_at - image.p) - disk->size_bytes },
		  disk);
	segments_add(a, disk, s->boot.verity_sig.p, s->boot.verity_sig.n);
	bytes_lay(a, str_from(image, disk->size_bytes), disk);
}

/* Lays the ESP again, with what is signed now, and the signature partition. */
static int put_parts(struct arena *a, const struct image_parts *in, struct str image,
		     struct signed_image *s, struct err *e)
{
	struct segments before, after;
	int r = fat_write(a, &in->esp, &before, e);

	if (r == 0)
		r = esp_again(a, in, &s->boot, &after, e);
	if (r < 0)
		return r;
	if (after.size_bytes > in->bytes[PARTITION_ESP].n ||
	    s->boot.verity_sig.n > in->bytes[PARTITION_VERITY_SIG].n)
		return err_set(e, -ENOSPC,
			       "%s: its ESP or its signature partition is too small to be signed",
			       s->path);
	s->grown_bytes = (int64_t)(segments_stored(&after) - segments_stored(&before));
	disk_lay(a, in, image, &after, s);
	return 0;
}

/* As it was built, to the last byte that no signature goes to. */
static int untouched_check(struct arena *a, const char *path, struct str image,
			   const struct keys *keys, unsigned jobs, struct err *e)
{
	struct verify_input in = {
		.image = image, .trusted = keys->trusted, .jobs = jobs, .to_sign = true
	};
	struct verify_report report;
	int r = file_read(a, manifest_path(a, path), MANIFEST_BYTES_MAX, &in.manifest, e);

	if (r == 0)
		r = efi_revocation_lists_parse(a, keys->dbx, &in.revoked, e);
	if (r < 0)
		return r;
	r = image_verify(a, &in, &report, e);
	return r < 0 ? err_wrap(e, r, "not signed, as it is not what was built") : 0;
}

static void subject_fill(const struct image_parts *in, const struct boot_parts *parts,
			 struct sign_subject *ret)
{
	const struct pe_section *line = pe_section(&in->uki_pe, ".cmdline");

	memcpy(ret->root_hash, in->root_hash, SHA256_BYTES);
	ret->command_line = line ? line->data : (struct str){ 0 };
	measure_pcr11(&in->uki_pe, ret->pcr11);
	measure_phase(ret->pcr11, measure_phases[0]);
	sha256(parts->ipe_policy.p, parts->ipe_policy.n, ret->policy);
}

int image_sign(struct arena *a, const char *path, const struct keys *keys,
	       const struct sign_options *o, struct sign_report *ret, struct err *e)
{
	struct signed_image s = { .path = path, .base = str_c(path) };
	struct sign_report report = { 0 };
	_cleanup_map_ struct str image = { 0 };
	struct boot_parts parts;
	struct image_parts in;
	int r;

	if (!str_ends(s.base, RAW))
		return err_set(e, -EINVAL, "'%s': want an image that ends in " RAW, path);
	s.base = str_head(s.base, s.base.n - strlen(RAW));
	/* What is verified, shown and signed is one and the same, whoever may write the file. */
	r = file_map_copy(a, path, &image, e);
	if (r == 0)
		r = image_parts_read(a, image, &in, e);
	if (r == 0)
		r = pcr_key_check(a, &in, keys, e);
	if (r == 0)
		r = unsigned_parts(a, &in, keys, &parts, e);
	if (r == 0)
		r = untouched_check(a, path, image, keys, o->jobs, e);
	if (r < 0)
		return err_wrap(e, r, "%s", path);
	subject_fill(&in, &parts, &report.subject);
	if (o->look) {
		*ret = report;
		return 0;
	}

	const struct signing signing = {
		.keys = keys,
		.signatures = o->signatures ? o->signatures : beside(a, &s, ".to-sign"),
	};

	r = signatures_make(a, &signing, &parts, &s.boot, e);
	if (r == 0)
		r = put_parts(a, &in, image, &s, e);
	if (r == 0)
		r = replace(a, &s, keys, &report, e);
	if (r == 0)
		*ret = report;
	return r;
}
