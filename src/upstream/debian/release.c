/* SPDX-License-Identifier: MIT */
#include "upstream/debian/release.h"

#include "base/io.h"
#include "base/proc.h"
#include "upstream/debian/date.h"
#include "upstream/stanza.h"

#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

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

/* What gpgv found out about all signatures: its status lines, doc/DETAILS of GnuPG. */
struct verdict {
	bool good;          /* there is one that is */
	struct str wrong;   /* one that is not of this text */
	struct str unknown; /* a key that the keyring does not hold */
	struct str not_now; /* why another does not count: expired, revoked, of no known kind */
	struct str key;     /* its key */
};

/* Digest algorithms by RFC 9580, 9.5: those for which others can make collisions are out, whatever
 * gpgv says. */
static bool digest_strong(struct str algorithm)
{
	static const char *const strong[] = { "8", "9", "10", "11", "12", "14" };

	for (size_t i = 0; i < sizeof(strong) / sizeof(strong[0]); i++)
		if (str_eqz(algorithm, strong[i]))
			return true;
	return false;
}

/* VALIDSIG's eighth word: it has eight before the class of signature. */
static struct str valid_digest(struct str row)
{
	struct str word = { 0 };

	for (int i = 0; i < 8; i++)
		word = str_word(&row);
	return word;
}

/* Each signature begins with NEWSIG; VALIDSIG also follows those that do not count. */
static struct verdict status_read(struct str status)
{
	static const char *const no[] = { "EXPSIG", "EXPKEYSIG", "REVKEYSIG", "ERRSIG" };
	struct verdict v = { 0 };
	bool good = false;

	while (status.n > 0) {
		struct str row = str_cut(&status, '\n'), word;

		if (!str_eqz(str_word(&row), "[GNUPG:]"))
			continue;
		word = str_word(&row);
		if (str_eqz(word, "NEWSIG") || str_eqz(word, "GOODSIG"))
			good = str_eqz(word, "GOODSIG");
		if (str_eqz(word, "VALIDSIG"))
			v.good |= good && digest_strong(valid_digest(row));
		if (str_eqz(word, "BADSIG"))
			v.wrong = word;
		if (str_eqz(word, "NO_PUBKEY"))
			v.unknown = str_word(&row);
		for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
			if (str_eqz(word, no[i])) {
				good = false;
				v.not_now = word;
				v.key = str_word(&row);
			}
	}
	return v;
}

static int status_refuse(const struct verdict *v, const struct keyring *keyring, struct str log,
			 struct err *e)
{
	if (v->unknown.n > 0)
		return err_set(e, -EBADMSG,
			       "signed by key %.*s, which %.*s does not hold as a valid one",
			       STR_FMT(v->unknown), STR_FMT(keyring->name));
	if (str_eqz(v->not_now, "EXPKEYSIG") || str_eqz(v->not_now, "REVKEYSIG"))
		return err_set(e, -EBADMSG,
			       "signed by key %.*s, which %.*s does not hold as a valid one: it %s",
			       STR_FMT(v->key), STR_FMT(keyring->name),
			       str_eqz(v->not_now, "EXPKEYSIG") ? "has expired" : "was revoked");
	if (str_eqz(v->not_now, "EXPSIG"))
		return err_set(e, -EBADMSG, "the signature has expired");
	return err_set(e, -EBADMSG, "no valid signature: %.*s",
		       STR_FMT(str_trim(str_head(log, 400))));
}

/* The status comes by a descriptor of its own, into which gpgv writes nothing that a signature or a
 * key's name could make up (CVE-2018-12020), and must agree with how gpgv ended: 0 when all is
 * good, 1 or 2 when some signature was not. */
static int status_judge(struct str status, const struct proc_result *gpgv,
			const struct keyring *keyring, struct err *e)
{
	struct verdict v = status_read(status);
	bool others = v.unknown.n > 0 || v.not_now.n > 0;

	if (v.wrong.n > 0)
		return err_set(e, -EBADMSG, "the signature is wrong (gpgv says %.*s)",
			       STR_FMT(v.wrong));
	if (!v.good)
		return status_refuse(&v, keyring, gpgv->err, e);
	if (gpgv->status == 0 || (others && gpgv->status <= 2))
		return 0;
	return err_set(e, -EBADMSG, "gpgv ended with status %d: %.*s", gpgv->status,
		       STR_FMT(str_trim(str_head(gpgv->err, 400))));
}

