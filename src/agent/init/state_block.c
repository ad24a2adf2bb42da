/* SPDX-License-Identifier: MIT */
#include "agent/init/state_block.h"

#include <assert.h>
#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/io.h"
#include "base/rd.h"

enum { MAGIC_BYTES = 16, VERSION = 1 };

static const char magic[MAGIC_BYTES] = "ashlar-state";

bool state_block_parse(struct str bytes, struct state_block *ret)
{
	struct rd r = { (const uint8_t *)bytes.p, bytes.n, 0, false };
	struct str said = rd_str(&r, MAGIC_BYTES), secret;
	uint32_t version = rd_le32(&r);
	uint64_t generation;

	(void)rd_le32(&r);
	generation = rd_le64(&r);
	secret = rd_str(&r, STATE_SECRET_BYTES);
	if (r.bad || memcmp(said.p, magic, MAGIC_BYTES) != 0 || version != VERSION)
		return false;
	ret->generation = generation;
	memcpy(ret->secret, secret.p, secret.n);
	return true;
}

void state_block_format(const struct state_block *b, uint8_t ret[STATE_BLOCK_BYTES])
{
	struct {
		char magic[MAGIC_BYTES];
		uint32_t version, zero;
		uint64_t generation;
		uint8_t secret[STATE_SECRET_BYTES];
	} disk = { .version = htole32(VERSION), .generation = htole64(b->generation) };

	static_assert(sizeof(disk) == 64, "state_block: it has no holes");
	memcpy(disk.magic, magic, sizeof(magic));
	memcpy(disk.secret, b->secret, sizeof(disk.secret));
	memset(ret, 0, STATE_BLOCK_BYTES);
	memcpy(ret, &disk, sizeof(disk));
	explicit_bzero(&disk, sizeof(disk));
}

int state_block_read(const char *node, struct state_block *ret, struct err *e)
{
	_cleanup_close_ int fd = open(node, O_RDONLY | O_CLOEXEC);
	char bytes[STATE_BLOCK_BYTES];
	ssize_t n = fd < 0 ? -1 : pread(fd, bytes, sizeof(bytes), 0);
	int found;

	if (n < 0)
		return err_sys(e, "read '%s'", node);
	found = state_block_parse((struct str){ bytes, (size_t)n }, ret);
	explicit_bzero(bytes, sizeof(bytes));
	return found;
}

int state_block_write(const char *node, const struct state_block *b, struct err *e)
{
	_cleanup_close_ int fd = open(node, O_WRONLY | O_CLOEXEC);
	uint8_t bytes[STATE_BLOCK_BYTES];
	int r;

	if (fd < 0)
		return err_sys(e, "open '%s'", node);
	state_block_format(b, bytes);
	r = fd_pwrite(fd, bytes, sizeof(bytes), 0, node, e);
	explicit_bzero(bytes, sizeof(bytes));
	if (r == 0 && fsync(fd) < 0)
		r = err_sys(e, "write '%s' to the disk", node);
	return r;
}

int state_block_new(struct state_block *ret, struct err *e)
{
	*ret = (struct state_block){ 0 };
	if (getrandom(ret->secret, sizeof(ret->secret), 0) != sizeof(ret->secret))
		return err_sys(e, "get random bytes");
	return 0;
}
