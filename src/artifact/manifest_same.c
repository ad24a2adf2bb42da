/* SPDX-License-Identifier: MIT */
#include "artifact/manifest_members.h"

static struct str text_of(struct arena *a, const struct member *m, const void *base)
{
	const char *at = (const char *)base + m->at;

	if (m->kind == MEMBER_TEXT)
		return *(const struct str *)at;
	if (m->kind == MEMBER_NUMBER)
		return str_printf(a, "%llu", (unsigned long long)*(const uint64_t *)at);
	if (m->kind == MEMBER_BOOL)
		return *(const bool *)at ? STR("true") : STR("false");
	return hex_encode(a, at, SHA256_BYTES);
}

/* A command line is longer than a sentence: of a long text the place where they part is shown. */
static int differs(const char *key, struct str got, struct str want, struct err *e)
{
	enum { SHOWN_MAX = 160, SHOWN_BEFORE = 40 };
	size_t same = 0, cut = 0;

	while (same < got.n && same < want.n && got.p[same] == want.p[same])
		same++;
	if ((got.n > SHOWN_MAX || want.n > SHOWN_MAX) && same > SHOWN_BEFORE)
		cut = same - SHOWN_BEFORE;
	got = str_head(str_from(got, cut), SHOWN_MAX);
	want = str_head(str_from(want, cut), SHOWN_MAX);
	return err_set(e, -EBADMSG, "'%s' is '%s%.*s'; the image has '%s%.*s'", key,
		       cut ? "..." : "", STR_FMT(got), cut ? "..." : "", STR_FMT(want));
}

static int members_same(struct arena *a, const struct member *table, const void *got,
			const void *want, struct err *e)
{
	for (const struct member *m = table; m->key; m++) {
		struct str x = text_of(a, m, got), y = text_of(a, m, want);

		if (!str_eq(x, y))
			return differs(m->key, x, y, e);
	}
	return 0;
}

static int digests_same(struct arena *a, const char *key, const uint8_t got[SHA256_BYTES],
			const uint8_t want[SHA256_BYTES], struct err *e)
{
	return memcmp(got, want, SHA256_BYTES) == 0 ? 0
						    : differs(key, hex_encode(a, got, SHA256_BYTES),
							      hex_encode(a, want, SHA256_BYTES), e);
}

static int signing_same(struct arena *a, const struct manifest_signing *got,
			const struct manifest_signing *want, struct err *e)
{
	int r = 0;

	if (got->complete != want->complete)
		r = differs("complete", got->complete ? STR("true") : STR("false"),
			    want->complete ? STR("true") : STR("false"), e);
	for (size_t i = 0; r == 0 && i < MANIFEST_SIGNERS; i++)
		r = digests_same(a, key_role_name(manifest_signers[i]), got->certificates[i],
				 want->certificates[i], e);
	return r < 0 ? err_wrap(e, r, "signing") : 0;
}

static int measurements_same(struct arena *a, const struct manifest_measurements *got,
			     const struct manifest_measurements *want, struct err *e)
{
	int r = 0;

	if (got->pcr4_known != want->pcr4_known)
		r = err_set(e, -EBADMSG, "'pcr-4' is %s", got->pcr4_known ? "there" : "missing");
	if (r == 0)
		r = digests_same(a, "pcr-4", got->pcr4, want->pcr4, e);
	if (r == 0)
		r = digests_same(a, "pcr-7", got->pcr7, want->pcr7, e);
	for (size_t i = 0; r == 0 && i < MEASURE_PHASES; i++)
		r = digests_same(a, measure_phases[i], got->pcr11[i], want->pcr11[i], e);
	return r < 0 ? err_wrap(e, r, "measurements") : 0;
}

static int partitions_same(struct arena *a, const struct manifest *got, const struct manifest *want,
			   struct err *e)
{
	if (got->partitions.n != want->partitions.n)
		return err_set(e, -EBADMSG, "%zu partitions; the image has %zu", got->partitions.n,
			       want->partitions.n);
	for (size_t i = 0; i < got->partitions.n; i++) {
		int r = members_same(a, manifest_partition_members, &got->partitions.p[i],
				     &want->partitions.p[i], e);

		if (r < 0)
			return err_wrap(e, r, "partition '%.*s'",
					STR_FMT(want->partitions.p[i].label));
	}
	return 0;
}

int manifest_same(struct arena *a, const struct manifest *got, const struct manifest *want,
		  struct err *e)
{
	int r = members_same(a, manifest_members, got, want, e);

	if (r == 0)
		r = partitions_same(a, got, want, e);
	if (r == 0)
		r = signing_same(a, &got->signing, &want->signing, e);
	if (r == 0)
		r = measurements_same(a, &got->measurements, &want->measurements, e);
	if (r == 0)
		r = members_same(a, manifest_budget_members, &got->budgets, &want->budgets, e);
	return r;
}
