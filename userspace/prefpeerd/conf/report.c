// SPDX-License-Identifier: GPL-2.0-or-later
/* `prefpeerd -t`: what is in force, in numbers (semantics.md §3, §10). */
#include "prefpeerd/conf/parser.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DPD_WAITS 6	       /* the probe and five retransmissions (§3.1) */
#define RETRY_WITHOUT_DPD 2000 /* ms, R where none is in force (§10) */

static uint32_t clamp_ms(uint64_t ms, uint32_t lo, uint32_t hi)
{
	return ms < lo ? lo : ms > hi ? hi : (uint32_t)ms;
}

/* "120 s", "2.5 s", "300 ms" */
static const char *time_text(uint64_t ms, char *buf, size_t size)
{
	if (ms < 1000)
		snprintf(buf, size, "%u ms", (unsigned)ms);
	else if (ms % 1000)
		snprintf(buf, size, "%u.%u s", (unsigned)(ms / 1000), (unsigned)(ms % 1000 / 100));
	else
		snprintf(buf, size, "%u s", (unsigned)(ms / 1000));
	return buf;
}

struct budgets {
	uint32_t answer;      /* ms until the first message of a peer */
	uint32_t answer_died; /* of the peer whose death ended the last connection */
	uint32_t finish;      /* from there until the child SA */
	uint64_t notice;      /* ms from a peer's death to the verdict; 0: no DPD */
};

/* Of its peers; what takes longest is the worst case. */
static const struct dpd *slowest_dpd(const struct config *c, const struct map_entry *e)
{
	const struct dpd *most = e->n_peers ? conf_dpd(c, e->peers[0].profile) : &c->dpd;

	for (unsigned i = 1; i < e->n_peers; i++) {
		const struct dpd *d = conf_dpd(c, e->peers[i].profile);

		if (most->mode == DPD_OFF)
			break;
		if (d->mode == DPD_OFF ||
		    conf_dpd_notice_ms(d, DPD_WAITS * d->retry_ms) >
			    conf_dpd_notice_ms(most, DPD_WAITS * most->retry_ms))
			most = d;
	}
	return most;
}

static struct budgets budgets_of(const struct config *c, const struct map_entry *e)
{
	const struct dpd *d = slowest_dpd(c, e);
	uint32_t r = d->mode == DPD_OFF ? RETRY_WITHOUT_DPD : d->retry_ms;
	struct budgets b = {
		.answer =
			e->answer_ms ? e->answer_ms : clamp_ms(DPD_WAITS * (uint64_t)r, 250, 30000),
		.answer_died = clamp_ms(r, 250, 3000),
		.finish = clamp_ms(DPD_WAITS * (uint64_t)r, 2000, 30000),
	};

	if (e->answer_ms)
		b.answer_died = e->answer_ms; /* connect-timeout sets Answer for every peer */
	b.notice = conf_dpd_notice_ms(d, DPD_WAITS * r);
	return b;
}

static void report_peers(const struct map_entry *e, FILE *out)
{
	fputs("  peers   ", out);
	if (!e->n_peers)
		fputs("none", out);
	for (unsigned i = 0; i < e->n_peers; i++)
		fprintf(out, "%s%s%s%s%s", i ? ", " : "", e->peers[i].text,
			e->peers[i].is_dynamic ? " (dynamic)" : "",
			e->peers[i].is_default ? " (default)" : "",
			e->peers[i].is_shut ? " (shut down)" : "");
	fputc('\n', out);
}

static const char *how(unsigned auth)
{
	return auth & AUTH_BY_PSK && auth & ~AUTH_BY_PSK ? "key or certificate" :
	       auth & AUTH_BY_PSK			 ? "key" :
							   "certificate";
}

static void report_profiles(const struct map_entry *e, FILE *out)
{
	for (unsigned i = 0; i < e->n_peers; i++) {
		const struct ikev2_profile *f = e->peers[i].profile;

		if (f)
			fprintf(out, "  auth    %s: we by %s, the peer by %s (IKEv2 profile %s)\n",
				e->peers[i].text, how(f->auth_local), how(f->auth_remote), f->name);
	}
}

