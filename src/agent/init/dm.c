/* SPDX-License-Identifier: MIT */
#include "agent/init/dm.h"

#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <linux/keyctl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/io.h"

#define KEY_NAME "ashlar-root-hash"

enum { DM_BYTES = 4096, SECTOR_BYTES = 512 };

/* What one ioctl of /dev/mapper/control passes in and out. */
struct dm_request {
	union {
		struct dm_ioctl head;
		uint8_t bytes[DM_BYTES];
	};
};

int dm_params(struct arena *a, const struct verity_super *super,
	      const uint8_t root_hash[ROOT_HASH_BYTES], const struct disk_partition *root,
	      const struct disk_partition *hash, bool is_signed, struct str *ret, struct err *e)
{
	struct str salt =
		super->salt_bytes > 0 ? hex_encode(a, super->salt, super->salt_bytes) : STR("-");

	if (super->data_blocks == 0 || super->data_blocks > root->size_bytes / VERITY_BLOCK_BYTES)
		return err_set(e, -EBADMSG,
			       "%.*s: its verity superblock covers %llu blocks, but %.*s has %llu",
			       STR_FMT(hash->name), (unsigned long long)super->data_blocks,
			       STR_FMT(root->name),
			       (unsigned long long)(root->size_bytes / VERITY_BLOCK_BYTES));
	/* The tree begins in the block behind the superblock. */
	*ret = str_printf(a, "1 %.*s %.*s %d %d %llu 1 sha256 %.*s %.*s%s", STR_FMT(root->devno),
			  STR_FMT(hash->devno), VERITY_BLOCK_BYTES, VERITY_BLOCK_BYTES,
			  (unsigned long long)super->data_blocks,
			  STR_FMT(hex_encode(a, root_hash, ROOT_HASH_BYTES)), STR_FMT(salt),
			  is_signed ? " 2 root_hash_sig_key_desc " KEY_NAME : "");
	return 0;
}

static int super_read(struct arena *a, const struct disk_partition *hash, struct verity_super *ret,
		      struct err *e)
{
	const char *node = str_z(a, str_printf(a, "/dev/%.*s", STR_FMT(hash->name)));
	_cleanup_close_ int fd = open(node, O_RDONLY | O_CLOEXEC);
	uint8_t block[VERITY_BLOCK_BYTES];
	ssize_t n;
	int r;

	if (fd < 0)
		return err_sys(e, "open '%s'", node);
	n = pread(fd, block, sizeof(block), 0);
	if (n < 0)
		return err_sys(e, "read '%s'", node);
	r = verity_super_parse(block, (size_t)n, ret, e);
	return r < 0 ? err_wrap(e, r, "%s", node) : 0;
}

static void dm_init(struct dm_request *d, uint32_t flags)
{
	memset(d, 0, sizeof(*d));
	d->head.version[0] = DM_VERSION_MAJOR;
	d->head.data_size = sizeof(*d);
	d->head.data_start = sizeof(d->head);
	d->head.flags = flags;
	memcpy(d->head.name, "root", sizeof("root"));
}

static int dm_create(struct arena *a, int control, const uint8_t uuid[16], uint64_t *ret_devno,
		     struct err *e)
{
	struct str hex = hex_encode(a, uuid, 16);
	struct dm_request d;

	dm_init(&d, 0);
	snprintf(d.head.uuid, sizeof(d.head.uuid), "CRYPT-VERITY-%.*s-root", STR_FMT(hex));
	if (ioctl(control, DM_DEV_CREATE, &d) < 0)
		return err_sys(e, "create the device-mapper device 'root'");
	*ret_devno = d.head.dev;
	return 0;
}

static void dm_remove(int control)
{
	struct dm_request d;

	dm_init(&d, 0);
	(void)ioctl(control, DM_DEV_REMOVE, &d);
}

/* The kernel looks for the signature in the keyrings of who loads the table. */
static int signature_add(struct str signature, struct err *e)
{
	if (syscall(SYS_add_key, "user", KEY_NAME, signature.p, signature.n,
		    KEY_SPEC_THREAD_KEYRING) < 0)
		return err_sys(e, "put the root hash's signature into a keyring");
	return 0;
}

