/* SPDX-License-Identifier: MIT */
/* assemble.h - the file system of an image, from its packages, definitions and generators; all in
 * memory. */
#pragma once

#include "image/resolve.h"
#include "store/derive.h"
#include "store/store.h"
#include "tree/tree.h"

struct assembled {
	struct tree tree;
	uint64_t source_date_epoch; /* the newest build time of its packages: the clock of
				       everything that is made */
	struct str version;         /* IMAGE_VERSION: RELEASE.YYYYMMDD of that clock */
	struct str kernel_version;  /* of the one folder in /usr/lib/modules */
	struct str kernel, stub,
		boot_loader; /* from the packages, whether or not they stay in the tree */
	struct str os_release;
	uint64_t files_bytes; /* sum of the sizes of files in the tree */
};

/* @development_keys: os-release says that such keys sign the image. */
must_check int image_assemble(struct arena *a, const struct image_options *o,
			      const struct resolved *res, const struct stored_package *packages,
			      bool development_keys, struct derive *d, struct assembled *ret,
			      struct err *e);
/* The initrd: agent/init, the modules that the definition names with what they depend on, their
 * list, and the execution policy (policy.h). Compressed. */
must_check int image_initrd(struct arena *a, const struct conf_image *image, struct assembled *as,
			    struct str init, struct derive *d, struct str *ret, struct err *e);

/* Steps of image_assemble(): what generators make (before it is known what owners' numbers are),
 * and the database of packages, all files of which are in the tree or left out by then. */
must_check int image_generate(const struct image_options *o, const struct resolved *res,
			      bool development_keys, struct derive *d, struct assembled *as,
			      struct err *e);
must_check int image_rpmdb(const struct resolved *res, const struct stored_package *packages,
			   bool *const *not_installed, struct derive *d, struct assembled *as,
			   struct err *e);
