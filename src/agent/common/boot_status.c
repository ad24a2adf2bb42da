/* SPDX-License-Identifier: MIT */
#include "agent/common/boot_status.h"

#include <stdarg.h>
#include <stdio.h>

#include "agent/common/report.h"
#include "base/io.h"
#include "base/json.h"

void boot_status_missing(struct arena *a, struct boot_status *s, const char *fmt, ...)
{
	struct err text;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text.msg, sizeof(text.msg), fmt, ap);
	va_end(ap);
	vec_push(a, &s->missing) = str_dup(a, str_c(text.msg));
}

static void list_json(struct json *j, const char *key, const vec_str *list)
{
	json_array(j, key);
	vec_each(text, list)
		json_str(j, NULL, *text);
	json_end_array(j);
}

struct str boot_status_json(struct arena *a, const struct boot_status *s)
{
	struct json j = { .b = { .a = a }, .indent = 2 };

	json_object(&j, NULL);
	if (s->efi)
		json_bool(&j, "secure-boot", s->secure_boot);
	else
		json_null(&j, "secure-boot");
	json_bool(&j, "setup-mode", s->setup_mode);
	json_str(&j, "root-hash", hex_encode(a, s->root_hash, ROOT_HASH_BYTES));
	json_str(&j, "root-signature", str_c(s->root_signature));
	json_str(&j, "execution-policy", str_c(s->execution_policy));
	json_bool(&j, "tpm", s->tpm);
	json_bool(&j, "measured", s->measured);
	json_str(&j, "state", str_c(s->state));
	json_str(&j, "state-reason", str_c(s->state_reason));
	json_bool(&j, "state-authenticated", s->state_authenticated);
	if (s->state_measured)
		json_str(&j, "state-measured", str_c(s->state_measured));
	json_bool(&j, "memory-locked", s->memory_locked);
	json_bool(&j, "device-mapper-tables-refused", s->tables_refused);
	json_object(&j, "platform");
	list_json(&j, "credentials-taken", &s->credentials_taken);
	list_json(&j, "credentials-ignored", &s->credentials_ignored);
	list_json(&j, "words-ignored", &s->words_ignored);
	list_json(&j, "measured", &s->platform_events);
	json_end_object(&j);
	list_json(&j, "missing", &s->missing);
	json_end_object(&j);
	return str_cat(a, json_text(&j), STR("\n"));
}

int boot_status_publish(struct arena *a, const struct boot_status *s, struct err *e)
{
	struct str text = boot_status_json(a, s);
	int r = dir_make("/run/ashlar", e);

	vec_each(sentence, &s->missing)
		report(REPORT_WARNING, "not protected: %.*s", STR_FMT(*sentence));
	return r < 0 ? r : file_write(BOOT_STATUS_PATH, 0644, text.p, text.n, e);
}
