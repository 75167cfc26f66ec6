// SPDX-License-Identifier: GPL-2.0-or-later
/* The finished model: reading the file, looking things up, taking it down. */
#include "prefpeerd/conf/parser.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX (1u << 20) /* bytes; a larger one is no configuration */

/* ---- taking it down ---- */

void conf_entry_free(struct map_entry *e)
{
	for (unsigned i = 0; i < e->n_peers; i++)
		free(e->peers[i].text);
	free(e->peers);
	free(e->description);
	conf_manual_free(e->manual);
	free(e);
}

void conf_map_free(struct map *m)
{
	for (unsigned i = 0; i < m->n_entries; i++)
		conf_entry_free(m->entries[i]);
	for (unsigned i = 0; i < m->n_interfaces; i++)
		free(m->interfaces[i]);
	free(m->entries);
	free(m->interfaces);
	free(m);
}

void conf_acl_free(struct acl *a)
{
	free(a->lines);
	free(a);
}

void conf_secret_wipe(struct psk_secret *k)
{
	if (k->bytes)
		explicit_bzero(k->bytes, k->len);
	free(k->bytes);
	free(k->path);
	free(k->sealed);
	free(k->broken);
	*k = (struct psk_secret){ 0 };
}

void conf_psk_wipe(struct psk *k)
{
	conf_secret_wipe(&k->key);
	conf_secret_wipe(&k->theirs);
	conf_secret_wipe(&k->next);
	free(k->host);
	k->host = NULL;
}

void config_free(struct config *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < c->n_maps; i++)
		conf_map_free(c->maps[i]);
	HASH_CLEAR(hh, c->acl_by_name);
	for (unsigned i = 0; i < c->n_acls; i++)
		conf_acl_free(c->acls[i]);
	for (unsigned i = 0; i < c->n_sets; i++)
		free(c->sets[i]);
	for (unsigned i = 0; i < c->n_proposals; i++)
		free(c->proposals[i]);
	for (unsigned i = 0; i < c->n_policies; i++)
		free(c->policies[i]);
	conf_offer_free(c->offer);
	for (unsigned i = 0; i < c->n_local_offers; i++)
		conf_offer_free(c->local_offers[i].offer);
	free(c->local_offers);
	for (unsigned i = 0; i < c->n_psks; i++)
		conf_psk_wipe(&c->psks[i]);
	for (unsigned i = 0; i < c->n_trustpoints; i++)
		conf_trustpoint_free(c->trustpoints[i]);
	for (unsigned i = 0; i < c->n_profiles; i++)
		conf_profile_free(c->profiles[i]);
	conf_accounting_free(c);
	for (unsigned i = 0; i < c->n_cert_maps; i++)
		pki_map_put(c->cert_maps[i]);
	free(c->cert_maps);
	free(c->trustpoints);
	free(c->profiles);
	for (unsigned i = 0; i < c->n_hosts; i++)
		conf_host_free(&c->hosts[i]);
	free(c->maps);
	for (unsigned i = 0; i < c->n_dynamics; i++)
		conf_map_free(c->dynamics[i]);
	free(c->dynamics);
	free(c->acls);
	free(c->sets);
	free(c->proposals);
	free(c->policies);
	free(c->psks);
	free(c->master.path);
	free(c->hosts);
	free(c->trust_anchor);
	conf_text_free(c->text);
	free(c->path);
	free(c);
}

/* ---- looking up ---- */

struct map *conf_find_map(const struct config *c, const char *name)
{
	for (unsigned i = 0; i < c->n_maps; i++)
		if (!strcmp(c->maps[i]->name, name))
			return c->maps[i];
	return NULL;
}

struct map *conf_find_dynamic(const struct config *c, const char *name)
{
	for (unsigned i = 0; i < c->n_dynamics; i++)
		if (!strcmp(c->dynamics[i]->name, name))
			return c->dynamics[i];
	return NULL;
}

static int seq_cmp(const void *key, const void *entry)
{
	unsigned seq = *(const unsigned *)key, other = (*(struct map_entry *const *)entry)->seq;

	return (seq > other) - (seq < other);
}

const struct map_entry *conf_find_entry(const struct config *c, const char *map, unsigned seq)
{
	const struct map *m = conf_find_map(c, map);
	struct map_entry **at =
		m && m->n_entries ?
			bsearch(&seq, m->entries, m->n_entries, sizeof(*m->entries), seq_cmp) :
			NULL;

	return at ? *at : NULL;
}

static uint32_t clamp(uint32_t v, uint32_t lo, uint32_t hi)
{
	return v < lo ? lo : v > hi ? hi : v;
}

