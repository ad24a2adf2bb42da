/* SPDX-License-Identifier: MIT */
#include "artifact/boot.h"

#include "artifact/measure.h"
#include "base/trace.h"
#include "disk/fat.h"
#include "disk/pe.h"
#include "trust/certificate.h"

/* No menu, no editing of the command line at the console. A virtual machine whose firmware has no
 * owner yet (setup mode) is given our keys at its first boot; a real machine only when someone asks
 * for that in the menu, because its own devices may carry firmware signed by others. */
static const char loader_conf[] = "timeout 0\neditor no\nsecure-boot-enroll if-safe\n";

struct str boot_uki_name(struct arena *a, const struct conf_release *release, struct str version)
{
	return str_printf(a, "EFI/Linux/%.*s_%.*s.efi", STR_FMT(release->id), STR_FMT(version));
}

/* COMMAND_LINE_SIZE of x86 and of arm64, less the NUL (the kernel's arch/ARCH/include/.../setup.h).
 * Its EFI stub leaves out words that do not fit, the last ones (efi_convert_cmdline()).
 * systemd-stub appends words of whoever owns the firmware or the hypervisor, and those of addons;
 * the kernel obeys them before any program can judge: "rdinit=/none root=/dev/nvme0n1 init=/evil"
 * never comes to agent/init. So ours fill all there is. */
enum { COMMAND_LINE_BYTES_MAX = 2047 };

static uint64_t generation_of(const struct conf_release *release)
{
	return release->sbat_generation ? release->sbat_generation : 1;
}

int boot_command_line(struct arena *a, const struct conf_release *release,
		      const struct conf_image *image, const uint8_t root_hash[SHA256_BYTES],
		      struct str *ret, struct err *e)
{
	struct buf b = { .a = a };
	static const char end[] = " " BOOT_END "=";
	size_t own, n;

	/* Each word, also where it says what is the default: agent/init takes none twice. */
	buf_printf(&b, "roothash=%.*s %.*s", STR_FMT(hex_encode(a, root_hash, SHA256_BYTES)),
		   STR_FMT(boot_words_text(a, &image->boot)));
	if (image->boot.state != STATE_MEMORY)
		buf_printf(&b, " " BOOT_GENERATION "=%llu",
			   (unsigned long long)generation_of(release));
	own = b.v.n;
	vec_each(word, &image->kernel_command_line)
		buf_printf(&b, " %.*s", STR_FMT(*word));
	n = b.v.n + strlen(end);
	if (n > COMMAND_LINE_BYTES_MAX)
		return err_set(
			e, -E2BIG,
			"%.*s: the kernel's command line has %zu bytes, %zu of which are the build's own; the "
			"kernel takes %d and would leave out the last words; shorten 'kernel-command-line' by %zu",
			STR_FMT(image->source), n, own + strlen(end), COMMAND_LINE_BYTES_MAX,
			n - COMMAND_LINE_BYTES_MAX);
	buf_printf(&b, "%s", end);
	while (b.v.n < COMMAND_LINE_BYTES_MAX)
		buf_u8(&b, '-');
	*ret = (struct str){ (char *)b.v.p, b.v.n };
	return 0;
}

int boot_command_line_check(struct str line, struct err *e)
{
	static const char end[] = " " BOOT_END "=";
	struct str words = line;

	while (str_ends(words, "-"))
		words.n--;
	if (line.n == COMMAND_LINE_BYTES_MAX && str_ends(words, end))
		return 0;
	return err_set(e, -EPERM,
		       "the kernel's command line has %zu bytes, and '" BOOT_END "=' does not fill "
		       "it to %d: whoever runs the machine could append words",
		       line.n, COMMAND_LINE_BYTES_MAX);
}

/* A line of SBAT (github.com/rhboot/shim, SBAT.md): component, generation, vendor, package,
 * version, address. The stub's own lines stand before it. */
static struct str sbat(struct arena *a, const struct conf_release *release, struct str version)
{
	struct str vendor = release->vendor.n ? release->vendor : release->name,
		   url = release->home_url.n ? release->home_url : STR("-");

	return str_printf(
		a,
		"sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md\n"
		"%.*s,%llu,%.*s,%.*s,%.*s,%.*s\n",
		STR_FMT(release->id), (unsigned long long)generation_of(release), STR_FMT(vendor),
		STR_FMT(release->id), STR_FMT(version), STR_FMT(url));
}

int boot_uki(struct arena *a, const struct boot_uki *in, struct str *ret, struct err *e)
{
	TRACE("UKI");
	struct str public_key;
	struct segments uki;
	int r = certificate_public_key(a, in->pcr_certificates->p[0], &public_key, e);

	if (r < 0)
		return err_wrap(e, r, "pcr-signing");

	const struct pe_section sections[] = {
		{ .name = STR(".osrel"), .data = in->os_release },
		{ .name = STR(".cmdline"), .data = in->command_line },
		{ .name = STR(".uname"), .data = in->kernel_version },
		{ .name = STR(".sbat"), .data = sbat(a, in->release, in->version) },
		{ .name = STR(".pcrpkey"), .data = public_key_pem(a, public_key) },
		{ .name = STR(".initrd"), .data = in->initrd },
		{ .name = STR(".linux"), .data = in->kernel },
		{ .name = STR(".pcrsig"), .data = measure_pcrsig_blank(a, in->pcr_certificates) },
	};

	r = uki_build(a, in->stub, sections, sizeof(sections) / sizeof(*sections), &uki, e);
	if (r < 0)
		return err_wrap(e, r, "unified kernel image");
	*ret = (struct str){ (char *)segments_flatten(a, &uki), uki.size_bytes };
	return 0;
}

static struct fat_file *file_put(struct fat_file *f, struct str path, struct str data)
{
	*f = (struct fat_file){ .path = path, .data = data };
	return f + 1;
}

int boot_esp(struct arena *a, const struct payload *p, struct segments *ret, struct err *e)
{
	TRACE("ESP");
	enum { OTHERS = 6 };
	struct fat_file *files = arena_array(a, p->kernels.n + OTHERS, sizeof(*files)), *f = files;
	struct fat_input in = {
		.files = files,
		.size_bytes = p->esp_bytes,
		.volume_id = (uint32_t)p->root_hash[0] << 24 | (uint32_t)p->root_hash[1] << 16 |
			     (uint32_t)p->root_hash[2] << 8 | p->root_hash[3],
		.label = "ESP",
		.time_sec = p->time_sec,
	};
	int r;

	f = file_put(f, str_c(p->arch->efi_boot), p->boot_loader);
	vec_each(kernel, &p->kernels)
		f = file_put(f, kernel->uki_name, kernel->uki);
	f = file_put(f, STR("loader/keys/auto/KEK.auth"), p->enrol[KEY_KEK]);
	f = file_put(f, STR("loader/keys/auto/PK.auth"), p->enrol[KEY_PK]);
	f = file_put(f, STR("loader/keys/auto/db.auth"), p->enrol[KEY_DB]);
	if (p->enrol[ENROL_DBX].n > 0)
		f = file_put(f, STR("loader/keys/auto/dbx.auth"), p->enrol[ENROL_DBX]);
	f = file_put(f, STR("loader/loader.conf"), str_c(loader_conf));
	in.n_files = (size_t)(f - files);
	r = fat_write(a, &in, ret, e);
	return r < 0 ? err_wrap(e, r, "EFI system partition (esp-bytes in the definition)") : 0;
}
