// SPDX-License-Identifier: GPL-2.0-or-later
#include "prefpeerd/engine_ike/payload.h"

#include <errno.h>
#include <string.h>

static struct rdr body_of(const struct payload *p)
{
	struct rdr r;

	rdr_init(&r, p->body, p->len);
	return r;
}

static struct chunk rest_of(struct rdr *r)
{
	size_t len = rdr_left(r);

	return (struct chunk){ rdr_bytes(r, len), len };
}

int ke_parse(const struct payload *p, struct pld_ke *out)
{
	struct rdr r = body_of(p);

	out->group = rdr_u16(&r);
	rdr_u16(&r);
	out->data = rest_of(&r);
	return rdr_ok(&r) && out->data.len ? 0 : -EINVAL;
}

int nonce_parse(const struct payload *p, struct chunk *out)
{
	if (p->len < IKE_NONCE_MIN || p->len > IKE_NONCE_MAX)
		return -EINVAL;
	*out = (struct chunk){ p->body, p->len };
	return 0;
}

int notify_parse(const struct payload *p, struct pld_notify *out)
{
	struct rdr r = body_of(p);
	uint8_t spi_len;

	out->protocol = rdr_u8(&r);
	spi_len = rdr_u8(&r);
	out->type = rdr_u16(&r);
	out->spi = (struct chunk){ rdr_bytes(&r, spi_len), spi_len };
	out->data = rest_of(&r);
	return rdr_ok(&r) ? 0 : -EINVAL;
}

int delete_parse(const struct payload *p, struct pld_delete *out)
{
	struct rdr r = body_of(p);

	out->protocol = rdr_u8(&r);
	out->spi_len = rdr_u8(&r);
	out->n = rdr_u16(&r);
	out->spis = rest_of(&r);
	if (!rdr_ok(&r) || out->spis.len != (size_t)out->n * out->spi_len)
		return -EINVAL;
	if (out->protocol == PROTO_ID_IKE)
		return out->spi_len || out->n ? -EINVAL : 0;
	return out->spi_len == 4 ? 0 : -EINVAL;
}

int auth_parse(const struct payload *p, struct pld_auth *out)
{
	struct rdr r = body_of(p);

	out->method = rdr_u8(&r);
	rdr_bytes(&r, 3);
	out->data = rest_of(&r);
	return rdr_ok(&r) ? 0 : -EINVAL;
}

int cert_parse(const struct payload *p, struct pld_cert *out)
{
	struct rdr r = body_of(p);

	out->encoding = rdr_u8(&r);
	out->data = rest_of(&r);
	return rdr_ok(&r) ? 0 : -EINVAL;
}

static bool id_fits_type(const struct ike_id *id)
{
	switch (id->type) {
	case IKE_ID_IPV4_ADDR:
		return id->len == 4;
	case IKE_ID_IPV6_ADDR:
		return id->len == 16;
	default:
		return id->type != IKE_ID_NONE && id->len > 0;
	}
}

int id_parse(const struct payload *p, struct ike_id *out)
{
	struct rdr r = body_of(p);
	struct ike_id id = { .type = rdr_u8(&r) };
	size_t len;

	rdr_bytes(&r, 3);
	len = rdr_left(&r);
	if (len > IKE_ID_MAX)
		return -E2BIG;
	id.len = (uint16_t)len;
	rdr_copy(&r, id.data, len);
	if (!rdr_ok(&r) || !id_fits_type(&id))
		return -EINVAL;
	*out = id;
	return 0;
}

static bool ts_read(struct rdr *r, uint8_t type, struct ts *out)
{
	sa_family_t family = type == TS_IPV4_ADDR_RANGE ? AF_INET : AF_INET6;
	size_t len = family == AF_INET ? 4 : 16;
	const uint8_t *lo, *hi;

	out->port.lo = rdr_u16(r);
	out->port.hi = rdr_u16(r);
	lo = rdr_bytes(r, len);
	hi = rdr_bytes(r, len);
	if (!rdr_done(r))
		return false;
	addr_from_bytes(family, lo, &out->lo);
	addr_from_bytes(family, hi, &out->hi);
	return addr_cmp(&out->lo, &out->hi) <= 0;
}

/* OPAQUE (65535..0, §3.13.1) cannot be expressed here: left out like an unknown type. */
static void ts_list_add(struct ts_list *list, const struct ts *ts)
{
	if (list->n < TS_LIST_MAX && ts->port.lo <= ts->port.hi)
		list->list[list->n++] = *ts;
	else
		list->more = true;
}

