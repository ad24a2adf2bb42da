/* SPDX-License-Identifier: MIT */
#include "agent/init/state.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "agent/common/disks.h"
#include "agent/common/report.h"
#include "agent/common/run.h"
#include "agent/init/ask.h"
#include "agent/init/mounts.h"
#include "agent/init/state_plan.h"
#include "base/io.h"
#include "disk/gpt.h"

#define NAME   "state"
#define MAPPED "/dev/mapper/" NAME
/* Once the recovery key was shown; inside, so that it comes and goes with what it opens. */
#define SHOWN_DIR "/var/lib/ashlar"
#define SHOWN     SHOWN_DIR "/recovery-key-shown"

enum {
	TRIES = 3,
	PASSPHRASE_BYTES_MIN = 8,
	FSCK_REPAIRED = 1, /* e2fsck(8): the status when errors were corrected */
};

struct work {
	struct arena *a;
	const struct state_wish *w;
	struct consoles consoles;
	struct str partition; /* "vda5" */
	enum state_kind kind;
	const char *no_tpm;
};

static bool is_noexec(const struct work *s)
{
	return s->w->cmdline->words.execute_from == EXECUTE_ROOT;
}

static void state_is(struct work *s, const char *what, const char *reason)
{
	s->w->status->state = what;
	s->w->status->state_reason = reason;
}

static const char *device(struct work *s, struct str name)
{
	return str_z(s->a, str_printf(s->a, "/dev/%.*s", STR_FMT(name)));
}

static int head_read(struct work *s, struct err *e)
{
	const char *node = device(s, s->partition);
	_cleanup_close_ int fd = open(node, O_RDONLY | O_CLOEXEC);
	char *head = arena_alloc(s->a, STATE_HEAD_BYTES);
	ssize_t n = fd < 0 ? -1 : pread(fd, head, STATE_HEAD_BYTES, 0);

	if (n < 0)
		return err_sys(e, "read '%s'", node);
	s->kind = state_kind((struct str){ head, (size_t)n });
	return 0;
}

/* Only on the root's own disk: state on another one may be another machine's. By the type in the
 * table, as systemd-repart finds it. */
static int partition_find(struct work *s, struct err *e)
{
	uint8_t var[16];
	vec_disk disks;
	int r;

	s->kind = STATE_ABSENT;
	gpt_type_uuid(GPT_TYPE_VAR, NULL, var);
	r = disks_scan(s->a, "/sys", "/dev", &disks, e);
	if (r < 0)
		return r;
	vec_each(disk, &disks)
		vec_each(part, &disk->parts) {
			if (!str_eq(disk->name, s->w->disk) || memcmp(part->type, var, sizeof(var)))
				continue;
			s->partition = part->name;
			return head_read(s, e);
		}
	return 0;
}

static int load_modules(struct work *s, struct err *e)
{
	static const char *const argv[] = { "modprobe", "-a", "loop", "dm-crypt", NULL };

	return run(s->a, argv, STR(""), 0, NULL, e);
}

/* 1 when made, 0 when there is no room for it; then nothing has changed, and *ret_why says so. */
static int repart(struct work *s, const char *definitions, const char *const *more,
		  struct str input, const char **ret_why, struct err *e)
{
	VEC(const char *) argv = { 0 };
	int r;

	vec_push(s->a, &argv) = "systemd-repart";
	vec_push(s->a, &argv) = "--dry-run=no";
	vec_push(s->a, &argv) = "--seed=random"; /* not from a machine id: that is state */
	vec_push(s->a, &argv) =
		str_z(s->a,
		      str_printf(s->a, "--definitions=" STATE_DEFINITIONS "/%s", definitions));
	for (; *more; more++)
		vec_push(s->a, &argv) = *more;
	vec_push(s->a, &argv) = device(s, s->w->disk);
	vec_push(s->a, &argv) = NULL;
	r = run(s->a, argv.p, input, 0, NULL, e);
	/* It has no status of its own for that, nor JSON; but its messages are in no language but
	 * this, and any boot on a disk without room would show that the words are others now. */
	if (r < 0 && str_has(str_c(e->msg), "Can't fit")) {
		*ret_why = str_z(s->a, str_printf(s->a, "the disk %.*s has no room for it",
						  STR_FMT(s->w->disk)));
		return 0;
	}
	if (r < 0)
		return err_wrap(e, r, "make the state partition on %.*s", STR_FMT(s->w->disk));
	r = partition_find(s, e);
	if (r == 0 && s->kind == STATE_ABSENT)
		r = err_set(e, -ENODEV, "systemd-repart made no partition for state on %.*s",
			    STR_FMT(s->w->disk));
	return r < 0 ? r : 1;
}

