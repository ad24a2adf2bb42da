/* SPDX-License-Identifier: MIT */
#include <elf.h>

#include "tree/gen_test.h"
#include "tree/module_index.h"
#include "tree/module_info.h"

#define KERNEL "/usr/lib/modules/6.1-test/"

/* An ELF file with a section .modinfo that holds @info, whose lines become its strings. */
static struct str module(const char *info)
{
	static const char names[] = "\0.modinfo\0.shstrtab\0.symtab\0.strtab";
	size_t n = strlen(info);
	struct {
		Elf64_Ehdr header;
		Elf64_Shdr sections[5];
		Elf64_Sym symbol;
		char names[sizeof(names)], info[];
	} *f = arena_alloc(a, sizeof(*f) + n + 1);

	f->header = (Elf64_Ehdr){ .e_type = ET_REL,
				  .e_machine = EM_X86_64,
				  .e_version = EV_CURRENT,
				  .e_shoff = offsetof(__typeof__(*f), sections),
				  .e_ehsize = sizeof(Elf64_Ehdr),
				  .e_shentsize = sizeof(Elf64_Shdr),
				  .e_shnum = 5,
				  .e_shstrndx = 2 };
	memcpy(f->header.e_ident, "\177ELF\2\1\1", 7);
	memcpy(f->names, names, sizeof(names));
	f->sections[1] = (Elf64_Shdr){ .sh_name = 1,
				       .sh_type = SHT_PROGBITS,
				       .sh_offset = offsetof(__typeof__(*f), info),
				       .sh_size = n };
	f->sections[2] = (Elf64_Shdr){ .sh_name = 10,
				       .sh_type = SHT_STRTAB,
				       .sh_offset = offsetof(__typeof__(*f), names),
				       .sh_size = sizeof(names) };
	f->sections[3] = (Elf64_Shdr){ .sh_name = 20,
				       .sh_type = SHT_SYMTAB,
				       .sh_offset = offsetof(__typeof__(*f), symbol),
				       .sh_size = sizeof(Elf64_Sym),
				       .sh_entsize = sizeof(Elf64_Sym),
				       .sh_link = 4 };
	f->sections[4] = (Elf64_Shdr){ .sh_name = 28,
				       .sh_type = SHT_STRTAB,
				       .sh_offset = offsetof(__typeof__(*f), names),
				       .sh_size = sizeof(names) };
	memcpy(f->info, info, n);
	for (size_t i = 0; i < n; i++)
		if (f->info[i] == '\n')
			f->info[i] = 0;
	return (struct str){ (char *)f, offsetof(__typeof__(*f), info) + n };
}

static void put_module(struct tree *t, const char *path, const char *info)
{
	assert_ok(tree_put(t, str_cat(a, STR(KERNEL), str_c(path)), S_IFREG | 0644, module(info), 0,
			   NULL, &e),
		  &e);
}

static int modules(struct tree *t, const char *const *globs)
{
	struct conf_image image = { 0 };

	for (; globs && *globs; globs++)
		vec_push(a, &image.kernel_modules) = str_c(*globs);
	return gen_modules(t, &image, 1, &e);
}

static struct tree kernel(void)
{
	struct tree t = parsed("");

	/* depmod looks into /lib/modules. */
	assert_ok(tree_put(&t, STR("/lib"), S_IFLNK | 0777, STR("usr/lib"), 0, NULL, &e), &e);
	put(&t, KERNEL "modules.order",
	    "kernel/z-last.ko\nkernel/fs/b.ko\nkernel/gone.ko\nkernel/fs/a.ko\nkernel/loop.ko\n"
	    "kernel/dev.ko\nkernel/soft-dep.ko\n");
	put(&t, KERNEL "modules.builtin", "kernel/lib/crc-x.ko\nkernel/drivers/built.ko\n");
	assert_ok(
		tree_put(
			&t, STR(KERNEL "modules.builtin.modinfo"), S_IFREG | 0644,
			STR("built.alias=pci:v1-*\0built.license=GPL\0other.alias=pci:v1-*\0crc_x.alias=crc-[a-z]\0"),
			0, NULL, &e),
		&e);
	put_module(
		&t, "kernel/z-last.ko",
		"alias=pci:v00001AF4d*sv*\nalias=virtio-x\nalias=open[\nlicense=GPL\nname=z_last\n");
	put_module(&t, "kernel/fs/a.ko", "alias=pci:v00001AF4d*sv*\nalias=fs-a\ndepends=\n");
	put_module(&t, "kernel/fs/b.ko",
		   "alias=fs-[a-b]-c\nalias=pci:v00001AF4d*sv*\nalias=fs-a\ndepends=a,crc-x\n");
	put_module(&t, "kernel/loop.ko",
		   "alias=block-major-7-*\nalias=char-major-10-237\nalias=devname:loop-control\n");
	put_module(&t, "kernel/dev.ko", "alias=devname:nothing\nalias=char-major-10-x\n");
	put_module(&t, "kernel/soft-dep.ko",
		   "softdep=pre: z-last post: loop missing\nsoftdep=pre: nothing\n");
	return t;
}

