/* SPDX-License-Identifier: MIT */
#include "upstream/debian/release.h"

#include "base/io.h"
#include "base/proc.h"
#include "upstream/debian/date.h"
#include "upstream/stanza.h"

#include <time.h>

#define MESSAGE       "-----BEGIN PGP SIGNED MESSAGE-----"
#define SIGNATURE     "-----BEGIN PGP SIGNATURE-----"
#define SIGNATURE_END "-----END PGP SIGNATURE-----"

/* Lines of the signed text that begin with '-' are escaped by "- ", so a line beginning with five
 * is a frame. */
int release_framed(struct str text, struct err *e)
{
	static const char *const frames[] = { MESSAGE, SIGNATURE, SIGNATURE_END };
	size_t n = 0;

	for (unsigned line = 1; text.n > 0; line++) {
		struct str row = str_cut(&text, '\n');

		if (memchr(row.p, '\0', row.n))
			return err_set(e, -EBADMSG, "line %u has a NUL byte", line);
		if (n < 3 && str_eqz(str_trim(row), frames[n]))
			n++;
		else if (str_starts(row, "-----") || ((n == 0 || n == 3) && str_trim(row).n > 0))
			return err_set(e, -EBADMSG,
				       "line %u: '%.*s' stands outside the signed message", line,
				       STR_FMT(str_head(row, 60)));
	}
	if (n < 3)
		return err_set(e, -EBADMSG, "there is no '%s'; it is cut off or not an InRelease",
			       frames[n]);
	return 0;
}

/* gpgv's status lines, doc/DETAILS of GnuPG: what was found out about each signature. */
static int status_judge(struct str status, const char *keyring, struct err *e)
{
	struct str bad = { 0 }, unknown = { 0 }, all = status;
	bool good = false, valid = false;

	while (status.n > 0) {
		struct str row = str_cut(&status, '\n'), word;

		if (!str_eqz(str_word(&row), "[GNUPG:]"))
			continue;
		word = str_word(&row);
		good |= str_eqz(word, "GOODSIG");
		valid |= str_eqz(word, "VALIDSIG");
		if (str_eqz(word, "BADSIG") || str_eqz(word, "EXPSIG") ||
		    str_eqz(word, "REVKEYSIG"))
			bad = word;
		if (str_eqz(word, "NO_PUBKEY") || str_eqz(word, "EXPKEYSIG"))
			unknown = str_word(&row);
	}
	if (bad.n > 0)
		return err_set(e, -EBADMSG, "the signature is wrong (gpgv says %.*s)",
			       STR_FMT(bad));
	if (good && valid)
		return 0;
	if (unknown.n > 0)
		return err_set(
			e, -EBADMSG,
			"signed by key %.*s, which keyring '%s' does not hold as a valid one",
			STR_FMT(unknown), keyring);
	return err_set(e, -EBADMSG, "no valid signature: %.*s",
		       STR_FMT(str_trim(str_head(all, 400))));
}

int release_verify(struct arena *a, struct str in_release, const char *keyring, struct str *ret,
		   struct err *e)
{
	/* gpgv itself still takes SHA-1, for which apt has stopped, as others can make collisions
	 */
	const char *argv[] = { "gpgv", "--status-fd", "2",     "--weak-digest",
			       "SHA1", "--keyring",   keyring, "--output",
			       "-",    "-",           NULL };
	struct proc_result r;
	int rc = release_framed(in_release, e);

	if (rc < 0)
		return rc;
	if (keyring[0] != '/' || !file_exists(keyring))
		return err_set(
			e, -ENOENT,
			"keyring '%s' is not there (an absolute path is wanted); Debian's is in package "
			"debian-archive-keyring",
			keyring);
	rc = proc_run(a, argv, in_release, "gpgv", &r, e);
	if (rc < 0)
		return rc;
	rc = status_judge(r.err, keyring, e);
	if (rc < 0)
		return rc;
	if (r.out.n == 0)
		return err_set(e, -EBADMSG, "gpgv gives no signed text: %.*s",
			       STR_FMT(str_trim(str_head(r.err, 400))));
	*ret = r.out;
	return 0;
}

