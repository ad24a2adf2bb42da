/* SPDX-License-Identifier: MIT */
#include "agent/init/state.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "agent/common/disks.h"
#include "agent/common/report.h"
#include "agent/common/run.h"
#include "agent/init/mounts.h"
#include "agent/init/state_luks.h"
#include "agent/init/state_work.h"
#include "base/io.h"
#include "disk/gpt.h"

/* Once the recovery key was shown. */
#define SHOWN STATE_DIR "/recovery-key-shown"

enum {
	FSCK_REPAIRED = 1, /* e2fsck(8): the status when errors were corrected */
};

static bool is_noexec(const struct work *s)
{
	return s->w->cmdline->words.execute_from == EXECUTE_ROOT;
}

void state_is(struct work *s, const char *what, const char *reason)
{
	s->w->status->state = what;
	s->w->status->state_reason = reason;
}

const char *state_device(struct work *s, struct str name)
{
	return str_z(s->a, str_printf(s->a, "/dev/%.*s", STR_FMT(name)));
}

static bool is_unfinished(const struct work *s)
{
	return state_is_unfinished(s->kind, s->w->cmdline->words.state_integrity,
				   s->anchor.being_made != 0);
}

static int head_read(struct work *s, struct err *e)
{
	const char *node = state_device(s, s->partition);
	_cleanup_close_ int fd = open(node, O_RDONLY | O_CLOEXEC);
	char *head = arena_alloc(s->a, STATE_HEAD_BYTES);
	ssize_t n = fd < 0 ? -1 : pread(fd, head, STATE_HEAD_BYTES, 0);
	int r;

	if (n < 0)
		return err_sys(e, "read '%s'", node);
	s->kind = state_kind((struct str){ head, (size_t)n });
	s->has_recovery_key = str_has((struct str){ head, (size_t)n }, "\"systemd-recovery\"");
	s->asks_pcr7 = state_luks_asks_pcr7(s->a, (struct str){ head, (size_t)n });
	if ((s->kind != STATE_LUKS && s->kind != STATE_LUKS_TPM) || is_unfinished(s))
		return 0;
	r = state_luks_check(s->a, (struct str){ head, (size_t)n },
			     s->w->cmdline->words.state_integrity, e);
	return r < 0 ? err_wrap(e, r, "the state on %.*s", STR_FMT(s->partition)) : 0;
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
			if (!str_eq(disk->name, s->w->disk) ||
			    memcmp(part->type, var, sizeof(var)) != 0)
				continue;
			s->partition = part->name;
			s->devno = part->devno;
			s->size_bytes = part->size_bytes;
			return head_read(s, e);
		}
	return 0;
}

static int load_modules(struct work *s, struct err *e)
{
	const char *const argv[] = { "modprobe",
				     "-a",
				     "loop",
				     "dm-crypt",
				     state_is_authenticated(s) ? "dm-integrity" : NULL,
				     NULL };

	return run(s->a, argv, STR(""), 0, NULL, e);
}

int state_repart(struct work *s, const char *definitions, const char *const *more, struct str input,
		 const char **ret_why, struct err *e)
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
	vec_push(s->a, &argv) = state_device(s, s->w->disk);
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

const char *state_pcrs(const struct work *s)
{
	return s->w->status->secure_boot ? "--tpm2-pcrs=7" : "--tpm2-pcrs=";
}

/* @reset: "yes" to make it again though it is there. */
static int repart_tpm(struct work *s, const char *reset, const char **ret_why, struct err *e)
{
	const char *const more[] = { "--tpm2-device=auto", state_pcrs(s), STATE_SIGNED_POLICY,
				     reset, NULL };

	if (state_is_authenticated(s))
		return integrity_create_tpm(s, reset, ret_why, e);
	return state_repart(s, "tpm", more, STR(""), ret_why, e);
}

static int create_tpm(struct work *s, const char **ret_why, struct err *e)
{
	const char *reset = is_unfinished(s) ? "--factory-reset=yes" : "--factory-reset=no";
	int r = own_begin(s, e);

	if (r == 0)
		r = repart_tpm(s, reset, ret_why, e);
	if (r == 0)
		anchor_cancel(&s->anchor);
	return r;
}

static int create_passphrase(struct work *s, const char **ret_why, struct err *e)
{
	static const char *const more[] = { "--key-file=" RUN_INPUT, NULL };
	char secret[ASK_SECRET_BYTES_MAX];
	struct str passphrase;
	int r;

	r = open_passphrase_new(s, secret, &passphrase, e);
	if (r == 0 && state_is_authenticated(s))
		r = integrity_create_passphrase(s, passphrase, ret_why, e);
	else if (r == 0)
		r = state_repart(s, "passphrase", more, passphrase, ret_why, e);
	if (r > 0 && (open_secret(s, passphrase, e) < 0 || own_table_check(s, e) < 0))
		r = -EIO;
	explicit_bzero(secret, sizeof(secret));
	return r;
}

/* 1 when it is made anew, and its TPM opened it. */
static int remake(struct work *s, struct err *e)
{
	const char *why;
	int r = open_detach(s, e);

	report(REPORT_INFO, "the first boot was cut: making the state partition again");
	if (r == 0)
		r = anchor_begin(&s->anchor, e);
	if (r == 0)
		r = repart_tpm(s, "--factory-reset=yes", &why, e);
	if (r == 0)
		r = err_set(e, -ENOSPC, "make the state partition again: %s", why);
	if (r > 0)
		r = open_attach(s, e);
	if (r == 0)
		r = own_new(s, e);
	return r < 0 ? r : 1;
}

