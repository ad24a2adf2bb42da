/* SPDX-License-Identifier: MIT */
#include "base/rd.h"
#include "solve/universe.h"

static int damaged(struct err *e, const char *what)
{
	return err_set(
		e, -EBADMSG,
		"the cached universe of packages is damaged (%s); want it removed and made again",
		what);
}

struct universe_record universe_part_record(const struct universe_part *part, uint32_t record)
{
	struct universe_record r;

	memcpy(&r, part->records + (size_t)record * sizeof(r), sizeof(r));
	return r;
}

const char *universe_part_text(const struct universe_part *part, uint32_t record, size_t text)
{
	uint32_t at;

	memcpy(&at,
	       part->records + (size_t)record * sizeof(struct universe_record) +
		       offsetof(struct universe_record, texts) + text * sizeof(at),
	       sizeof(at));
	return part->texts + at;
}

struct universe_dep universe_part_dep(const struct universe_part *part, uint32_t i)
{
	struct universe_dep d;

	memcpy(&d, part->deps + (size_t)i * sizeof(d), sizeof(d));
	return d;
}

uint32_t universe_part_listed(const struct universe_part *part, uint32_t i)
{
	uint32_t dep;

	memcpy(&dep, part->listed + (size_t)i * sizeof(dep), sizeof(dep));
	return dep;
}

/* Cuts the bytes into sections. */
static int sections_check(struct universe_part *part, struct err *e)
{
	struct rd r = { .p = (const uint8_t *)part->bytes.p, .n = part->bytes.n };
	struct str head = rd_str(&r, sizeof(part->head));

	if (!head.p)
		return damaged(e, "too short");
	memcpy(&part->head, head.p, sizeof(part->head));
	if (memcmp(part->head.magic, "ASHLUNIV", sizeof(part->head.magic)) != 0 ||
	    part->head.version != UNIVERSE_VERSION)
		return damaged(e, "another format");
	if (part->head.n_packages > UNIVERSE_PACKAGES_MAX)
		return damaged(e, "too many packages");
	part->records = rd_str(&r, part->head.n_packages * sizeof(struct universe_record)).p;
	part->deps = rd_str(&r, part->head.n_deps * sizeof(struct universe_dep)).p;
	part->listed = rd_str(&r, part->head.n_listed * sizeof(uint32_t)).p;
	part->texts = rd_str(&r, part->head.n_text_bytes).p;
	if (r.bad || r.pos != r.n)
		return damaged(e, "another length than it says");
	/* each text ends at a NUL, so any offset below the end is a text */
	if (part->head.n_text_bytes == 0 || part->texts[part->head.n_text_bytes - 1] != '\0')
		return damaged(e, "a text without end");
	return 0;
}

static bool record_ok(const struct universe_part *part, const struct universe_record *r)
{
	const struct universe_head *head = &part->head;
	bool ok = r->number < head->n_packages && part->record_of[r->number] == UINT32_MAX &&
		  r->evr < head->n_text_bytes;

	for (size_t i = 0; i < UNIVERSE_TEXTS; i++)
		ok = ok && r->texts[i] < head->n_text_bytes;
	for (size_t i = 0; i < UNIVERSE_LISTS; i++)
		ok = ok && r->lists[i].first <= head->n_listed &&
		     r->lists[i].n <= head->n_listed - r->lists[i].first;
	return ok;
}

/* Every index that the records, lists and dependencies hold. */
static int indexes_check(struct arena *a, struct universe_part *part, struct err *e)
{
	const struct universe_head *head = &part->head;

	part->record_of = arena_array(a, head->n_packages, sizeof(*part->record_of));
	memset(part->record_of, 0xff, head->n_packages * sizeof(*part->record_of));
	for (uint32_t i = 0; i < head->n_packages; i++) {
		struct universe_record r = universe_part_record(part, i);

		if (!record_ok(part, &r))
			return damaged(e, "a package's record");
		part->record_of[r.number] = i;
	}
	for (uint32_t i = 0; i < head->n_listed; i++)
		if (universe_part_listed(part, i) >= head->n_deps)
			return damaged(e, "a list");
	for (uint32_t i = 0; i < head->n_deps; i++) {
		struct universe_dep d = universe_part_dep(part, i);

		if (d.name >= head->n_text_bytes || d.evr >= head->n_text_bytes)
			return damaged(e, "a dependency");
	}
	return 0;
}

int universe_part_check(struct arena *a, struct str bytes, struct universe_part *ret, struct err *e)
{
	struct universe_part part = { .bytes = bytes };
	int r = sections_check(&part, e);

	if (r == 0)
		r = indexes_check(a, &part, e);
	if (r == 0)
		*ret = part;
	return r;
}

static void list_get(struct arena *a, const struct universe_part *part, uint32_t first, uint32_t n,
		     vec_dep *ret)
{
	vec_reserve(a, ret, n);
	for (uint32_t i = 0; i < n; i++) {
		struct universe_dep d =
			universe_part_dep(part, universe_part_listed(part, first + i));

		vec_push(a, ret) = (struct dep){ .name = str_dup(a, str_c(part->texts + d.name)),
						 .evr = str_dup(a, str_c(part->texts + d.evr)),
						 .op = d.op };
	}
}

void universe_part_package(struct arena *a, const struct universe_part *part, uint32_t record,
			   struct rpm_meta *ret)
{
	struct universe_record r = universe_part_record(part, record);
	struct rpm_meta m = {
		.epoch = r.epoch,
		.size_bytes = r.size_bytes,
		.installed_bytes = r.installed_bytes,
		.essential = r.essential != 0,
	};

	memcpy(m.sha256, r.sha256, sizeof(m.sha256));
	for (size_t k = 0; k < UNIVERSE_TEXTS; k++)
		*(struct str *)((char *)&m + universe_texts[k]) =
			str_dup(a, str_c(part->texts + r.texts[k]));
	for (size_t k = 0; k < UNIVERSE_LISTS; k++)
		list_get(a, part, r.lists[k].first, r.lists[k].n,
			 (vec_dep *)((char *)&m + universe_lists[k].offset));
	*ret = m;
}
