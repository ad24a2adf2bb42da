/* SPDX-License-Identifier: MIT */
#include "base/uuid.h"

#include "base/hash.h"

struct str uuid_text(struct arena *a, const uint8_t uuid[16])
{
	struct str hex = hex_encode(a, uuid, 16);

	return str_printf(a, "%.8s-%.4s-%.4s-%.4s-%.12s", hex.p, hex.p + 8, hex.p + 12, hex.p + 16,
			  hex.p + 20);
}

bool uuid_parse(struct str s, uint8_t ret[16])
{
	static const uint8_t group_bytes[] = { 4, 2, 2, 2, 6 };
	uint8_t uuid[16], *p = uuid;

	if (s.n != 36)
		return false;
	for (size_t i = 0; i < sizeof(group_bytes); i++) {
		if (!hex_decode(str_cut(&s, '-'), p, group_bytes[i]))
			return false;
		p += group_bytes[i];
	}
	memcpy(ret, uuid, sizeof(uuid));
	return true;
}

void uuid_swap(const uint8_t from[16], uint8_t ret[16])
{
	static const uint8_t order[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };

	for (size_t i = 0; i < 16; i++)
		ret[i] = from[order[i]];
}

/* RFC 9562, 5.8. The NUL of @purpose keeps it apart from the bytes. */
void uuid_derive(const char *purpose, const void *p, size_t n, uint8_t ret[16])
{
	uint8_t digest[SHA256_BYTES];
	struct sha256 h;

	sha256_init(&h);
	sha256_update(&h, purpose, strlen(purpose) + 1);
	sha256_update(&h, p, n);
	sha256_final(&h, digest);
	memcpy(ret, digest, 16);
	ret[6] = (ret[6] & 0x0f) | 0x80;
	ret[8] = (ret[8] & 0x3f) | 0x80;
}
