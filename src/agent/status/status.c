/* SPDX-License-Identifier: MIT */
#include "agent/status/status.h"

#include <linux/capability.h>

#include "agent/common/boot_status.h"
#include "base/boot_words.h"
#include "base/io.h"
#include "base/json.h"
#include "base/json_parse.h"

enum { FILE_BYTES_MAX = BOOT_STATUS_BYTES_MAX };

#define SECURITY "/sys/kernel/security/"

/* The content without blanks around it; empty when it cannot be read. */
static struct str content(struct arena *a, const char *root, const char *path)
{
	struct err ignored;
	struct str text;

	if (file_read(a, str_z(a, str_printf(a, "%s%s", root, path)), FILE_BYTES_MAX, &text,
		      &ignored) < 0)
		return (struct str){ 0 };
	return str_trim(text);
}

static vec_str names(struct arena *a, const char *root, const char *path)
{
	vec_str list = { 0 };
	struct err ignored;

	if (dir_list(a, str_z(a, str_printf(a, "%s%s", root, path)), &list, &ignored) < 0)
		return (vec_str){ 0 };
	return list;
}

/* KEY=VALUE or KEY="VALUE" of os-release(5); Ashlar's own needs no escapes. */
static struct str assignment(struct str text, const char *key)
{
	while (text.n > 0) {
		struct str value = str_cut(&text, '\n'), name = str_cut(&value, '=');

		if (str_eqz(name, key))
			return str_starts(value, "\"") && str_ends(value, "\"") && value.n > 1
				       ? str_head(str_from(value, 1), value.n - 2)
				       : value;
	}
	return (struct str){ 0 };
}

static void read_release(struct arena *a, const char *root, struct status *s)
{
	struct str text = content(a, root, "/usr/lib/os-release");

	s->image = str_printf(a, "%.*s %.*s %.*s", STR_FMT(assignment(text, "NAME")),
			      STR_FMT(assignment(text, "IMAGE_ID")),
			      STR_FMT(assignment(text, "IMAGE_VERSION")));
	s->development_keys = str_eqz(assignment(text, "ASHLAR_DEVELOPMENT_KEYS"), "1");
}

static struct str text_of(const vec_json_value *members, const char *key)
{
	const struct json_value *v = json_find(members, key);

	return v && v->type == JSON_STRING ? v->text : (struct str){ 0 };
}

static void texts_add(struct arena *a, const vec_json_value *members, const char *key, vec_str *ret)
{
	const struct json_value *list = json_find(members, key);
	vec_json_value texts;
	struct err ignored;

	if (list && list->type == JSON_ARRAY && json_parse(a, list->text, &texts, &ignored) == 0)
		vec_each(v, &texts)
			vec_push(a, ret) = v->text;
}

static void read_platform(struct arena *a, const vec_json_value *members, struct status *s)
{
	const struct json_value *object = json_find(members, "platform");
	vec_json_value lists;
	struct err ignored;

	if (!object || object->type != JSON_OBJECT ||
	    json_parse(a, object->text, &lists, &ignored) < 0)
		return;
	texts_add(a, &lists, "credentials-taken", &s->credentials_taken);
	texts_add(a, &lists, "credentials-ignored", &s->credentials_ignored);
	texts_add(a, &lists, "words-ignored", &s->words_ignored);
}

static bool is_true(const vec_json_value *members, const char *key)
{
	const struct json_value *v = json_find(members, key);

	return v && v->type == JSON_TRUE;
}

static void read_boot(struct arena *a, const char *root, struct status *s)
{
	vec_json_value members;
	struct err e;

	if (json_parse(a, content(a, root, BOOT_STATUS_PATH), &members, &e) < 0) {
		vec_push(a, &s->missing) =
			STR("nothing is known of how this machine was started: " BOOT_STATUS_PATH
			    " is not there, or damaged");
		return;
	}
	s->root_hash = text_of(&members, "root-hash");
	s->root_signature = text_of(&members, "root-signature");
	s->execution_policy = text_of(&members, "execution-policy");
	s->state = text_of(&members, "state");
	s->state_reason = text_of(&members, "state-reason");
	s->memory_locked = is_true(&members, "memory-locked");
	s->tables_refused =
		is_true(&members, "device-mapper-tables-refused") ? KNOWN_YES : KNOWN_NO;
	texts_add(a, &members, "missing", &s->missing);
	read_platform(a, &members, s);
	s->state_authenticated = is_true(&members, "state-authenticated");
}

