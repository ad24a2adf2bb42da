/* SPDX-License-Identifier: MIT */
#include "conf/load.h"

#include <assert.h>

#include "base/io.h"
#include "conf/check.h"

/* The layout of every VEC. */
struct list {
	void *p;
	size_t n, cap;
};

static_assert(sizeof(struct list) == sizeof(vec_str), "VEC has changed");
static_assert(sizeof(uint64_t) >= sizeof(char *),
	      "a size's text pointer stands where its number will");

static void texts_take(struct arena *a, struct list *list)
{
	struct str *texts = arena_array(a, list->n, sizeof(*texts));

	for (size_t i = 0; i < list->n; i++)
		texts[i] = str_dup(a, str_c(((char **)list->p)[i]));
	list->p = texts;
}

static void fields_take(struct arena *a, const cyaml_schema_field_t *fields, char *at);

static void list_take(struct arena *a, const cyaml_schema_value_t *value, struct list *list)
{
	const cyaml_schema_value_t *entry = value->sequence.entry;

	if (entry->type == CYAML_STRING) {
		texts_take(a, list);
	} else {
		list->p = arena_copy(a, list->p ? list->p : "", list->n * value->data_size);
		for (size_t i = 0; i < list->n; i++)
			fields_take(a, entry->mapping.fields,
				    (char *)list->p + i * value->data_size);
	}
	list->cap = list->n;
}

static void text_take(struct arena *a, const cyaml_schema_value_t *value, char *at)
{
	struct str text = { 0 };
	uint64_t size = 0;
	const char *raw;

	memcpy(&raw, at, sizeof(raw));
	if (value->string.max == FORM_SIZE) {
		/* checked before; an absent one stays 0 */
		if (!str_size(str_c(raw), &size))
			size = 0;
		memcpy(at, &size, sizeof(size));
		return;
	}
	if (raw)
		text = str_dup(a, str_c(raw));
	memcpy(at, &text, sizeof(text));
}

/* Turns what libcyaml made into what our headers say: texts get lengths, and all moves into the
 * arena. */
static void fields_take(struct arena *a, const cyaml_schema_field_t *fields, char *at)
{
	for (const cyaml_schema_field_t *f = fields; f->key; f++) {
		struct list list;

		if (f->value.type == CYAML_STRING) {
			text_take(a, &f->value, at + f->data_offset);
		} else if (f->value.type == CYAML_SEQUENCE) {
			memcpy(&list, at + f->data_offset, sizeof(list));
			list_take(a, &f->value, &list);
			memcpy(at + f->data_offset, &list, sizeof(list));
		}
	}
}

/* libcyaml logs the cause first and then where it was, outwards: keep the first line. */
static void __attribute__((format(printf, 3, 0)))
keep_first(cyaml_log_t level, void *ctx, const char *fmt, va_list args)
{
	struct err *first = ctx;

	(void)level;
	if (first->msg[0] == '\0')
		vsnprintf(first->msg, sizeof(first->msg), fmt, args);
}

static void take(struct arena *a, const cyaml_schema_value_t *top, void *data, unsigned n,
		 void *ret)
{
	struct list list = { .p = data, .n = n };

	if (top->type == CYAML_SEQUENCE) {
		list_take(a, top, &list);
		memcpy(ret, &list, sizeof(list));
		return;
	}
	memset(ret, 0, top->data_size);
	if (data) /* NULL when no key is set */
		memcpy(ret, data, top->data_size);
	fields_take(a, top->mapping.fields, ret);
}

int yaml_load(struct arena *a, const cyaml_schema_value_t *top, struct str text, const char *name,
	      void *ret, struct yaml_doc *doc, struct err *e)
{
	struct yaml_doc local = { .name = name };
	struct err said = { 0 };
	cyaml_config_t config = { .log_fn = keep_first,
				  .log_ctx = &said,
				  .mem_fn = cyaml_mem,
				  .log_level = CYAML_LOG_ERROR,
				  .flags = CYAML_CFG_NO_ALIAS };
	unsigned n = 0, *ret_n = top->type == CYAML_SEQUENCE ? &n : NULL;
	cyaml_data_t *data = NULL;
	cyaml_err_t code;
	int r = yaml_check(a, top, text, &local, e);

	if (r < 0)
		return r;
	code = cyaml_load_data((const uint8_t *)text.p, text.n, &config, top, &data, ret_n);
	if (code != CYAML_OK)
		return err_set(e, -EINVAL,
			       "%s:1:1: %s: %.*s; this passed Ashlar's own check, please report it",
			       name, cyaml_strerror(code), STR_FMT(str_trim(str_c(said.msg))));
	take(a, top, data, n, ret);
	cyaml_free(&config, top, data, n);
	if (doc)
		*doc = local;
	return 0;
}

int yaml_file(struct arena *a, const char *distro, const char *below, struct str *ret,
	      struct err *e)
{
	int r = file_read_below(a, distro, below, YAML_BYTES_MAX, ret, e);

	if (r == -EFBIG)
		return err_set(e, r, "%s/%s:1:1: is larger than 1 MiB; want a definition", distro,
			       below);
	return r;
}

int yaml_read(struct arena *a, const cyaml_schema_value_t *top, const char *distro,
	      const char *below, void *ret, struct yaml_doc *doc, struct err *e)
{
	struct str text;
	int r = yaml_file(a, distro, below, &text, e);

	return r < 0 ? r : yaml_load(a, top, text, path_join(a, distro, below), ret, doc, e);
}