static int signature_refused(int code, struct err *e)
{
	if (code == -ENOKEY)
		return err_set(
			e, code,
			"the kernel has no key for the root hash's signature: no certificate "
			"of Secure Boot's db signed it");
	/* -EINVAL: a wrong signature whose certificate stands beside it (crypto/rsa-pkcs1pad.c) */
	if (code == -EKEYREJECTED || code == -EBADMSG || code == -EINVAL)
		return err_set(e, code,
			       "the root hash's signature is wrong: it, or the root hash, was "
			       "changed, or its key was revoked");
	return code;
}

static int dm_load(int control, uint64_t size_bytes, struct str params, struct err *e)
{
	struct dm_target_spec *spec;
	struct dm_request d;

	dm_init(&d, DM_READONLY_FLAG);
	d.head.target_count = 1;
	if (params.n >= sizeof(d) - sizeof(d.head) - sizeof(*spec))
		return err_set(e, -E2BIG, "dm-verity: a table of %zu bytes", params.n);
	spec = (struct dm_target_spec *)(d.bytes + sizeof(d.head));
	spec->length = size_bytes / SECTOR_BYTES;
	memcpy(spec->target_type, "verity", sizeof("verity"));
	memcpy(spec + 1, params.p, params.n);
	if (ioctl(control, DM_TABLE_LOAD, &d) < 0)
		return err_sys(e, "dm-verity refuses '%.*s'", STR_FMT(params));
	/* Without DM_SUSPEND_FLAG this one resumes: the table becomes live. */
	dm_init(&d, DM_READONLY_FLAG);
	if (ioctl(control, DM_DEV_SUSPEND, &d) < 0)
		return err_sys(e, "start dm-verity");
	return 0;
}

int dm_open(struct arena *a, const uint8_t root_hash[ROOT_HASH_BYTES],
	    const struct disk_partition *root, const struct disk_partition *hash,
	    struct str signature, struct err *e)
{
	_cleanup_close_ int control = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
	struct verity_super super;
	struct str params;
	uint64_t devno;
	int r;

	if (control < 0)
		return err_sys(e, "open '/dev/mapper/control'");
	r = super_read(a, hash, &super, e);
	if (r == 0)
		r = dm_params(a, &super, root_hash, root, hash, signature.n > 0, &params, e);
	if (r == 0 && signature.n > 0)
		r = signature_add(signature, e);
	if (r == 0)
		r = dm_create(a, control, super.uuid, &devno, e);
	if (r < 0)
		return r;
	r = dm_load(control, super.data_blocks * VERITY_BLOCK_BYTES, params, e);
	if (r < 0) {
		dm_remove(control);
		return signature.n > 0 ? signature_refused(r, e) : r;
	}
	/* As udev does; it may come later, or never on an image without its device-mapper rules. */
	if (symlink(str_z(a, str_printf(a, "../dm-%u", minor(devno))), DM_NODE) < 0)
		return err_sys(e, "link '" DM_NODE "'");
	return 0;
}

int dm_table(struct arena *a, const char *name, struct state_table *ret, struct err *e)
{
	_cleanup_close_ int control = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
	const struct dm_target_spec *spec;
	struct dm_request d;
	const char *params;
	size_t at;

	if (control < 0)
		return err_sys(e, "open '/dev/mapper/control'");
	dm_init(&d, DM_STATUS_TABLE_FLAG);
	memset(d.head.name, 0, sizeof(d.head.name));
	memcpy(d.head.name, name, strnlen(name, sizeof(d.head.name) - 1));
	if (ioctl(control, DM_TABLE_STATUS, &d) < 0)
		return err_sys(e, "ask for the table of '%s'", name);
	at = d.head.data_start;
	if (d.head.flags & DM_BUFFER_FULL_FLAG || d.head.target_count == 0 ||
	    at > sizeof(d) - sizeof(*spec) - 1)
		return err_set(e, -EBADMSG, "the table of '%s' is longer than any of ours", name);
	spec = (const struct dm_target_spec *)(d.bytes + at);
	params = (const char *)(spec + 1);
	*ret = (struct state_table){
		.devno = str_printf(a, "%u:%u", major(d.head.dev), minor(d.head.dev)),
		.targets = d.head.target_count,
		.start_sector = spec->sector_start,
		.sectors = spec->length,
		.type = str_dup(a, (struct str){ spec->target_type,
						 strnlen(spec->target_type,
							 sizeof(spec->target_type)) }),
		.params =
			str_dup(a, (struct str){ params,
						 strnlen(params, sizeof(d) - at - sizeof(*spec)) }),
	};
	explicit_bzero(&d, sizeof(d));
	return 0;
}
