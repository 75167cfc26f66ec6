// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/log.h"
#include "prefpeerd/acct/acct.h"
#include "prefpeerd/acct/writer.h"
#include "prefpeerd/agent.h"
#include "prefpeerd/entry/entries.h"
#include "prefpeerd/lastgood.h"
#include "prefpeerd/messages.h"
#include "prefpeerd/resolve.h"
#include "prefpeerd/signer.h"
#include "prefpeerd/spd/reqid.h"
#include "prefpeerd/watch.h"

#define AREA "agent"
/* How long SIGTERM waits for the answers to its DELETEs. */
#define STOP_GRACE_MS 3000
#define POLICY_RETRY_MS 1000

uint32_t agent_line_reqid(void *ctx, const char *map, unsigned seq, const struct selector *sel)
{
	return reqid_get(ctx, map, seq, sel);
}

static bool note_was_told(const struct agent *a, const struct config *conf, const char *text)
{
	if (conf != a->conf || !a->spd)
		return false;
	for (unsigned i = 0; i < a->spd->n_notes; i++)
		if (!strcmp(a->spd->notes[i].text, text))
			return true;
	return false;
}

/* Once per configuration, not with every route that changes. */
static void tell_notes(const struct agent *a, const struct config *conf, const struct spd *spd)
{
	for (unsigned i = 0; i < spd->n_notes; i++)
		if (!note_was_told(a, conf, spd->notes[i].text))
			log_warn(AREA, "%s:%u: %s", conf->path, spd->notes[i].pos.line,
				 spd->notes[i].text);
}

/* Without the addresses the blocks against the NAT hole (semantics.md §4.1) would go: no spd then. */
static int compile(struct agent *a, const struct config *conf, struct spd_iface **ifaces,
		   unsigned *n, struct spd **out)
{
	struct spd_env env = { .reqid_for = agent_line_reqid, .ctx = a->reqids };
	struct spd_branch *branches;
	int err = route_env(a->route, conf, ifaces, n);

	if (err) {
		log_err(AREA, "addresses of the interfaces cannot be read: %s", strerror(-err));
		return err;
	}
	env.ifaces = *ifaces;
	env.n_ifaces = *n;
	err = entries_branches(a->entries, conf, &branches, &env.n_branches);
	if (err)
		return err;
	env.branches = branches;
	*out = spd_compile(conf, &env);
	free(branches);
	if (!*out)
		return -ENOMEM;
	tell_notes(a, conf, *out);
	return 0;
}

static void retry(struct timer *t, mono_t now)
{
	struct agent *a = timer_container(t, struct agent, policy_retry);

	if (agent_recompile(a, now) && !timer_armed(t))
		timer_set(loop_timers(a->loop), t, mono_add_ms(now, POLICY_RETRY_MS));
}

void agent_retry(struct agent *a, mono_t now)
{
	a->policy_retry.fn = retry;
	timer_set(loop_timers(a->loop), &a->policy_retry, mono_add_ms(now, POLICY_RETRY_MS));
}

/* The order is entries.h's: no line that goes on loses a packet. */
static int bring_into_force(struct agent *a, const struct config *conf, struct spd *spd, mono_t now)
{
	bool first = !a->spd;
	int err;

	err = entries_prepare(a->entries, conf, spd, now);
	if (err)
		return err;
	err = spd_apply(spd, a->spd, &a->kernel);
	if (err)
		log_err(AREA, "not every policy could be installed: %s; %s", strerror(-err),
			first ? "nothing is started" : "trying again");
	if (err && first)
		return err;
	if (err)
		agent_retry(a, now);
	else
		timer_cancel(loop_timers(a->loop), &a->policy_retry);
	return entries_configure(a->entries, conf, spd, now);
}

static bool has_interface(const struct map *m, const char *ifname)
{
	for (unsigned i = 0; m && i < m->n_interfaces; i++)
		if (!strcmp(m->interfaces[i], ifname))
			return true;
	return false;
}

/* A map that leaves an interface takes along what ran by its address (semantics.md §4.8). */
static bool interface_removed(const struct config *old, const struct config *new)
{
	for (unsigned i = 0; old && i < old->n_maps; i++) {
		const struct map *m = old->maps[i];

		for (unsigned k = 0; k < m->n_interfaces; k++)
			if (!has_interface(conf_find_map(new, m->name), m->interfaces[k]))
				return true;
	}
	return false;
}

static void account_for(struct agent *a, mono_t now)
{
	if (!a->acct)
		return;
	writer_configure(a->writer, a->conf);
	acct_configure(a->acct, a->conf, now);
}

int agent_configure(struct agent *a, struct config *conf, mono_t now)
{
	struct spd_iface *ifaces = NULL;
	struct spd *spd = NULL;
	bool removed = interface_removed(a->conf, conf);
	unsigned n = 0;
	int err = compile(a, conf, &ifaces, &n, &spd);

	if (!err) {
		resolve_config(a->resolve, conf);
		err = bring_into_force(a, conf, spd, now);
	}
	if (err) {
		resolve_config(a->resolve, a->conf);
		spd_free(spd);
		route_env_free(ifaces, n);
		return err;
	}
	if (a->conf != conf)
		config_free(a->conf);
	spd_free(a->spd);
	route_env_free(a->ifaces, a->n_ifaces);
	a->conf = conf;
	a->spd = spd;
	a->ifaces = ifaces;
	a->n_ifaces = n;
	account_for(a, now);
	if (removed)
		entries_interfaces_left(a->entries, now);
	messages_configured(a->messages, conf);
	watch_soon(a->watch, now);
	return 0;
}