static void report_idle(const struct config *c, const struct map_entry *e, FILE *out)
{
	struct idle_time t = conf_entry_idle(c, e);
	char buf[32];

	if (!t.ms)
		fputs("  idle    off: SAs stay until their lifetime ends\n", out);
	else if (t.home && e->has_default)
		fprintf(out, "  idle    %s, then home to %s\n", time_text(t.ms, buf, sizeof(buf)),
			e->peers[0].text);
	else
		fprintf(out, "  idle    %s, then the same peer again\n",
			time_text(t.ms, buf, sizeof(buf)));
}

static void report_dpd(const struct dpd *d, const char *whose, FILE *out)
{
	char interval[32], retry[32], total[32];

	if (d->mode == DPD_OFF) {
		fprintf(out, "  dpd     %soff: a dead peer is noticed only when an exchange fails\n",
			whose);
		return;
	}
	fprintf(out, "  dpd     %s%s, retry %s, %s%s: %u requests in %s, %s\n", whose,
		time_text(d->interval_ms, interval, sizeof(interval)),
		time_text(d->retry_ms, retry, sizeof(retry)),
		d->mode == DPD_PERIODIC ? "periodic" : "on-demand", d->strict ? ", strict" : "",
		DPD_WAITS, time_text(DPD_WAITS * (uint64_t)d->retry_ms, total, sizeof(total)),
		d->fixed ? "evenly spaced" : "each wait half as long again");
}

/* The global one, and of each peer whose profile has its own. */
static void report_dpds(const struct config *c, const struct map_entry *e, FILE *out)
{
	char whose[300];
	bool all_own = e->n_peers;

	for (unsigned i = 0; i < e->n_peers; i++)
		all_own &= conf_dpd(c, e->peers[i].profile) != &c->dpd;
	if (!all_own)
		report_dpd(&c->dpd, "", out);
	for (unsigned i = 0; i < e->n_peers; i++) {
		const struct dpd *d = conf_dpd(c, e->peers[i].profile);

		snprintf(whose, sizeof(whose), "%s: ", e->peers[i].text);
		if (d != &c->dpd)
			report_dpd(d, whose, out);
	}
}

static void report_budgets(const struct map_entry *e, const struct budgets *b, FILE *out)
{
	char answer[32], died[32], finish[32];

	time_text(b->answer, answer, sizeof(answer));
	time_text(b->finish, finish, sizeof(finish));
	if (e->answer_ms)
		fprintf(out, "  answer  %s (connect-timeout); then %s to finish\n", answer, finish);
	else
		fprintf(out,
			"  answer  %s, %s for the peer that just died; then %s to finish; at least 4 round trips, 1 s while none is known\n",
			answer, time_text(b->answer_died, died, sizeof(died)), finish);
}

/* From the death of a hub to traffic on the next; §10 "What it gives". */
static void report_failover(const struct map_entry *e, const struct budgets *b, FILE *out)
{
	uint64_t total = b->notice + (e->has_default ? b->answer_died : 0);
	char all[32], notice[32], died[32], answer[32];

	if (e->n_peers < 2 || !b->notice) {
		fprintf(out, "  worst failover  %s\n",
			e->n_peers < 2 ? "none: there is no second peer"
				       : "unknown: without dpd a death is not noticed by time");
		return;
	}
	fprintf(out, "  worst failover  %s = notice %s", time_text(total, all, sizeof(all)),
		time_text(b->notice, notice, sizeof(notice)));
	if (e->has_default)
		fprintf(out, " + retry default %s", time_text(b->answer_died, died, sizeof(died)));
	fprintf(out, " + set-up; each further silent peer %s\n",
		time_text(b->answer, answer, sizeof(answer)));
}