/* Of the module, and of who reads the counters in its place. */
static uint32_t looks_ms(uint32_t interval_ms)
{
	if (interval_ms < 1000)
		return 2 * clamp(interval_ms / 5, 10, 200) + 3 * 10;
	return 2 * clamp(interval_ms / 8, 250, 10000) + 3 * 250;
}

uint32_t conf_dpd_notice_ms(const struct dpd *d, uint32_t budget_ms)
{
	uint32_t late = d->mode == DPD_ON_DEMAND ? looks_ms(d->interval_ms) : 0;

	return d->mode == DPD_OFF ? 0 : d->interval_ms + budget_ms + late;
}

struct idle_time conf_entry_idle(const struct config *c, const struct map_entry *e)
{
	if (e->manual)
		return (struct idle_time){0};
	if (e->idle.ms && !e->idle.not_added)
		return e->idle;
	return (struct idle_time){.ms = c->idle_ms};
}

uint64_t conf_entry_lifetime_kb(const struct config *c, const struct map_entry *e)
{
	if (e->lifetime_kb_off)
		return 0;
	return e->lifetime_kb ? e->lifetime_kb : c->child_lifetime_kb;
}

enum conf_df conf_entry_df(const struct config *c, const struct map_entry *e)
{
	return e->df ? e->df : c->df ? c->df : DF_COPY;
}

enum conf_ecn conf_entry_ecn(const struct config *c, const struct map_entry *e)
{
	return e->ecn ? e->ecn : c->ecn ? c->ecn : ECN_DISCARD;
}

struct replay conf_entry_replay(const struct config *c, const struct map_entry *e)
{
	if (e->replay.window || e->replay.off)
		return e->replay;
	if (c->replay.window || c->replay.off)
		return c->replay;
	return (struct replay){ .window = REPLAY_DEFAULT };
}

const struct dpd *conf_dpd(const struct config *c, const struct ikev2_profile *profile)
{
	return profile && profile->dpd.mode != DPD_OFF ? &profile->dpd : &c->dpd;
}

uint16_t conf_nat_keepalive(const struct config *c, const struct ikev2_profile *profile)
{
	return profile && profile->nat_keepalive_s ? profile->nat_keepalive_s : c->nat_keepalive_s;
}

bool conf_secret_is_set(const struct psk_secret *k)
{
	return k->bytes || k->path || k->sealed;
}

/* Of its name, or of all those within a prefix. */
static bool is_for(const struct psk *k, const char *name, const struct addr *peer)
{
	if (k->host)
		return name && !strcasecmp(k->host, name);
	return prefix_has_addr(&k->peer, peer);
}

const struct psk *conf_psk(const struct config *c, const char *name, const struct addr *peer)
{
	for (unsigned i = 0; i < c->n_psks; i++)
		if (conf_secret_is_set(&c->psks[i].key) && is_for(&c->psks[i], name, peer))
			return &c->psks[i];
	return NULL;
}

const struct psk *conf_profile_psk(const struct config *c, const struct ikev2_profile *profile,
				   const char *name, const struct addr *peer)
{
	if (!*profile->keyring)
		return conf_psk(c, name, peer);
	for (unsigned i = 0; i < c->n_psks; i++)
		if (!strcmp(c->psks[i].keyring, profile->keyring) && is_for(&c->psks[i], name, peer))
			return &c->psks[i];
	return NULL;
}

/* A name's address is not known here: it may have a key as soon as any exists. */
bool conf_peer_has_key(const struct config *c, const struct conf_peer *q)
{
	const struct ikev2_profile *f = q->profile;
	const struct psk *k;

	if (f && !((f->auth_local | f->auth_remote) & AUTH_BY_PSK))
		return true;
	if (q->is_name)
		return c->n_psks > 0;
	k = f ? conf_profile_psk(c, f, NULL, &q->addr) : conf_psk(c, NULL, &q->addr);
	return k && conf_secret_is_set(&k->key);
}

const struct conf_peer *conf_peer_live(const struct map_entry *e, unsigned i)
{
	for (unsigned j = 0; j < e->n_peers; j++)
		if (!e->peers[j].is_shut && !i--)
			return &e->peers[j];
	return NULL;
}

unsigned conf_peers_live(const struct map_entry *e)
{
	unsigned n = 0;

	for (unsigned j = 0; j < e->n_peers; j++)
		n += !e->peers[j].is_shut;
	return n;
}

const char *conf_entry_inert(const struct map_entry *e)
{
	if (e->dynamic)
		return e->map->n_interfaces ? NULL : "its map stands on no interface";
	if (!e->acl)
		return "it has no access list";
	for (unsigned i = 0; i < e->acl->n_lines; i++)
		if (e->acl->lines[i].permit)
			return e->map->n_interfaces ? NULL : "its map stands on no interface";
	return "its access list permits nothing";
}

