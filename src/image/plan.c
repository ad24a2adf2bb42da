/* SPDX-License-Identifier: MIT */
#include "image/plan.h"

#include "artifact/boot.h"
#include "artifact/policy.h"
#include "base/uuid.h"
#include "disk/ipe_policy.h"
#include "disk/verity.h"
#include "image/root.h"

/* Root and its hash tree: what everything else speaks for. */
static int root_plan(struct arena *a, const struct image_options *o, const struct resolved *res,
		     const struct assembled *as, struct payload *p, struct err *e)
{
	uint8_t salt[VERITY_SALT_BYTES], uuid[16];
	struct verity verity;
	int r = root_lay(a, o, as, res->root_compression.codec, &p->root, e);

	if (r < 0)
		return err_wrap(e, r, "root file system");
	r = root_check(as, &p->root, o->jobs, e);
	if (r < 0)
		return r;
	verity_salt(salt);
	uuid_derive("verity", as->version.p, as->version.n, uuid);
	r = verity_build(a, &p->root, salt, uuid, o->jobs, &verity, e);
	if (r < 0)
		return err_wrap(e, r, "verity");
	p->verity = verity.hash;
	memcpy(p->root_hash, verity.root_hash, SHA256_BYTES);
	return 0;
}

/* What firmware and kernel check, signed. */
static int boot_plan(struct arena *a, const struct resolved *res, const struct assembled *as,
		     struct str initrd, const struct signing *signing, struct image_plan *plan,
		     struct err *e)
{
	struct payload *p = &plan->payload;
	struct boot_parts parts = { .boot_loader = as->boot_loader };
	struct str template = policy_template(a, res->image.boot.execute_from);
	int r;

	memcpy(parts.root_hash, p->root_hash, SHA256_BYTES);
	parts.ipe_policy = ipe_policy_text(a, template, p->root_hash);
	plan->command_line = boot_command_line(a, &res->image, p->root_hash);

	const struct boot_uki uki = {
		.release = &res->release,
		.version = as->version,
		.os_release = as->os_release,
		.kernel_version = as->kernel_version,
		.stub = as->stub,
		.kernel = as->kernel,
		.initrd = initrd,
		.command_line = plan->command_line,
		.pcr_certificates = &signing->keys->trusted[KEY_PCR],
	};

	r = boot_uki(a, &uki, &parts.uki, e);
	if (r == 0)
		r = signatures_make(a, signing, &parts, &plan->boot, e);
	if (r < 0)
		return r;
	p->boot_loader = plan->boot.boot_loader;
	vec_push(a, &p->kernels) = (struct payload_kernel){
		.version = as->kernel_version,
		.uki_name = boot_uki_name(a, &res->release, as->version),
		.uki = plan->boot.uki,
	};
	segments_add(a, &p->verity_sig, plan->boot.verity_sig.p, plan->boot.verity_sig.n);
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

int image_plan(struct arena *a, const struct image_options *o, const struct resolved *res,
	       const struct assembled *as, struct str initrd, const struct signing *signing,
	       struct image_plan *ret, struct err *e)
{
	struct image_plan *plan = arena_new(a, struct image_plan);
	int r;

	plan->payload = (struct payload){
		.arch = o->arch,
		.version = as->version,
		.time_sec = as->source_date_epoch,
		.esp_bytes = res->image.esp_bytes,
	};
	memcpy(plan->payload.enrol, signing->keys->enrol, sizeof(plan->payload.enrol));
	r = root_plan(a, o, res, as, &plan->payload, e);
	if (r == 0)
		r = boot_plan(a, res, as, initrd, signing, plan, e);
	if (r == 0)
		r = files_lay(a, plan, e);
	if (r == 0)
		*ret = *plan;
	return r;
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
	buf_printf(&b, "command line %.*s\n", STR_FMT(plan->command_line));
	return (struct str){ (char *)b.v.p, b.v.n };
}