/* "none [integrity] confidentiality" */
static struct str bracketed(struct str text)
{
	(void)str_cut(&text, '[');
	return str_cut(&text, ']');
}

static void read_verity(struct arena *a, const char *root, struct status *s)
{
	vec_str blocks = names(a, root, "/sys/block");

	vec_each(block, &blocks) {
		const char *dm = str_z(a, str_printf(a, "/sys/block/%.*s/dm", STR_FMT(*block)));

		s->verity |=
			str_eqz(content(a, root, path_join(a, dm, "name")), "root") &&
			str_starts(content(a, root, path_join(a, dm, "uuid")), "CRYPT-VERITY-");
	}
}

/* What init obeyed, for whoever may not read the policy. */
static void read_words(struct arena *a, const char *root, struct status *s)
{
	struct str text = content(a, root, "/proc/cmdline");
	struct boot_words words = { 0 };
	struct boot_param p;
	unsigned seen = 0;
	struct err ignored;

	while (boot_param_next(&text, &p))
		(void)!boot_words_take(&words, &seen, p.key, p.value, &ignored);
	s->runs_anything = words.execute_from == EXECUTE_ANYWHERE;
	s->runs_signed = words.execute_from == EXECUTE_SIGNED;
}

static void read_policy(struct arena *a, const char *root, struct status *s)
{
	vec_str policies = names(a, root, SECURITY "ipe/policies");
	struct str enforce = content(a, root, SECURITY "ipe/enforce");

	vec_each(name, &policies) {
		const char *dir =
			str_z(a, str_printf(a, SECURITY "ipe/policies/%.*s", STR_FMT(*name)));
		struct str policy = content(a, root, path_join(a, dir, "policy"));

		if (!str_eqz(content(a, root, path_join(a, dir, "active")), "1"))
			continue;
		s->active_policy = *name;
		s->runs_anything = str_has(policy, "DEFAULT op=EXECUTE action=ALLOW");
		s->runs_signed = str_has(policy, "op=EXECUTE dmverity_signature=TRUE");
	}
	if (enforce.n == 0)
		s->enforced = KNOWN_NOT; /* only root may read it */
	else if (str_eqz(enforce, "1") && s->active_policy.n > 0)
		s->enforced = KNOWN_YES;
}

/* What the first process may not do, nobody may: each process inherits it, but for the helpers that
 * the kernel starts, which have lost the right to. */
static void read_locked(struct arena *a, const char *root, struct status *s)
{
	struct str text = content(a, root, "/proc/1/status");
	bool filtered = false;
	uint8_t set[8];

	s->locked = KNOWN_NOT;
	while (text.n > 0) {
		struct str line = str_cut(&text, '\n'), name = str_cut(&line, ':');

		if (str_eqz(name, "CapBnd") && hex_decode(str_trim(line), set, sizeof(set)))
			s->locked = set[7 - CAP_MAC_ADMIN / 8] & 1 << CAP_MAC_ADMIN % 8 ? KNOWN_NO
											: KNOWN_YES;
		if (str_eqz(name, "Seccomp"))
			filtered = str_eqz(str_trim(line), "2");
	}
	/* What agent/init says that it locked, as far as the kernel shows the same. */
	if (!filtered && s->tables_refused == KNOWN_YES)
		s->tables_refused = KNOWN_NO;
	s->memory_locked = s->memory_locked && filtered &&
			   str_eqz(content(a, root, "/proc/sys/kernel/yama/ptrace_scope"), "3");
}

static bool there(struct arena *a, const char *root, const char *path)
{
	return file_exists(str_z(a, str_printf(a, "%s%s", root, path)));
}

/* An image with the feature "firewall" says so by its unit, and the filter by a folder that it has
 * as long as it is active. */
static void read_filter(struct arena *a, const char *root, struct status *s)
{
	if (there(a, root, "/usr/lib/systemd/system/network-closed.service"))
		s->filter = there(a, root, "/run/packet-filter") ? KNOWN_YES : KNOWN_NO;
	else
		s->filter = KNOWN_NOT;
}