/* 1 when the TPM opened it and it is ours, so that a recovery key can be made with its help. */
static int open_tpm(struct work *s, struct err *e)
{
	enum state_verdict verdict;
	int r = open_attach(s, e);

	if (r < 0) {
		report(REPORT_EMERG, "the TPM does not open the state on %.*s: %s",
		       STR_FMT(s->partition), e->msg);
		return open_recovery(s, "the TPM does not open it for what was booted", e);
	}
	r = own_look(s, true, &verdict, e);
	if (r < 0)
		return r;
	if (verdict == STATE_REMAKE)
		return remake(s, e);
	if (verdict == STATE_ASK) {
		r = open_detach(s, e);
		return r < 0 ? r
			     : open_recovery(s,
					     "the TPM opens it, but does not know it as this "
					     "machine's",
					     e);
	}
	own_settle(s, verdict, STR(""));
	return 1;
}

/* The journal is replayed, and what else a power cut left is set right, without questions. */
static int mount_var(struct work *s, const char *node, struct err *e)
{
	const char *const argv[] = { "e2fsck", "-p", node, NULL };
	unsigned long flags = MS_NOSUID | MS_NODEV | (is_noexec(s) ? MS_NOEXEC : 0);
	unsigned long before = state_is_authenticated(s) ? integrity_check_begin() : 0;
	int r = run(s->a, argv, STR(""), FSCK_REPAIRED, NULL, e);

	integrity_check_end(before);
	if (r < 0)
		return err_wrap(e, r, "check the state on %.*s%s", STR_FMT(s->partition),
				s->w->status->state_authenticated ? INTEGRITY_UNREADABLE : "");
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
	int r = dir_make(STATE_DIR, e);

	if (r == 0)
		r = file_write(SHOWN, 0600, "", 0, e);
	if (r < 0)
		return r;
	dir = open(STATE_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || syncfs(dir) < 0)
		return err_sys(e, "write '" SHOWN "' to the disk");
	return 0;
}

/* Until it was shown there is no key that anybody has, so one that a power cut left behind is
 * replaced. */
static int recovery_key(struct work *s, struct err *e)
{
	const char *const argv[] = { "systemd-cryptenroll",         "--unlock-tpm2-device=auto",
				     "--wipe-slot=recovery",        "--recovery-key",
				     state_device(s, s->partition), NULL };
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
	return state_repart(s, "plain", none, STR(""), ret_why, e);
}

/* What this boot made. */
static int open_new(struct work *s, struct err *e)
{
	int r = open_attach(s, e);

	if (r == 0)
		r = own_new(s, e);
	return r < 0 ? r : 1;
}

static int use_tpm(struct work *s, bool made, struct err *e)
{
	int by_tpm = made ? open_new(s, e) : open_tpm(s, e), r;

	if (by_tpm < 0)
		return by_tpm;
	r = mount_var(s, STATE_MAPPED, e);
	if (r < 0)
		return r;
	own_accept(s);
	if (by_tpm)
		state_is(s, "encrypted-tpm", "");
	if (s->is_adopted)
		s->w->status->state = "encrypted";
	return by_tpm ? recovery_key(s, e) : 0;
}

static int use_secret(struct work *s, enum state_action action, struct err *e)
{
	bool recovery = action == STATE_OPEN_RECOVERY;
	int r = 0;

	state_is(s, "encrypted-passphrase",
		 s->no_tpm ? s->no_tpm : "the machine has one, to which it is not bound");
	if (recovery)
		r = open_recovery(s, s->no_tpm, e);
	else if (action == STATE_OPEN_PASSPHRASE)
		r = open_asking(s, "Passphrase: ", NULL, e);
	return r == 0 ? mount_var(s, STATE_MAPPED, e) : r;
}

static int use_plain(struct work *s, struct err *e)
{
	state_is(s, "plain", s->no_tpm);
	return mount_var(s, state_device(s, s->partition), e);
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
		return use_tpm(s, action == STATE_CREATE_TPM, e);
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
	f.kind = is_unfinished(s) ? STATE_ABSENT : s->kind;
	f.partition = s->partition;
	return r < 0 ? r : state_plan(&f, ret, e);
}

static int make_or_open(struct work *s, struct err *e)
{
	bool is_kept = s->w->cmdline->words.state != STATE_MEMORY;
	enum state_action action;
	int r = is_kept ? own_start(s, e) : 0;

	if (r == 0)
		r = plan(s, &action, e);
	if (r == 0 && action == STATE_OPEN_PASSPHRASE)
		r = own_refuse_others(s, e);
	if (r < 0)
		return r;
	consoles_open(s->a, &s->consoles);
	r = act(s, action, e);
	consoles_close(&s->consoles);
	return r < 0 ? r : own_measure(s, e);
}

int state_mount(struct arena *a, const struct state_wish *w, struct err *e)
{
	struct work s = { .a = a,
			  .w = w,
			  .no_tpm = tpm_why_not(w->tpm),
			  .tpm = { .fd = -1 },
			  .volume = STATE_MAPPED,
			  .dir = STATE_DIR };
	int r = make_or_open(&s, e);

	own_done(&s);
	if (r == 0)
		tell(&s);
	return r;
}
