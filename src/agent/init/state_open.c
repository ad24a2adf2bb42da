/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "agent/common/run.h"
#include "agent/init/state_work.h"

enum { TRIES = 3, PASSPHRASE_BYTES_MIN = 8 };

static int ask(struct work *s, const char *prompt, char secret[ASK_SECRET_BYTES_MAX],
	       struct str *ret, struct err *e)
{
	return consoles_ask(&s->consoles, str_c(prompt), s->w->ask_sec, secret, ret, e);
}

int open_passphrase_new(struct work *s, char secret[ASK_SECRET_BYTES_MAX], struct str *ret,
			struct err *e)
{
	char again[ASK_SECRET_BYTES_MAX];
	struct str first, second;
	int r;

	consoles_say(&s->consoles,
		     STR("\r\nThis machine has no TPM 2.0 that could keep its state encrypted by "
			 "itself.\r\nChoose a passphrase; every boot will ask for it.\r\n"));
	for (;;) {
		r = ask(s, "New passphrase: ", secret, &first, e);
		if (r == 0)
			r = ask(s, "The same again: ", again, &second, e);
		if (r < 0 || (first.n >= PASSPHRASE_BYTES_MIN && str_eq(first, second)))
			break;
		consoles_say(&s->consoles, first.n < PASSPHRASE_BYTES_MIN
						   ? STR("It must have 8 characters or more.\r\n")
						   : STR("They differ.\r\n"));
	}
	explicit_bzero(again, sizeof(again));
	if (r == 0)
		*ret = first;
	return r;
}

int open_secret(struct work *s, struct str secret, struct err *e)
{
	const char *const argv[] = { "systemd-cryptsetup",
				     "attach",
				     STATE_NAME,
				     state_device(s, s->partition),
				     RUN_INPUT,
				     "luks,headless=yes,tries=1",
				     NULL };

	return run(s->a, argv, secret, 0, NULL, e);
}

/* What a secret that somebody typed opened: 0 when it is taken. */
static int typed_taken(struct work *s, struct str typed, struct err *e)
{
	enum state_verdict verdict;
	int r;

	if (s->kind != STATE_LUKS_TPM || s->no_tpm)
		return own_table_check(s, e);
	r = own_look(s, false, &verdict, e);
	if (r == 0)
		own_settle(s, verdict, typed);
	return r;
}

int open_asking(struct work *s, const char *prompt, const char *why, struct err *e)
{
	char secret[ASK_SECRET_BYTES_MAX];
	struct str typed = { 0 };
	int r = -EPERM;

	consoles_say(&s->consoles,
		     str_printf(s->a, "\r\nThe state of this machine is locked%s%s.\r\n",
				why ? ": " : "", why ? why : ""));
	for (int i = 0; i < TRIES && r < 0; i++) {
		r = ask(s, prompt, secret, &typed, e);
		if (r < 0)
			break;
		typed = state_recovery_key(s->a, typed);
		r = open_secret(s, typed, e);
		if (r < 0)
			consoles_say(&s->consoles, STR("That does not open it.\r\n"));
	}
	if (r == 0)
		r = typed_taken(s, typed, e);
	explicit_bzero((char *)typed.p, typed.n);
	explicit_bzero(secret, sizeof(secret));
	return r < 0 ? err_wrap(e, r, "the state on %.*s stays locked", STR_FMT(s->partition)) : 0;
}

int open_recovery(struct work *s, const char *why, struct err *e)
{
	int r = open_asking(s, "Recovery key: ", why, e);

	if (r == 0)
		state_is(s, s->no_tpm || s->is_adopted ? "encrypted" : "encrypted-tpm",
			 str_z(s->a, str_printf(s->a, "opened with the recovery key: %s", why)));
	return r;
}

int open_attach(struct work *s, struct err *e)
{
	static const char options[] =
		"luks,tpm2-device=auto,tpm2-signature=" TPM_SIGNATURE ",headless=yes,tries=1";
	const char *const argv[] = { "systemd-cryptsetup",
				     "attach",
				     STATE_NAME,
				     state_device(s, s->partition),
				     "-",
				     options,
				     NULL };

	return run(s->a, argv, STR(""), 0, NULL, e);
}

int open_detach(struct work *s, struct err *e)
{
	static const char *const argv[] = { "systemd-cryptsetup", "detach", STATE_NAME, NULL };

	return run(s->a, argv, STR(""), 0, NULL, e);
}