/* To whatever values of PCR 11 the key signs that the running UKI came with: the next image's, too.
 * Anybody's own system can put the same values there, so where Secure Boot is on the key is bound
 * to that as well: PCR 7 changes when it is switched off or gets other keys, not with an image. */
static const char *pcrs(const struct work *s)
{
	return s->w->status->secure_boot ? "--tpm2-pcrs=7" : "--tpm2-pcrs=";
}

#define SIGNED_POLICY "--tpm2-public-key=" TPM_PUBLIC_KEY, "--tpm2-public-key-pcrs=11"

static int create_tpm(struct work *s, const char **ret_why, struct err *e)
{
	const char *const more[] = { "--tpm2-device=auto", pcrs(s), SIGNED_POLICY, NULL };

	return repart(s, "tpm", more, STR(""), ret_why, e);
}

static int ask(struct work *s, const char *prompt, char secret[ASK_SECRET_BYTES_MAX],
	       struct str *ret, struct err *e)
{
	return consoles_ask(&s->consoles, str_c(prompt), s->w->ask_sec, secret, ret, e);
}

/* Asks until the same one is typed twice. */
static int new_passphrase(struct work *s, char secret[ASK_SECRET_BYTES_MAX], struct str *ret,
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

static int open_secret(struct work *s, struct str secret, struct err *e)
{
	const char *const argv[] = {
		"systemd-cryptsetup",        "attach", NAME, device(s, s->partition), RUN_INPUT,
		"luks,headless=yes,tries=1", NULL
	};

	return run(s->a, argv, secret, 0, NULL, e);
}

static int create_passphrase(struct work *s, const char **ret_why, struct err *e)
{
	static const char *const more[] = { "--key-file=" RUN_INPUT, NULL };
	char secret[ASK_SECRET_BYTES_MAX];
	struct str passphrase;
	int r;

	r = new_passphrase(s, secret, &passphrase, e);
	if (r == 0)
		r = repart(s, "passphrase", more, passphrase, ret_why, e);
	if (r > 0 && open_secret(s, passphrase, e) < 0)
		r = -EIO;
	explicit_bzero(secret, sizeof(secret));
	return r;
}

/* Whoever has the recovery key has been asked for it because the TPM or the keys of Secure Boot are
 * new: without this, every boot would ask. */
static void bind_again(struct work *s, struct str secret)
{
	const char *node = device(s, s->partition);
	/* Alone, and first: a policy that is there already is not enrolled again, even when the TPM
	 * is another one. The recovery key's token keeps a state that was cut here one of a TPM. */
	const char *const wipe[] = { "systemd-cryptenroll", "--wipe-slot=tpm2", node, NULL };
	const char *const bind[] = { "systemd-cryptenroll",
				     "--unlock-key-file=" RUN_INPUT,
				     "--tpm2-device=auto",
				     pcrs(s),
				     SIGNED_POLICY,
				     node,
				     NULL };
	struct err e;
	int r;

	r = run(s->a, wipe, STR(""), 0, NULL, &e);
	if (r == 0)
		r = run(s->a, bind, secret, 0, NULL, &e);
	if (r < 0)
		report(REPORT_WARNING, "the state is not bound to the TPM again: %s", e.msg);
}

static int open_asking(struct work *s, const char *prompt, const char *why, bool bind,
		       struct err *e)
{
	char secret[ASK_SECRET_BYTES_MAX];
	struct str typed;
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
		else if (bind)
			bind_again(s, typed);
		explicit_bzero((char *)typed.p, typed.n);
	}
	explicit_bzero(secret, sizeof(secret));
	return r < 0 ? err_wrap(e, r, "the state on %.*s stays locked", STR_FMT(s->partition)) : 0;
}

