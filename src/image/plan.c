/* SPDX-License-Identifier: MIT */
#include "artifact/boot.h"
#include "artifact/policy.h"
#include "base/uuid.h"
#include "disk/ipe_policy.h"
#include "disk/verity.h"
#include "image/root.h"
#include "image/steps.h"

/* Root and its hash tree: what everything else speaks for. */
static int root_plan(struct build *b, struct payload *p, struct err *e)
{
	uint8_t salt[VERITY_SALT_BYTES], uuid[16];
	struct verity verity;
	int r = root_lay(b->a, b->o, &b->as, b->res.root_compression.codec, &p->root, e);

	if (r < 0)
		return err_wrap(e, r, "root file system");
	r = root_check(&b->as, &p->root, b->o->jobs, e);
	if (r < 0)
		return r;
	verity_salt(salt);
	uuid_derive("verity", p->version.p, p->version.n, uuid);
	r = verity_build(b->a, &p->root, salt, uuid, b->o->jobs, &verity, e);
	if (r < 0)
		return err_wrap(e, r, "verity");
	p->verity = verity.hash;
	memcpy(p->root_hash, verity.root_hash, SHA256_BYTES);
	return 0;
}

static int uki_make(struct build *b, const struct image_kernel *k, struct boot_parts *parts,
		    struct err *e)
{
	const struct boot_uki in = {
		.release = &b->res.release,
		.version = b->as.version,
		.os_release = b->as.os_release,
		.kernel_version = k->version,
		.stub = b->as.stub,
		.kernel = k->image,
		.initrd = k->initrd,
		.command_line = b->plan.command_line,
		.pcr_certificates = &b->keys->trusted[KEY_PCR],
	};
	struct str uki;
	int r = boot_uki(b->a, &in, &uki, e);

	if (r == 0)
		vec_push(b->a, &parts->ukis) = uki;
	return r;
}

/* What firmware and kernel check, before it is signed. */
static int boot_make(struct build *b, const struct payload *p, struct boot_parts *ret,
		     struct err *e)
{
	struct boot_parts parts = { .boot_loader = b->as.boot_loader };
	struct str template = policy_template(b->a, b->res.image.boot.execute_from);
	int r = 0;

	memcpy(parts.root_hash, p->root_hash, SHA256_BYTES);
	parts.ipe_policy = ipe_policy_text(b->a, template, p->root_hash);
	r = boot_command_line(b->a, &b->res.release, &b->res.image, p->root_hash,
			      &b->plan.command_line, e);
	vec_each(kernel, &b->as.kernels)
		if (r == 0)
			r = uki_make(b, kernel, &parts, e);
	*ret = parts;
	return r;
}

static int boot_plan(struct build *b, struct payload *p, struct err *e)
{
	const struct signing signing = { .keys = b->keys, .later = b->o->sign_later };
	struct boot_signed *boot = &b->plan.boot;
	struct boot_parts parts;
	int r = boot_make(b, p, &parts, e);

	if (r == 0)
		r = signatures_make(b->a, &signing, &parts, boot, e);
	if (r < 0)
		return r;
	p->boot_loader = boot->boot_loader;
	for (size_t i = 0; i < b->as.kernels.n; i++)
		vec_push(b->a, &p->kernels) = (struct payload_kernel){
			.version = b->as.kernels.p[i].version,
			.uki_name = boot_uki_name(b->a, &b->res.release, b->as.version),
			.uki = boot->ukis.p[i].bytes,
		};
	segments_add(b->a, &p->verity_sig, boot->verity_sig.p, boot->verity_sig.n);
	memcpy(p->enrol, b->keys->enrol, sizeof(p->enrol));
	return 0;
}

static int files_lay(struct arena *a, struct image_plan *plan, struct err *e)
{
	static const struct container *const containers[] = { &container_raw };

	for (size_t i = 0; i < sizeof(containers) / sizeof(*containers); i++) {
		struct planned_file file = { .container = containers[i] };
		int r = containers[i]->lay(a, &plan->payload, &file.laid, e);

		if (r < 0)
			return r;
		vec_push(a, &plan->files) = file;
	}
	return 0;
}

int image_plan(struct build *b, struct err *e)
{
	struct payload *p = &b->plan.payload;
	int r;

	*p = (struct payload){
		.arch = b->o->arch,
		.version = b->as.version,
		.time_sec = b->as.source_date_epoch,
		.esp_bytes = b->res.image.esp_bytes,
	};
	r = root_plan(b, p, e);
	if (r == 0)
		r = boot_plan(b, p, e);
	return r < 0 ? r : files_lay(b->a, &b->plan, e);
}

struct str image_plan_dump(struct arena *a, const struct image_plan *plan)
{
	const struct laid *disk = &plan->files.p[0].laid;
	struct buf b = { .a = a };

	buf_printf(&b, "disk %.*s %llu bytes\n", STR_FMT(uuid_text(a, disk->disk_uuid)),
		   (unsigned long long)disk->bytes.size_bytes);
	for (size_t i = 0; i < disk->n_partitions; i++) {
		const struct gpt_partition *p = &disk->partitions[i];

		buf_printf(&b, "%-20.*s %-18.*s %.*s start %llu size %llu\n", STR_FMT(p->label),
			   STR_FMT(gpt_type_name(a, p->type)), STR_FMT(uuid_text(a, p->uuid)),
			   (unsigned long long)p->start_lba * GPT_SECTOR_BYTES,
			   (unsigned long long)p->size_lba * GPT_SECTOR_BYTES);
	}
	buf_printf(&b, "command line %.*s\n", STR_FMT(boot_line_shown(a, plan->command_line)));
	return (struct str){ (char *)b.v.p, b.v.n };
}
