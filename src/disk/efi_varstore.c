/* SPDX-License-Identifier: MIT */
#include "disk/efi_varstore.h"

#include <time.h>

#include "base/rd.h"
#include "base/uuid.h"
#include "disk/gpt.h"

/* PI 1.8, volume 3, 3.2.1 (firmware volume header) and EDK II,
 * MdeModulePkg/Include/Guid/VariableFormat.h (store, variables). All numbers are little-endian. */
enum {
	VOLUME_LENGTH_OFFSET = 32,
	VOLUME_HEADER_LENGTH_OFFSET = 48,
	VOLUME_HEADER_BYTES_MIN = 56,
	STORE_HEADER_BYTES = 28,
	STORE_FORMATTED = 0x5a,
	STORE_HEALTHY = 0xfe,
	VARIABLE_START = 0x55aa,
	VARIABLE_HEADER_BYTES = 60,
	VARIABLE_ALIGN_BYTES = 4,
	NAME_CHARS_MAX = 1024,
	YEAR_BASE = 1900, /* of struct tm */

	/* What the firmware of QEMU's "virt" machine makes of a blank flash: EDK II,
	 * ArmVirtPkg/VarStore.fdf.inc. */
	BLANK_BLOCK_BYTES = 0x40000,
	BLANK_STORE_BYTES = BLANK_BLOCK_BYTES,
	BLANK_VOLUME_BYTES = 3 * BLANK_BLOCK_BYTES, /* with two for fault-tolerant writes */
	BLANK_HEADER_BYTES = 72,
	BLANK_ATTRIBUTES = 0x00000e36,
	VOLUME_REVISION = 2,

	/* Flash bits are only ever cleared: each step of a variable's life clears one more. */
	STATE_ADDED = 0x3f,
	STATE_IN_DELETED_TRANSITION = 0x3e, /* a newer one is being written */
};

#define ERASED UINT32_MAX /* as flash reads where nothing was written */

static const uint8_t volume_guid[16] = { 0xff, 0xf1, 0x2b, 0x8d, 0x76, 0x96, 0x4c, 0x8b,
					 0xa9, 0x85, 0x27, 0x47, 0x07, 0x5b, 0x4f, 0x50 };
static const uint8_t store_guid[16] = { 0xaa, 0xf3, 0x2c, 0x78, 0x94, 0x7b, 0x43, 0x9a,
					0xa1, 0x80, 0x2e, 0x14, 0x4e, 0xc3, 0x77, 0x92 };

/* Where things stand in the flash image. */
struct store {
	size_t start, end; /* of the room for variables */
	size_t free;       /* behind the last one */
};

static bool guid_next_is(struct rd *r, const uint8_t guid[16])
{
	const uint8_t *p = rd_bytes(r, 16);
	uint8_t text[16];

	if (p)
		uuid_swap(p, text);
	return p && memcmp(text, guid, 16) == 0;
}

/* Of all 16-bit words; zero for a volume's header. An odd byte at the end makes it wrong. */
static uint16_t words_sum(const uint8_t *p, size_t n)
{
	struct rd r = { p, n, 0, false };
	uint16_t sum = 0;

	while (r.pos < n && !r.bad)
		sum = (uint16_t)(sum + rd_le16(&r));
	return r.bad ? 1 : sum;
}

static int volume_read(struct rd *r, size_t *ret_header_bytes, struct err *e)
{
	uint64_t length;
	bool known;

	rd_seek(r, 16);
	known = guid_next_is(r, volume_guid);
	rd_seek(r, VOLUME_LENGTH_OFFSET);
	length = rd_le64(r);
	known = known && str_eqz(rd_str(r, 4), "_FVH");
	rd_seek(r, VOLUME_HEADER_LENGTH_OFFSET);
	*ret_header_bytes = rd_le16(r);
	if (r->bad || !known)
		return err_set(e, -EBADMSG, "no flash image with EFI variables");
	if (length > r->n || *ret_header_bytes < VOLUME_HEADER_BYTES_MIN ||
	    *ret_header_bytes > length || words_sum(r->p, *ret_header_bytes) != 0)
		return err_set(e, -EBADMSG, "the header of the firmware volume is damaged");
	return 0;
}