static void judge_filter(struct arena *a, struct status *s)
{
	if (s->filter == KNOWN_YES)
		vec_push(a, &s->protects) = STR("what comes in from the network is filtered");
	if (s->filter == KNOWN_NO)
		vec_push(a, &s->missing) =
			STR("the packet filter is not in force, so the network is closed "
			    "(journalctl -u network-closed.service)");
}

static void judge_firmware(struct arena *a, struct status *s)
{
	if (s->efi.secure_boot)
		vec_push(a, &s->protects) =
			STR("Secure Boot: firmware checked boot loader and kernel");
	if (str_eqz(s->lockdown, "none"))
		vec_push(a, &s->missing) =
			STR("the kernel is not locked down: root can change it while it runs");
	else if (s->lockdown.n > 0)
		vec_push(a, &s->protects) =
			str_printf(a, "the kernel is locked down (%.*s): root cannot change it",
				   STR_FMT(s->lockdown));
	if (s->efi.measured && s->tpm)
		vec_push(a, &s->protects) = STR("the TPM holds a measurement of what was started");
	if (s->development_keys)
		vec_push(a, &s->missing) = STR(
			"this image was signed with development keys, which are kept where it was built");
}

static void judge_root(struct arena *a, struct status *s)
{
	if (s->verity)
		vec_push(a, &s->protects) = str_printf(
			a, "the root: each block is checked when it is read (dm-verity%s%.*s)",
			s->root_hash.n > 0 ? ", root hash " : "", STR_FMT(s->root_hash));
	else
		vec_push(a, &s->missing) = STR("the root is not on dm-verity");
	if (str_eqz(s->root_signature, "checked"))
		vec_push(a, &s->protects) = STR("the root hash: the kernel checked its signature");
}

/* What would have other code executed without breaking the policy. */
static void judge_ways_round(struct arena *a, struct status *s)
{
	if (s->runs_signed || s->tables_refused == KNOWN_NO)
		vec_push(a, &s->missing) =
			STR("root can make a device that looks like a verified volume and is none, "
			    "and execute what lies there");
	else if (s->tables_refused == KNOWN_YES)
		vec_push(a, &s->protects) =
			STR("no device-mapper table can be made, so no other device looks like the "
			    "root");
	if (s->memory_locked)
		vec_push(a, &s->protects) = STR(
			"no process executes what it wrote to memory, or gets at another's by debugging "
			"it, having it crash, or swapping it out");
	else
		vec_push(a, &s->missing) =
			STR("root can write code into running programs, or read their memory");
}

static void judge_policy(struct arena *a, struct status *s)
{
	bool at_boot = str_eqz(s->execution_policy, "enforcing");

	if (at_boot && s->enforced == KNOWN_NO)
		vec_push(a, &s->missing) = STR("the execution policy is no longer in force");
	if (!at_boot || s->enforced == KNOWN_NO)
		return;
	if (s->locked == KNOWN_NO)
		vec_push(a, &s->missing) = STR("root can change the execution policy");
	if (s->runs_anything) {
		vec_push(a, &s->protects) =
			STR("kernel modules are loaded from the root only (the image lets "
			    "programs run from anywhere)");
		return;
	}
	vec_push(a, &s->protects) = str_printf(
		a,
		"files of programs and libraries are executed from the root%s only, and kernel "
		"modules loaded from the root; not meant are scripts that a shell is told to read",
		s->runs_signed ? " and from signed volumes" : "");
	judge_ways_round(a, s);
}

static void judge_state(struct arena *a, struct status *s)
{
	if (str_eqz(s->state, "encrypted-tpm"))
		vec_push(a, &s->protects) =
			STR("/var: encrypted to this machine's TPM, which knows it as its own");
	else if (str_eqz(s->state, "encrypted"))
		vec_push(a, &s->protects) = STR("/var: encrypted");
	else if (str_eqz(s->state, "encrypted-passphrase"))
		vec_push(a, &s->protects) = STR("/var: encrypted with a passphrase");
	else if (str_eqz(s->state, "memory"))
		vec_push(a, &s->protects) = STR("/var: in memory, gone when the machine stops");
	if (s->state_authenticated)
		vec_push(a, &s->protects) =
			STR("/var: each block is authenticated: what somebody else writes to the "
			    "disk cannot be read");
}