/* Bound again only under Secure Boot, which vouches for what asks. */
static int open_recovery(struct work *s, const char *why, struct err *e)
{
	bool bind = !s->no_tpm && s->w->status->secure_boot;
	int r = open_asking(s, "Recovery key: ", why, bind, e);

	if (r == 0)
		state_is(s, "encrypted-tpm",
			 str_z(s->a, str_printf(s->a, "opened with the recovery key: %s", why)));
	return r;
}

/* 1 when the TPM did it, so that a recovery key can be made with its help. */
static int open_tpm(struct work *s, struct err *e)
{
	const char *const argv[] = { "systemd-cryptsetup",
				     "attach",
				     NAME,
				     device(s, s->partition),
				     "-",
				     "luks,tpm2-device=auto,tpm2-signature=" TPM_SIGNATURE
				     ",headless=yes,tries=1",
				     NULL };
	int r = run(s->a, argv, STR(""), 0, NULL, e);

	if (r == 0)
		return 1;
	report(REPORT_EMERG, "the TPM does not open the state on %.*s: %s", STR_FMT(s->partition),
	       e->msg);
	return open_recovery(s, "the TPM does not open it for what was booted", e);
}

/* The journal is replayed, and what else a power cut left is set right, without questions. */
static int mount_var(struct work *s, const char *node, struct err *e)
{
	const char *const argv[] = { "e2fsck", "-p", node, NULL };
	unsigned long flags = MS_NOSUID | MS_NODEV | (is_noexec(s) ? MS_NOEXEC : 0);
	int r = run(s->a, argv, STR(""), FSCK_REPAIRED, NULL, e);

	if (r < 0)
		return err_wrap(e, r, "check the state on %.*s", STR_FMT(s->partition));
	if (mount(node, "/var", "ext4", flags, NULL) < 0)
		return err_sys(e, "mount the state on %.*s at '/var'", STR_FMT(s->partition));
	return 0;
}

static int mount_memory(struct work *s, const char *why, struct err *e)
{
	state_is(s, "memory", why);
	return mounts_memory(is_noexec(s), e);
}

static void recovery_key_say(struct work *s, struct str key)
{
	struct str text = str_printf(
		s->a,
		"\r\nThe state of this machine is encrypted to its TPM. Should the TPM ever not open "
		"it, this recovery key does.\r\nWrite it down now: it is not shown again.\r\n\r\n"
		"    %.*s\r\n\r\n",
		STR_FMT(key));

	consoles_say(&s->consoles, text);
	explicit_bzero((char *)text.p, text.n);
}

/* Before anything else is done with it: a boot that does not find this makes another recovery key,
 * and the one that somebody wrote down opens nothing any more. */
static int shown_note(struct err *e)
{
	_cleanup_close_ int dir = -1;
	int r = dir_make(SHOWN_DIR, e);

	if (r == 0)
		r = file_write(SHOWN, 0600, "", 0, e);
	if (r < 0)
		return r;
	dir = open(SHOWN_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || syncfs(dir) < 0)
		return err_sys(e, "write '" SHOWN "' to the disk");
	return 0;
}

/* Until it was shown there is no key that anybody has, so one that a power cut left behind is
 * replaced. */
static int recovery_key(struct work *s, struct err *e)
{
	const char *const argv[] = { "systemd-cryptenroll",   "--unlock-tpm2-device=auto",
				     "--wipe-slot=recovery",  "--recovery-key",
				     device(s, s->partition), NULL };
	struct str key;
	int r;

	if (s->w->cmdline->words.recovery_key == RECOVERY_KEY_NONE || file_exists(SHOWN))
		return 0;
	r = run(s->a, argv, STR(""), 0, &key, e);
	if (r < 0)
		return err_wrap(e, r, "make the recovery key of the state");
	recovery_key_say(s, str_trim(key));
	explicit_bzero((char *)key.p, key.n);
	return shown_note(e);
}

