/* SPDX-License-Identifier: MIT */
/* measure.h - what a TPM 2.0 will hold after an image was booted (SHA-256 bank): computed from the
 * image alone.
 *
 * PCR 11: systemd-stub's measurement of the UKI's sections, then the boot phase "enter-initrd" that
 * agent/init adds before it unlocks the state; "leave-initrd" follows when it is done, so the key
 * of the state cannot be had from the running system. PCR 4: boot loader and UKI as firmware loads
 * them. PCR 7: Secure Boot's variables (TCG PC Client Platform Firmware Profile 1.06, 3.3.4). */
#pragma once

#include "base/hash.h"
#include "disk/pe.h"
#include "keys/keys.h"

/* A register holds the digest of what it held before and of what came (TPM 2.0 Library, part 1,
 * "Extend of a PCR"): a digest, or the digest of some bytes. */
void measure_extend(uint8_t pcr[SHA256_BYTES], const uint8_t digest[SHA256_BYTES]);
void measure_bytes(uint8_t pcr[SHA256_BYTES], const void *p, size_t n);

/* What is measured into PCR 11 as a boot goes on, in this order: the first two by agent/init, the
 * others by systemd. */
enum { MEASURE_PHASES = 4 };
extern const char *const measure_phases[MEASURE_PHASES];

/* PCR 11 after the sections of @uki, which are hashed once for all phases; then after each of them.
 */
void measure_pcr11(const struct pe *uki, uint8_t ret[SHA256_BYTES]);
void measure_phase(uint8_t pcr11[SHA256_BYTES], const char *phase);
/* The policy digest of TPM2_PolicyPCR for this one value (TPM 2.0 Library, part 3): what the key
 * "pcr-signing" signs. */
void measure_policy_pcr11(const uint8_t pcr11[SHA256_BYTES], uint8_t ret[SHA256_BYTES]);
struct pcr_signature {
	struct str key_bits; /* certificate_key_bits() */
	struct str signature;
};
/* The UKI's section ".pcrsig", as systemd's tools read it: the policy signed by each of @n keys. */
struct str measure_pcrsig(struct arena *a, const uint8_t policy[SHA256_BYTES],
			  const struct pcr_signature *signatures, size_t n);
/* The same length, no signature, for the keys of these DER certificates: its place until it is
 * signed. */
struct str measure_pcrsig_blank(struct arena *a, const vec_str *certificates);

/* PCR 4 after firmware, with Secure Boot on, started the signed @boot_loader and that started the
 * signed @uki. The kernel within, which the stub starts as part of itself, is not measured then;
 * without Secure Boot it is, so there the register has another value. */
must_check int measure_pcr4(struct str boot_loader, struct str uki, uint8_t ret[SHA256_BYTES],
			    struct err *e);
/* The Authenticode digest of what firmware starts, with zeroes in .pcrsig: the same before and
 * after anything is signed. */
must_check int program_digest(struct str program, uint8_t ret[SHA256_BYTES], struct err *e);
/* PCR 7 of a machine whose variables hold exactly these lists, with Secure Boot on,
 * after something signed by the certificate @authority (DER; one of db's) was started. */
must_check int measure_pcr7(const struct str lists[ENROL_VARIABLES], const uint8_t owner[16],
			    struct str authority, uint8_t ret[SHA256_BYTES], struct err *e);
