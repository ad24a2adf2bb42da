/* SPDX-License-Identifier: MIT */
#include "trust/openpgp_packet.h"

#include <openssl/evp.h>

enum { PACKET_BYTES_MAX = 1 << 20, ARMOR_LINE = 64, ARMOR_BYTES_MAX = 1 << 20 };

static const struct {
	const char *begin, *end;
} armors[] = {
	[ARMOR_PUBLIC_KEY] = { "-----BEGIN PGP PUBLIC KEY BLOCK-----",
			       "-----END PGP PUBLIC KEY BLOCK-----" },
	[ARMOR_SIGNATURE] = { "-----BEGIN PGP SIGNATURE-----", "-----END PGP SIGNATURE-----" },
};

/* 4.2.1.1 and 4.2.1.2, which 5.2.3.7 uses too: one byte below 192, then two. */
static void length_put(struct buf *b, size_t n)
{
	if (n < 192) {
		buf_u8(b, (uint8_t)n);
		return;
	}
	buf_u8(b, (uint8_t)(((n - 192) >> 8) + 192));
	buf_u8(b, (uint8_t)(n - 192));
}

static uint32_t length_read(struct rd *r)
{
	uint32_t first = rd_u8(r);

	if (first < 192)
		return first;
	if (first < 224)
		return ((first - 192) << 8) + rd_u8(r) + 192;
	if (first == 255)
		return rd_be32(r);
	r->bad = true; /* partial lengths: only for data packets */
	return 0;
}

void packet_put(struct buf *b, enum openpgp_tag tag, struct str body)
{
	buf_u8(b, (uint8_t)(0xc0 | tag));
	length_put(b, body.n);
	buf_put(b, body.p, body.n);
}

/* 4.2.2: the tag byte's low bits say how many bytes the length has; 3 means "to the end". */
static uint32_t legacy_length_read(struct rd *r, unsigned type)
{
	switch (type) {
	case 0:
		return rd_u8(r);
	case 1:
		return rd_be16(r);
	case 2:
		return rd_be32(r);
	default:
		r->bad = true;
		return 0;
	}
}

int packet_next(struct str *in, struct openpgp_packet *ret, struct err *e)
{
	struct rd r = { (const uint8_t *)in->p, in->n, 0, false };
	struct openpgp_packet packet;
	uint32_t n;
	uint8_t first;

	if (in->n == 0)
		return 0;
	first = rd_u8(&r);
	if (!(first & 0x80))
		return err_set(e, -EBADMSG, "byte 0x%02x begins no OpenPGP packet", first);
	if (first & 0x40) {
		packet.tag = first & 0x3f;
		n = length_read(&r);
	} else {
		packet.tag = (first >> 2) & 0xf;
		n = legacy_length_read(&r, first & 3);
	}
	packet.body = n > PACKET_BYTES_MAX ? (struct str){ 0 } : rd_str(&r, n);
	if (r.bad || n > PACKET_BYTES_MAX)
		return err_set(e, -EBADMSG,
			       "OpenPGP packet %u is cut short or has no definite length",
			       packet.tag);
	*in = str_from(*in, r.pos);
	*ret = packet;
	return 1;
}

void mpi_put(struct buf *b, const uint8_t *p, size_t n)
{
	size_t bits;

	while (n > 0 && *p == 0) {
		p++;
		n--;
	}
	bits = n > 0 ? n * 8 - (size_t)(__builtin_clz(*p) - 24) : 0;
	buf_be16(b, (uint16_t)bits);
	buf_put(b, p, n);
}

struct str mpi_read(struct rd *r)
{
	uint16_t bits = rd_be16(r);

	return rd_str(r, (bits + 7u) / 8);
}

void subpacket_put(struct buf *b, uint8_t type, const void *p, size_t n)
{
	length_put(b, n + 1);
	buf_u8(b, type);
	buf_put(b, p, n);
}