int agent_recompile(struct agent *a, mono_t now)
{
	return agent_configure(a, a->conf, now);
}

void agent_readdress(struct agent *a, mono_t now)
{
	struct spd_iface *ifaces = NULL;
	unsigned n = 0;
	int err = route_env(a->route, a->conf, &ifaces, &n);
	bool same = !err && route_env_equal(ifaces, n, a->ifaces, a->n_ifaces);

	route_env_free(ifaces, n);
	if (!same && !err)
		err = agent_recompile(a, now);
	if (!err)
		return;
	log_err(AREA, "policies could not follow the new addresses: %s; trying again",
		strerror(-err));
	if (!timer_armed(&a->policy_retry))
		agent_retry(a, now);
}

/* Without tunnels nobody may reach the site to mend the file. */
static struct config *load_last(const struct agent_options *opt)
{
	struct config *conf;
	char day[32];
	time_t when;
	struct tm tm;
	int err = lastgood_load(opt->state_dir, opt->conf_path, &conf, &when);

	if (err && err != -ENOENT)
		log_err(AREA, "the configuration that was last in force, kept in %s, is not usable either: %s",
			opt->state_dir, strerror(-err));
	if (err)
		return NULL;
	strftime(day, sizeof(day), "%F %T", localtime_r(&when, &tm));
	log_err(AREA, "%s is not usable; what was last in force, kept %s, is used in its place: mend the file, then prefpeer reload",
		opt->conf_path, day);
	return conf;
}

/* A write that was cut short leaves nothing; who wants nothing writes a comment. */
static struct config *unless_last(struct config *empty, const struct agent_options *opt)
{
	struct config *last = load_last(opt);

	if (last)
		config_free(empty);
	return last ? last : empty;
}

/*
 * At start there is nothing to stay with: whoever needs what is broken stays down and says
 * why, and everything that is protected is blocked, not sent in clear.
 */
static struct config *with_credentials(struct config *conf, const struct agent_options *opt)
{
	struct conf_diags diags = { 0 };

	if (conf && opt->keys) {
		config_credentials(conf, opt->keys, time(NULL), &diags);
		conf_diags_print(&diags, conf->path, NULL, stderr);
		conf_diags_free(&diags);
	}
	return conf;
}

struct config *agent_load(const struct agent_options *opt)
{
	struct conf_diags diags = { 0 };
	struct config *conf = NULL;
	int err = config_load(opt->conf_path, &conf, &diags);

	conf_diags_print(&diags, opt->conf_path, NULL, stderr);
	if (err && !diags.n)
		log_err(AREA, "%s cannot be read: %s", opt->conf_path, strerror(-err));
	conf_diags_free(&diags);
	/* Who takes the file away wants no tunnels. */
	if (err)
		return err == -ENOENT ? NULL : with_credentials(load_last(opt), opt);
	return with_credentials(conf->text_len ? conf : unless_last(conf, opt), opt);
}

void agent_keep(struct agent *a)
{
	int err = a->lastgood ? lastgood_keep(a->lastgood, a->conf) : 0;

	if (err)
		log_warn(AREA, "the configuration cannot be kept in %s: %s; should the file have errors at the next start, an older one is used, or none",
			 a->opt.state_dir, strerror(-err));
}

static char *diags_text(const struct conf_diags *d, const char *path)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	conf_diags_print(d, path, NULL, f);
	fclose(f);
	return text;
}

int agent_take(struct agent *a, struct config *conf, mono_t now, struct conf_diags *diags)
{
	int err = 0;

	if (a->opt.keys && config_credentials(conf, a->opt.keys, time(NULL), diags))
		err = -EINVAL;
	if (!err)
		err = agent_configure(a, conf, now);
	if (err)
		config_free(conf);
	else if (a->signer)
		signer_retain(a->signer, a->conf);
	return err;
}

int agent_reload(struct agent *a, mono_t now, char **report)
{
	struct conf_diags diags = { 0 };
	struct config *conf = NULL;
	char *text;
	int err;

	err = config_load(a->opt.conf_path, &conf, &diags);
	if (!err)
		err = agent_take(a, conf, now, &diags);
	text = diags_text(&diags, a->opt.conf_path);
	conf_diags_free(&diags);
	if (err)
		log_err(AREA, "%s was not taken, the running configuration stays%s%s",
			a->opt.conf_path, text && *text ? ":\n" : ": ",
			text && *text ? text : strerror(-err));
	else
		log_notice(AREA, "%s is in force%s", a->opt.conf_path,
			   a->unsaved ? "; changes that were not saved are gone" : "");
	if (!err)
		agent_keep(a);
	a->unsaved &= err != 0;
	if (report)
		*report = text;
	else
		free(text);
	return err;
}

void agent_stop(struct agent *a, mono_t now)
{
	if (a->stopping)
		return;
	a->stopping = true;
	log_notice(AREA, "stopping: SAs are deleted at the peers, policies stay (prefpeerd --flush removes them)");
	if (a->acct)
		acct_stop(a->acct, now);
	entries_stop(a->entries, now);
	a->engine.ops->stop(a->engine.impl, STOP_GRACE_MS);
}
