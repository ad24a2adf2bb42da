/* SPDX-License-Identifier: MIT */
#include "artifact/measure.h"

#include "trust/certificate.h"

enum {
	PCR_KERNEL = 11,
	TPM_CC_POLICY_PCR = 0x17f,
	TPM_ALG_SHA256 = 0x0b,
	PCR_SELECT_BYTES = 3, /* a bit for each of the 24 registers of a PC */
	ZERO_BYTES = 4096,
};

const char *const measure_phases[MEASURE_PHASES] = { "enter-initrd", "leave-initrd", "sysinit",
						     "ready" };

/* In this order, whatever their order in the file (systemd's src/fundamental/uki.h). ".pcrsig" is
 * not among them: it signs the outcome. */
static const char *const measured_sections[] = {
	".linux", ".osrel", ".cmdline", ".initrd",  ".ucode",   ".splash", ".dtb",
	".uname", ".sbat",  ".pcrpkey", ".profile", ".dtbauto", ".hwids",
};

enum { N_MEASURED_SECTIONS = sizeof(measured_sections) / sizeof(*measured_sections) };

void measure_extend(uint8_t pcr[SHA256_BYTES], const uint8_t digest[SHA256_BYTES])
{
	uint8_t both[2 * SHA256_BYTES];

	memcpy(both, pcr, SHA256_BYTES);
	memcpy(both + SHA256_BYTES, digest, SHA256_BYTES);
	sha256(both, sizeof(both), pcr);
}

void measure_bytes(uint8_t pcr[SHA256_BYTES], const void *p, size_t n)
{
	uint8_t digest[SHA256_BYTES];

	sha256(p, n, digest);
	measure_extend(pcr, digest);
}

/* As it stands in memory: zeroes behind what the file holds of it. */
static void section_measure(uint8_t pcr[SHA256_BYTES], const struct pe_section *s)
{
	static const uint8_t zero[ZERO_BYTES];
	uint8_t digest[SHA256_BYTES];
	struct sha256 h;

	sha256_init(&h);
	sha256_update(&h, s->data.p, s->data.n);
	for (size_t left = s->virtual_size - s->data.n; left > 0;) {
		size_t n = left < sizeof(zero) ? left : sizeof(zero);

		sha256_update(&h, zero, n);
		left -= n;
	}
	sha256_final(&h, digest);
	measure_extend(pcr, digest);
}

void measure_pcr11(const struct pe *uki, uint8_t ret[SHA256_BYTES])
{
	uint8_t pcr[SHA256_BYTES] = { 0 };

	for (size_t i = 0; i < N_MEASURED_SECTIONS; i++) {
		const struct pe_section *s = pe_section(uki, measured_sections[i]);

		if (!s || s->virtual_size == 0)
			continue;
		measure_bytes(pcr, measured_sections[i], strlen(measured_sections[i]) + 1);
		section_measure(pcr, s);
	}
	memcpy(ret, pcr, SHA256_BYTES);
}

void measure_phase(uint8_t pcr11[SHA256_BYTES], const char *phase)
{
	measure_bytes(pcr11, phase, strlen(phase));
}

/* Part 3, 23.7 of the Library: the old digest, the command, which registers, the digest of their
 * values. A session's first digest is zero. */
void measure_policy_pcr11(const uint8_t pcr11[SHA256_BYTES], uint8_t ret[SHA256_BYTES])
{
	_cleanup_arena_ struct arena a = { 0 };
	struct buf b = { .a = &a };
	uint8_t values[SHA256_BYTES];

	sha256(pcr11, SHA256_BYTES, values);
	buf_zero(&b, SHA256_BYTES);
	buf_be32(&b, TPM_CC_POLICY_PCR);
	buf_be32(&b, 1); /* selections */
	buf_be16(&b, TPM_ALG_SHA256);
	buf_u8(&b, PCR_SELECT_BYTES);
	for (unsigned i = 0; i < PCR_SELECT_BYTES; i++)
		buf_u8(&b, i == PCR_KERNEL / 8 ? 1 << PCR_KERNEL % 8 : 0);
	buf_put(&b, values, sizeof(values));
	sha256(b.v.p, b.v.n, ret);
}

struct str measure_pcrsig(struct arena *a, const uint8_t policy[SHA256_BYTES],
			  const struct pcr_signature *signatures, size_t n)
{
	struct buf b = { .a = a };

	buf_printf(&b, "{\"sha256\":[");
	for (size_t i = 0; i < n; i++) {
		const struct pcr_signature *s = &signatures[i];

		buf_printf(&b,
			   "%s{\"pcrs\":[%d],\"pkfp\":\"%.*s\",\"pol\":\"%.*s\",\"sig\":\"%.*s\"}",
			   i ? "," : "", PCR_KERNEL,
			   STR_FMT(sha256_hex(a, s->key_bits.p, s->key_bits.n)),
			   STR_FMT(hex_encode(a, policy, SHA256_BYTES)),
			   STR_FMT(base64_encode(a, s->signature.p, s->signature.n)));
	}
	buf_printf(&b, "]}\n");
	return (struct str){ (char *)b.v.p, b.v.n };
}

/* An object without members, so that whoever reads it finds no signature rather than a bad one. */
struct str measure_pcrsig_blank(struct arena *a, const vec_str *certificates)
{
	struct pcr_signature *none = arena_array(a, certificates->n, sizeof(*none));
	struct str blank;
	char *p;

	for (size_t i = 0; i < certificates->n; i++) {
		size_t n = certificate_signature_bytes(certificates->p[i]);

		none[i].signature = (struct str){ arena_alloc(a, n), n };
	}
	blank = measure_pcrsig(a, (uint8_t[SHA256_BYTES]){ 0 }, none, certificates->n);
	p = arena_alloc(a, blank.n);
	memset(p, ' ', blank.n);
	p[0] = '{';
	p[blank.n - 2] = '}';
	p[blank.n - 1] = '\n';
	return (struct str){ p, blank.n };
}