static void test_texts(void **state)
{
	static const char *const globs[] = { "kernel/fs/b.ko", "kernel/soft*", NULL };
	struct tree t = kernel();

	(void)state;
	assert_ok(modules(&t, globs), &e);
	assert_str(content(&t, KERNEL "modules.dep"),
		   "kernel/z-last.ko:\nkernel/fs/b.ko: kernel/fs/a.ko\nkernel/fs/a.ko:\n"
		   "kernel/soft-dep.ko:\n");
	assert_str(content(&t, KERNEL "modules.alias"),
		   "# Aliases extracted from modules themselves.\n"
		   "alias pci:v00001AF4d*sv* z_last\nalias virtio-x z_last\nalias open[ z_last\n"
		   "alias fs-[a-b]-c b\nalias pci:v00001AF4d*sv* b\nalias fs-a b\n"
		   "alias pci:v00001AF4d*sv* a\nalias fs-a a\n");
	assert_str(content(&t, KERNEL "modules.softdep"),
		   "# Soft dependencies extracted from modules themselves.\n"
		   "softdep soft_dep pre: z-last post: loop missing\n"
		   "softdep soft_dep pre: nothing\n");
	assert_str(content(&t, KERNEL "modules.devname"), "");
	assert_int_equal(tree_find(&t, STR(KERNEL "kernel/loop.ko")), TREE_NONE);
	t = kernel();
	assert_ok(modules(&t, NULL), &e);
	assert_str(content(&t, KERNEL "modules.devname"),
		   "# Device nodes to trigger on-demand module loading.\n"
		   "loop loop-control c10:237\n");
}

/* What the initrd wants stays without being named twice; what it would like may not be there. */
static void test_initrd(void **state)
{
	struct conf_image image = { 0 };
	struct tree t = kernel();

	(void)state;
	vec_push(a, &image.kernel_modules) = STR("kernel/fs/a.ko");
	vec_push(a, &image.initrd_modules) = STR("z_last");
	vec_push(a, &image.initrd_drivers) = STR("soft_dep?");
	vec_push(a, &image.initrd_drivers) = STR("missing?");
	assert_ok(gen_modules(&t, &image, 1, &e), &e);
	assert_str(content(&t, KERNEL "modules.dep"),
		   "kernel/z-last.ko:\nkernel/fs/a.ko:\nkernel/soft-dep.ko:\n");
}

/* The output of a program of kmod over a tree. */
static struct str ask(const char *dir, const char *program, const char *option, const char *what)
{
	const char *const argv[] = { program, "-d", dir, "-S", "6.1-test", option, what, NULL };
	struct proc_result result;
	struct buf b = { .a = a };

	assert_ok(proc_run(a, argv, (struct str){ 0 }, "kmod", &result, &e), &e);
	while (result.out.n > 0) { /* paths, without the folder */
		struct str line = str_cut(&result.out, '\n');
		const char *at = memmem(line.p, line.n, dir, strlen(dir));

		if (at)
			line = (struct str){ at + strlen(dir),
					     line.n - (size_t)(at - line.p) - strlen(dir) };
		buf_printf(&b, "%.*s\n", STR_FMT(line));
	}
	return (struct str){ (char *)b.v.p, b.v.n };
}

