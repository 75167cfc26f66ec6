// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * prefpeer monitor: the module's events and the agent's, in one stream. Either
 * source may be missing, come and go; each time that is said once.
 */
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "lib/ctl.h"
#include "prefpeer/cli.h"

#define RCVBUF (4 << 20) /* bytes: some 10,000 events between two turns of a busy machine */
#define AGENT_RETRY_MS 1000
#define SEND_TIMEOUT_MS 1000

enum { WANT_SA = 1, WANT_PAIR = 2, WANT_PEER = 4, WANT_RULE = 8, WANT_MAP = 16, WANT_ALL = 31 };

struct monitor {
	const struct cli *cli;
	unsigned want;
	uint32_t rcvbuf; /* bytes */
	struct event_base *base;
	struct pp_listener *module;
	struct event *module_ev;
	struct ctl_client *agent;
	struct event *agent_ev, *retry_ev;
	bool agent_told;   /* that it is missing */
	bool agent_missed; /* and now that it is back */
	bool past;	   /* begin with what the agent remembers */
	bool replaying;	   /* that is on its way: until then, what comes is part of it */
};

/* ---- notes about the sources --------------------------------------------- */

static void note(struct monitor *m, const char *event, const char *source, const char *text)
{
	char time[64];

	if (m->cli->json)
		json_out(m->cli,
			 json_pack("{s:s, s:s, s:s, s:s}", "time", time_iso(0, time, sizeof(time)),
				   "event", event, "source", source, "text", text));
	else if (strcmp(event, "source-up") || m->agent_missed)
		printf("%s  note  %-12s  %s\n", event_time(m->cli, 0, time, sizeof(time)), source,
		       text);
	fflush(stdout);
}

/* ---- module -------------------------------------------------------------- */

static unsigned want_of(int cmd)
{
	if (cmd <= PREFPEER_CMD_SA_GONE_NTF)
		return WANT_SA;
	if (cmd <= PREFPEER_CMD_PAIR_GONE_NTF)
		return WANT_PAIR;
	if (cmd <= PREFPEER_CMD_PEER_HEARD_NTF)
		return WANT_PEER;
	if (cmd <= PREFPEER_CMD_RULE_DEL_NTF)
		return WANT_RULE;
	return WANT_ALL; /* newer than this program, or about the stream itself */
}

static void on_module_event(void *ctx, const struct pp_event *ev)
{
	struct monitor *m = ctx;

	if (!(m->want & want_of(ev->cmd)))
		return;
	if (m->cli->json)
		json_out(m->cli, json_of_event(ev));
	else
		text_module_event(m->cli, ev);
}

static void on_module(evutil_socket_t fd, short what, void *ctx)
{
	struct monitor *m = ctx;
	int rc = pp_listen_read(m->module, on_module_event, m);

	if (rc) {
		note(m, "source-down", "module", strerror(-rc));
		event_del(m->module_ev);
	}
	fflush(stdout);
}

static void open_module(struct monitor *m)
{
	unsigned groups = (m->want & WANT_SA ? PP_GROUP_SA : 0) |
			  (m->want & (WANT_PAIR | WANT_PEER) ? PP_GROUP_PEER : 0) |
			  (m->want & WANT_RULE ? PP_GROUP_RULE : 0);
	int rc;

	if (!groups)
		return;
	rc = pp_listen(groups, (int)m->rcvbuf, &m->module);
	if (rc) {
		note(m, "source-missing", "module",
		     rc == -EPERM ? "listening needs CAP_NET_ADMIN" : strerror(-rc));
		return;
	}
	m->module_ev =
		event_new(m->base, pp_listen_fd(m->module), EV_READ | EV_PERSIST, on_module, m);
	event_add(m->module_ev, NULL);
	if (pp_listen_present(m->module))
		note(m, "source-up", "module", "listening");
	else
		note(m, "source-missing", "module",
		     "not loaded: no events of SAs, pairs, peers and rules until it is");
}

/* ---- agent --------------------------------------------------------------- */

static void retry_later(struct monitor *m)
{
	struct timeval tv = { AGENT_RETRY_MS / 1000, AGENT_RETRY_MS % 1000 * 1000 };

	event_add(m->retry_ev, &tv);
}

static void close_agent(struct monitor *m)
{
	if (m->agent_ev)
		event_free(m->agent_ev);
	ctl_client_close(m->agent);
	m->agent_ev = NULL;
	m->agent = NULL;
}

static void print_event(const struct monitor *m, const json_t *o)
{
	if (m->cli->json)
		json_out(m->cli, json_incref((json_t *)o));
	else
		text_agent_event(m->cli, o);
}

static void on_answer(struct monitor *m, const json_t *o)
{
	const json_t *events = json_object_get(o, "events"), *event;
	const char *error = json_string_value(json_object_get(o, "error"));
	size_t i;

	if (events) {
		m->replaying = false;
		json_array_foreach(events, i, event)
			print_event(m, event);
		return;
	}
	if (error)
		note(m, "source-down", "agent", error);
	else
		note(m, "source-up", "agent", "listening");
	m->agent_missed = false;
}