int ts_list_parse(const struct payload *p, struct ts_list *out)
{
	struct rdr r = body_of(p);
	unsigned n = rdr_u8(&r);

	*out = (struct ts_list){ 0 };
	rdr_bytes(&r, 3);
	for (unsigned i = 0; i < n; i++) {
		uint8_t type = rdr_u8(&r);
		struct ts ts = { .proto = rdr_u8(&r) };
		uint16_t total = rdr_u16(&r);
		struct rdr body;

		if (!rdr_ok(&r) || total < 8)
			return -EINVAL;
		body = rdr_sub(&r, total - 4u);
		if (!rdr_ok(&body))
			return -EINVAL;
		if (type != TS_IPV4_ADDR_RANGE && type != TS_IPV6_ADDR_RANGE) {
			out->more = true;
			continue;
		}
		if (!ts_read(&body, type, &ts))
			return -EINVAL;
		ts_list_add(out, &ts);
	}
	return rdr_done(&r) && out->n ? 0 : -EINVAL;
}

bool payloads_notify(const struct payloads *p, uint16_t type, struct pld_notify *out)
{
	for (unsigned i = 0; i < p->n; i++)
		if (p->list[i].type == PLD_NOTIFY && !notify_parse(&p->list[i], out) &&
		    out->type == type)
			return true;
	return false;
}

uint16_t payloads_error(const struct payloads *p)
{
	struct pld_notify n;

	for (unsigned i = 0; i < p->n; i++)
		if (p->list[i].type == PLD_NOTIFY && !notify_parse(&p->list[i], &n) &&
		    notify_is_error(n.type))
			return n.type;
	return 0;
}

/* ---- writers ---- */

void put_ke(struct msg_out *m, uint16_t group, const uint8_t *data, size_t len)
{
	msg_payload_begin(m, PLD_KE);
	wtr_u16(&m->w, group);
	wtr_u16(&m->w, 0);
	wtr_bytes(&m->w, data, len);
	msg_payload_end(m);
}

void put_nonce(struct msg_out *m, const uint8_t *nonce, size_t len)
{
	msg_payload_begin(m, PLD_NONCE);
	wtr_bytes(&m->w, nonce, len);
	msg_payload_end(m);
}

void put_notify(struct msg_out *m, uint16_t type, const void *data, size_t len)
{
	msg_payload_begin(m, PLD_NOTIFY);
	wtr_u8(&m->w, PROTO_ID_NONE);
	wtr_u8(&m->w, 0);
	wtr_u16(&m->w, type);
	wtr_bytes(&m->w, data, len);
	msg_payload_end(m);
}

void put_notify_child(struct msg_out *m, uint16_t type, uint8_t protocol, uint32_t spi)
{
	msg_payload_begin(m, PLD_NOTIFY);
	wtr_u8(&m->w, protocol);
	wtr_u8(&m->w, 4);
	wtr_u16(&m->w, type);
	wtr_u32(&m->w, spi);
	msg_payload_end(m);
}

void put_delete_ike(struct msg_out *m)
{
	msg_payload_begin(m, PLD_DELETE);
	wtr_u8(&m->w, PROTO_ID_IKE);
	wtr_u8(&m->w, 0);
	wtr_u16(&m->w, 0);
	msg_payload_end(m);
}

void put_delete_child(struct msg_out *m, uint8_t protocol, const uint32_t *spis, unsigned n)
{
	msg_payload_begin(m, PLD_DELETE);
	wtr_u8(&m->w, protocol);
	wtr_u8(&m->w, 4);
	wtr_u16(&m->w, (uint16_t)n);
	for (unsigned i = 0; i < n; i++)
		wtr_u32(&m->w, spis[i]);
	msg_payload_end(m);
}

size_t id_body(const struct ike_id *id, uint8_t out[4 + IKE_ID_MAX])
{
	memset(out, 0, 4);
	out[0] = (uint8_t)id->type;
	memcpy(out + 4, id->data, id->len);
	return 4u + id->len;
}

void put_id(struct msg_out *m, uint8_t type, const struct ike_id *id)
{
	uint8_t body[4 + IKE_ID_MAX];
	size_t len = id_body(id, body);

	msg_payload_begin(m, type);
	wtr_bytes(&m->w, body, len);
	msg_payload_end(m);
}

void put_auth(struct msg_out *m, uint8_t method, const uint8_t *data, size_t len)
{
	msg_payload_begin(m, PLD_AUTH);
	wtr_u8(&m->w, method);
	wtr_room(&m->w, 3);
	wtr_bytes(&m->w, data, len);
	msg_payload_end(m);
}

void put_ts(struct msg_out *m, uint8_t type, const struct ts *ts)
{
	size_t len = addr_len(&ts->lo);

	msg_payload_begin(m, type);
	wtr_u8(&m->w, 1);
	wtr_room(&m->w, 3);
	wtr_u8(&m->w, len == 4 ? TS_IPV4_ADDR_RANGE : TS_IPV6_ADDR_RANGE);
	wtr_u8(&m->w, ts->proto);
	wtr_u16(&m->w, (uint16_t)(8 + 2 * len));
	wtr_u16(&m->w, ts->port.lo);
	wtr_u16(&m->w, ts->port.hi);
	wtr_bytes(&m->w, ts->lo.bytes, len);
	wtr_bytes(&m->w, ts->hi.bytes, len);
	msg_payload_end(m);
}
