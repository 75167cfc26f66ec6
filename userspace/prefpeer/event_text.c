// SPDX-License-Identifier: GPL-2.0-or-later
/* One line per event: time, kind, whom it is about, what changed, why. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "prefpeer/cli.h"

#define SUBJECT_WIDTH 12
#define CHANGE_WIDTH 26

/* Characters, not bytes. */
static unsigned width(const char *text)
{
	unsigned n = 0;

	for (; *text; text++)
		n += (*text & 0xc0) != 0x80;
	return n;
}

static unsigned pad(const char *text, unsigned to)
{
	return width(text) < to ? to - width(text) : 0;
}

static void line(const struct cli *cli, const char *time, const char *kind, const char *subject,
		 enum tone tone, const char *change, const char *why)
{
	char text[256];

	printf("%s  %-5s %s", time, kind, subject);
	if (*change)
		printf("%*s  %s", (int)pad(subject, SUBJECT_WIDTH), "",
		       toned(cli, tone, change, text, sizeof(text)));
	else if (*why)
		printf("%*s", (int)pad(subject, SUBJECT_WIDTH), "");
	if (*why)
		printf("%*s  %s", *change ? (int)pad(change, CHANGE_WIDTH) : 0, "", why);
	putchar('\n');
}

/* ---- the agent's --------------------------------------------------------- */

