/* SPDX-License-Identifier: MIT */
/* State whose blocks are authenticated: LUKS2's own mode, dm-crypt above dm-integrity (LUKS2
 * On-Disk Format 1.1.3, 3.3; Documentation/admin-guide/device-mapper/dm-integrity). Each block of
 * 4096 bytes has an HMAC of it and of its place, so that what somebody else wrote to the disk
 * cannot be read, and what nobody has written neither. docs/decisions/0030-state-integrity.md */
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <unistd.h>

#include "agent/common/run.h"
#include "agent/init/state_work.h"
#include "base/io.h"

enum {
	KEY_BYTES = 32,
	BLOCK_BYTES = 4096,
	GROUP_BYTES = 128 << 20, /* of ext4: 8 * BLOCK_BYTES blocks */
	/* Who looks for file systems, partition tables and arrays reads at the ends of a device;
	 * the furthest that libblkid goes are 4 MiB from the begin and 1.5 from the end. */
	ENDS_BYTES = 8 << 20,
};

/* The only key of the volume while it is made. */
static int key_new(char ret[2 * KEY_BYTES], struct err *e)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t bytes[KEY_BYTES];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return err_sys(e, "get random bytes");
	for (size_t i = 0; i < sizeof(bytes); i++) {
		ret[2 * i] = digits[bytes[i] >> 4];
		ret[2 * i + 1] = digits[bytes[i] & 15];
	}
	explicit_bzero(bytes, sizeof(bytes));
	return 0;
}

#define FORMAT                                                                                  \
	"cryptsetup", "luksFormat", "--batch-mode", "--type=luks2", "--cipher=aes-xts-plain64", \
		"--key-size=512", "--integrity=hmac-sha256", "--integrity-no-wipe",             \
		"--sector-size=4096", "--key-file=-"

/* @is_typed: people chose the secret, so guessing it has to be slow. Nobody guesses 256 random
 * bits.
 */
static int format(struct work *s, struct str secret, bool is_typed, struct err *e)
{
	const char *node = state_device(s, s->partition);
	const char *const slow[] = { FORMAT, node, NULL };
	const char *const quick[] = { FORMAT, "--pbkdf=pbkdf2", "--pbkdf-force-iterations=1000",
				      node, NULL };

	return run(s->a, is_typed ? slow : quick, secret, 0, NULL, e);
}

static int zero(int fd, uint64_t from, uint64_t to, struct err *e)
{
	static const uint8_t zeroes[BLOCK_BYTES];
	int r = 0;

	for (; r == 0 && from < to; from += BLOCK_BYTES)
		r = fd_pwrite(fd, zeroes, BLOCK_BYTES, from, STATE_MAPPED, e);
	return r;
}

/* To write all of it would take hours. What is written here is read before mke2fs or anybody else
 * writes it, or written in part: the ends, and the first block of each group, where mke2fs puts a
 * superblock of 1024 bytes. */
static int zero_needed(int fd, struct err *e)
{
	off_t end = lseek(fd, 0, SEEK_END);
	uint64_t size = end < 0 ? 0 : (uint64_t)end / BLOCK_BYTES * BLOCK_BYTES;
	int r;

	if (size < 2 * ENDS_BYTES)
		return err_set(e, -ENOSPC, "%llu bytes are too few", (unsigned long long)size);
	r = zero(fd, 0, ENDS_BYTES, e);
	for (uint64_t at = GROUP_BYTES; r == 0 && at < size; at += GROUP_BYTES)
		r = zero(fd, at, at + BLOCK_BYTES, e);
	if (r == 0)
		r = zero(fd, size - ENDS_BYTES, size, e);
	if (r == 0 && fsync(fd) < 0)
		r = err_sys(e, "write '" STATE_MAPPED "' to the disk");
	return r;
}

/* As systemd-repart would make it, but that mke2fs writes all tables of inodes and the journal: the
 * kernel would do it later, and could meanwhile read ahead what is not yet there. */
static int fill(struct work *s, struct err *e)
{
	static const char *const argv[] = { "mke2fs",
					    "-q",
					    "-t",
					    "ext4",
					    "-L",
					    "state",
					    "-b",
					    "4096",
					    "-I",
					    "256",
					    "-m",
					    "0",
					    "-E",
					    "nodiscard,lazy_itable_init=0,"
					    "lazy_journal_init=0",
					    STATE_MAPPED,
					    NULL };
	_cleanup_close_ int fd = open(STATE_MAPPED, O_WRONLY | O_CLOEXEC);
	int r = fd < 0 ? err_sys(e, "open '" STATE_MAPPED "'") : zero_needed(fd, e);

	return r < 0 ? r : run(s->a, argv, STR(""), 0, NULL, e);
}

/* The key that made it goes, as its slot is no TPM's. */
static int bind(struct work *s, struct str secret, struct err *e)
{
	const char *const argv[] = { "systemd-cryptenroll",         "--unlock-key-file=" RUN_INPUT,
				     "--tpm2-device=auto",          state_pcrs(s),
				     STATE_SIGNED_POLICY,           "--wipe-slot=password",
				     state_device(s, s->partition), NULL };

	return run(s->a, argv, secret, 0, NULL, e);
}

static int make(struct work *s, struct str secret, bool is_typed, struct err *e)
{
	int r = format(s, secret, is_typed, e);

	if (r == 0)
		r = open_secret(s, secret, e);
	if (r == 0)
		r = fill(s, e);
	if (r == 0)
		r = open_detach(s, e);
	if (r == 0 && !is_typed)
		r = bind(s, secret, e);
	return r < 0 ? err_wrap(e, r, "make the authenticated state on %.*s", STR_FMT(s->partition))
		     : 1;
}

int integrity_create_tpm(struct work *s, const char *reset, const char **ret_why, struct err *e)
{
	const char *const more[] = { reset, NULL };
	char key[2 * KEY_BYTES];
	int r = key_new(key, e);

	if (r == 0)
		r = state_repart(s, "integrity", more, STR(""), ret_why, e);
	if (r > 0)
		r = make(s, (struct str){ key, sizeof(key) }, false, e);
	explicit_bzero(key, sizeof(key));
	return r;
}

int integrity_create_passphrase(struct work *s, struct str passphrase, const char **ret_why,
				struct err *e)
{
	static const char *const none[] = { NULL };
	int r = state_repart(s, "integrity", none, STR(""), ret_why, e);

	return r > 0 ? make(s, passphrase, true, e) : r;
}

unsigned long integrity_check_begin(void)
{
	_cleanup_close_ int fd = open(STATE_MAPPED, O_RDONLY | O_CLOEXEC);
	long before = 0;

	if (fd < 0 || ioctl(fd, BLKRAGET, &before) < 0 || before < 0)
		return 0;
	return ioctl(fd, BLKRASET, 0UL) < 0 ? 0 : (unsigned long)before;
}

void integrity_check_end(unsigned long before)
{
	_cleanup_close_ int fd = before > 0 ? open(STATE_MAPPED, O_RDONLY | O_CLOEXEC) : -1;

	if (fd >= 0)
		(void)!ioctl(fd, BLKRASET, before);
}
