/* SPDX-License-Identifier: MIT */
/* openpgp_packet.h - the framing of OpenPGP (RFC 9580): packets, multi-precision integers,
 * subpackets, armour. */
#pragma once

#include "base/rd.h"
#include "base/str.h"

enum openpgp_tag { TAG_SIGNATURE = 2, TAG_PUBLIC_KEY = 6, TAG_USER_ID = 13 };

struct openpgp_packet {
	unsigned tag;
	struct str body;
};

/* Appends a packet with the current format's header (RFC 9580 4.2.1). Bodies stay below 8,384 bytes
 * here. */
void packet_put(struct buf *b, enum openpgp_tag tag, struct str body);
/* Takes the next packet, of either format, off *in: 1 one packet, 0 the end, negative on damage or
 * on a length that is not definite. Borrows. */
must_check int packet_next(struct str *in, struct openpgp_packet *ret, struct err *e);

/* A multi-precision integer (3.2): bit count, then big-endian bytes without leading zeros. */
void mpi_put(struct buf *b, const uint8_t *p, size_t n);
/* Empty and r->bad on damage. Borrows. */
struct str mpi_read(struct rd *r);

/* One subpacket (5.2.3.7) of @type. */
void subpacket_put(struct buf *b, uint8_t type, const void *p, size_t n);
/* Takes the next subpacket off @r; its type with the critical bit in the high bit. Borrows. */
struct str subpacket_read(struct rd *r, uint8_t *ret_type);

/* ASCII armour (6.2) of such a block, with the checksum that rpm before 4.20 insists upon. */
enum armor { ARMOR_PUBLIC_KEY, ARMOR_SIGNATURE };
struct str armor_encode(struct arena *a, enum armor of, struct str bytes);
must_check int armor_decode(struct arena *a, enum armor of, struct str text, struct str *ret,
			    struct err *e);