static const char *str(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

/* "UP 10.1.1.1 → DOWN", "WALK 10.1.1.1 → 10.2.2.2", "WALK → UP 10.2.2.2" */
static void state_change(const json_t *e, char *buf, size_t size)
{
	const char *from = str(e, "from"), *to = str(e, "to");
	const char *was = str(e, "from_peer"), *now = str(e, "peer");
	bool still = !strcmp(from, to), up = !strcmp(from, "UP");
	bool names_peer = !strcmp(to, "UP") || !strcmp(to, "WALK");

	if (still && *was && *now)
		snprintf(buf, size, "%s %s → %s", from, was, now);
	else if (still)
		snprintf(buf, size, "%s %s", from, now);
	else
		snprintf(buf, size, "%s%s%s → %s%s%s", from, up && *was ? " " : "", up ? was : "",
			 to, names_peer && *now ? " " : "", names_peer ? now : "");
}

static enum tone change_tone(const json_t *e)
{
	const char *to = str(e, "to");

	if (strcmp(str(e, "event"), "map-state"))
		return TONE_PLAIN;
	if (!strcmp(to, "UP"))
		return TONE_GOOD;
	return !strcmp(str(e, "from"), "UP") ? TONE_BAD : TONE_WARN;
}

static const char *or_none(const char *peer)
{
	return *peer ? peer : "none";
}

static void agent_change(const json_t *e, char *buf, size_t size)
{
	const char *name = str(e, "event");

	*buf = '\0';
	if (!strcmp(name, "map-state"))
		state_change(e, buf, size);
	else if (!strcmp(name, "map-peer"))
		snprintf(buf, size, "current peer %s → %s", or_none(str(e, "from_peer")),
			 or_none(str(e, "peer")));
	else if (strcmp(name, "map-line") && strcmp(name, "map-note") && strcmp(name, "map-next") &&
		 strcmp(name, "note"))
		snprintf(buf, size, "%s", name);
}

static void agent_subject(const json_t *e, char *buf, size_t size)
{
	long long seq = json_integer_value(json_object_get(e, "seq"));
	long long no = json_integer_value(json_object_get(e, "line"));

	if (!*str(e, "map"))
		snprintf(buf, size, "%s", str(e, "source"));
	else if (no)
		snprintf(buf, size, "%s %lld line %lld", str(e, "map"), seq, no);
	else
		snprintf(buf, size, "%s %lld", str(e, "map"), seq);
}

/* The history goes back beyond today: then the date is said too. */
void text_agent_event(const struct cli *cli, const json_t *e)
{
	char now[DUR_STRLEN], subject[128], change[256], time[40], today[64];
	const char *iso = str(e, "time");

	if (cli->opts & OPT_TIMESTAMP && *iso)
		snprintf(time, sizeof(time), "%s", iso);
	else if (strlen(iso) >= 23 && strncmp(iso, time_iso(0, today, sizeof(today)), 10))
		snprintf(time, sizeof(time), "%.10s %.12s", iso, iso + 11);
	else if (strlen(iso) >= 23)
		snprintf(time, sizeof(time), "%.12s", iso + 11);
	else
		snprintf(time, sizeof(time), "%s", time_of_day(0, now));
	agent_subject(e, subject, sizeof(subject));
	agent_change(e, change, sizeof(change));
	line(cli, time, *str(e, "map") ? "map" : "note", subject, change_tone(e), change,
	     str(e, "text"));
}

/* ---- the module's -------------------------------------------------------- */

struct text {
	char s[512];
};

static void add(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void add(struct text *t, const char *fmt, ...)
{
	size_t at = strlen(t->s);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(t->s + at, sizeof(t->s) - at, fmt, ap);
	va_end(ap);
}

/* From the last use, or hearing, to the verdict. */
static uint64_t since(const struct pp_attrs *a, uint64_t then)
{
	return a->stamp > then ? (a->stamp - then) / 1000000 : 0;
}

static void add_origin(struct text *t, const struct pp_attrs *a)
{
	char meta[160], unknown[256];

	if (*meta_text(&a->meta, meta, sizeof(meta)))
		add(t, "  %s", meta);
	if (*unknown_text(a, unknown, sizeof(unknown)))
		add(t, "  %s", unknown);
}

/* How it ended, for people; newer reasons by their number. */
static const char *gone_text(uint8_t reason, char *buf)
{
	static const char *const words[] = {
		[PREFPEER_REASON_DELETED] = "deleted",
		[PREFPEER_REASON_EXPIRED] = "hard lifetime ended",
		[PREFPEER_REASON_FLUSHED] = "flushed with all others",
		[PREFPEER_REASON_VANISHED] = "the kernel removed it without telling",
		[PREFPEER_REASON_LIMIT] = "no longer tracked, at a limit of the module",
	};

	if (reason < sizeof(words) / sizeof(words[0]) && words[reason])
		return words[reason];
	return reason_text(reason, buf);
}

static void sa_why(struct text *t, const struct pp_event *ev)
{
	const struct pp_attrs *a = &ev->a;
	char w[WORD_STRLEN], d[DUR_STRLEN];

	add(t, "%s 0x%08x", proto_text(a->proto, w), a->spi);
	if (PP_HAS(a, PREFPEER_A_REQID))
		add(t, " reqid %u", a->reqid);
	if (a->dir)
		add(t, " %s", dir_text(a->dir, w));
	if (ev->cmd == PREFPEER_CMD_SA_IDLE_NTF)
		add(t, ": nothing for %s", dur_print(since(a, a->last_use), d));
	if (ev->cmd == PREFPEER_CMD_SA_GONE_NTF)
		add(t, ": %s, %llu packets", gone_text(a->reason, w),
		    (unsigned long long)a->packets);
}

static void pair_why(struct text *t, const struct pp_event *ev)
{
	const struct pp_attrs *a = &ev->a;
	char w[WORD_STRLEN], d[DUR_STRLEN];

	add(t, "reqid %u", a->reqid);
	if (ev->cmd == PREFPEER_CMD_PAIR_IDLE_NTF)
		add(t, ": nothing for %s", dur_print(since(a, a->last_use), d));
	if (PP_HAS(&a->meta, PREFPEER_A_META_IDLE_TIME) && ev->cmd == PREFPEER_CMD_PAIR_IDLE_NTF)
		add(t, ", timer %s", setting_print(a->meta.idle_time, d));
	if (ev->cmd == PREFPEER_CMD_PAIR_GONE_NTF)
		add(t, ": %s", gone_text(a->reason, w));
	if (a->flags & PREFPEER_FLAG_ONE_SIDED)
		add(t, ", one direction only");
}

static void peer_why(struct text *t, const struct pp_event *ev)
{
	const struct pp_attrs *a = &ev->a;
	uint64_t ref = a->last_in > a->heard ? a->last_in : a->heard;
	char d[DUR_STRLEN];

	if (ev->cmd == PREFPEER_CMD_PEER_ONE_WAY_NTF && ref)
		add(t, "%s out, nothing in", dur_print(since(a, ref), d));
	else if (ev->cmd == PREFPEER_CMD_PEER_ONE_WAY_NTF)
		add(t, "packets out, never one in");
	if (ev->cmd == PREFPEER_CMD_PEER_ONE_WAY_NTF && a->repeat > 1)
		add(t, ", for the %u. time", a->repeat);
	if (ev->cmd == PREFPEER_CMD_PEER_IDLE_NTF)
		add(t, "nothing for %s", dur_print(since(a, a->last_use), d));
}

static void rule_why(struct text *t, const struct pp_event *ev)
{
	const struct pp_attrs *a = &ev->a;
	char d[DUR_STRLEN];

	if (PP_HAS(a, PREFPEER_A_REQID))
		add(t, "reqid %u ", a->reqid);
	if (PP_HAS(&a->meta, PREFPEER_A_META_IDLE_TIME))
		add(t, "idle-time %s ", setting_print(a->meta.idle_time, d));
	if (PP_HAS(&a->meta, PREFPEER_A_META_ONE_WAY))
		add(t, "one-way %s ", setting_print(a->meta.one_way, d));
}

/* Which object an event is about, by its place in the numbering. */
static const struct kind {
	int first, last;
	const char *name;
	void (*why)(struct text *t, const struct pp_event *ev);
} kinds[] = {
	{ PREFPEER_CMD_SA_NEW_NTF, PREFPEER_CMD_SA_GONE_NTF, "sa", sa_why },
	{ PREFPEER_CMD_PAIR_IDLE_NTF, PREFPEER_CMD_PAIR_GONE_NTF, "pair", pair_why },
	{ PREFPEER_CMD_PEER_IDLE_NTF, PREFPEER_CMD_PEER_HEARD_NTF, "peer", peer_why },
	{ PREFPEER_CMD_RULE_NEW_NTF, PREFPEER_CMD_RULE_DEL_NTF, "rule", rule_why },
};

static const struct kind *kind_of(int cmd)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (cmd >= kinds[i].first && cmd <= kinds[i].last)
			return &kinds[i];
	return NULL;
}

static void subject_of(const struct pp_event *ev, char *buf, size_t size)
{
	const struct pp_attrs *a = &ev->a;
	char x[ADDR_STRLEN], y[PREFIX_STRLEN];
	struct prefix p = prefix_host(&a->remote);

	if (PP_HAS(a, PREFPEER_A_REMOTE_LEN))
		p.len = a->remote_len;
	if (addr_is_set(&a->dst))
		snprintf(buf, size, "%s → %s", addr_print(&a->src, x, sizeof(x)),
			 addr_print(&a->dst, y, sizeof(y)));
	else
		snprintf(buf, size, "%s", prefix_print(&p, y, sizeof(y)));
}

static void own_line(const struct cli *cli, const struct pp_event *ev)
{
	char time[64], why[128] = "";

	if (ev->cmd == PP_EV_MODULE_UP)
		snprintf(why, sizeof(why), "the module is loaded");
	else if (ev->cmd == PP_EV_MODULE_DOWN)
		snprintf(why, sizeof(why), "the module is gone, and every rule with it");
	else if (ev->cmd == PP_EV_LOST)
		snprintf(why, sizeof(why), "%u %s events lost", ev->lost, group_name(ev->group));
	else
		snprintf(why, sizeof(why), "events came faster than they were read: some are lost");
	line(cli, event_time(cli, 0, time, sizeof(time)), "note", "module", TONE_PLAIN, "", why);
}

void text_module_event(const struct cli *cli, const struct pp_event *ev)
{
	const struct kind *k = kind_of(ev->cmd);
	char time[64], subject[2 * ADDR_STRLEN + 8], change[32];
	struct text why = { "" };

	if (ev->cmd >= PP_EV_MODULE_UP) {
		own_line(cli, ev);
		return;
	}
	subject_of(ev, subject, sizeof(subject));
	if (k)
		k->why(&why, ev);
	add_origin(&why, &ev->a);
	/* "pair-idle" → "idle" */
	if (k)
		snprintf(change, sizeof(change), "%s", strchr(pp_cmd_name(ev->cmd), '-') + 1);
	else
		snprintf(change, sizeof(change), "event-%d", ev->cmd);
	line(cli, event_time(cli, PP_HAS(&ev->a, PREFPEER_A_STAMP) ? ev->a.stamp : 0, time, sizeof(time)),
	     k ? k->name : "?", subject,
	     ev->cmd == PREFPEER_CMD_PEER_ONE_WAY_NTF ? TONE_BAD : TONE_PLAIN, change, why.s);
}
