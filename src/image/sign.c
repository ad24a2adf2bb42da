/* SPDX-License-Identifier: MIT */
#include "image/sign.h"

#include <unistd.h>

#include "base/io.h"
#include "image/manifest.h"
#include "image/parts.h"
#include "image/policy.h"
#include "trust/authenticode.h"
#include "trust/certificate.h"

#define RAW ".raw"

enum { IMAGE_BYTES_MAX = 2047u << 20, MANIFEST_BYTES_MAX = 16 << 20, HOLE_BYTES = 64 << 10 };

/* What there was before anything was signed. */
static int unsigned_parts(struct arena *a, const struct image_parts *in, const struct keys *keys,
			  struct boot_parts *ret, struct err *e)
{
	struct boot_parts parts = { .ipe_policy = policy_text(a, in->ipe_template, in->root_hash) };
	const struct pe_section *pcrsig;
	struct str blank;
	struct pe pe;
	int r = authenticode_strip(a, in->boot_loader->data, &parts.boot_loader, e);

	memcpy(parts.root_hash, in->root_hash, SHA256_BYTES);
	if (r < 0)
		return err_wrap(e, r, "%.*s", STR_FMT(in->boot_loader->path));
	r = authenticode_strip(a, in->uki->data, &parts.uki, e);
	if (r == 0)
		r = pe_read(a, parts.uki, &pe, e);
	if (r < 0)
		return err_wrap(e, r, "%.*s", STR_FMT(in->uki->path));
	pcrsig = pe_section(&pe, ".pcrsig");
	blank = measure_pcrsig_blank(a, certificate_signature_bytes(keys->k[KEY_PCR].certificate));
	if (!pcrsig || pcrsig->data.n != blank.n)
		return err_set(
			e, -EBADMSG,
			"%.*s: no room for a signature by this pcr-signing key; build the image "
			"again with it",
			STR_FMT(in->uki->path));
	memcpy((char *)pcrsig->data.p, blank.p, blank.n);
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
			files[i].data = out->uki;
		if (&in->esp.files[i] == in->boot_loader)
			files[i].data = out->boot_loader;
	}
	esp.files = files;
	return fat_write(a, &esp, ret, e);
}

/* Leaves holes where image_plan_write() left them. */
static int image_put(struct arena *a, const char *path, struct str image, struct err *e)
{
	static const char zeroes[HOLE_BYTES];
	_cleanup_close_ int fd = -1;
	char *temp;
	int r = file_temp(a, path, 0644, &fd, &temp, e);

	if (r < 0)
		return r;
	if (ftruncate(fd, (off_t)image.n) < 0)
		r = err_sys(e, "resize '%s' to %zu bytes", path, image.n);
	for (size_t at = 0; r == 0 && at < image.n; at += HOLE_BYTES) {
		size_t n = image.n - at < HOLE_BYTES ? image.n - at : HOLE_BYTES;

		if (memcmp(image.p + at, zeroes, n) != 0)
			r = fd_pwrite(fd, image.p + at, n, at, path, e);
	}
	if (r == 0)
		r = file_commit(fd, temp, path, e);
	else
		file_discard(temp);
	return r;
}

static int manifest_replace(struct arena *a, const char *path, const struct boot_signed *boot,
			    const struct keys *keys, struct err *e)
{
	struct str text;
	int r = file_read(a, path, MANIFEST_BYTES_MAX, &text, e);

	if (r == 0)
		r = manifest_signed(a, text, boot, keys, &text, e);
	return r < 0 ? err_wrap(e, r, "%s", path) : file_write(path, 0644, text.p, text.n, e);
}

/* The image last: as long as the manifest says less than the image holds, nothing is wrong. */
static int replace(struct arena *a, const char *path, struct str base, struct str image,
		   const struct boot_signed *boot, const struct keys *keys,
		   struct sign_report *report, struct err *e)
{
	const char *asked = str_z(a, str_printf(a, "%.*s.to-sign", STR_FMT(base)));
	int r = 0;

	if (boot->pending.n > 0) {
		report->asked = asked;
		r = dir_make(asked, e);
		if (r == 0)
			r = signatures_ask(a, asked, keys, &boot->pending, e);
	}
	if (r == 0)
		r = image_put(a, path, image, e);
	if (r == 0)
		r = manifest_replace(a,
				     str_z(a, str_printf(a, "%.*s.manifest.json", STR_FMT(base))),
				     boot, keys, e);
	return r;
}

int image_sign(struct arena *a, const char *path, const struct keys *keys, const char *signatures,
	       struct sign_report *ret, struct err *e)
{
	struct str base = str_c(path), image;
	struct sign_report report = { 0 };
	struct boot_parts parts;
	struct boot_signed boot;
	struct image_parts in;
	struct segments esp;
	int r;

	if (!str_ends(base, RAW))
		return err_set(e, -EINVAL, "'%s': want an image that ends in " RAW, path);
	base = str_head(base, base.n - strlen(RAW));
	r = file_read(a, path, IMAGE_BYTES_MAX, &image, e);
	if (r == 0)
		r = image_parts_read(a, image, &in, e);
	if (r == 0)
		r = pcr_key_check(a, &in, keys, e);
	if (r == 0)
		r = unsigned_parts(a, &in, keys, &parts, e);
	if (r < 0)
		return err_wrap(e, r, "%s", path);

	const struct signing signing = {
		.keys = keys,
		.signatures = signatures ? signatures
					 : str_z(a, str_printf(a, "%.*s.to-sign", STR_FMT(base))),
	};

	r = signatures_make(a, &signing, &parts, &boot, e);
	if (r == 0)
		r = esp_again(a, &in, &boot, &esp, e);
	if (r < 0)
		return r;
	segments_read(&esp, 0, (char *)in.bytes[PARTITION_ESP].p, esp.size_bytes);
	memcpy((char *)in.bytes[PARTITION_VERITY_SIG].p, boot.verity_sig.p, boot.verity_sig.n);
	report.pending = boot.pending;
	r = replace(a, path, base, image, &boot, keys, &report, e);
	if (r == 0)
		*ret = report;
	return r;
}