void status_read(struct arena *a, const char *root, struct status *ret)
{
	struct status s = { .tables_refused = KNOWN_NOT };

	read_release(a, root, &s);
	read_boot(a, root, &s);
	efi_read(a, str_z(a, str_printf(a, "%s/sys", root)), &s.efi);
	s.tpm = str_eqz(content(a, root, "/sys/class/tpm/tpm0/tpm_version_major"), "2");
	s.lockdown = bracketed(content(a, root, SECURITY "lockdown"));
	read_verity(a, root, &s);
	read_words(a, root, &s);
	read_policy(a, root, &s);
	read_locked(a, root, &s);
	read_filter(a, root, &s);
	judge_firmware(a, &s);
	judge_root(a, &s);
	judge_policy(a, &s);
	judge_state(a, &s);
	judge_filter(a, &s);
	*ret = s;
}

static void list_text(struct buf *b, const char *title, const vec_str *list)
{
	if (list->n > 0)
		buf_printf(b, "%s\n", title);
	vec_each(sentence, list)
		buf_printf(b, "  - %.*s\n", STR_FMT(*sentence));
}

struct str status_text(struct arena *a, const struct status *s)
{
	struct buf b = { .a = a };

	buf_printf(&b, "%.*s%s\n", STR_FMT(s->image),
		   s->missing.n > 0 ? "" : ": nothing is missing");
	list_text(&b, "Not protected:", &s->missing);
	list_text(&b, "Protected:", &s->protects);
	list_text(&b, "From the platform, as the image allows:", &s->credentials_taken);
	list_text(&b, "From the platform, not taken:", &s->credentials_ignored);
	list_text(&b, "From the platform, words that did not reach the kernel:", &s->words_ignored);
	return (struct str){ (char *)b.v.p, b.v.n };
}

static void list_json(struct json *j, const char *key, const vec_str *list)
{
	json_array(j, key);
	vec_each(sentence, list)
		json_str(j, NULL, *sentence);
	json_end_array(j);
}

static void known_json(struct json *j, const char *key, enum known known)
{
	if (known == KNOWN_NOT)
		json_null(j, key);
	else
		json_bool(j, key, known == KNOWN_YES);
}

struct str status_json(struct arena *a, const struct status *s)
{
	struct json j = { .b = { .a = a }, .indent = 2 };

	json_object(&j, NULL);
	list_json(&j, "missing", &s->missing);
	list_json(&j, "protected", &s->protects);
	json_str(&j, "image", s->image);
	json_bool(&j, "development-keys", s->development_keys);
	json_bool(&j, "efi", s->efi.present);
	json_bool(&j, "secure-boot", s->efi.secure_boot);
	json_bool(&j, "setup-mode", s->efi.setup_mode);
	json_str(&j, "lockdown", s->lockdown);
	json_bool(&j, "tpm", s->tpm);
	json_bool(&j, "measured", s->efi.measured);
	json_bool(&j, "verity", s->verity);
	json_str(&j, "root-hash", s->root_hash);
	json_str(&j, "root-signature", s->root_signature);
	json_str(&j, "execution-policy", s->execution_policy);
	json_str(&j, "execution-policy-active", s->active_policy);
	known_json(&j, "execution-policy-enforced", s->enforced);
	known_json(&j, "execution-policy-locked", s->locked);
	known_json(&j, "device-mapper-tables-refused", s->tables_refused);
	json_bool(&j, "memory-locked", s->memory_locked);
	json_str(&j, "state", s->state);
	json_str(&j, "state-reason", s->state_reason);
	json_object(&j, "platform");
	list_json(&j, "credentials-taken", &s->credentials_taken);
	list_json(&j, "credentials-ignored", &s->credentials_ignored);
	list_json(&j, "words-ignored", &s->words_ignored);
	json_end_object(&j);
	json_bool(&j, "state-authenticated", s->state_authenticated);
	json_end_object(&j);
	return str_cat(a, json_text(&j), STR("\n"));
}
