/* SPDX-License-Identifier: MIT */
#include "agent/init/ipe.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/init/lock.h"
#include "base/io.h"

static const char name_word[] = "policy_name=";

/* In one write: IPE takes each for a policy of its own. */
static int put(const char *path, struct str value, struct err *e)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "open '%s'", path);
	if (write(fd, value.p, value.n) < 0)
		return err_sys(e, "write '%s'", path);
	return 0;
}

/* Writes "1" and looks whether it was taken. */
static int switch_on(struct arena *a, const char *path, struct err *e)
{
	struct str text;
	int r = put(path, STR("1"), e);

	if (r == 0)
		r = file_read(a, path, IPE_POLICY_BYTES_MAX, &text, e);
	if (r == 0 && !str_eqz(str_trim(text), "1"))
		return err_set(e, -EIO, "'%s' stays '%.*s'", path, STR_FMT(str_trim(text)));
	return r;
}

static int load(const char *ipe, struct str pkcs7, struct arena *a, struct err *e)
{
	int r = put(path_join(a, ipe, "new_policy"), pkcs7, e);

	if (r == -ENOKEY)
		return err_set(e, r,
			       "the kernel has no key for the execution policy's signature: no "
			       "certificate of Secure Boot's db signed it");
	/* -EINVAL: a wrong signature whose certificate stands beside it (crypto/rsa-pkcs1pad.c) */
	if (r == -EKEYREJECTED || r == -EBADMSG || r == -EINVAL)
		return err_wrap(e, r, "the execution policy or its signature was changed");
	return r < 0 ? err_wrap(e, r, "load the execution policy") : 0;
}

/* The first word of a policy is its name. */
static int policy_folder(struct arena *a, const char *ipe, struct str text, const char **ret,
			 struct err *e)
{
	struct str word = str_word(&text);

	if (!str_starts(word, name_word))
		return err_set(e, -EINVAL, "the initrd's execution policy has no name");
	*ret = str_z(a, str_printf(a, "%s/policies/%.*s", ipe,
				   STR_FMT(str_from(word, sizeof(name_word) - 1))));
	return 0;
}

int ipe_enforce(struct arena *a, const char *ipe, struct str text, struct str pkcs7, struct err *e)
{
	const char *folder = NULL;
	struct str loaded;
	int r;

	if (!file_exists(ipe))
		return err_set(e, -EOPNOTSUPP,
			       "the kernel has no IPE, or its command line's lsm= leaves it out");
	r = policy_folder(a, ipe, text, &folder, e);
	if (r == 0)
		r = load(ipe, pkcs7, a, e);
	if (r < 0)
		return r;
	r = file_read(a, path_join(a, folder, "policy"), IPE_POLICY_BYTES_MAX, &loaded, e);
	/* Signed, too, but by its name or its text one for something else. */
	if (r < 0 || !str_eq(loaded, text))
		return err_set(e, -EKEYREJECTED,
			       "the signed execution policy is not that of this image");
	r = switch_on(a, path_join(a, folder, "active"), e);
	if (r == 0)
		r = switch_on(a, path_join(a, ipe, "enforce"), e);
	return r < 0 ? err_wrap(e, r, "enforce the execution policy") : 0;
}

int ipe_lock(struct arena *a, struct err *e)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	struct __user_cap_data_struct *own = &data[CAP_TO_INDEX(CAP_MAC_ADMIN)];
	uint32_t bit = CAP_TO_MASK(CAP_MAC_ADMIN);
	int r = lock_helpers(a, "/proc", 1ull << CAP_MAC_ADMIN, e);

	if (r < 0)
		return r;
	if (prctl(PR_CAPBSET_DROP, CAP_MAC_ADMIN, 0, 0, 0) < 0 ||
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, CAP_MAC_ADMIN, 0, 0) < 0 ||
	    syscall(SYS_capget, &head, data) < 0)
		return err_sys(e, "give up CAP_MAC_ADMIN");
	own->effective &= ~bit;
	own->permitted &= ~bit;
	own->inheritable &= ~bit;
	if (syscall(SYS_capset, &head, data) < 0)
		return err_sys(e, "give up CAP_MAC_ADMIN");
	return 0;
}
