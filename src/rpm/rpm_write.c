/* SPDX-License-Identifier: MIT */
#include "rpm/rpmfile.h"

#include "base/arch.h"
#include "base/trace.h"
#include "disk/codec.h"
#include "rpm/claims.h"
#include "rpm/parts.h"
#include "rpm/rpmfile_format.h"

/* Room for lead and signature header; the signature of the largest key has 1 KiB. */
enum { FRONT_BYTES_MAX = 4096 };

/* Only the magic is read by any rpm of this century; the rest is what rpm's own writer puts there.
 */
static void lead_put(struct buf *b, const struct rpm_meta *m)
{
	struct str name = str_printf(b->a, "%.*s-%.*s-%.*s", STR_FMT(m->name), STR_FMT(m->version),
				     STR_FMT(m->release));
	const struct arch *arch = arch_find(m->arch);

	name = str_head(name, LEAD_NAME_BYTES - 1);
	buf_put(b, lead_magic, sizeof(lead_magic));
	buf_u8(b, LEAD_MAJOR);
	buf_u8(b, 0);
	buf_be16(b, 0);                                      /* a binary package */
	buf_be16(b, (arch ? arch : &arch_x86_64)->rpm_lead); /* as rpm does for noarch */
	buf_put(b, name.p, name.n);
	buf_zero(b, LEAD_NAME_BYTES - name.n);
	buf_be16(b, LEAD_OS_LINUX);
	buf_be16(b, LEAD_SIGNATURE_HEADER);
	buf_align(b, LEAD_BYTES);
}

static struct str archive_digest(struct arena *a, const struct segments *archive)
{
	static const uint8_t zeroes[4096];
	uint8_t digest[SHA256_BYTES];
	struct sha256 hash;

	sha256_init(&hash);
	vec_each(run, &archive->v)
		for (uint64_t done = 0; done < run->size_bytes;) {
			uint64_t left = run->size_bytes - done;
			size_t max = run->data ? ARENA_SPILL_BYTES_MIN : sizeof(zeroes);
			size_t n = left < max ? left : max;

			sha256_update(&hash, run->data ? run->data + done : zeroes, n);
			if (run->data)
				memory_leave(run->data + done, n);
			done += n;
		}
	sha256_final(&hash, digest);
	return hex_encode(a, digest, sizeof(digest));
}

/* What it claims of others' files is among what it provides. */
static struct rpm_meta meta_with_claims(struct arena *a, const struct rpm_package *p)
{
	struct rpm_meta m = p->meta;

	m.provides = (vec_dep){ 0 };
	vec_each(d, &p->meta.provides)
		vec_push(a, &m.provides) = *d;
	claims_put(a, p, &m.provides);
	return m;
}

static int header_make(struct arena *a, const struct rpm_package *p, const struct segments *archive,
		       struct str payload, int zstd_level, struct str *ret, struct err *e)
{
	__attribute__((cleanup(header_done))) struct header h;
	struct rpm_meta meta = meta_with_claims(a, p);
	struct str digest = sha256_hex(a, payload.p, payload.n),
		   digest_alt = archive_digest(a, archive);
	uint32_t algorithm = RPM_HASH_SHA256;
	int r;

	header_init(&h, a);
	meta_put(&h, p);
	deps_put(&h, &meta, files_have_caps(&p->files), files_are_large(&p->files));
	r = files_put(&h, &p->files, e);
	if (r < 0)
		return r;
	header_put_str(&h, RPMTAG_PAYLOADFORMAT, STR("cpio"));
	header_put_str(&h, RPMTAG_PAYLOADCOMPRESSOR, STR("zstd"));
	header_put_str(&h, RPMTAG_PAYLOADFLAGS, str_printf(a, "%d", zstd_level));
	header_put_strs(&h, RPMTAG_PAYLOADDIGEST, &digest, 1);
	header_put_strs(&h, RPMTAG_PAYLOADDIGESTALT, &digest_alt, 1);
	header_put_u32(&h, RPMTAG_PAYLOADDIGESTALGO, &algorithm, 1);
	return header_export(&h, RPMTAG_HEADERIMMUTABLE, ret, e);
}