static void on_agent_line(void *ctx, const json_t *o)
{
	const char *event = json_string_value(json_object_get(o, "event"));
	struct monitor *m = ctx;

	if (json_object_get(o, "ok"))
		on_answer(m, o);
	else if (event && !strcmp(event, "lost"))
		note(m, "lost", "agent", "events came faster than they were read: some are lost");
	else if (!m->replaying)
		print_event(m, o);
}

static void on_agent(evutil_socket_t fd, short what, void *ctx)
{
	struct monitor *m = ctx;
	int rc = ctl_client_read(m->agent, on_agent_line, m);

	fflush(stdout);
	if (!rc)
		return;
	close_agent(m);
	note(m, "source-down", "agent",
	     rc == -ECONNRESET ? "closed the connection: waiting for it" : strerror(-rc));
	m->agent_told = true;
	retry_later(m);
}

static int send_command(struct monitor *m, const char *cmd)
{
	json_t *request = json_pack("{s:s}", "cmd", cmd);
	int rc = request ? ctl_client_send(m->agent, request, SEND_TIMEOUT_MS) : -ENOMEM;

	json_decref(request);
	return rc;
}

/*
 * 0 when events will come. The past is asked for when they come already, so that
 * none falls in between; those that come before its answer are in the answer.
 */
static int subscribe(struct monitor *m)
{
	int rc = ctl_client_open(ctl_path(m->cli->control), &m->agent);

	if (rc)
		return rc;
	rc = send_command(m, "monitor");
	if (!rc && m->past)
		rc = send_command(m, "history");
	m->replaying = m->past;
	if (rc) {
		close_agent(m);
		return rc;
	}
	m->agent_ev =
		event_new(m->base, ctl_client_fd(m->agent), EV_READ | EV_PERSIST, on_agent, m);
	event_add(m->agent_ev, NULL);
	return 0;
}

static void open_agent(struct monitor *m)
{
	int rc = subscribe(m);
	char text[256];

	if (!rc) {
		m->agent_missed = m->agent_told;
		m->agent_told = false;
		return;
	}
	if (!m->agent_told) {
		snprintf(text, sizeof(text),
			 "no agent on %s (%s): no events of crypto maps until there is",
			 ctl_path(m->cli->control), strerror(-rc));
		note(m, "source-missing", "agent", text);
		m->agent_told = true;
	}
	retry_later(m);
}

static void on_retry(evutil_socket_t fd, short what, void *ctx)
{
	open_agent(ctx);
}

/* ---- the command --------------------------------------------------------- */

static int take_buffer(struct args *args, uint32_t *bytes)
{
	const char *value = args_next(args);

	if (!value || parse_u32(value, bytes) || *bytes < 1 || *bytes > 1u << 30)
		return cli_usage("buffer needs a number of bytes of 1..1073741824, not \"%s\"",
				 value ? value : "");
	return CLI_OK;
}

static int take_words(struct args *args, struct monitor *m)
{
	static const char *const names[] = { "sa", "pair", "peer", "rule", "map" };
	const char *word;
	unsigned i;
	int rc = CLI_OK;

	while (!rc && (word = args_next(args))) {
		for (i = 0; i < 5 && strcmp(word, names[i]); i++)
			;
		if (i < 5)
			m->want |= 1u << i;
		else if (!strcmp(word, "buffer"))
			rc = take_buffer(args, &m->rcvbuf);
		else if (!strcmp(word, "history"))
			m->past = true;
		else
			rc = cli_usage(
				"\"%s\" is no word here; these are: sa pair peer rule map history buffer",
				word);
	}
	if (!m->want)
		m->want = WANT_ALL;
	return rc;
}

static void on_signal(evutil_socket_t signo, short what, void *ctx)
{
	event_base_loopbreak(ctx);
}

static int run(struct monitor *m)
{
	struct event *intr, *term;

	m->base = event_base_new();
	if (!m->base)
		return cli_fail("the event loop cannot be set up");
	intr = evsignal_new(m->base, SIGINT, on_signal, m->base);
	term = evsignal_new(m->base, SIGTERM, on_signal, m->base);
	m->retry_ev = evtimer_new(m->base, on_retry, m);
	event_add(intr, NULL);
	event_add(term, NULL);
	open_module(m);
	if (m->want & WANT_MAP)
		open_agent(m);
	event_base_dispatch(m->base);
	close_agent(m);
	if (m->module_ev)
		event_free(m->module_ev);
	pp_listen_close(m->module);
	event_free(m->retry_ev);
	event_free(term);
	event_free(intr);
	event_base_free(m->base);
	return CLI_OK;
}

int cmd_monitor(const struct cli *cli, struct args *args)
{
	struct cli compact = *cli;
	struct monitor m = { .cli = &compact, .rcvbuf = RCVBUF };
	int rc;

	if (args->n && !strcmp(args->v[0], "help")) {
		printf("prefpeer monitor [sa] [pair] [peer] [rule] [map] [history] [buffer BYTES]\n");
		return CLI_OK;
	}
	compact.pretty = false; /* one object per line */
	rc = take_words(args, &m);
	return rc ? rc : run(&m);
}
