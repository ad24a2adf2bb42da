/* SPDX-License-Identifier: MIT */
#include "disk/caps.h"

#include <linux/capability.h>

#include "base/rd.h"

static const struct str names[] = {
	STR("cap_chown"),
	STR("cap_dac_override"),
	STR("cap_dac_read_search"),
	STR("cap_fowner"),
	STR("cap_fsetid"),
	STR("cap_kill"),
	STR("cap_setgid"),
	STR("cap_setuid"),
	STR("cap_setpcap"),
	STR("cap_linux_immutable"),
	STR("cap_net_bind_service"),
	STR("cap_net_broadcast"),
	STR("cap_net_admin"),
	STR("cap_net_raw"),
	STR("cap_ipc_lock"),
	STR("cap_ipc_owner"),
	STR("cap_sys_module"),
	STR("cap_sys_rawio"),
	STR("cap_sys_chroot"),
	STR("cap_sys_ptrace"),
	STR("cap_sys_pacct"),
	STR("cap_sys_admin"),
	STR("cap_sys_boot"),
	STR("cap_sys_nice"),
	STR("cap_sys_resource"),
	STR("cap_sys_time"),
	STR("cap_sys_tty_config"),
	STR("cap_mknod"),
	STR("cap_lease"),
	STR("cap_audit_write"),
	STR("cap_audit_control"),
	STR("cap_setfcap"),
	STR("cap_mac_override"),
	STR("cap_mac_admin"),
	STR("cap_syslog"),
	STR("cap_wake_alarm"),
	STR("cap_block_suspend"),
	STR("cap_audit_read"),
	STR("cap_perfmon"),
	STR("cap_bpf"),
	STR("cap_checkpoint_restore"),
};
enum { N_NAMES = sizeof(names) / sizeof(*names) };

static int mask_parse(struct str list, uint64_t *ret, struct err *e)
{
	uint64_t mask = 0;

	while (list.n > 0) {
		struct str name = str_cut(&list, ',');
		const struct str *near;
		size_t i = 0;

		while (i < N_NAMES && !str_eq(names[i], name))
			i++;
		if (i == N_NAMES) {
			near = str_nearest(names, N_NAMES, name);
			if (near)
				return err_set(e, -EINVAL,
					       "no capability '%.*s'; did you mean '%.*s'?",
					       STR_FMT(name), STR_FMT(*near));
			return err_set(e, -EINVAL,
				       "no capability '%.*s'; capabilities(7) lists them",
				       STR_FMT(name));
		}
		mask |= 1ull << i;
	}
	*ret = mask;
	return 0;
}

int caps_parse(struct arena *a, struct str text, struct str *ret, struct err *e)
{
	ptrdiff_t sign = str_find(text, '=') >= 0 ? str_find(text, '=') : str_find(text, '+');
	struct buf b = { .a = a };
	uint64_t mask = 0, permitted = 0, inheritable = 0;
	bool effective = false;
	int r;

	if (sign <= 0)
		return err_set(e, -EINVAL, "capabilities '%.*s'; want cap_NAME[,cap_NAME]=ep",
			       STR_FMT(text));
	r = mask_parse(str_head(text, (size_t)sign), &mask, e);
	if (r < 0)
		return r;
	for (struct str flags = str_from(text, (size_t)sign + 1); flags.n > 0;
	     flags = str_from(flags, 1)) {
		switch (flags.p[0]) {
		case 'e':
			effective = true;
			break;
		case 'p':
			permitted = mask;
			break;
		case 'i':
			inheritable = mask;
			break;
		default:
			return err_set(e, -EINVAL,
				       "capabilities '%.*s'; want flags of 'e', 'i' and 'p'",
				       STR_FMT(text));
		}
	}
	buf_le32(&b, VFS_CAP_REVISION_2 | (effective ? VFS_CAP_FLAGS_EFFECTIVE : 0));
	buf_le32(&b, (uint32_t)permitted);
	buf_le32(&b, (uint32_t)inheritable);
	buf_le32(&b, (uint32_t)(permitted >> 32));
	buf_le32(&b, (uint32_t)(inheritable >> 32));
	*ret = (struct str){ (char *)b.v.p, b.v.n };
	return 0;
}

struct str caps_text(struct arena *a, struct str value)
{
	struct rd rd = { .p = (const uint8_t *)value.p, .n = value.n };
	uint32_t magic = rd_le32(&rd);
	uint64_t permitted = rd_le32(&rd), inheritable = rd_le32(&rd), mask;
	struct buf b = { .a = a };

	permitted |= (uint64_t)rd_le32(&rd) << 32;
	inheritable |= (uint64_t)rd_le32(&rd) << 32;
	mask = permitted | inheritable;
	if (rd.bad || rd.pos != rd.n || (magic & ~VFS_CAP_FLAGS_EFFECTIVE) != VFS_CAP_REVISION_2 ||
	    mask == 0 || mask >> N_NAMES || (permitted && permitted != mask) ||
	    (inheritable && inheritable != mask))
		return (struct str){ 0 };
	for (size_t i = 0; i < N_NAMES; i++)
		if (mask >> i & 1)
			buf_printf(&b, "%s%.*s", b.v.n ? "," : "", STR_FMT(names[i]));
	buf_printf(&b, "=%s%s%s", magic & VFS_CAP_FLAGS_EFFECTIVE ? "e" : "",
		   inheritable ? "i" : "", permitted ? "p" : "");
	return (struct str){ (const char *)b.v.p, b.v.n };
}
