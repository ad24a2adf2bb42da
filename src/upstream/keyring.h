/* SPDX-License-Identifier: MIT */
/* keyring.h - the OpenPGP certificates that may sign for an upstream, as vendors hand them out. */
#pragma once

#include "conf/conf.h"

enum { KEYRING_BYTES_MAX = 16 << 20, KEYRING_FILES_MAX = 256 };

struct keyring {
	struct str packets; /* certificates one behind the other (RFC 9580, 10.1), binary */
	struct str name;    /* for messages: "keyring '/x' or '/y'" */
};

/* Adds the certificates in the bytes of one file to *packets: binary, or any number of blocks of
 * text
 * ("-----BEGIN PGP PUBLIC KEY BLOCK-----") among other text. What is neither, such as a secret key
 * or GnuPG's own keybox, is an error without the file's name. */
must_check int keyring_add(struct arena *a, struct str bytes, struct buf *packets, struct err *e);
/* All that @conf names: `keyring` and `keyrings`, each a file or a folder of them (*.gpg, *.asc),
 * and `signed-by`, the text itself. */
must_check int keyring_read(struct arena *a, const struct conf_upstream *conf, struct keyring *ret,
			    struct err *e);
