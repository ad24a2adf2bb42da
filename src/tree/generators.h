/* SPDX-License-Identifier: MIT */
/* generators.h - what maintainer scripts would do, as plain functions over the tree. Each reads
 * what packages brought and writes what a running system expects; none executes anything. Order of
 * calls as below: what definitions put there comes first, and generators leave a definition's file
 * of the same path as it is.
 *
 * Expensive ones also say what their work depends on: gen_x_inputs() fills *ret, in @a. */
#pragma once

#include "base/arch.h"
#include "conf/conf.h"
#include "tree/gen_inputs.h"
#include "tree/tree.h"

/* Files and links of definitions: those of packages first, then the image's parts in order; and
 * homes of the image's users, to whom belongs what lies in them unless it is said otherwise. (Modes
 * and capabilities of a package's files are set when it is converted.) */
must_check int gen_definition_files(struct tree *t, const struct conf_package *packages, size_t n,
				    const struct conf_image *image, struct err *e);
/* /etc/passwd, group, shadow, gshadow from the users of definitions and sysusers.d files of the
 * tree, with the ids that sysusers_settle() gives. Nobody has a password: root's is "*", all
 * others' "!*". The files must not be in the tree before. */
must_check int gen_users(struct tree *t, const struct conf_package *packages, size_t n_packages,
			 const struct conf_image *image, struct err *e);
/* Links of alternatives whose path is in the tree: highest priority wins; /etc/alternatives/NAME
 * and the link. */
must_check int gen_alternatives(struct tree *t, const struct conf_package *packages, size_t n,
				struct err *e);
/* /etc/pam.d/common-{auth,account,password,session,session-noninteractive} from
 * /usr/share/pam-configs (Debian's pam-auth-update format). Nothing when the tree has no such
 * folder. */
must_check int gen_pam(struct tree *t, struct err *e);
/* /etc/ssl/certs/ca-certificates.crt and the hashed links, from /usr/share/ca-certificates and what
 * definitions put into /usr/local/share/ca-certificates. */
must_check int gen_certificates(struct tree *t, struct err *e);
void gen_certificates_inputs(struct arena *a, struct tree *t, struct gen_inputs *ret);
/* /etc/ld.so.cache (glibc's new format) for @arch, and missing soname links, as ldconfig writes
 * them. */
must_check int gen_linker_cache(struct tree *t, const struct arch *arch, struct err *e);
must_check int gen_linker_cache_inputs(struct arena *a, struct tree *t, const struct arch *arch,
				       struct gen_inputs *ret, struct err *e);
/* Drops modules that neither kernel-modules (globs of paths below /usr/lib/modules/VERSION; none:
 * all stay) nor the initrd's lists name and that no kept one depends on, then writes modules.dep,
 * .alias, .softdep, .devname and the .bin indexes as depmod(8) of kmod does, for every kernel. A
 * glob that matches nothing is an error. */
must_check int gen_modules(struct tree *t, const struct conf_image *image, unsigned n_threads,
			   struct err *e);
void gen_modules_inputs(struct arena *a, struct tree *t, const struct conf_image *image,
			struct gen_inputs *ret);
/* /usr/lib/udev/hwdb.bin from hwdb.d (systemd-hwdb's format); the sources are then removed from the
 * tree. */
must_check int gen_hwdb(struct tree *t, struct err *e);
void gen_hwdb_inputs(struct arena *a, struct tree *t, struct gen_inputs *ret);
/* machine-id state ("uninitialized"), os-release, issue, hostname, locale, empty mount points,
 * links of mtab, resolv.conf and localtime. @development_keys: os-release says so. */
must_check int gen_system(struct tree *t, const struct conf_release *release,
			  const struct conf_image *image, const char *version,
			  bool development_keys, struct err *e);
/* Unit presets (systemd.preset(5)): what definitions enable and disable (the last word counts) is
 * written as 00-ashlar.preset, "disable *" as 99-ashlar.preset; then all *.preset files of the tree
 * are applied as "systemctl preset-all" does: [Install] sections become symbolic links under
 * /etc/systemd/system, including templates, Alias= and Also=. Masks point to /dev/null; the default
 * target. A unit to be enabled that does not exist is an error with the nearest name. */
must_check int gen_units(struct tree *t, const struct conf_package *packages, size_t n,
			 const struct conf_image *image, struct err *e);
/* What packages and definitions hold below /var, /run and wherever the image's units mount
 * something (mounts.h) becomes tmpfiles.d lines, unless theirs declare it already: directories,
 * links and files (copied from /usr/share/factory). These folders are left empty in the tree. What
 * would be hidden for good, below /proc or on a disk of others, is an error. Last of all. */
must_check int gen_var(struct tree *t, struct err *e);