/* A file without a name that holds @bytes. */
static int memory_file(const char *name, struct str bytes, int *ret_fd, struct err *e)
{
	_cleanup_close_ int fd = memfd_create(name, MFD_CLOEXEC);
	int rc;

	if (fd < 0)
		return err_sys(e, "a file in memory");
	rc = fd_write(fd, bytes.p, bytes.n, name, e);
	if (rc < 0)
		return rc;
	*ret_fd = take_fd(&fd);
	return 0;
}

/* gpgv itself still takes SHA-1 and RIPEMD-160, for which apt has stopped, as others can make
 * collisions of the former. */
#define GPGV_OPTIONS                                                                       \
	"gpgv", "--status-fd", "3", "--weak-digest", "SHA1", "--weak-digest", "RIPEMD160", \
		"--keyring", "/dev/fd/4"

static int gpgv_run(struct arena *a, struct str text, struct str signature,
		    const struct keyring *keyring, struct str *ret_status, struct proc_result *ret,
		    struct err *e)
{
	static const char *const one[] = { GPGV_OPTIONS, "--output", "-", "-", NULL };
	static const char *const two[] = { GPGV_OPTIONS, "/dev/fd/5", "-", NULL };
	_cleanup_close_ int status = -1, keys = -1, detached = -1;
	int rc = memory_file("gpgv's status", STR(""), &status, e);

	if (rc >= 0)
		rc = memory_file("keyring", keyring->packets, &keys, e);
	if (rc >= 0)
		rc = memory_file("signature", signature, &detached, e);
	if (rc >= 0)
		rc = proc_run_with(a, signature.n > 0 ? two : one, text,
				   (const int[]){ status, keys, detached }, 3, "gpgv", ret, e);
	if (rc < 0)
		return rc;
	if (lseek(status, 0, SEEK_SET) < 0)
		return err_sys(e, "gpgv's status");
	return fd_read_all(a, status, RELEASE_BYTES_MAX, ret_status, e);
}