static bool words_have(struct str text, const char *word)
{
	struct str w;

	while ((w = str_word(&text)).n > 0)
		if (str_eqz(w, word))
			return true;
	return false;
}

int release_parse(struct str text, struct release *ret, struct err *e)
{
	struct stanza s;
	struct release r = { 0 };
	int rc = stanza_next(&text, &s, e);

	if (rc < 0)
		return rc;
	if (rc == 0 || str_trim(text).n > 0)
		return err_set(e, -EBADMSG, "want exactly one stanza of fields");
	r.suite = stanza_get(&s, "Suite");
	r.codename = stanza_get(&s, "Codename");
	r.origin = stanza_get(&s, "Origin");
	r.by_hash = str_eqz(stanza_get(&s, "Acquire-By-Hash"), "yes");
	r.arch_all = words_have(stanza_get(&s, "Architectures"), "all") &&
		     !words_have(stanza_get(&s, "No-Support-for-Architecture-all"), "Packages");
	r.digests = stanza_get(&s, "SHA256");
	if (!date_parse(stanza_get(&s, "Date"), &r.time_sec))
		return err_set(e, -EBADMSG,
			       "Date '%.*s'; want a time such as 'Sat, 12 Sep 2026 07:55:41 UTC'",
			       STR_FMT(stanza_get(&s, "Date")));
	if (stanza_get(&s, "Valid-Until").n > 0 &&
	    !date_parse(stanza_get(&s, "Valid-Until"), &r.valid_until_sec))
		return err_set(e, -EBADMSG, "Valid-Until '%.*s' is no time",
			       STR_FMT(stanza_get(&s, "Valid-Until")));
	if (r.digests.n == 0)
		return err_set(e, -EBADMSG, "there is no section of SHA256 digests");
	*ret = r;
	return 0;
}

static void time_text(uint64_t sec, char *out, size_t n)
{
	time_t t = (time_t)sec;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || strftime(out, n, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
		snprintf(out, n, "?");
}

int release_check(const struct release *r, struct str wanted, uint64_t now_sec,
		  bool check_valid_until, struct err *e)
{
	char until[64];

	if (!str_eq(r->suite, wanted) && !str_eq(r->codename, wanted))
		return err_set(
			e, -EBADMSG,
			"it is about suite '%.*s', codename '%.*s', not '%.*s'; is the mirror right?",
			STR_FMT(r->suite), STR_FMT(r->codename), STR_FMT(wanted));
	if (!check_valid_until || r->valid_until_sec == 0 || now_sec <= r->valid_until_sec)
		return 0;
	time_text(r->valid_until_sec, until, sizeof(until));
	return err_set(
		e, -EBADMSG,
		"it was valid until %s, so the mirror is out of date; use another one, or accept old files "
		"with 'check-valid-until: no' in upstreams.yaml",
		until);
}

/* Rows are " DIGEST SIZE PATH". */
static bool row_find(struct str digests, struct str path, struct release_index *ret)
{
	while (digests.n > 0) {
		struct str row = str_cut(&digests, '\n'), digest, size;

		/* Cheap: there are thousands of rows, most of other architectures. */
		if (!str_ends(str_trim(row), "/Packages") && !str_has(row, "/Packages."))
			continue;
		digest = str_word(&row);
		size = str_word(&row);
		if (str_eq(str_word(&row), path))
			return hex_decode(digest, ret->sha256, sizeof(ret->sha256)) &&
			       str_u64(size, UINT32_MAX, &ret->size_bytes);
	}
	return false;
}

int release_index(struct arena *a, const struct release *r, struct str component, struct str arch,
		  struct release_index *ret, struct err *e)
{
	static const char *const endings[] = { ".xz", ".zst", ".gz", "" };

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		struct release_index index = {
			.path = str_printf(a, "%.*s/binary-%.*s/Packages%s", STR_FMT(component),
					   STR_FMT(arch), endings[i]),
		};

		if (row_find(r->digests, index.path, &index)) {
			*ret = index;
			return 0;
		}
	}
	return err_set(e, -ENOENT,
		       "it lists no '%.*s/binary-%.*s/Packages' as .xz, .zst, .gz or plain",
		       STR_FMT(component), STR_FMT(arch));
}
