/* SPDX-License-Identifier: MIT */
#include "conf/schema.h"

#include <assert.h>

#define OPTIONAL CYAML_FLAG_OPTIONAL
#define REQUIRED CYAML_FLAG_DEFAULT

static const cyaml_schema_value_t line = YAML_TEXT_ENTRY(FORM_LINE);
static const cyaml_schema_value_t unit = YAML_TEXT_ENTRY(FORM_UNIT);
static const cyaml_schema_value_t credential = YAML_TEXT_ENTRY(FORM_CREDENTIAL);
static const cyaml_schema_value_t language = YAML_TEXT_ENTRY(FORM_LANGUAGE);
static const cyaml_schema_value_t path = YAML_TEXT_ENTRY(FORM_PATH);
static const cyaml_schema_value_t below = YAML_TEXT_ENTRY(FORM_BELOW);

static const cyaml_schema_field_t release_fields[] = {
	YAML_TEXT("id", REQUIRED, FORM_RELEASE, struct conf_release, id),
	YAML_TEXT("name", REQUIRED, FORM_LINE, struct conf_release, name),
	YAML_TEXT("version", REQUIRED, FORM_RELEASE, struct conf_release, version),
	YAML_TEXT("codename", OPTIONAL, FORM_RELEASE, struct conf_release, codename),
	YAML_TEXT("home-url", OPTIONAL, FORM_LINE, struct conf_release, home_url),
	YAML_TEXT("bug-url", OPTIONAL, FORM_LINE, struct conf_release, bug_url),
	YAML_TEXT("vendor", OPTIONAL, FORM_LINE, struct conf_release, vendor),
	YAML_PLAIN("sbat-generation", OPTIONAL, CYAML_UINT, struct conf_release, sbat_generation),
	CYAML_FIELD_END,
};
const cyaml_schema_value_t schema_release = YAML_TOP(release_fields, struct conf_release);

static const cyaml_strval_t upstream_types[] = {
	{ "debian", UPSTREAM_DEBIAN },
};
static const cyaml_strval_t valid_untils[] = {
	{ "system", VALID_UNTIL_SYSTEM },
	{ "yes", VALID_UNTIL_YES },
	{ "no", VALID_UNTIL_NO },
};

static const cyaml_strval_t check_dates[] = {
	{ "yes", CHECK_DATE_YES },
	{ "no", CHECK_DATE_NO },
};