static int store_find(struct str flash, struct store *ret, struct err *e)
{
	struct rd r = { (const uint8_t *)flash.p, flash.n, 0, false };
	size_t header_bytes;
	uint32_t size;
	bool known;
	int code = volume_read(&r, &header_bytes, e);

	if (code < 0)
		return code;
	rd_seek(&r, header_bytes);
	known = guid_next_is(&r, store_guid);
	size = rd_le32(&r);
	if (r.bad || !known)
		return err_set(e, -EBADMSG,
			       "the firmware volume holds no store of authenticated variables");
	if (rd_u8(&r) != STORE_FORMATTED || rd_u8(&r) != STORE_HEALTHY)
		return err_set(e, -EBADMSG, "the variable store is not formatted, or damaged");
	if (size < STORE_HEADER_BYTES || size > flash.n - header_bytes)
		return err_set(e, -EBADMSG,
			       "a variable store of %u bytes is not in the flash image", size);
	ret->start = header_bytes + STORE_HEADER_BYTES;
	ret->end = header_bytes + size;
	return 0;
}

static int name_read(struct arena *a, struct rd *r, uint32_t size, struct str *ret, struct err *e)
{
	struct buf b = { .a = a };
	size_t at = r->pos;

	if (size > 2 * NAME_CHARS_MAX)
		return err_set(e, -EBADMSG, "its name has %u bytes; at most %d are taken", size,
			       2 * NAME_CHARS_MAX);
	for (uint16_t c; r->pos - at + 2 <= size && !r->bad && (c = rd_le16(r)) != 0;) {
		if (c < ' ' || c > '~')
			return err_set(e, -EBADMSG, "its name is not printable ASCII");
		buf_u8(&b, (uint8_t)c);
	}
	if (r->bad || b.v.n == 0)
		return err_set(e, -EBADMSG, "it has no name");
	rd_seek(r, at + size);
	*ret = (struct str){ (char *)b.v.p, b.v.n };
	return 0;
}

/* EFI_TIME (UEFI 2.10, 8.3), whose zone is UTC here (8.2.2 wants it so). 0 for what is none. */
static uint64_t time_read(struct rd *r)
{
	struct tm tm = { 0 };
	time_t t;

	tm.tm_year = rd_le16(r) - YEAR_BASE;
	tm.tm_mon = rd_u8(r) - 1;
	tm.tm_mday = rd_u8(r);
	tm.tm_hour = rd_u8(r);
	tm.tm_min = rd_u8(r);
	tm.tm_sec = rd_u8(r);
	rd_bytes(r, 9); /* pad, nanosecond, zone, daylight, pad */
	t = timegm(&tm);
	return t < 0 ? 0 : (uint64_t)t;
}

void efi_time_put(struct buf *b, const struct tm *tm)
{
	buf_le16(b, (uint16_t)(tm->tm_year + YEAR_BASE));
	buf_u8(b, (uint8_t)(tm->tm_mon + 1));
	buf_u8(b, (uint8_t)tm->tm_mday);
	buf_u8(b, (uint8_t)tm->tm_hour);
	buf_u8(b, (uint8_t)tm->tm_min);
	buf_u8(b, (uint8_t)tm->tm_sec);
	buf_zero(b, 9);
}

static int time_put(struct buf *b, uint64_t time_sec, struct err *e)
{
	time_t t = (time_t)time_sec;
	struct tm tm;

	if (time_sec == 0) {
		buf_zero(b, 16);
		return 0;
	}
	if (time_sec > INT64_MAX || !gmtime_r(&t, &tm) || tm.tm_year > UINT16_MAX - YEAR_BASE)
		return err_set(e, -EINVAL, "second %llu is beyond what EFI can say",
			       (unsigned long long)time_sec);
	efi_time_put(b, &tm);
	return 0;
}

