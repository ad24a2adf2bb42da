/* SPDX-License-Identifier: MIT */
#include "artifact/verify.h"

#include "artifact/verify_checks.h"

static int segment_same(const char *region, struct str got, const struct segment *want,
			uint64_t offset, struct err *e)
{
	if (want->data && memcmp(got.p, want->data, got.n) == 0)
		return 0;
	for (size_t i = 0; i < got.n; i++)
		if ((uint8_t)got.p[i] != (want->data ? want->data[i] : 0))
			return err_set(e, -EBADMSG,
				       "%s: byte %llu is %#x; nothing but %#x can stand there",
				       region, (unsigned long long)(offset + i),
				       (unsigned)(uint8_t)got.p[i],
				       want->data ? (unsigned)want->data[i] : 0);
	return 0;
}

int verify_same(const char *region, struct str got, const struct segments *want, struct err *e)
{
	uint64_t offset = 0;

	if (got.n != want->size_bytes)
		return err_set(e, -EBADMSG, "%s: %zu bytes, want %llu", region, got.n,
			       (unsigned long long)want->size_bytes);
	vec_each(s, &want->v) {
		int r = segment_same(region, str_head(got, s->size_bytes), s, offset, e);

		if (r < 0)
			return r;
		got = str_from(got, s->size_bytes);
		offset += s->size_bytes;
	}
	return 0;
}

int image_verify(struct arena *a, const struct verify_input *in, struct verify_report *ret,
		 struct err *e)
{
	struct verify_work w = { .a = a, .in = in };
	int r = image_parts_read(a, in->image, &w.parts, e);

	if (r < 0)
		return r;
	w.arch = arch_by_pe(w.parts.uki_pe.machine);
	if (!w.arch)
		return err_set(e, -EBADMSG, "'%.*s' is for machine %#x; want %.*s",
			       STR_FMT(w.parts.uki->path), w.parts.uki_pe.machine,
			       STR_FMT(arch_names(a)));
	r = verify_boot(&w, e);
	if (r == 0)
		r = verify_layout(&w, e);
	if (r == 0)
		r = verify_root(&w, e);
	if (r == 0 && in->manifest.n > 0)
		r = verify_manifest(&w, e);
	if (r < 0)
		return r;
	memcpy(w.report.root_hash, w.parts.root_hash, SHA256_BYTES);
	w.report.n_partitions = w.parts.gpt.n_partitions;
	w.report.uki = w.parts.uki->path;
	w.report.manifest = in->manifest.n > 0;
	*ret = w.report;
	return 0;
}
