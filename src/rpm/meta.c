/* SPDX-License-Identifier: MIT */
#include "rpm/parts.h"

#include "rpm/purl.h"

enum { EPOCH_MAX = INT32_MAX };

/* The rpm whose build/pack.c and build/files.c say what a package carries. */
static const char rpm_version[] = "4.20.1";
static const char build_host[] = "ashlar", distribution[] = "Ashlar", system_name[] = "linux";

static const struct {
	rpmTagVal tag;
	size_t offset; /* of the struct str in struct rpm_meta */
	bool i18n;
	const char *otherwise; /* what rpmbuild writes for nothing; NULL: no tag */
} meta_tags[] = {
	{ RPMTAG_NAME, offsetof(struct rpm_meta, name), false, "" },
	{ RPMTAG_VERSION, offsetof(struct rpm_meta, version), false, "" },
	{ RPMTAG_RELEASE, offsetof(struct rpm_meta, release), false, "" },
	{ RPMTAG_ARCH, offsetof(struct rpm_meta, arch), false, "" },
	{ RPMTAG_SUMMARY, offsetof(struct rpm_meta, summary), true, "" },
	{ RPMTAG_DESCRIPTION, offsetof(struct rpm_meta, description), true, "" },
	{ RPMTAG_GROUP, offsetof(struct rpm_meta, group), true, "Unspecified" },
	{ RPMTAG_LICENSE, offsetof(struct rpm_meta, license), false, "" },
	{ RPMTAG_URL, offsetof(struct rpm_meta, url), false, NULL },
	{ RPMTAG_VENDOR, offsetof(struct rpm_meta, vendor), false, NULL },
};

enum { META_TAGS = sizeof(meta_tags) / sizeof(meta_tags[0]) };

/* NAME-VERSION-RELEASE.src.rpm, as tools cut it apart: without the epoch, and a release for sources
 * that have none. rpm takes a package without this tag for a source package, so there is always
 * one. */
static struct str source_rpm(struct arena *a, const struct rpm_meta *m)
{
	struct str version = m->source_version;
	ptrdiff_t colon = str_find(version, ':');

	if (m->source_name.n == 0)
		return str_printf(a, "%.*s-%.*s-%.*s.src.rpm", STR_FMT(m->name),
				  STR_FMT(m->version), STR_FMT(m->release));
	version = str_from(version, (size_t)(colon + 1));
	return str_printf(a, "%.*s-%.*s%s.src.rpm", STR_FMT(m->source_name), STR_FMT(version),
			  str_find(version, '-') < 0 ? "-0" : "");
}

static void changelog_put(struct header *h, const vec_changelog *changelog)
{
	uint32_t *times = arena_array(h->a, changelog->n, sizeof(*times));
	struct str *authors = arena_array(h->a, changelog->n, sizeof(*authors));
	struct str *texts = arena_array(h->a, changelog->n, sizeof(*texts));

	for (size_t i = 0; i < changelog->n; i++) {
		times[i] = (uint32_t)changelog->p[i].time_sec;
		authors[i] = changelog->p[i].author;
		texts[i] = changelog->p[i].text;
	}
	header_put_u32(h, RPMTAG_CHANGELOGTIME, times, changelog->n);
	header_put_strs(h, RPMTAG_CHANGELOGNAME, authors, changelog->n);
	header_put_strs(h, RPMTAG_CHANGELOGTEXT, texts, changelog->n);
}

void meta_put(struct header *h, const struct rpm_package *p)
{
	const struct rpm_meta *m = &p->meta;
	uint32_t epoch = (uint32_t)m->epoch, build_time = (uint32_t)p->build_time_sec;
	struct str purl = purl_format(h->a, m);

	for (size_t i = 0; i < META_TAGS; i++) {
		struct str s = *(const struct str *)((const char *)m + meta_tags[i].offset);

		if (s.n == 0 && !meta_tags[i].otherwise)
			continue;
		if (s.n == 0)
			s = str_c(meta_tags[i].otherwise);
		(meta_tags[i].i18n ? header_put_i18n : header_put_str)(h, meta_tags[i].tag, s);
	}
	if (m->epoch > EPOCH_MAX || p->build_time_sec > UINT32_MAX)
		header_fail(h, RPMTAG_EPOCH, "epoch or build time is too large");
	if (m->epoch > 0)
		header_put_u32(h, RPMTAG_EPOCH, &epoch, 1);
	header_put_u32(h, RPMTAG_BUILDTIME, &build_time, 1);
	header_put_str(h, RPMTAG_BUILDHOST, str_c(build_host));
	header_put_str(h, RPMTAG_DISTRIBUTION, str_c(distribution));
	header_put_str(h, RPMTAG_OS, str_c(system_name));
	header_put_str(h, RPMTAG_RPMVERSION, str_c(rpm_version));
	header_put_str(h, RPMTAG_ENCODING, STR("utf-8"));
	header_put_str(h, RPMTAG_SOURCERPM, source_rpm(h->a, m));
	if (purl.n > 0)
		header_put_str(h, RPMTAG_VCS, purl);
	changelog_put(h, &p->changelog);
}

static void changelog_get(struct header *h, vec_changelog *ret)
{
	vec_str authors, texts;
	vec_u64 times;

	header_get_u64s(h, RPMTAG_CHANGELOGTIME, &times);
	header_get_strs(h, RPMTAG_CHANGELOGNAME, &authors);
	header_get_strs(h, RPMTAG_CHANGELOGTEXT, &texts);
	if (times.n != authors.n || times.n != texts.n)
		header_fail(h, RPMTAG_CHANGELOGTIME, "times, names and texts differ in number");
	for (size_t i = 0; h->bad == 0 && i < times.n; i++)
		vec_push(h->a, ret) =
			(struct changelog_entry){ times.p[i], authors.p[i], texts.p[i] };
}

/* Names that become parts of file names and lines of text. */
static bool is_word(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((uint8_t)s.p[i] <= ' ' || s.p[i] == '/' || s.p[i] == 0x7f)
			return false;
	return s.n > 0;
}

int meta_get(struct header *h, struct rpm_package *ret, struct err *e)
{
	struct rpm_meta *m = &ret->meta;

	for (size_t i = 0; i < META_TAGS; i++)
		*(struct str *)((char *)m + meta_tags[i].offset) =
			header_get_str(h, meta_tags[i].tag);
	if (!is_word(m->name) || !is_word(m->version) || !is_word(m->release) || !is_word(m->arch))
		return err_set(e, -EBADMSG,
			       "name, version, release or architecture is missing or not one word");
	m->epoch = header_get_u64(h, RPMTAG_EPOCH, 0);
	m->installed_bytes = header_get_u64(h, RPMTAG_LONGSIZE, header_get_u64(h, RPMTAG_SIZE, 0));
	ret->build_time_sec = header_get_u64(h, RPMTAG_BUILDTIME, 0);
	purl_parse(h->a, header_get_str(h, RPMTAG_VCS), m);
	changelog_get(h, &ret->changelog);
	return header_check(h, e);
}
