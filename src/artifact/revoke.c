/* SPDX-License-Identifier: MIT */
#include "artifact/revoke.h"

#include "artifact/parts.h"
#include "trust/authenticode.h"

static int add(struct arena *a, struct str name, struct str program, vec_revocable *ret,
	       struct err *e)
{
	struct revocable one = { .name = name };
	int r = authenticode_digest(program, one.revocation.sha256, e);

	if (r < 0)
		return err_wrap(e, r, "%.*s", STR_FMT(name));
	vec_push(a, ret) = one;
	return 0;
}

/* Looks at no more of the image than it needs: who revokes one may have a damaged copy. */
static int add_all(struct arena *a, struct str image, vec_revocable *ret, struct err *e)
{
	struct image_parts parts = { 0 };
	struct str esp;
	int r = gpt_read(a, (const uint8_t *)image.p, image.n, &parts.gpt, e);

	if (r == 0)
		r = image_partition_find(image, &parts, PARTITION_ESP, e);
	if (r < 0)
		return r;
	esp = parts.bytes[PARTITION_ESP];
	r = fat_read(a, (const uint8_t *)esp.p, esp.n, &parts.esp, e);
	for (size_t i = 0; r == 0 && i < parts.esp.n_files; i++) {
		const struct fat_file *f = &parts.esp.files[i];

		if (str_starts(f->path, "EFI/Linux/"))
			r = add(a, f->path, f->data, ret, e);
	}
	if (r == 0 && ret->n == 0)
		r = err_set(e, -ENOENT, "no unified kernel image in EFI/Linux of the ESP");
	return r;
}

int image_revocables(struct arena *a, const char *name, struct str bytes, vec_revocable *ret,
		     struct err *e)
{
	vec_revocable found = { 0 };
	int r = str_starts(bytes, "MZ") ? add(a, str_c(name), bytes, &found, e)
					: add_all(a, bytes, &found, e);

	if (r == 0)
		*ret = found;
	return r;
}
