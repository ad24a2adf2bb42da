/* SPDX-License-Identifier: MIT */
#include "image/manifest.h"

#include "artifact/manifest.h"
#include "base/trace.h"
#include "base/uuid.h"

static void package(struct arena *a, struct json *j, const struct stored_package *s)
{
	const struct rpm_meta *m = &s->package.meta;

	json_object(j, NULL);
	json_str(j, "name", m->name);
	json_str(j, "evr", rpm_evr(a, m));
	json_str(j, "arch", m->arch);
	json_str(j, "license", m->license);
	json_str(j, "rpm-sha256", hex_encode(a, s->sha256, SHA256_BYTES));
	json_object(j, "origin");
	json_str(j, "upstream", m->upstream);
	json_str(j, "name", m->origin_name);
	json_str(j, "version", m->origin_version);
	json_str(j, "arch", m->origin_arch);
	json_str(j, "source", m->source_name);
	json_str(j, "source-version", m->source_version);
	json_str(j, "sha256", hex_encode(a, m->sha256, SHA256_BYTES));
	json_end_object(j);
	json_end_object(j);
}

static void partition(struct arena *a, struct json *j, const struct gpt_partition *p)
{
	json_object(j, NULL);
	json_str(j, "label", p->label);
	json_str(j, "type", gpt_type_name(a, p->type));
	json_str(j, "uuid", uuid_text(a, p->uuid));
	json_u64(j, "start-bytes", p->start_lba * GPT_SECTOR_BYTES);
	json_u64(j, "size-bytes", p->size_lba * GPT_SECTOR_BYTES);
	json_end_object(j);
}

/* Which certificates answer for the image. */
static void signing(struct arena *a, struct json *j, const struct image_plan *plan,
		    const struct keys *keys)
{
	static const enum key_role roles[] = { KEY_DB, KEY_VERITY, KEY_IPE, KEY_PCR, KEY_PACKAGE };
	uint8_t digest[SHA256_BYTES];

	json_object(j, "signing");
	json_bool(j, "complete", plan->boot.pending.n == 0);
	for (size_t i = 0; i < sizeof(roles) / sizeof(*roles); i++) {
		struct str certificate = keys->k[roles[i]].certificate;

		sha256(certificate.p, certificate.n, digest);
		json_str(j, key_role_name(roles[i]), hex_encode(a, digest, sizeof(digest)));
	}
	json_end_object(j);
}

static void budgets(struct json *j, const struct conf_image *image)
{
	json_object(j, "budgets");
	json_u64(j, "max-packages", image->max_packages);
	json_u64(j, "max-files-bytes", image->max_files_bytes);
	json_u64(j, "max-image-bytes", image->max_image_bytes);
	json_end_object(j);
}

int manifest_text(struct arena *a, const struct image_options *o, const struct resolved *res,
		  const struct stored_package *packages, const struct assembled *as,
		  const struct image_plan *plan, const struct keys *keys, struct str *ret,
		  struct err *e)
{
	TRACE("manifest");
	struct json j = { .b = { .a = a }, .indent = 1 };
	int r;

	json_object(&j, NULL);
	json_u64(&j, "manifest-version", 1);
	json_str(&j, "image", str_c(o->name));
	json_str(&j, "distribution", res->release.id);
	json_str(&j, "version", as->version);
	json_str(&j, "arch", str_c(o->arch));
	json_bool(&j, "development-keys", keys->development);
	json_u64(&j, "source-date-epoch", as->source_date_epoch);
	json_str(&j, "kernel", as->kernel_version);
	json_str(&j, "root-hash", hex_encode(a, plan->root_hash, SHA256_BYTES));
	json_str(&j, "command-line", plan->command_line);
	json_str(&j, "uki", plan->uki_name);
	json_u64(&j, "files-bytes", as->files_bytes);
	json_u64(&j, "root-bytes", plan->root_bytes);
	json_u64(&j, "image-bytes", plan->layout.size_bytes);
	json_u64(&j, "stored-bytes", plan->stored_bytes);
	signing(a, &j, plan, keys);
	r = manifest_measurements(a, &j, &plan->boot, keys, e);
	if (r < 0)
		return err_wrap(e, r, "expected measurements");
	budgets(&j, &res->image);
	json_array(&j, "partitions");
	for (size_t i = 0; i < IMAGE_PARTITIONS; i++)
		partition(a, &j, &plan->layout.partitions[i]);
	json_end_array(&j);
	json_array(&j, "packages");
	for (size_t i = 0; i < res->n; i++)
		package(a, &j, &packages[i]);
	json_end_array(&j);
	json_end_object(&j);
	buf_u8(&j.b, '\n');
	*ret = json_text(&j);
	return 0;
}
