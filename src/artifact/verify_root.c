/* SPDX-License-Identifier: MIT */
#include "artifact/verify_checks.h"
#include "base/uuid.h"
#include "disk/erofs.h"
#include "disk/ipe_policy.h"
#include "disk/verity.h"
#include "disk/verity_sig.h"
#include "trust/efi_variable.h"
#include "trust/pkcs7.h"
#include "trust/x509.h"

/* The hash tree's first block says nothing that follows from the root hash but its size; the rest
 * is as image_plan() writes it. */
static int super_check(struct verify_work *w, struct err *e)
{
	struct str root = w->parts.bytes[PARTITION_ROOT], hash = w->parts.bytes[PARTITION_VERITY],
		   block;
	struct verity_super super;
	struct segments want = { 0 };
	int r = verity_super_parse((const uint8_t *)hash.p, hash.n, &super, e);

	if (r < 0)
		return err_wrap(e, r, "hash tree");
	if (super.data_blocks != root.n / VERITY_BLOCK_BYTES ||
	    verity_hash_bytes(super.data_blocks) != hash.n)
		return err_set(e, -EBADMSG,
			       "hash tree: is for %llu blocks; the root partition has %zu, and the "
			       "tree's %zu bytes",
			       (unsigned long long)super.data_blocks, root.n / VERITY_BLOCK_BYTES,
			       hash.n);
	uuid_derive("verity", w->version.p, w->version.n, super.uuid);
	block = verity_super_write(w->a, &super);
	segments_add(w->a, &want, block.p, block.n);
	return verify_same("hash tree", str_head(hash, block.n), &want, e);
}

/* Firmware's db, from which the kernel's keyring is filled, leads to it: as one of its own, or as
 * what one of its own issued; that it is inside the signature, as the kernel needs it, shows in the
 * signature's form. */
static int chain_check(const struct verify_work *w, struct str certificate, struct str signature,
		       struct err *e)
{
	bool inside = memmem(signature.p, signature.n, certificate.p, certificate.n) != NULL;
	vec_str db;
	int r = efi_signature_lists_parse(w->a, w->enrolled[ENROL_DB], &db, e);

	if (r < 0)
		return r;
	vec_each(c, &db)
		if (str_eq(*c, certificate) || (inside && x509_issued_by(certificate, *c)))
			return 0;
	return err_set(e, -EKEYREJECTED,
		       "no certificate that is enrolled into db is or issued the signer's, SHA-256 "
		       "%.*s, so no kernel takes it",
		       STR_FMT(sha256_hex(w->a, certificate.p, certificate.n)));
}

static int root_hash_signature_check(struct verify_work *w, const struct verity_sig *v,
				     struct err *e)
{
	const vec_str *trusted = &w->in->trusted[KEY_VERITY];
	struct str content = hex_encode(w->a, w->parts.root_hash, SHA256_BYTES);
	uint8_t fingerprint[SHA256_BYTES];
	size_t by;
	int r;

	if (memcmp(v->root_hash, w->parts.root_hash, SHA256_BYTES) != 0)
		return err_set(e, -EBADMSG, "is for another root hash: %.*s",
			       STR_FMT(hex_encode(w->a, v->root_hash, SHA256_BYTES)));
	r = pkcs7_verify_exact(w->a, v->signature, &content, trusted, &by, e);
	if (r == 0)
		r = chain_check(w, trusted->p[by], v->signature, e);
	if (r < 0)
		return err_wrap(e, r, "root hash");
	sha256(trusted->p[by].p, trusted->p[by].n, fingerprint);
	if (memcmp(v->fingerprint, fingerprint, SHA256_BYTES) != 0)
		return err_set(e, -EBADMSG, "names another certificate than the one that signed");
	w->signed_by[KEY_VERITY] = trusted->p[by];
	return 0;
}

static int policy_check(struct verify_work *w, const struct verity_sig *v, struct err *e)
{
	const vec_str *trusted = &w->in->trusted[KEY_IPE];
	struct str content = { 0 };
	size_t by;
	int r = pkcs7_verify_exact(w->a, v->ipe_policy, &content, trusted, &by, e);

	if (r == 0)
		r = chain_check(w, trusted->p[by], v->ipe_policy, e);
	if (r == 0 &&
	    !str_eq(content, ipe_policy_text(w->a, w->parts.ipe_template, w->parts.root_hash)))
		r = err_set(e, -EBADMSG, "is not the initrd's policy for this root hash");
	if (r < 0)
		return err_wrap(e, r, "execution policy");
	w->signed_by[KEY_IPE] = trusted->p[by];
	return 0;
}

static bool is_blank(struct str bytes)
{
	return bytes.n > 0 && !bytes.p[0] && memcmp(bytes.p, bytes.p + 1, bytes.n - 1) == 0;
}

static int signatures_check(struct verify_work *w, struct err *e)
{
	struct str partition = w->parts.bytes[PARTITION_VERITY_SIG], again;
	struct segments want = { 0 };
	struct verity_sig v;
	int r;

	if (w->in->to_sign && is_blank(partition)) {
		w->missing = true;
		return 0;
	}
	r = verity_sig_parse(w->a, partition, &v, e);
	if (r < 0)
		return r; /* says where */
	r = root_hash_signature_check(w, &v, e);
	if (r == 0)
		r = policy_check(w, &v, e);
	if (r == 0)
		r = verity_sig_write(w->a, &v, &again, e);
	if (r < 0)
		return err_wrap(e, r, "verity signature partition");
	segments_add(w->a, &want, again.p, again.n);
	return verify_same("verity signature partition", partition, &want, e);
}

int verify_root(struct verify_work *w, struct err *e)
{
	struct str root = w->parts.bytes[PARTITION_ROOT], hash = w->parts.bytes[PARTITION_VERITY];
	struct erofs_input erofs;
	int r = super_check(w, e);

	if (r == 0)
		r = signatures_check(w, e);
	if (r < 0)
		return r;
	r = verity_check((const uint8_t *)root.p, root.n, (const uint8_t *)hash.p, hash.n,
			 w->parts.root_hash, w->in->jobs, e);
	if (r < 0)
		return err_wrap(e, r, "root partition");
	r = erofs_read(w->a, (const uint8_t *)root.p, root.n, &erofs, e);
	if (r < 0)
		return err_wrap(e, r, "root file system");
	w->report.n_inodes = erofs.n_inodes;
	return 0;
}