static void size_put(struct header *h, rpmTagVal tag, rpmTagVal tag_long, uint64_t bytes)
{
	uint32_t bytes_short = (uint32_t)bytes;

	if (bytes <= UINT32_MAX)
		header_put_u32(h, tag, &bytes_short, 1);
	else
		header_put_u64(h, tag_long, &bytes, 1);
}

/* docs/manual/format_v4.md: digests and signature of the header, which has those of the payload;
 * and MD5 over both. */
static int signature_make(struct arena *a, const struct openpgp_key *key, uint64_t time_sec,
			  struct str both, size_t header_bytes, uint64_t archive_bytes,
			  struct str *ret, struct err *e)
{
	__attribute__((cleanup(header_done))) struct header h;
	struct str header = str_head(both, header_bytes), packet;
	uint8_t digest_sha1[20], digest_md5[16];
	int r = openpgp_sign(a, key, header, time_sec, &packet, e);

	if (r < 0)
		return r;
	sha1(header.p, header.n, digest_sha1);
	md5(both.p, both.n, digest_md5);
	header_init(&h, a);
	header_put_bin(&h, RPMTAG_RSAHEADER, (const uint8_t *)packet.p, packet.n);
	header_put_str(&h, RPMTAG_SHA1HEADER, hex_encode(a, digest_sha1, sizeof(digest_sha1)));
	header_put_str(&h, RPMTAG_SHA256HEADER, sha256_hex(a, header.p, header.n));
	size_put(&h, RPMSIGTAG_SIZE, RPMSIGTAG_LONGSIZE, both.n);
	header_put_bin(&h, RPMSIGTAG_MD5, digest_md5, sizeof(digest_md5));
	size_put(&h, RPMSIGTAG_PAYLOADSIZE, RPMSIGTAG_LONGARCHIVESIZE, archive_bytes);
	return header_export(&h, RPMTAG_HEADERSIGNATURES, ret, e);
}

/* Lead and signature header go in front of what they sign, whose bytes must be in one piece by
 * then. */
static int front_put(struct arena *work, const struct rpm_meta *m, struct str signature,
		     struct str *package, struct err *e)
{
	struct buf b = { .a = work };

	lead_put(&b, m);
	buf_put(&b, signature.p, signature.n);
	buf_align(&b, HEADER_ALIGN);
	if (b.v.n > FRONT_BYTES_MAX)
		return err_set(e, -EFBIG, "signatures of %zu bytes, want at most %d", b.v.n,
			       FRONT_BYTES_MAX);
	package->p -= b.v.n;
	package->n += b.v.n;
	memcpy((char *)(uintptr_t)package->p, b.v.p, b.v.n);
	return 0;
}

/* In the order of need; what is made on the way goes with @work. */
static int package_write(struct arena *a, struct arena *work, const struct rpm_package *p,
			 const struct openpgp_key *key, int zstd_level, struct str *ret,
			 struct err *e)
{
	struct str payload, header, signature, package;
	struct segments archive;
	struct buf b = { .a = a };
	int r = payload_write(work, &p->files, &archive, e);

	if (r == 0)
		r = zstd_compress_segments(work, &archive, zstd_level, &payload, e);
	if (r == 0)
		r = header_make(work, p, &archive, payload, zstd_level, &header, e);
	if (r < 0)
		return r;
	vec_reserve(a, &b.v, FRONT_BYTES_MAX + header.n + payload.n);
	buf_zero(&b, FRONT_BYTES_MAX);
	buf_put(&b, header.p, header.n);
	buf_put(&b, payload.p, payload.n);
	package = (struct str){ (const char *)b.v.p + FRONT_BYTES_MAX, header.n + payload.n };
	r = signature_make(work, key, p->build_time_sec, package, header.n, archive.size_bytes,
			   &signature, e);
	if (r == 0)
		r = front_put(work, &p->meta, signature, &package, e);
	if (r == 0)
		*ret = package;
	return r;
}

int rpm_write(struct arena *a, const struct rpm_package *p, const struct openpgp_key *key,
	      int zstd_level, struct str *ret, struct err *e)
{
	TRACE("write RPM");
	_cleanup_arena_ struct arena work = { .spill_dir = a->spill_dir };
	int r = package_write(a, &work, p, key, zstd_level, ret, e);

	return r < 0 ? err_wrap(e, r, "package '%.*s'", STR_FMT(rpm_nevra(&work, &p->meta))) : 0;
}