static const cyaml_schema_field_t suite_fields[] = {
	YAML_TEXT("name", REQUIRED, FORM_SUITE, struct conf_suite, name),
	YAML_TEXT("mirror", OPTIONAL, FORM_MIRROR, struct conf_suite, mirror),
	YAML_TEXT("codename", OPTIONAL, FORM_LINE, struct conf_suite, codename),
	YAML_TEXT("accept-older", OPTIONAL, FORM_DATE, struct conf_suite, accept_older),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t suite = YAML_STRUCT_ENTRY(suite_fields, struct conf_suite);

static const cyaml_schema_field_t upstream_fields[] = {
	YAML_TEXT("name", REQUIRED, FORM_NAME, struct conf_upstream, name),
	YAML_ENUM("type", REQUIRED, upstream_types, struct conf_upstream, type),
	YAML_TEXT("mirror", REQUIRED, FORM_MIRROR, struct conf_upstream, mirror),
	YAML_LIST("suites", REQUIRED, suite, sizeof(struct conf_suite), 1, struct conf_upstream,
		  suites),
	YAML_TEXTS("components", below, struct conf_upstream, components),
	YAML_TEXT("keyring", OPTIONAL, FORM_PATH, struct conf_upstream, keyring),
	YAML_TEXTS("keyrings", path, struct conf_upstream, keyrings),
	YAML_TEXT("signed-by", OPTIONAL, FORM_TEXT, struct conf_upstream, signed_by),
	YAML_ENUM("check-valid-until", OPTIONAL, valid_untils, struct conf_upstream,
		  check_valid_until),
	YAML_ENUM("check-date", OPTIONAL, check_dates, struct conf_upstream, check_date),
	YAML_TEXTS("drop-requires", line, struct conf_upstream, drop_requires),
	YAML_TEXTS("script-covered", line, struct conf_upstream, script_covered),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t upstream =
	YAML_STRUCT_ENTRY(upstream_fields, struct conf_upstream);
const cyaml_schema_value_t schema_upstreams = {
	.type = CYAML_SEQUENCE,
	.flags = CYAML_FLAG_POINTER,
	.data_size = sizeof(struct conf_upstream),
	.sequence = { .entry = &upstream, .min = 1, .max = YAML_LIST_MAX },
};

static const cyaml_schema_field_t user_fields[] = {
	YAML_TEXT("name", REQUIRED, FORM_ACCOUNT, struct conf_user, name),
	YAML_TEXT("id", REQUIRED, FORM_ID, struct conf_user, id),
	YAML_TEXT("description", OPTIONAL, FORM_LINE, struct conf_user, description),
	YAML_TEXT("home", OPTIONAL, FORM_PATH, struct conf_user, home),
	YAML_TEXT("shell", OPTIONAL, FORM_PATH, struct conf_user, shell),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t user = YAML_STRUCT_ENTRY(user_fields, struct conf_user);

static const cyaml_schema_field_t id_fields[] = {
	YAML_TEXT("name", REQUIRED, FORM_ACCOUNT, struct conf_id, name),
	YAML_PLAIN("id", REQUIRED, CYAML_UINT, struct conf_id, id),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t id_entry = YAML_STRUCT_ENTRY(id_fields, struct conf_id);
const cyaml_schema_value_t schema_ids = {
	.type = CYAML_SEQUENCE,
	.flags = CYAML_FLAG_POINTER,
	.data_size = sizeof(struct conf_id),
	.sequence = { .entry = &id_entry, .min = 0, .max = YAML_LIST_MAX },
};

static const cyaml_schema_field_t group_fields[] = {
	YAML_TEXT("name", REQUIRED, FORM_ACCOUNT, struct conf_group, name),
	YAML_TEXT("id", REQUIRED, FORM_ID, struct conf_group, id),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t group = YAML_STRUCT_ENTRY(group_fields, struct conf_group);

static const cyaml_schema_field_t member_fields[] = {
	YAML_TEXT("user", REQUIRED, FORM_ACCOUNT, struct conf_member, user),
	YAML_TEXT("group", REQUIRED, FORM_ACCOUNT, struct conf_member, group),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t member = YAML_STRUCT_ENTRY(member_fields, struct conf_member);

static const cyaml_schema_field_t alternative_fields[] = {
	YAML_TEXT("link", REQUIRED, FORM_PATH, struct conf_alternative, link),
	YAML_TEXT("name", REQUIRED, FORM_NAME, struct conf_alternative, name),
	YAML_TEXT("path", REQUIRED, FORM_PATH, struct conf_alternative, path),
	YAML_PLAIN("priority", OPTIONAL, CYAML_UINT, struct conf_alternative, priority),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t alternative =
	YAML_STRUCT_ENTRY(alternative_fields, struct conf_alternative);

static const cyaml_schema_field_t caps_fields[] = {
	YAML_TEXT("path", REQUIRED, FORM_PATH, struct conf_caps, path),
	YAML_TEXT("caps", REQUIRED, FORM_LINE, struct conf_caps, caps),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t caps = YAML_STRUCT_ENTRY(caps_fields, struct conf_caps);

static const cyaml_schema_field_t mode_fields[] = {
	YAML_TEXT("path", REQUIRED, FORM_PATH, struct conf_mode, path),
	YAML_TEXT("user", OPTIONAL, FORM_ACCOUNT, struct conf_mode, user),
	YAML_TEXT("group", OPTIONAL, FORM_ACCOUNT, struct conf_mode, group),
	YAML_TEXT("mode", OPTIONAL, FORM_MODE, struct conf_mode, mode),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t mode = YAML_STRUCT_ENTRY(mode_fields, struct conf_mode);

static const cyaml_schema_field_t owner_fields[] = {
	YAML_TEXT("path", REQUIRED, FORM_LINE, struct conf_owner, path),
	YAML_TEXT("user", OPTIONAL, FORM_NAME, struct conf_owner, user),
	YAML_TEXT("group", OPTIONAL, FORM_NAME, struct conf_owner, group),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t owner = YAML_STRUCT_ENTRY(owner_fields, struct conf_owner);

static const cyaml_schema_field_t diversion_fields[] = {
	YAML_TEXT("path", REQUIRED, FORM_PATH, struct conf_diversion, path),
	YAML_TEXT("to", REQUIRED, FORM_PATH, struct conf_diversion, to),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t diversion =
	YAML_STRUCT_ENTRY(diversion_fields, struct conf_diversion);

static const cyaml_schema_field_t link_fields[] = {
	YAML_TEXT("path", REQUIRED, FORM_PATH, struct conf_link, path),
	YAML_TEXT("target", REQUIRED, FORM_LINE, struct conf_link, target),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t symlink_entry = YAML_STRUCT_ENTRY(link_fields, struct conf_link);

static const cyaml_schema_field_t file_fields[] = {
	YAML_TEXT("path", REQUIRED, FORM_PATH, struct conf_file, path),
	YAML_TEXT("mode", OPTIONAL, FORM_MODE, struct conf_file, mode),
	YAML_TEXT("content", OPTIONAL, FORM_TEXT, struct conf_file, content),
	YAML_TEXT("source", OPTIONAL, FORM_BELOW, struct conf_file, source),
	YAML_PLAIN("directory", OPTIONAL, CYAML_BOOL, struct conf_file, directory),
	YAML_TEXT("user", OPTIONAL, FORM_ACCOUNT, struct conf_file, user),
	YAML_TEXT("group", OPTIONAL, FORM_ACCOUNT, struct conf_file, group),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t file = YAML_STRUCT_ENTRY(file_fields, struct conf_file);

static const cyaml_schema_field_t script_fields[] = {
	YAML_TEXT("script", REQUIRED, FORM_SCRIPT, struct conf_scripts, script),
	YAML_TEXT("reason", REQUIRED, FORM_LINE, struct conf_scripts, reason),
	YAML_TEXT("sha256", OPTIONAL, FORM_DIGEST, struct conf_scripts, sha256),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t script = YAML_STRUCT_ENTRY(script_fields, struct conf_scripts);

static const cyaml_schema_field_t package_fields[] = {
	YAML_TEXTS("drop-files", line, struct conf_package, drop_files),
	YAML_TEXTS("drop-requires", line, struct conf_package, drop_requires),
	YAML_TEXTS("add-requires", line, struct conf_package, add_requires),
	YAML_TEXTS("add-provides", line, struct conf_package, add_provides),
	YAML_STRUCTS("users", user, struct conf_package, users),
	YAML_STRUCTS("groups", group, struct conf_package, groups),
	YAML_STRUCTS("members", member, struct conf_package, members),
	YAML_TEXTS("enable-units", unit, struct conf_package, enable_units),
	YAML_TEXTS("disable-units", unit, struct conf_package, disable_units),
	YAML_TEXTS("mask-units", unit, struct conf_package, mask_units),
	YAML_STRUCTS("alternatives", alternative, struct conf_package, alternatives),
	YAML_STRUCTS("caps", caps, struct conf_package, caps),
	YAML_STRUCTS("owners", owner, struct conf_package, owners),
	YAML_STRUCTS("modes", mode, struct conf_package, modes),
	YAML_STRUCTS("diversions", diversion, struct conf_package, diversions),
	YAML_TEXTS("device-files", path, struct conf_package, device_files),
	YAML_TEXT("max-unpacked-bytes", OPTIONAL, FORM_SIZE, struct conf_package,
		  max_unpacked_bytes),
	YAML_STRUCTS("links", symlink_entry, struct conf_package, links),
	YAML_STRUCTS("files", file, struct conf_package, files),
	YAML_STRUCTS("scripts", script, struct conf_package, scripts),
	CYAML_FIELD_END,
};
const cyaml_schema_value_t schema_package = YAML_TOP(package_fields, struct conf_package);

/* What an image and a feature both have; @at: where the conf_feature is in @type. */
#define FEATURE_FIELDS(type, at)                                           \
	YAML_TEXTS("packages", line, type, at packages),                   \
		YAML_TEXTS("enable-units", unit, type, at enable_units),   \
		YAML_TEXTS("disable-units", unit, type, at disable_units), \
		YAML_TEXTS("mask-units", unit, type, at mask_units),       \
		YAML_STRUCTS("files", file, type, at files),               \
		YAML_STRUCTS("users", user, type, at users),               \
		YAML_STRUCTS("links", symlink_entry, type, at links)

static const cyaml_schema_field_t feature_fields[] = {
	FEATURE_FIELDS(struct conf_feature, ),
	CYAML_FIELD_END,
};
const cyaml_schema_value_t schema_feature = YAML_TOP(feature_fields, struct conf_feature);

#define YAML_VALUE(enumerator, name) { (name), (enumerator) },

static const cyaml_strval_t root_compression[] = { EROFS_CODECS(YAML_VALUE) };
static const cyaml_strval_t signatures[] = { BOOT_SIGNATURES(YAML_VALUE) };
static const cyaml_strval_t execute_from[] = { BOOT_EXECUTE_FROM(YAML_VALUE) };
static const cyaml_strval_t states[] = { BOOT_STATES(YAML_VALUE) };
static const cyaml_strval_t without_tpm[] = { BOOT_WITHOUT_TPM(YAML_VALUE) };
static const cyaml_strval_t state_integrities[] = { BOOT_STATE_INTEGRITIES(YAML_VALUE) };
static const cyaml_strval_t recovery_keys[] = { BOOT_RECOVERY_KEYS(YAML_VALUE) };

static const cyaml_schema_field_t image_fields[] = {
	YAML_TEXT("from", OPTIONAL, FORM_NAME, struct image_yaml, from),
	YAML_TEXT("description", OPTIONAL, FORM_LINE, struct image_yaml, image.description),
	YAML_TEXTS("features", line, struct image_yaml, image.features),
	FEATURE_FIELDS(struct image_yaml, own.),
	YAML_TEXTS("exclude", line, struct image_yaml, image.exclude),
	YAML_PLAIN("weak-dependencies", OPTIONAL, CYAML_BOOL, struct image_yaml,
		   image.weak_dependencies),
	YAML_TEXTS("drop-files", line, struct image_yaml, image.drop_files),
	YAML_TEXTS("setuid-files", path, struct image_yaml, image.setuid_files),
	YAML_PLAIN("documentation", OPTIONAL, CYAML_BOOL, struct image_yaml, image.documentation),
	YAML_TEXTS("locales", language, struct image_yaml, image.locales),
	YAML_TEXT("hostname", OPTIONAL, FORM_HOST, struct image_yaml, image.hostname),
	YAML_TEXT("default-unit", OPTIONAL, FORM_UNIT, struct image_yaml, image.default_unit),
	YAML_TEXTS("kernel-command-line", line, struct image_yaml, image.kernel_command_line),
	YAML_TEXTS("kernel-modules", line, struct image_yaml, image.kernel_modules),
	YAML_TEXTS("initrd-modules", line, struct image_yaml, image.initrd_modules),
	YAML_TEXTS("initrd-drivers", line, struct image_yaml, image.initrd_drivers),
	YAML_TEXTS("platform-credentials", credential, struct image_yaml,
		   image.platform_credentials),
	YAML_TEXT("esp-bytes", OPTIONAL, FORM_SIZE, struct image_yaml, image.esp_bytes),
	YAML_ENUM("root-compression", OPTIONAL, root_compression, struct image_yaml,
		  image.root_compression),
	YAML_ENUM("signatures", OPTIONAL, signatures, struct image_yaml, image.boot.signatures),
	YAML_ENUM("execute-from", OPTIONAL, execute_from, struct image_yaml,
		  image.boot.execute_from),
	YAML_ENUM("state", OPTIONAL, states, struct image_yaml, image.boot.state),
	YAML_ENUM("state-without-tpm", OPTIONAL, without_tpm, struct image_yaml,
		  image.boot.without_tpm),
	YAML_ENUM("state-integrity", OPTIONAL, state_integrities, struct image_yaml,
		  image.boot.state_integrity),
	YAML_ENUM("recovery-key", OPTIONAL, recovery_keys, struct image_yaml,
		  image.boot.recovery_key),
	YAML_PLAIN("max-packages", OPTIONAL, CYAML_UINT, struct image_yaml, image.max_packages),
	YAML_TEXT("max-files-bytes", OPTIONAL, FORM_SIZE, struct image_yaml, image.max_files_bytes),
	YAML_TEXT("max-image-bytes", OPTIONAL, FORM_SIZE, struct image_yaml, image.max_image_bytes),
	CYAML_FIELD_END,
};
const cyaml_schema_value_t schema_image = YAML_TOP(image_fields, struct image_yaml);

/* With the end of each table, which is one more. */
#define KEYS_FIT(fields)                                                       \
	static_assert(sizeof(fields) / sizeof(*(fields)) <= YAML_KEYS_MAX + 1, \
		      "more keys than bits")

KEYS_FIT(release_fields);
KEYS_FIT(suite_fields);
KEYS_FIT(upstream_fields);
KEYS_FIT(user_fields);
KEYS_FIT(id_fields);
KEYS_FIT(group_fields);
KEYS_FIT(member_fields);
KEYS_FIT(alternative_fields);
KEYS_FIT(caps_fields);
KEYS_FIT(mode_fields);
KEYS_FIT(owner_fields);
KEYS_FIT(diversion_fields);
KEYS_FIT(link_fields);
KEYS_FIT(file_fields);
KEYS_FIT(script_fields);
KEYS_FIT(package_fields);
KEYS_FIT(feature_fields);
KEYS_FIT(image_fields);