/* One variable at the cursor, whatever its state; *ret_state says what it is worth. */
static int variable_read(struct arena *a, struct rd *r, struct efi_variable *ret,
			 uint8_t *ret_state, struct err *e)
{
	uint32_t name_bytes, data_bytes;
	const uint8_t *guid;

	rd_le16(r);
	*ret_state = rd_u8(r);
	rd_u8(r);
	ret->attributes = rd_le32(r);
	rd_le64(r); /* the count of an older kind of authenticated write */
	ret->time_sec = time_read(r);
	rd_le32(r);
	name_bytes = rd_le32(r);
	data_bytes = rd_le32(r);
	guid = rd_bytes(r, 16);
	if (guid)
		uuid_swap(guid, ret->guid);
	/* power went while the header was being written: nothing follows it */
	if (name_bytes == ERASED || data_bytes == ERASED)
		return 0;
	if (r->bad || name_bytes > r->n - r->pos || data_bytes > r->n - r->pos - name_bytes)
		return err_set(e, -EBADMSG, "it leaves the store");
	if (*ret_state != STATE_ADDED && *ret_state != STATE_IN_DELETED_TRANSITION) {
		rd_bytes(r, name_bytes + data_bytes);
		return 0;
	}
	if (name_read(a, r, name_bytes, &ret->name, e) < 0)
		return -EBADMSG;
	ret->data = rd_str(r, data_bytes);
	return 0;
}

static void guid_put(struct buf *b, const uint8_t text[16])
{
	uint8_t guid[16];

	uuid_swap(text, guid);
	buf_put(b, guid, sizeof(guid));
}

/* Distributions ship AArch64's flash all zeroes, and the firmware formats it: done here, as
 * variables are wanted in it before. */
static struct str format_blank(struct arena *a, struct str flash)
{
	struct buf b = { .a = a };
	uint16_t sum;

	if (flash.n < BLANK_VOLUME_BYTES)
		return flash;
	for (size_t i = 0; i < BLANK_VOLUME_BYTES; i++)
		if (flash.p[i] != 0)
			return flash;
	buf_zero(&b, 16);
	guid_put(&b, volume_guid);
	buf_le64(&b, BLANK_VOLUME_BYTES);
	buf_put(&b, "_FVH", 4);
	buf_le32(&b, BLANK_ATTRIBUTES);
	buf_le16(&b, BLANK_HEADER_BYTES);
	buf_zero(&b, 5); /* checksum, no extended header, reserved */
	buf_u8(&b, VOLUME_REVISION);
	buf_le32(&b, (uint32_t)(flash.n / BLANK_BLOCK_BYTES));
	buf_le32(&b, BLANK_BLOCK_BYTES);
	buf_zero(&b, 8);
	sum = words_sum(b.v.p, b.v.n);
	b.v.p[VOLUME_HEADER_LENGTH_OFFSET + 2] = (uint8_t)-sum;
	b.v.p[VOLUME_HEADER_LENGTH_OFFSET + 3] = (uint8_t)(-sum >> 8);
	guid_put(&b, store_guid);
	buf_le32(&b, BLANK_STORE_BYTES - BLANK_HEADER_BYTES);
	buf_u8(&b, STORE_FORMATTED);
	buf_u8(&b, STORE_HEALTHY);
	buf_zero(&b, 6);
	while (b.v.n < BLANK_VOLUME_BYTES)
		buf_u8(&b, 0xff);
	buf_put(&b, flash.p + b.v.n, flash.n - b.v.n);
	return (struct str){ (char *)b.v.p, b.v.n };
}

static const struct efi_variable *variable_find(const vec_efi_variable *v,
						const struct efi_variable *like)
{
	vec_each(x, v)
		if (str_eq(x->name, like->name) && memcmp(x->guid, like->guid, 16) == 0)
			return x;
	return NULL;
}

