/* SPDX-License-Identifier: MIT */
#include "image/plan.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/io.h"
#include "base/trace.h"
#include "disk/erofs.h"
#include "disk/ipe_policy.h"
#include "image/boot.h"
#include "image/caps.h"
#include "image/policy.h"

enum { WRITE_CHUNK_BYTES = 4 << 20 };

static int root_inode(struct arena *a, const struct tree *t, uint32_t id, const uint32_t *index,
		      struct erofs_inode *ret, struct err *e)
{
	const struct tree_node *node = &t->nodes.p[id];
	struct erofs_inode inode = {
		.mode = node->mode,
		.uid = node->uid,
		.gid = node->gid,
		.mtime_sec = node->mtime_sec,
		.rdev = makedev(node->rdev_major, node->rdev_minor),
		.data = S_ISLNK(node->mode) ? node->data : (struct str){ 0 },
	};

	if (S_ISREG(node->mode)) {
		int r = tree_read(a, t, id, &inode.data, e);

		if (r < 0)
			return r;
	}
	if (node->caps.n > 0) {
		struct erofs_xattr *xattr = arena_new(a, struct erofs_xattr);
		int r;

		xattr->name = STR("security.capability");
		r = caps_parse(a, node->caps, &xattr->value, e);
		if (r < 0)
			return err_wrap(e, r, "%.*s", STR_FMT(tree_path(a, t, id)));
		inode.xattrs = xattr;
		inode.n_xattrs = 1;
	}
	if (S_ISDIR(node->mode)) {
		struct erofs_dirent *entries;
		vec_id children;

		tree_children(a, t, id, &children);
		entries = arena_array(a, children.n, sizeof(*entries));
		for (size_t i = 0; i < children.n; i++)
			entries[i] = (struct erofs_dirent){ t->nodes.p[children.p[i]].name,
							    index[children.p[i]] };
		inode.entries = entries;
		inode.n_entries = children.n;
	}
	*ret = inode;
	return 0;
}

/* The tree as EROFS wants it: hard links become directory entries of one inode. */
static int root_build(struct arena *a, const struct image_options *o, const struct assembled *as,
		      struct segments *ret, struct err *e)
{
	const struct tree *t = &as->tree;
	uint32_t *index = arena_array(a, t->nodes.n, sizeof(*index)), n = 0;
	struct erofs_input in = { .build_time_sec = as->source_date_epoch, .volume_name = o->name };
	struct erofs_inode *inodes;
	vec_id ids, unique = { 0 };

	tree_walk(a, t, &ids);
	vec_each(id, &ids)
		if (t->nodes.p[*id].link_to == TREE_NONE) {
			index[*id] = n++;
			vec_push(a, &unique) = *id;
		}
	vec_each(id, &ids)
		if (t->nodes.p[*id].link_to != TREE_NONE)
			index[*id] = index[t->nodes.p[*id].link_to];
	inodes = arena_array(a, n, sizeof(*inodes));
	for (uint32_t i = 0; i < n; i++) {
		int r = root_inode(a, t, unique.p[i], index, &inodes[i], e);

		if (r < 0)
			return r;
	}
	in.inodes = inodes;
	in.n_inodes = n;
	uuid_derive("root file system", as->version.p, as->version.n, in.uuid);
	return erofs_write(a, &in, ret, e);
}

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
static int root_plan(struct arena *a, const struct image_options *o, const struct assembled *as,
		     struct image_plan *plan, struct err *e)
{
	uint8_t salt[VERITY_SALT_BYTES], uuid[16];
	struct verity verity;
	int r = root_build(a, o, as, &plan->contents[PARTITION_ROOT], e);

	if (r < 0)
		return err_wrap(e, r, "root file system");
	plan->root_bytes = plan->contents[PARTITION_ROOT].size_bytes;
	verity_salt(salt);
	uuid_derive("verity", as->version.p, as->version.n, uuid);
	r = verity_build(a, &plan->contents[PARTITION_ROOT], salt, uuid, o->jobs, &verity, e);
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
	struct str template = policy_template(a, res->image.execute_from);
	int r;

	memcpy(parts.root_hash, plan->root_hash, SHA256_BYTES);
	parts.ipe_policy = ipe_policy_text(a, template, plan->root_hash);
	plan->command_line = boot_command_line(a, &res->image, plan->root_hash);
	plan->uki_name = boot_uki_name(a, &res->release, as->version);
	r = boot_uki(a, &res->release, as, plan->command_line, initrd,
		     &signing->keys->trusted[KEY_PCR], &parts.uki, e);
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
	int r = root_plan(a, o, as, plan, e);

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

static int segments_pwrite(const struct segments *s, int fd, uint64_t at, const char *name,
			   struct progress *progress, unsigned stage, struct err *e)
{
	vec_each(segment, &s->v) {
		for (uint64_t done = 0; segment->data && done < segment->size_bytes;) {
			uint64_t n = segment->size_bytes - done;
			int r;

			if (n > WRITE_CHUNK_BYTES)
				n = WRITE_CHUNK_BYTES;
			r = fd_pwrite(fd, segment->data + done, n, at + done, name, e);
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

		r = segments_pwrite(&plan->contents[i], fd,
				    plan->layout.partitions[i].start_lba * GPT_SECTOR_BYTES, name,
				    progress, stage, e);
	}
	if (r == 0)
		r = fd_pwrite(fd, plan->layout.backup.p, plan->layout.backup.n,
			      plan->layout.size_bytes - plan->layout.backup.n, name, e);
	progress_add(progress, stage, plan->layout.primary.n + plan->layout.backup.n);
	return r;
}
