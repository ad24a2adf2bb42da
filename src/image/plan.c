/* SPDX-License-Identifier: MIT */
#include "image/plan.h"

#include <unistd.h>

#include "artifact/boot.h"
#include "artifact/policy.h"
#include "base/io.h"
#include "base/trace.h"
#include "base/uuid.h"
#include "disk/ipe_policy.h"
#include "image/root.h"

enum { WRITE_CHUNK_BYTES = 4 << 20 };

static int esp_build(struct arena *a, const struct image_options *o, const struct resolved *res,
		     const struct assembled *as, const struct keys *keys, struct image_plan *plan,
		     struct err *e)
{
	const struct boot_esp in = {
		.arch = o->arch,
		.size_bytes = res->image.esp_bytes,
		.time_sec = as->source_date_epoch,
		.root_hash = plan->root_hash,
		.boot_loader = plan->boot.boot_loader,
		.uki = plan->boot.uki,
		.uki_name = plan->uki_name,
		.enrol = keys->enrol,
	};

	return boot_esp(a, &in, &plan->contents[PARTITION_ESP], e);
}

static int partitions_place(struct arena *a, const struct image_options *o,
			    const struct assembled *as, struct image_plan *plan, struct err *e)
{
	uint64_t sizes[IMAGE_PARTITIONS];

	for (size_t i = 0; i < IMAGE_PARTITIONS; i++)
		sizes[i] = plan->contents[i].size_bytes;
	return image_layout(a, o->arch, as->version, plan->root_hash, sizes, &plan->layout, e);
}

static void count_stored(struct image_plan *plan)
{
	plan->stored_bytes = plan->layout.primary.n + plan->layout.backup.n;
	for (size_t i = 0; i < IMAGE_PARTITIONS; i++)
		vec_each(s, &plan->contents[i].v)
			if (s->data)
				plan->stored_bytes += s->size_bytes;
}

/* Root and its hash tree: what everything else speaks for. */
static int root_plan(struct arena *a, const struct image_options *o, const struct resolved *res,
		     const struct assembled *as, struct image_plan *plan, struct err *e)
{
	struct segments *root = &plan->contents[PARTITION_ROOT];
	uint8_t salt[VERITY_SALT_BYTES], uuid[16];
	struct verity verity;
	int r = root_lay(a, o, as, res->root_compression.codec, root, e);

	if (r < 0)
		return err_wrap(e, r, "root file system");
	r = root_check(as, root, o->jobs, e);
	if (r < 0)
		return r;
	plan->root_bytes = root->size_bytes;
	verity_salt(salt);
	uuid_derive("verity", as->version.p, as->version.n, uuid);
	r = verity_build(a, root, salt, uuid, o->jobs, &verity, e);
	if (r < 0)
		return err_wrap(e, r, "verity");
	plan->contents[PARTITION_VERITY] = verity.hash;
	memcpy(plan->root_hash, verity.root_hash, SHA256_BYTES);
	return 0;
}

static int boot_plan(struct arena *a, const struct image_options *o, const struct resolved *res,
		     const struct assembled *as, struct str initrd, const struct signing *signing,
		     struct image_plan *plan, struct err *e)
{
	struct boot_parts parts = { .boot_loader = as->boot_loader };
	struct str template = policy_template(a, res->image.boot.execute_from);
	int r;

	memcpy(parts.root_hash, plan->root_hash, SHA256_BYTES);
	parts.ipe_policy = ipe_policy_text(a, template, plan->root_hash);
	plan->command_line = boot_command_line(a, &res->image, plan->root_hash);
	plan->uki_name = boot_uki_name(a, &res->release, as->version);

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
	plan->uki_bytes = plan->boot.uki.n;
	segments_add(a, &plan->contents[PARTITION_VERITY_SIG], plan->boot.verity_sig.p,
		     plan->boot.verity_sig.n);
	return esp_build(a, o, res, as, signing->keys, plan, e);
}

