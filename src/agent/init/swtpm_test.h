/* SPDX-License-Identifier: MIT */
/* swtpm_test.h - a TPM without a machine, for tests: swtpm, and an image's keys and signatures. */
#pragma once

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/init/pcr_policy.h"
#include "base/test.h"
#include "trust/signer.h"

enum { SPKI_MODULUS_AT = 33, MODULUS_BYTES = 256 };

#define FINGERPRINT "0000000000000000000000000000000000000000000000000000000000000001"
#define RETIRED     "0000000000000000000000000000000000000000000000000000000000000002"

struct machine {
	struct arena a;
	pid_t swtpm;
	struct tpm2 tpm;
	struct signer *signer, *retired;
	struct pcr_policy policy;
};

static inline pid_t swtpm_start(struct arena *a, int fd)
{
	const char *fd_text = str_z(a, str_printf(a, "%d", fd)),
		   *state = str_z(a, str_printf(a, "dir=%s", test_dir(a)));
	pid_t pid = fork();

	if (pid == 0) {
		execlp("swtpm", "swtpm", "socket", "--tpm2", "--fd", fd_text, "--tpmstate", state,
		       "--flags", "not-need-init,startup-clear", NULL);
		_exit(127);
	}
	return pid;
}

static inline void key_read(struct machine *m, const char *file, const char *fingerprint,
			    struct signer **ret)
{
	struct err e = { 0 };
	struct str pem;

	assert_ok(file_read(&m->a, file, 1 << 16, &pem, &e), &e);
	assert_ok(signer_pem_parse(pem, ret, &e), &e);
	vec_push(&m->a, &m->policy.keys) =
		(struct pcr_key){ str_c(fingerprint),
				  str_head(str_from(signer_public_key(*ret), SPKI_MODULUS_AT),
					   MODULUS_BYTES) };
}

/* The signatures of an image that is in the phase that PCR 11 says now. */
static inline void sign(struct machine *m)
{
	struct signer *const signers[] = { m->signer, m->retired };
	struct buf b = { .a = &m->a };
	uint8_t policy[TPM2_DIGEST_BYTES];
	struct err e = { 0 };
	struct str signature;
	uint32_t session;

	assert_ok(tpm2_session(&m->tpm, false, &session, &e), &e);
	assert_ok(tpm2_policy_pcr(&m->tpm, session, 11, &e), &e);
	assert_ok(tpm2_policy_digest(&m->tpm, session, policy, &e), &e);
	tpm2_flush(&m->tpm, session);
	buf_printf(&b, "{\"sha256\":[");
	for (size_t i = 0; i < 2; i++) {
		assert_ok(signer_sign(&m->a, signers[i],
				      (struct str){ (char *)policy, sizeof(policy) }, &signature,
				      &e),
			  &e);
		buf_printf(&b, "%s{\"pkfp\":\"%.*s\",\"pol\":\"%.*s\",\"sig\":\"%.*s\"}",
			   i ? "," : "", STR_FMT(m->policy.keys.p[i].fingerprint),
			   STR_FMT(hex_encode(&m->a, policy, sizeof(policy))),
			   STR_FMT(base64_encode(&m->a, signature.p, signature.n)));
	}
	buf_printf(&b, "]}\n");
	m->policy.signatures = (struct str){ (char *)b.v.p, b.v.n };
}

static inline bool machine_start(struct machine *m)
{
	struct err e = { 0 };
	uint8_t pcr[TPM2_DIGEST_BYTES];
	int pair[2];

	*m = (struct machine){ 0 };
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	m->swtpm = swtpm_start(&m->a, pair[1]);
	close(pair[1]);
	m->tpm = (struct tpm2){ .a = &m->a, .fd = pair[0] };
	if (tpm2_pcr_read(&m->tpm, 11, pcr, &e) < 0)
		return false;
	key_read(m, "test/data/rsa-2048.pem", FINGERPRINT, &m->signer);
	key_read(m, "test/data/signer.pem", RETIRED, &m->retired);
	assert_ok(tpm2_pcr_event(&m->tpm, 11, STR("enter-initrd"), &e), &e);
	sign(m);
	return true;
}

static inline void machine_stop(struct machine *m)
{
	tpm2_close(&m->tpm);
	kill(m->swtpm, SIGTERM);
	waitpid(m->swtpm, NULL, 0);
	signer_free(m->signer);
	signer_free(m->retired);
	arena_done(&m->a);
}
