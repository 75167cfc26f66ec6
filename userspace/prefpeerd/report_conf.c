// SPDX-License-Identifier: GPL-2.0-or-later
#include "prefpeerd/report_conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* IOS shows a length other than 128 within the name. */
static void print_encr(const struct esp_suite *s, char *buf, size_t size)
{
	char bits[8] = "";

	if (s->key_bits && s->key_bits != 128)
		snprintf(bits, sizeof(bits), "%u-", s->key_bits);
	switch (s->encr) {
	case ENCR_AES_GCM_16:
		snprintf(buf, size, "esp-gcm %u", s->key_bits);
		break;
	case ENCR_NULL_AUTH_AES_GMAC:
		snprintf(buf, size, "esp-gmac %u", s->key_bits);
		break;
	case ENCR_CHACHA20_POLY1305:
		snprintf(buf, size, "esp-chacha20-poly1305");
		break;
	case ENCR_AES_CTR:
		snprintf(buf, size, "esp-%saes-ctr", bits);
		break;
	case ENCR_NULL:
		snprintf(buf, size, "esp-null");
		break;
	default:
		snprintf(buf, size, "esp-%saes", bits);
	}
}

static const char *integ_word(enum ike_integ integ)
{
	switch (integ) {
	case INTEG_HMAC_SHA2_256_128:
		return " esp-sha256-hmac";
	case INTEG_HMAC_SHA2_384_192:
		return " esp-sha384-hmac";
	case INTEG_HMAC_SHA2_512_256:
		return " esp-sha512-hmac";
	default:
		return "";
	}
}

const char *report_transforms(const struct esp_suite *s, char *buf, size_t size)
{
	char encr[40];

	print_encr(s, encr, sizeof(encr));
	if (suite_is_ah(s))
		snprintf(buf, size, "ah-%s", integ_word(s->integ) + strlen(" esp-"));
	else
		snprintf(buf, size, "%s%s", encr, integ_word(s->integ));
	return buf;
}

/* ---- access lists ---- */

/* A line as one would type it, without its end of line. */
static json_t *acl_line(const struct acl_line *l, sa_family_t family)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	json_t *o;

	if (!f)
		return NULL;
	conf_acl_line_print(l, family, f);
	fclose(f);
	text[strcspn(text, "\n")] = '\0';
	o = json_string(text);
	free(text);
	return o;
}

static json_t *acl_lines(const struct acl *a)
{
	json_t *list = json_array();

	for (unsigned i = 0; a && i < a->n_lines; i++)
		json_array_append_new(list, acl_line(&a->lines[i], a->family));
	return list;
}

static json_t *report_acl(const struct map_entry *e)
{
	if (!*e->acl_name)
		return json_null();
	return json_pack("{ss ss so}", "name", e->acl_name, "family",
			 e->acl && e->acl->family == AF_INET6 ? "ipv6" : "ipv4", "lines",
			 acl_lines(e->acl));
}

/* ---- the entry ---- */

static json_t *report_sets(const struct map_entry *e)
{
	json_t *list = json_array();
	char text[TRANSFORMS_STRLEN];

	for (unsigned i = 0; i < e->n_sets; i++)
		json_array_append_new(list, json_pack("{ss ss}", "name", e->set_names[i],
						      "transforms",
						      e->sets[i] ? report_transforms(
									   &e->sets[i]->suite, text,
									   sizeof(text)) :
								   ""));
	return list;
}

static json_t *report_interfaces(const struct map *m)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < m->n_interfaces; i++)
		json_array_append_new(list, json_string(m->interfaces[i]));
	return list;
}

static json_t *group_name(enum ike_dh pfs)
{
	char text[16];

	if (pfs == DH_NONE)
		return json_null();
	snprintf(text, sizeof(text), "group%d", pfs);
	return json_string(text);
}

/* "DYN/10": the template that a branch came by. */
static json_t *report_origin(const struct config *c, const struct entry_view *v)
{
	const struct map_entry *of = v->branch_of ? conf_find_entry(c, v->map, v->branch_of) : NULL;

	return of ? json_sprintf("%s/%u", of->dynamic_name, v->template_seq) : json_null();
}

static json_t *report_lifetime(const struct config *c, const struct map_entry *e)
{
	return json_pack("{sI sI}", "seconds",
			 (json_int_t)(e->lifetime_s ? e->lifetime_s : c->child_lifetime_s),
			 "kilobytes", (json_int_t)conf_entry_lifetime_kb(c, e));
}

static json_t *report_replay(const struct config *c, const struct map_entry *e)
{
	struct replay r = conf_entry_replay(c, e);

	return r.off ? json_null() : json_integer(r.window ? r.window : 64);
}

/* As it stands in the entry; one that equals the global timer was not added (§2.2). */
static json_t *report_idle_time(const struct idle_time *t)
{
	bool added = t->ms && !t->not_added;

	return json_pack("{sI sb sb}", "ms", (json_int_t)(added ? t->ms : 0), "home",
			 added && t->home, "not_added", t->not_added);
}

static const char *or_null(const char *name)
{
	return *name ? name : NULL;
}

static json_t *report_conf_entry(const struct config *c, const struct map_entry *e,
				 json_t *origin)
{
	const struct map *m = e->map;

	return json_pack("{ss ss so so so so so so ss? ss? ss? ss? so so}", "family",
			 m->family == AF_INET6 ? "ipv6" : "ipv4", "kind",
			 e->manual ? "ipsec-manual" : "ipsec-isakmp",
			 "origin", origin, "acl", report_acl(e), "transform_sets", report_sets(e),
			 "lifetime", report_lifetime(c, e), "replay_window", report_replay(c, e),
			 "interfaces", report_interfaces(m), "dynamic_map",
			 or_null(e->dynamic_name), "description", e->description, "profile",
			 or_null(e->profile_name), "local_address", or_null(m->local_address), "pfs",
			 group_name(e->pfs), "idle_time", report_idle_time(&e->idle));
}

json_t *report_map_entry(const struct config *c, const struct entry_view *v)
{
	return report_conf_entry(c, v->conf, report_origin(c, v));
}

json_t *report_templates(const struct config *c)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < c->n_dynamics; i++)
		for (unsigned k = 0; k < c->dynamics[i]->n_entries; k++) {
			const struct map_entry *e = c->dynamics[i]->entries[k];

			json_array_append_new(list, json_pack("{ss si so}", "map", e->map->name,
							      "seq", (int)e->seq, "config",
							      report_conf_entry(c, e, json_null())));
		}
	return list;
}