int image_plan(struct arena *a, const struct image_options *o, const struct resolved *res,
	       const struct assembled *as, struct str initrd, const struct signing *signing,
	       struct image_plan *ret, struct err *e)
{
	struct image_plan *plan = arena_new(a, struct image_plan);
	int r = root_plan(a, o, res, as, plan, e);

	if (r == 0)
		r = boot_plan(a, o, res, as, initrd, signing, plan, e);
	if (r == 0)
		r = partitions_place(a, o, as, plan, e);
	if (r < 0)
		return r;
	count_stored(plan);
	*ret = *plan;
	return 0;
}

struct str image_plan_dump(struct arena *a, const struct image_plan *plan)
{
	struct buf b = { .a = a };

	buf_printf(&b, "disk %.*s %llu bytes\n", STR_FMT(uuid_text(a, plan->layout.disk_uuid)),
		   (unsigned long long)plan->layout.size_bytes);
	for (size_t i = 0; i < IMAGE_PARTITIONS; i++) {
		const struct gpt_partition *p = &plan->layout.partitions[i];

		buf_printf(&b, "%-20.*s %-18.*s %.*s start %llu size %llu\n", STR_FMT(p->label),
			   STR_FMT(gpt_type_name(a, p->type)), STR_FMT(uuid_text(a, p->uuid)),
			   (unsigned long long)p->start_lba * GPT_SECTOR_BYTES,
			   (unsigned long long)p->size_lba * GPT_SECTOR_BYTES);
	}
	buf_printf(&b, "command line %.*s\n", STR_FMT(plan->command_line));
	return (struct str){ (char *)b.v.p, b.v.n };
}

/* A run that lies in a file is the kernel's to copy, or to share where the file system can. */
static int run_write(const struct segment *s, uint64_t from, uint64_t n, int fd, uint64_t at,
		     const char *name, struct err *e)
{
	if (s->blocks)
		return fd_copy(s->blocks->fd, (uint64_t)(s->data - s->blocks->data) + from, n, fd,
			       at, name, e);
	return fd_pwrite(fd, s->data + from, n, at, name, e);
}

static int segments_write(const struct segments *s, int fd, uint64_t at, const char *name,
			  struct progress *progress, unsigned stage, struct err *e)
{
	vec_each(segment, &s->v) {
		for (uint64_t done = 0; segment->data && done < segment->size_bytes;) {
			uint64_t n = segment->size_bytes - done;
			int r;

			if (n > WRITE_CHUNK_BYTES)
				n = WRITE_CHUNK_BYTES;
			r = run_write(segment, done, n, fd, at + done, name, e);
			if (r < 0)
				return r;
			done += n;
			progress_add(progress, stage, n);
		}
		at += segment->size_bytes;
	}
	return 0;
}

int image_plan_write(const struct image_plan *plan, int fd, const char *name,
		     struct progress *progress, unsigned stage, struct err *e)
{
	int r;

	if (ftruncate(fd, (off_t)plan->layout.size_bytes) < 0)
		return err_sys(e, "resize '%s' to %llu bytes", name,
			       (unsigned long long)plan->layout.size_bytes);
	r = fd_pwrite(fd, plan->layout.primary.p, plan->layout.primary.n, 0, name, e);
	for (size_t i = 0; r == 0 && i < IMAGE_PARTITIONS; i++) {
		TRACE_OF("write", plan->layout.partitions[i].label);

		r = segments_write(&plan->contents[i], fd,
				   plan->layout.partitions[i].start_lba * GPT_SECTOR_BYTES, name,
				   progress, stage, e);
	}
	if (r == 0)
		r = fd_pwrite(fd, plan->layout.backup.p, plan->layout.backup.n,
			      plan->layout.size_bytes - plan->layout.backup.n, name, e);
	progress_add(progress, stage, plan->layout.primary.n + plan->layout.backup.n);
	return r;
}