const char *conf_entry_incomplete(const struct config *c, const struct map_entry *e)
{
	if (e->dynamic)
		return "it begins nothing itself; branches that call are entries of their own";
	if (!e->n_peers)
		return "it has no peer";
	if (!e->n_sets)
		return "it has no transform set";
	if (!conf_peers_live(e))
		return "all of its peers are shut down";
	if (e->manual)
		return conf_manual_lacks(e);
	for (unsigned i = 0; i < e->n_peers; i++)
		if (!e->peers[i].is_shut && conf_peer_has_key(c, &e->peers[i]))
			return NULL;
	return "none of its peers has a pre-shared key";
}

/* ---- the file ---- */

static int read_all(int fd, char **text, size_t *len)
{
	size_t size = FILE_MAX + 1, n = 0;
	char *buf = malloc(size + 1);
	ssize_t got;

	if (!buf)
		return -ENOMEM;
	do {
		got = read(fd, buf + n, size - n);
		if (got > 0)
			n += (size_t)got;
	} while ((got > 0 && n < size) || (got < 0 && errno == EINTR));
	if (got < 0 || n == size) {
		int err = got < 0 ? -errno : -EFBIG;

		explicit_bzero(buf, n);
		free(buf);
		return err;
	}
	buf[n] = '\0';
	*text = buf;
	*len = n;
	return 0;
}

static int read_file(const char *path, char **text, size_t *len, mode_t *mode)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), err;
	struct stat st;

	if (fd < 0)
		return -errno;
	err = fstat(fd, &st) ? -errno : S_ISREG(st.st_mode) ? 0 : -EINVAL;
	if (!err)
		err = read_all(fd, text, len);
	close(fd);
	*mode = st.st_mode;
	return err;
}

static char *file_error(int err)
{
	if (err == -EFBIG)
		return conf_text("the file is larger than %u bytes", FILE_MAX);
	if (err == -EINVAL)
		return conf_text("not a regular file");
	return conf_text("cannot be read: %s", strerror(-err));
}

/* In the file itself: nothing else has been read yet. */
static bool holds_keys(const struct config *c)
{
	for (unsigned i = 0; i < c->n_maps; i++)
		for (unsigned k = 0; k < c->maps[i]->n_entries; k++)
			if (c->maps[i]->entries[k]->manual)
				return true;
	for (unsigned i = 0; i < c->n_psks; i++)
		if (c->psks[i].key.bytes || c->psks[i].theirs.bytes || c->psks[i].next.bytes)
			return true;
	return c->n_radius;
}

/* Keys that anyone may read are no keys (design.md §4). */
static bool mode_ok(const struct config *c, mode_t mode, struct conf_diags *diags)
{
	if (!holds_keys(c) || !(mode & 0007))
		return true;
	conf_diag(diags, CONF_ERROR, (struct conf_pos){0},
		  conf_text("the file holds keys and its mode 0%03o lets everyone at them",
			    (unsigned)mode & 0777),
		  conf_text("chown root:prefpeer, chmod 0640"));
	return false;
}

static int load_text(const char *path, struct config **out, struct conf_diags *diags, char **text,
		     size_t *len)
{
	mode_t mode = 0;
	int err;

	*out = NULL;
	*text = NULL;
	*len = 0;
	*diags = (struct conf_diags){0};
	err = read_file(path, text, len, &mode);
	if (err) {
		conf_diag(diags, CONF_ERROR, (struct conf_pos){0}, file_error(err), NULL);
		return err;
	}
	*out = config_parse(path, *text, *len, diags);
	if (!*out)
		return -EINVAL;
	if (!config_known_secrets(*out, NULL, diags)) {
		conf_diags_sort(diags);
		config_free(*out);
		*out = NULL;
		return -EINVAL;
	}
	if (mode_ok(*out, mode, diags))
		return 0;
	config_free(*out);
	*out = NULL;
	return -EACCES;
}

int conf_load_text(const char *path, struct config **out, struct conf_diags *diags, char **text)
{
	size_t len;

	return load_text(path, out, diags, text, &len);
}

void conf_text_free(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

int config_load(const char *path, struct config **out, struct conf_diags *diags)
{
	char *text;
	size_t len;
	int err = load_text(path, out, diags, &text, &len);

	if (err) {
		if (text)
			explicit_bzero(text, len);
		free(text);
		return err;
	}
	(*out)->text = text;
	(*out)->text_len = len;
	return 0;
}