/* Makes the partition and opens what has to be opened: 1 done, 0 no room. */
static int create(struct work *s, enum state_action action, const char **ret_why, struct err *e)
{
	static const char *const none[] = { NULL };

	report(REPORT_INFO, "first boot: making the state partition on %.*s", STR_FMT(s->w->disk));
	if (action == STATE_CREATE_TPM)
		return create_tpm(s, ret_why, e);
	if (action == STATE_CREATE_PASSPHRASE)
		return create_passphrase(s, ret_why, e);
	return repart(s, "plain", none, STR(""), ret_why, e);
}

static int use_tpm(struct work *s, struct err *e)
{
	int by_tpm = open_tpm(s, e), r;

	if (by_tpm < 0)
		return by_tpm;
	if (by_tpm)
		state_is(s, "encrypted-tpm", "");
	r = mount_var(s, MAPPED, e);
	return r == 0 && by_tpm ? recovery_key(s, e) : r;
}

static int use_secret(struct work *s, enum state_action action, struct err *e)
{
	bool recovery = action == STATE_OPEN_RECOVERY;
	int r = 0;

	state_is(s, "encrypted-passphrase", s->no_tpm ? s->no_tpm : "");
	if (recovery)
		r = open_recovery(s, s->no_tpm, e);
	else if (action == STATE_OPEN_PASSPHRASE)
		r = open_asking(s, "Passphrase: ", NULL, false, e);
	return r == 0 ? mount_var(s, MAPPED, e) : r;
}

static int use_plain(struct work *s, struct err *e)
{
	state_is(s, "plain", s->no_tpm);
	return mount_var(s, device(s, s->partition), e);
}

static int act(struct work *s, enum state_action action, struct err *e)
{
	const char *why = "";
	int r = 1;

	if (action == STATE_USE_MEMORY)
		return mount_memory(s, "", e);
	r = load_modules(s, e);
	if (r < 0)
		return r;
	if (action <= STATE_CREATE_PLAIN) {
		r = create(s, action, &why, e);
		if (r <= 0)
			return r < 0 ? r : mount_memory(s, why, e);
	}
	switch (action) {
	case STATE_CREATE_TPM:
	case STATE_OPEN_TPM:
		return use_tpm(s, e);
	case STATE_CREATE_PLAIN:
	case STATE_OPEN_PLAIN:
		return use_plain(s, e);
	default:
		return use_secret(s, action, e);
	}
}

/* Memory is what the image may want; the others it takes for want of better. */
static void tell(struct work *s)
{
	struct boot_status *status = s->w->status;

	if (s->w->cmdline->words.state == STATE_MEMORY)
		return;
	if (!strcmp(status->state, "memory"))
		boot_status_missing(s->a, status,
				    "state is kept in memory, until the machine stops: %s",
				    status->state_reason);
	else if (!strcmp(status->state, "plain"))
		boot_status_missing(s->a, status, "state is not encrypted: %s",
				    status->state_reason);
	else if (*status->state_reason)
		boot_status_missing(s->a, status, "state is not opened by a TPM: %s",
				    status->state_reason);
}

static int plan(struct work *s, enum state_action *ret, struct err *e)
{
	struct state_facts f = { .state = s->w->cmdline->words.state,
				 .without_tpm = s->w->cmdline->words.without_tpm };
	int r = 0;

	if (f.state != STATE_MEMORY)
		r = partition_find(s, e);
	f.no_tpm = s->no_tpm;
	f.kind = s->kind;
	f.partition = s->partition;
	return r < 0 ? r : state_plan(&f, ret, e);
}

int state_mount(struct arena *a, const struct state_wish *w, struct err *e)
{
	struct work s = { .a = a, .w = w, .no_tpm = tpm_why_not(w->tpm) };
	enum state_action action;
	int r;

	r = plan(&s, &action, e);
	if (r < 0)
		return r;
	consoles_open(a, &s.consoles);
	r = act(&s, action, e);
	consoles_close(&s.consoles);
	if (r == 0)
		tell(&s);
	return r;
}