static int store_read(struct arena *a, struct str flash, struct store *s, vec_efi_variable *ret,
		      struct err *e)
{
	struct rd r = { (const uint8_t *)flash.p, s->end, s->start, false };
	vec_efi_variable in_transition = { 0 };

	while (r.n - r.pos >= VARIABLE_HEADER_BYTES) {
		struct efi_variable v = { 0 };
		size_t at = r.pos;
		uint8_t state;

		if ((r.p[at] | r.p[at + 1] << 8) != VARIABLE_START)
			break;
		if (variable_read(a, &r, &v, &state, e) < 0)
			return err_wrap(e, -EBADMSG, "EFI variable at byte %zu", at);
		if (state == STATE_ADDED)
			vec_push(a, ret) = v;
		else if (state == STATE_IN_DELETED_TRANSITION)
			vec_push(a, &in_transition) = v;
		r.pos += -r.pos % VARIABLE_ALIGN_BYTES;
		if (r.pos > r.n)
			r.pos = r.n;
	}
	/* one that was to be replaced counts until its successor is whole */
	vec_each(v, &in_transition)
		if (!variable_find(ret, v))
			vec_push(a, ret) = *v;
	s->free = r.pos;
	return 0;
}

int efi_varstore_read(struct arena *a, struct str flash, vec_efi_variable *ret, struct err *e)
{
	vec_efi_variable v = { 0 };
	struct store s;
	int r = store_find(flash, &s, e);

	if (r == 0)
		r = store_read(a, flash, &s, &v, e);
	if (r == 0)
		*ret = v;
	return r;
}

static int variable_put(struct buf *b, const struct efi_variable *v, struct err *e)
{
	int r;

	buf_le16(b, VARIABLE_START);
	buf_u8(b, STATE_ADDED);
	buf_u8(b, 0);
	buf_le32(b, v->attributes);
	buf_le64(b, 0);
	r = time_put(b, v->time_sec, e);
	buf_le32(b, 0);
	buf_le32(b, (uint32_t)(2 * (v->name.n + 1)));
	buf_le32(b, (uint32_t)v->data.n);
	guid_put(b, v->guid);
	for (size_t i = 0; i < v->name.n; i++)
		buf_le16(b, (uint8_t)v->name.p[i]);
	buf_le16(b, 0);
	buf_put(b, v->data.p, v->data.n);
	while (b->v.n % VARIABLE_ALIGN_BYTES != 0)
		buf_u8(b, 0xff);
	return r;
}

int efi_varstore_add(struct arena *a, struct str flash, const vec_efi_variable *variables,
		     struct str *ret, struct err *e)
{
	vec_efi_variable present = { 0 };
	struct buf b = { .a = a };
	struct store s;
	char *copy;
	int r;

	flash = format_blank(a, flash);
	r = store_find(flash, &s, e);
	if (r == 0)
		r = store_read(a, flash, &s, &present, e);
	if (r < 0)
		return r;
	vec_each(v, variables) {
		if (variable_find(&present, v))
			return err_set(e, -EEXIST, "EFI variable '%.*s' is there already",
				       STR_FMT(v->name));
		vec_push(a, &present) = *v;
		if (v->name.n == 0 || v->name.n >= NAME_CHARS_MAX || v->data.n > s.end)
			return err_set(e, -EINVAL,
				       "EFI variable '%.*s' of %zu bytes: no name, or too large",
				       STR_FMT(v->name), v->data.n);
		r = variable_put(&b, v, e);
		if (r < 0)
			return err_wrap(e, r, "EFI variable '%.*s'", STR_FMT(v->name));
	}
	if (b.v.n > s.end - s.free)
		return err_set(e, -ENOSPC,
			       "%zu bytes of EFI variables do not fit into the %zu that are free",
			       b.v.n, s.end - s.free);
	copy = arena_copy(a, flash.p, flash.n);
	if (b.v.n > 0)
		memcpy(copy + s.free, b.v.p, b.v.n);
	*ret = (struct str){ copy, flash.n };
	return 0;
}