struct str subpacket_read(struct rd *r, uint8_t *ret_type)
{
	uint32_t n = length_read(r);

	*ret_type = rd_u8(r);
	if (n == 0)
		r->bad = true;
	return n == 0 ? (struct str){ 0 } : rd_str(r, n - 1);
}

/* 6.1.1 */
static uint32_t crc24(struct str s)
{
	uint32_t crc = 0xb704ce;

	for (size_t i = 0; i < s.n; i++) {
		crc ^= (uint32_t)(uint8_t)s.p[i] << 16;
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 0x800000 ? (crc << 1) ^ 0x1864cfb : crc << 1;
	}
	return crc & 0xffffff;
}

struct str armor_encode(struct arena *a, enum armor of, struct str bytes)
{
	struct buf b = { .a = a };
	struct str text = base64_encode(a, bytes.p, bytes.n);
	uint32_t crc = htobe32(crc24(bytes));
	struct str check = base64_encode(a, (const uint8_t *)&crc + 1, 3);

	buf_printf(&b, "%s\n\n", armors[of].begin);
	for (; text.n > 0; text = str_from(text, ARMOR_LINE))
		buf_printf(&b, "%.*s\n", STR_FMT(str_head(text, ARMOR_LINE)));
	buf_printf(&b, "=%.*s\n%s\n", STR_FMT(check), armors[of].end);
	return (struct str){ (const char *)b.v.p, b.v.n };
}

/* Appends the bytes of one line, which must be whole groups of four digits, as every armour writer
 * breaks lines. */
static bool base64_put(struct buf *b, struct str line)
{
	uint8_t bytes[96];
	size_t n = line.n / 4 * 3;

	if (line.n == 0 || line.n % 4 != 0 || n > sizeof(bytes) ||
	    EVP_DecodeBlock(bytes, (const uint8_t *)line.p, (int)line.n) != (int)n)
		return false;
	n -= (line.p[line.n - 1] == '=') + (line.p[line.n - 2] == '=');
	buf_put(b, bytes, n);
	return true;
}

static bool checksum_matches(struct arena *a, struct str line, struct str bytes)
{
	struct buf b = { .a = a };

	if (!base64_put(&b, str_from(line, 1)) || b.v.n != 3)
		return false;
	return ((uint32_t)b.v.p[0] << 16 | (uint32_t)b.v.p[1] << 8 | b.v.p[2]) == crc24(bytes);
}

/* Leaves *text at the first line of data: behind the first line of the block and its headers. */
static bool armor_enter(enum armor of, struct str *text)
{
	bool inside = false;

	while (text->n > 0) {
		struct str line = str_trim(str_cut(text, '\n'));

		if (inside && line.n == 0)
			return true;
		inside = inside || str_eqz(line, armors[of].begin);
	}
	return false;
}

int armor_decode(struct arena *a, enum armor of, struct str text, struct str *ret, struct err *e)
{
	struct buf b = { .a = a };

	if (text.n > ARMOR_BYTES_MAX)
		return err_set(e, -EFBIG, "OpenPGP block of %zu bytes, want at most %d", text.n,
			       ARMOR_BYTES_MAX);
	if (!armor_enter(of, &text))
		return err_set(e, -EBADMSG, "no '%s' with an empty line after its headers",
			       armors[of].begin);
	while (text.n > 0) {
		struct str line = str_trim(str_cut(&text, '\n'));
		struct str bytes = { (const char *)b.v.p, b.v.n };

		if (str_eqz(line, armors[of].end)) {
			*ret = bytes;
			return 0;
		}
		if (str_starts(line, "=") ? !checksum_matches(a, line, bytes)
					  : !base64_put(&b, line))
			return err_set(e, -EBADMSG, "armour is damaged at '%.*s'",
				       STR_FMT(str_head(line, 64)));
	}
	return err_set(e, -EBADMSG, "no '%s'", armors[of].end);
}
