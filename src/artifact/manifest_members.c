/* SPDX-License-Identifier: MIT */
#include "artifact/manifest_members.h"

#define M(key_, kind_, member_)                                          \
	{                                                                \
		key_, MEMBER_##kind_, offsetof(struct manifest, member_) \
	}
const struct member manifest_members[] = {
	M("manifest-version", NUMBER, manifest_version),
	M("image", TEXT, image),
	M("distribution", TEXT, distribution),
	M("version", TEXT, version),
	M("arch", TEXT, arch),
	M("development-keys", BOOL, development_keys),
	M("source-date-epoch", NUMBER, source_date_epoch),
	M("kernel", TEXT, kernel),
	M("root-hash", DIGEST, root_hash),
	M("command-line", TEXT, command_line),
	M("uki", TEXT, uki),
	M("uki-sha256", DIGEST, uki_sha256),
	M("boot-loader-sha256", DIGEST, boot_loader_sha256),
	M("files-bytes", NUMBER, files_bytes),
	M("root-bytes", NUMBER, root_bytes),
	M("image-bytes", NUMBER, image_bytes),
	M("stored-bytes", NUMBER, stored_bytes),
	{ 0 },
};
#undef M

#define M(key_, member_)                                                        \
	{                                                                       \
		key_, MEMBER_NUMBER, offsetof(struct manifest_budgets, member_) \
	}
const struct member manifest_budget_members[] = {
	M("max-packages", max_packages),
	M("max-files-bytes", max_files_bytes),
	M("max-image-bytes", max_image_bytes),
	{ 0 },
};
#undef M

#define M(key_, kind_, member_)                                                    \
	{                                                                          \
		key_, MEMBER_##kind_, offsetof(struct manifest_partition, member_) \
	}
const struct member manifest_partition_members[] = {
	M("label", TEXT, label),
	M("type", TEXT, type),
	M("uuid", TEXT, uuid),
	M("start-bytes", NUMBER, start_bytes),
	M("size-bytes", NUMBER, size_bytes),
	{ 0 },
};
#undef M

#define M(key_, kind_, member_)                                                  \
	{                                                                        \
		key_, MEMBER_##kind_, offsetof(struct manifest_package, member_) \
	}
const struct member manifest_package_members[] = {
	M("name", TEXT, name),
	M("evr", TEXT, evr),
	M("arch", TEXT, arch),
	M("license", TEXT, license),
	M("rpm-sha256", DIGEST, rpm_sha256),
	{ 0 },
};
#undef M

#define M(key_, kind_, member_)                                                 \
	{                                                                       \
		key_, MEMBER_##kind_, offsetof(struct manifest_origin, member_) \
	}
const struct member manifest_origin_members[] = {
	M("upstream", TEXT, upstream), M("name", TEXT, name),
	M("version", TEXT, version),   M("arch", TEXT, arch),
	M("source", TEXT, source),     M("source-version", TEXT, source_version),
	M("sha256", DIGEST, sha256),   { 0 },
};
#undef M
