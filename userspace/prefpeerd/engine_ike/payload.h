/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Payloads other than SA, read and written (RFC 7296 §3.4 to §3.13). Readers
 * check form and return -EINVAL; what is believed is the exchanges' affair.
 * What they return borrows from the payload.
 */
#ifndef ENGINE_IKE_PAYLOAD_H
#define ENGINE_IKE_PAYLOAD_H

#include "lib/id.h"
#include "lib/selector.h"
#include "prefpeerd/engine_ike/message.h"

#define TS_LIST_MAX 8

struct pld_ke {
	uint16_t group;
	struct chunk data;
};

struct pld_notify {
	uint8_t protocol;
	uint16_t type;
	struct chunk spi, data;
};

struct pld_delete {
	uint8_t protocol;
	uint8_t spi_len;
	uint16_t n;
	struct chunk spis;
};

struct pld_auth {
	uint8_t method;
	struct chunk data;
};

struct pld_cert { /* CERT and CERTREQ alike */
	uint8_t encoding;
	struct chunk data;
};

struct ts_list {
	struct ts list[TS_LIST_MAX];
	unsigned n;
	bool more; /* there were others: unknown types, or too many */
};

int ke_parse(const struct payload *p, struct pld_ke *out);
int nonce_parse(const struct payload *p, struct chunk *out);
int notify_parse(const struct payload *p, struct pld_notify *out);
int delete_parse(const struct payload *p, struct pld_delete *out);
int auth_parse(const struct payload *p, struct pld_auth *out);
int cert_parse(const struct payload *p, struct pld_cert *out);
int id_parse(const struct payload *p, struct ike_id *out); /* -E2BIG: over IKE_ID_MAX */
/* -EINVAL also when no selector is of a type that we know. */
int ts_list_parse(const struct payload *p, struct ts_list *out);

/* The first notify of that type; false when there is none or it is malformed. */
bool payloads_notify(const struct payloads *p, uint16_t type, struct pld_notify *out);
/* The first error notify (§3.10.1), else 0. */
uint16_t payloads_error(const struct payloads *p);

void put_ke(struct msg_out *m, uint16_t group, const uint8_t *data, size_t len);
void put_nonce(struct msg_out *m, const uint8_t *nonce, size_t len);
void put_notify(struct msg_out *m, uint16_t type, const void *data, size_t len);
/* About a child SA; @protocol: PROTO_ID_ESP, PROTO_ID_AH. */
void put_notify_child(struct msg_out *m, uint16_t type, uint8_t protocol, uint32_t spi);
void put_delete_ike(struct msg_out *m);
void put_delete_child(struct msg_out *m, uint8_t protocol, const uint32_t *spis, unsigned n);
/* The body of an ID payload, which AUTH covers: 4 + id->len bytes. */
size_t id_body(const struct ike_id *id, uint8_t out[4 + IKE_ID_MAX]);
void put_id(struct msg_out *m, uint8_t type, const struct ike_id *id);
void put_auth(struct msg_out *m, uint8_t method, const uint8_t *data, size_t len);
void put_ts(struct msg_out *m, uint8_t type, const struct ts *ts);

#endif