static void test_depmod(void **state)
{
	static const char *const aliases[] = {
		"pci:v00001AF4d1sv2", "virtio-x", "virtio_x", "fs-a-c",          "fs-a",
		"pci:v1-2",           "crc-m",    "crc-x",    "block-major-7-3", "nothing"
	};
	static const char *const names[] = { "b", "soft-dep", "a", "crc-x", "z_last" };
	struct tree t = kernel(), before = kernel();
	char *theirs = extract(&before), *mine;
	const char *const argv[] = { "/sbin/depmod", "-b", theirs, "6.1-test", NULL };
	struct proc_result result;

	(void)state;
	if (!file_exists(argv[0]))
		skip();
	assert_ok(modules(&t, NULL), &e);
	mine = extract(&t);
	assert_ok(proc_run(a, argv, (struct str){ 0 }, "kmod", &result, &e), &e);
	/* Symbols, which these modules have none of, are depmod's dependencies; so not modules.dep.
	 */
	assert_str(read_back(mine, KERNEL "modules.alias"),
		   str_z(a, read_back(theirs, KERNEL "modules.alias")));
	assert_str(read_back(mine, KERNEL "modules.softdep"),
		   str_z(a, read_back(theirs, KERNEL "modules.softdep")));
	assert_str(read_back(mine, KERNEL "modules.devname"),
		   str_z(a, read_back(theirs, KERNEL "modules.devname")));
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		assert_str(ask(mine, "/sbin/modprobe", "-R", aliases[i]),
			   str_z(a, ask(theirs, "/sbin/modprobe", "-R", aliases[i])));
	for (size_t i = 2; i < sizeof(names) / sizeof(names[0]); i++)
		assert_str(ask(mine, "/sbin/modprobe", "--show-depends", names[i]),
			   str_z(a, ask(theirs, "/sbin/modprobe", "--show-depends", names[i])));
	assert_str(
		ask(mine, "/sbin/modprobe", "--show-depends", "b"),
		"/lib/modules/6.1-test/kernel/fs/a.ko \n/lib/modules/6.1-test/kernel/fs/b.ko \n");
	assert_true(
		str_has(ask(mine, "/sbin/modprobe", "--show-depends", "soft-dep"), "z-last.ko"));
}

static void test_errors(void **state)
{
	static const char *const globs[] = { "kernel/x/**", NULL };
	struct tree t = kernel();

	(void)state;
	assert_err(modules(&t, globs), &e,
		   "kernel-modules: 'kernel/x/**' matches no module of kernel 6.1-test");
	put_module(&t, "kernel/fs/b.ko", "depends=gone-x\n");
	assert_err(modules(&t, NULL), &e,
		   "kernel module 'kernel/fs/b.ko' depends on 'gone-x', which is not there");
	put_module(&t, "kernel/fs/b.ko", "depends=a\n");
	put_module(&t, "kernel/fs/a.ko", "depends=b\n");
	assert_err(modules(&t, NULL), &e,
		   "kernel module 'kernel/fs/b.ko' needs itself by way of others");
	put(&t, KERNEL "kernel/fs/b.ko", "text");
	assert_err(modules(&t, NULL), &e,
		   "kernel module 'kernel/fs/b.ko': no 64-bit little-endian ELF file");
	t = kernel();
	put_module(&t, "updates/b.ko", "license=GPL\n");
	assert_err(modules(&t, NULL), &e,
		   "kernel 6.1-test has two modules 'b': kernel/fs/b.ko and updates/b.ko");
}

/* Every truncation of a module: its information or an error, nothing else. */
static void test_damage(void **state)
{
	struct str good = module("license=GPL\nalias\n\nalias=x=y"), info, key, value;

	(void)state;
	assert_ok(module_info_find(good, &info, &e), &e);
	assert_true(module_info_next(&info, &key, &value));
	assert_str(key, "license");
	assert_true(module_info_next(&info, &key, &value));
	assert_str(value, "");
	assert_true(module_info_next(&info, &key, &value));
	assert_str(value, "x=y");
	assert_false(module_info_next(&info, &key, &value));
	for (size_t n = 0; n < good.n; n++)
		assert_true(module_info_find(str_dup(a, str_head(good, n)), &info, &e) < 0);
}

static struct conf_image kept(void)
{
	struct conf_image image = { 0 };

	vec_push(a, &image.kernel_modules) = STR("kernel/fs/b.ko");
	vec_push(a, &image.kernel_modules) = STR("kernel/soft*");
	return image;
}

static struct gen_inputs inputs(struct tree *t)
{
	const struct conf_image image = kept();
	struct gen_inputs in;

	gen_modules_inputs(a, t, &image, &in);
	return in;
}

static int run(struct tree *t)
{
	const struct conf_image image = kept();

	return gen_modules(t, &image, 1, &e);
}

static struct tree kernel_and_more(void)
{
	struct tree t = kernel();

	put(&t, "/usr/lib/other.ko", "text");
	return t;
}

static void test_inputs(void **state)
{
	(void)state;
	assert_stated(&(struct stated){ kernel_and_more, inputs, run });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_texts),  TEST(test_initrd), TEST(test_depmod),
		TEST(test_errors), TEST(test_damage), TEST(test_inputs)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