static void report_sets(const struct map_entry *e, FILE *out)
{
	char buf[64];

	fputs("  sets    ", out);
	if (!e->n_sets)
		fputs("none", out);
	for (unsigned i = 0; i < e->n_sets; i++) {
		const struct esp_suite *s = &e->sets[i]->suite;

		fprintf(out, "%s%s %s", i ? ", " : "", e->set_names[i],
			suite_is_ah(s) ? "ah" : encr_name(s->encr, s->key_bits, buf, sizeof(buf)));
		if (s->integ != INTEG_NONE)
			fprintf(out, " %s", integ_name(s->integ));
		if (e->sets[i]->mode != SA_MODE_TUNNEL)
			fputs(" transport", out);
	}
	fputc('\n', out);
}

static void report_lines(const struct map_entry *e, FILE *out)
{
	char buf[SELECTOR_STRLEN];

	for (unsigned i = 0; e->acl && i < e->acl->n_lines; i++)
		fprintf(out, "  line %-3u%s %s\n", i + 1,
			e->acl->lines[i].permit ? "permit" : "deny",
			selector_print(&e->acl->lines[i].sel, buf, sizeof(buf)));
}

static const char *entry_state(const struct config *c, const struct map_entry *e)
{
	if (!e->acl)
		return "disabled: incomplete";
	if (conf_entry_incomplete(c, e))
		return "blocked: incomplete";
	return e->map->n_interfaces ? "complete" : "on no interface";
}

static void report_template(const struct config *c, const struct map_entry *t, FILE *out)
{
	fprintf(out, "  template %u\n", t->seq);
	if (*t->profile_name)
		fprintf(out, "  profile %s\n", t->profile_name);
	report_idle(c, t, out);
	report_sets(t, out);
	report_lines(t, out);
}

static void report_dynamic(const struct config *c, const struct map_entry *e, FILE *out)
{
	fprintf(out, "%s %u   dynamic map %s, for branches that call%s\n", e->map->name, e->seq,
		e->dynamic_name, e->map->n_interfaces ? "" : ": on no interface");
	report_dpd(&c->dpd, "", out);
	for (unsigned i = 0; i < e->dynamic->n_entries; i++)
		report_template(c, e->dynamic->entries[i], out);
}

static void report_manual(const struct config *c, const struct map_entry *e, FILE *out)
{
	fprintf(out, "%s %u   %s, with manual keys: SPIs %u in, %u out; no idle time, no dpd, no lifetime\n",
		e->map->name, e->seq, entry_state(c, e), e->manual->in.spi, e->manual->out.spi);
	report_peers(e, out);
	report_sets(e, out);
	report_lines(e, out);
}

static void report_entry(const struct config *c, const struct map_entry *e, FILE *out)
{
	struct budgets b = budgets_of(c, e);

	if (e->dynamic) {
		report_dynamic(c, e, out);
		return;
	}
	if (e->manual) {
		report_manual(c, e, out);
		return;
	}
	fprintf(out, "%s %u   %s\n", e->map->name, e->seq, entry_state(c, e));
	report_peers(e, out);
	report_profiles(e, out);
	report_idle(c, e, out);
	report_dpds(c, e, out);
	report_budgets(e, &b, out);
	report_failover(e, &b, out);
	report_sets(e, out);
	report_lines(e, out);
}

int conf_main_check(const char *path, FILE *out)
{
	struct conf_diags d;
	struct config *c;
	char *text;
	int err = conf_load_text(path, &c, &d, &text);

	if (!err && config_credentials(c, &conf_keys_here, time(NULL), &d))
		err = -EINVAL;
	conf_diags_print(&d, path, text, out);
	for (unsigned i = 0; !err && i < c->n_maps; i++)
		for (unsigned k = 0; k < c->maps[i]->n_entries; k++)
			report_entry(c, c->maps[i]->entries[k], out);
	if (!err)
		fprintf(out, "%s: valid\n", path);
	conf_text_free(text);
	conf_diags_free(&d);
	config_free(c);
	return err ? 1 : 0;
}
