/* SPDX-License-Identifier: MIT */
#include "upstream/keyring.h"

#include <sys/stat.h>

#include "base/io.h"
#include "trust/openpgp_packet.h"

#define BEGIN "-----BEGIN PGP PUBLIC KEY BLOCK-----"
#define END   "-----END PGP PUBLIC KEY BLOCK-----"

enum { KEYBOX_MAGIC_AT = 8 };

static bool is_keybox(struct str bytes)
{
	return str_starts(str_from(bytes, KEYBOX_MAGIC_AT), "KBXf");
}

/* RFC 9580, 4.2: the tag of the first packet, in either of two forms; -1 where none begins. */
static int packet_tag(struct str bytes)
{
	uint8_t first = bytes.n > 0 ? (uint8_t)bytes.p[0] : 0;

	if (!(first & 0x80))
		return -1;
	return first & 0x40 ? first & 0x3f : first >> 2 & 0xf;
}

static ptrdiff_t find(struct str s, const char *word)
{
	const char *at = s.n > 0 ? memmem(s.p, s.n, word, strlen(word)) : NULL;

	return at ? at - s.p : -1;
}

/* Each block of text on its own. */
static int blocks_add(struct arena *a, struct str text, struct buf *packets, struct err *e)
{
	ptrdiff_t begin;

	while ((begin = find(text, BEGIN)) >= 0) {
		struct str bytes;
		ptrdiff_t end;
		int rc;

		text = str_from(text, (size_t)begin);
		end = find(text, END);
		if (end < 0)
			return err_set(e, -EBADMSG, "a block of text without '" END "'");
		rc = armor_decode(a, ARMOR_PUBLIC_KEY, str_head(text, (size_t)end + strlen(END)),
				  &bytes, e);
		if (rc < 0)
			return rc;
		if (packet_tag(bytes) != TAG_PUBLIC_KEY)
			return err_set(e, -EBADMSG, "a block of text that holds no public key");
		buf_put(packets, bytes.p, bytes.n);
		text = str_from(text, (size_t)end + strlen(END));
	}
	return 0;
}

int keyring_add(struct arena *a, struct str bytes, struct buf *packets, struct err *e)
{
	if (packet_tag(bytes) == TAG_PUBLIC_KEY) {
		buf_put(packets, bytes.p, bytes.n);
		return 0;
	}
	if (find(bytes, BEGIN) >= 0)
		return blocks_add(a, bytes, packets, e);
	if (is_keybox(bytes))
		return err_set(
			e, -EBADMSG,
			"is a keybox, which is GnuPG's own; want what 'gpg --export' writes");
	return err_set(
		e, -EBADMSG,
		"holds no public key of OpenPGP; want what 'gpg --export' writes, with or without "
		"'--armor'");
}

static int file_add(struct arena *a, const char *path, struct buf *packets, struct err *e)
{
	struct str bytes;
	int rc = file_read(a, path, KEYRING_BYTES_MAX, &bytes, e);

	if (rc < 0)
		return err_wrap(e, rc, "keyring (Debian's is in package debian-archive-keyring)");
	rc = keyring_add(a, bytes, packets, e);
	return rc < 0 ? err_wrap(e, rc, "keyring '%s'", path) : 0;
}

static int folder_add(struct arena *a, const char *path, struct buf *packets, struct err *e)
{
	vec_str names = { 0 };
	size_t n = 0;
	int rc = dir_list(a, path, &names, e);

	vec_each(name, &names) {
		if (rc < 0)
			return rc;
		if (!str_ends(*name, ".gpg") && !str_ends(*name, ".asc"))
			continue;
		if (++n > KEYRING_FILES_MAX)
			return err_set(e, -E2BIG, "keyring '%s': more than %d files", path,
				       KEYRING_FILES_MAX);
		rc = file_add(a, path_join(a, path, str_z(a, *name)), packets, e);
	}
	if (rc >= 0 && n == 0)
		return err_set(e, -ENOENT, "keyring '%s': a folder without *.gpg and *.asc", path);
	return rc;
}

static int path_add(struct arena *a, struct str path, struct buf *packets, vec_str *names,
		    struct err *e)
{
	const char *z = str_z(a, path);
	struct stat st;

	vec_push(a, names) = str_printf(a, "'%s'", z);
	if (stat(z, &st) == 0 && S_ISDIR(st.st_mode))
		return folder_add(a, z, packets, e);
	return file_add(a, z, packets, e);
}

int keyring_read(struct arena *a, const struct conf_upstream *conf, struct keyring *ret,
		 struct err *e)
{
	struct buf packets = { .a = a };
	vec_str names = { 0 };
	int rc = 0;

	if (conf->keyring.n > 0)
		rc = path_add(a, conf->keyring, &packets, &names, e);
	vec_each(path, &conf->keyrings)
		if (rc >= 0)
			rc = path_add(a, *path, &packets, &names, e);
	if (rc >= 0 && conf->signed_by.n > 0) {
		vec_push(a, &names) = STR("'signed-by'");
		rc = keyring_add(a, conf->signed_by, &packets, e);
		if (rc < 0)
			rc = err_wrap(e, rc, "'signed-by'");
	}
	if (rc < 0)
		return rc;
	*ret = (struct keyring){
		.packets = { (const char *)packets.v.p, packets.v.n },
		.name = str_printf(a, "keyring %.*s", STR_FMT(str_names(a, &names))),
	};
	return 0;
}
