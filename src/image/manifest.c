/* SPDX-License-Identifier: MIT */
#include "artifact/manifest.h"
#include "base/trace.h"
#include "base/uuid.h"
#include "image/steps.h"

static struct manifest_package package(struct arena *a, const struct stored_package *s)
{
	const struct rpm_meta *m = &s->package.meta;
	struct manifest_package p = {
		.name = m->name,
		.evr = rpm_evr(a, m),
		.arch = m->arch,
		.license = m->license,
		.origin = {
			.upstream = m->upstream,
			.name = m->origin_name,
			.version = m->origin_version,
			.arch = m->origin_arch,
			.source = m->source_name,
			.source_version = m->source_version,
		},
	};

	memcpy(p.rpm_sha256, s->sha256, SHA256_BYTES);
	memcpy(p.origin.sha256, m->sha256, SHA256_BYTES);
	return p;
}

static struct manifest_partition partition(struct arena *a, const struct gpt_partition *p)
{
	return (struct manifest_partition){
		.label = p->label,
		.type = gpt_type_name(a, p->type),
		.uuid = uuid_text(a, p->uuid),
		.start_bytes = p->start_lba * GPT_SECTOR_BYTES,
		.size_bytes = p->size_lba * GPT_SECTOR_BYTES,
	};
}

static struct manifest_budgets budgets(const struct conf_image *image)
{
	return (struct manifest_budgets){
		.max_packages = image->max_packages,
		.max_files_bytes = image->max_files_bytes,
		.max_image_bytes = image->max_image_bytes,
	};
}

int manifest_text(struct build *b, struct str *ret, struct err *e)
{
	TRACE("manifest");
	const struct image_plan *plan = &b->plan;
	const struct laid *disk = &plan->files.p[0].laid;
	struct manifest m = {
		.manifest_version = MANIFEST_VERSION,
		.image = str_c(b->o->name),
		.distribution = b->res.release.id,
		.version = b->as.version,
		.arch = str_c(b->o->arch->name),
		.development_keys = b->keys->development,
		.source_date_epoch = b->as.source_date_epoch,
		.kernel = plan->payload.kernels.p[0].version,
		.command_line = plan->command_line,
		.uki = plan->payload.kernels.p[0].uki_name,
		.files_bytes = b->as.files_bytes,
		.root_bytes = plan->payload.root.size_bytes,
		.image_bytes = disk->bytes.size_bytes,
		.stored_bytes = disk->stored_bytes,
		.budgets = budgets(&b->res.image),
	};
	int r = manifest_measure(b->a, &plan->boot, b->keys, &m.measurements, e);

	if (r < 0)
		return err_wrap(e, r, "expected measurements");
	r = manifest_programs(&m, plan->boot.boot_loader, plan->boot.ukis.p[0].bytes, e);
	if (r < 0)
		return r;
	memcpy(m.root_hash, plan->payload.root_hash, SHA256_BYTES);
	manifest_signing(&plan->boot, b->keys, &m.signing);
	for (size_t i = 0; i < disk->n_partitions; i++)
		vec_push(b->a, &m.partitions) = partition(b->a, &disk->partitions[i]);
	for (size_t i = 0; i < b->res.n; i++)
		vec_push(b->a, &m.packages) = package(b->a, &b->packages[i]);
	*ret = manifest_dump(b->a, &m);
	return 0;
}