int release_verify(struct arena *a, struct str text, struct str signature,
		   const struct keyring *keyring, struct str *ret, struct err *e)
{
	struct str status = { 0 };
	struct proc_result r;
	int rc = signature.n > 0 ? 0 : release_framed(text, e);

	if (rc >= 0)
		rc = gpgv_run(a, text, signature, keyring, &status, &r, e);
	if (rc >= 0)
		rc = status_judge(status, &r, keyring, e);
	if (rc < 0)
		return rc;
	if (signature.n == 0 && r.out.n == 0)
		return err_set(e, -EBADMSG, "gpgv gives no signed text: %.*s",
			       STR_FMT(str_trim(str_head(r.err, 400))));
	*ret = signature.n > 0 ? text : r.out;
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

/* What others would do to say. */
static const char *digests_other(const struct stanza *s)
{
	if (stanza_get(s, "SHA512").n > 0)
		return "; those of SHA512 alone are not read";
	if (stanza_get(s, "MD5Sum").n > 0 || stanza_get(s, "SHA1").n > 0)
		return "; those of MD5Sum and SHA1 protect from nobody";
	return "";
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
		return err_set(e, -EBADMSG, "there is no section of SHA256 digests%s",
			       digests_other(&s));
	*ret = r;
	return 0;
}

struct str release_time_text(struct arena *a, uint64_t sec)
{
	char text[64];
	time_t t = (time_t)sec;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
		return STR("?");
	return str_dup(a, str_c(text));
}

bool suite_flat(struct str suite)
{
	return str_ends(suite, "/");
}

static bool called(const struct release *r, struct str name)
{
	return name.n > 0 && (str_eq(r->suite, name) || str_eq(r->codename, name));
}

static bool name_wanted(const struct release *r, const struct release_want *want)
{
	struct str parent = want->suite;

	if (want->codename.n > 0)
		return called(r, want->codename);
	if ((r->suite.n == 0 && r->codename.n == 0) || suite_flat(want->suite))
		return true;
	while (parent.n > 0 && parent.p[parent.n - 1] != '/')
		parent.n--;
	return called(r, want->suite) ||
	       called(r, str_head(parent, parent.n > 0 ? parent.n - 1 : 0));
}

static int check_future(const struct release *r, uint64_t now_sec, struct err *e)
{
	_cleanup_arena_ struct arena a = { 0 };

	if (r->time_sec <= now_sec + RELEASE_FUTURE_SEC)
		return 0;
	return err_set(
		e, -EBADMSG,
		"it is dated %.*s, which is in the future: this machine's clock says %.*s; when the "
		"clock is wrong, set it; 'check-date: no' in upstreams.yaml takes such files",
		STR_FMT(release_time_text(&a, r->time_sec)),
		STR_FMT(release_time_text(&a, now_sec)));
}

static int check_valid_until(const struct release *r, uint64_t now_sec, struct err *e)
{
	_cleanup_arena_ struct arena a = { 0 };

	if (r->valid_until_sec == 0 || now_sec <= r->valid_until_sec)
		return 0;
	return err_set(
		e, -EBADMSG,
		"it was valid until %.*s, so the mirror is out of date; use another one, or accept old files "
		"with 'check-valid-until: no' in upstreams.yaml",
		STR_FMT(release_time_text(&a, r->valid_until_sec)));
}

int release_check(const struct release *r, const struct release_want *want, struct err *e)
{
	struct str name = want->codename.n > 0 ? want->codename : want->suite;
	int rc = 0;

	if (!name_wanted(r, want))
		return err_set(
			e, -EBADMSG,
			"it is about suite '%.*s', codename '%.*s', not '%.*s'; is the mirror right? If "
			"so, say 'codename: NAME' for this suite in upstreams.yaml",
			STR_FMT(r->suite), STR_FMT(r->codename), STR_FMT(name));
	if (want->check_date)
		rc = check_future(r, want->now_sec, e);
	if (rc >= 0 && want->check_valid_until)
		rc = check_valid_until(r, want->now_sec, e);
	return rc;
}

/* Rows are " DIGEST SIZE PATH"; some write "./PATH". */
static bool row_find(struct str digests, struct str path, struct release_index *ret)
{
	while (digests.n > 0) {
		struct str row = str_trim(str_cut(&digests, '\n')), digest, size, name;

		/* Cheap: there are thousands of rows, most of other architectures. */
		if (!str_ends(row, "Packages") && !str_has(row, "Packages."))
			continue;
		digest = str_word(&row);
		size = str_word(&row);
		name = str_word(&row);
		if (str_eq(str_starts(name, "./") ? str_from(name, 2) : name, path))
			return hex_decode(digest, ret->sha256, sizeof(ret->sha256)) &&
			       str_u64(size, UINT32_MAX, &ret->size_bytes);
	}
	return false;
}

struct str release_index_path(struct arena *a, struct str component, struct str arch,
			      const char *ending)
{
	if (component.n == 0)
		return str_printf(a, "Packages%s", ending);
	return str_printf(a, "%.*s/binary-%.*s/Packages%s", STR_FMT(component), STR_FMT(arch),
			  ending);
}

void release_indexes(struct arena *a, const struct release *r, struct str component,
		     struct str arch, vec_release_index *ret)
{
	static const char *const endings[] = { ".xz", ".zst", ".gz", ".bz2", ".lzma", "" };

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		struct release_index index = { .path = release_index_path(a, component, arch,
									  endings[i]) };

		if (row_find(r->digests, index.path, &index))
			vec_push(a, ret) = index;
	}
}

bool release_has(const struct release *r, struct str component, struct str arch)
{
	_cleanup_arena_ struct arena a = { 0 };
	vec_release_index found = { 0 };

	release_indexes(&a, r, component, arch, &found);
	return found.n > 0;
}
