// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * debug crypto {isakmp | ikev2 | ipsec | condition …}: events to this terminal, as they
 * happen, until it is interrupted. Nothing is left on behind it.
 */
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "lib/ctl.h"
#include "prefpeer/crypto.h"
#include "prefpeer/facts.h"

#define SEND_TIMEOUT_MS 1000

struct debugging {
	const struct cli *cli;
	const char *peer, *map; /* the condition; NULL: none */
	struct ctl_client *agent;
	struct event_base *base;
	int rc;
};

void text_crypto_debug(const json_t *e)
{
	const char *iso = fact_str(e, "time");

	printf("%.12s  %-5s", strlen(iso) >= 23 ? iso + 11 : iso, fact_str(e, "topic"));
	if (fact_has(e, "map"))
		printf("  map %s %llu", fact_str(e, "map"),
		       (unsigned long long)fact_u64(e, "seq"));
	else if (fact_has(e, "peer"))
		printf("  %s", fact_str(e, "peer"));
	printf("  %s\n", fact_str(e, "text"));
}

static bool meets(const struct debugging *d, const json_t *e)
{
	return (!d->peer || !strcmp(fact_str(e, "peer"), d->peer)) &&
	       (!d->map || !strcmp(fact_str(e, "map"), d->map));
}

static void on_line(void *ctx, const json_t *o)
{
	struct debugging *d = ctx;

	if (fact_has(o, "error")) {
		d->rc = cli_fail("%s", fact_str(o, "error"));
		event_base_loopbreak(d->base);
	} else if (!strcmp(fact_str(o, "event"), "lost")) {
		d->rc = cli_fail("events came faster than they were read: some are lost");
	} else if (fact_has(o, "event") && meets(d, o)) {
		if (d->cli->json)
			json_out(d->cli, json_incref((json_t *)o));
		else
			text_crypto_debug(o);
	} else if (fact_is(o, "ok") && !d->cli->json) {
		printf("debugging is on, until interrupted\n");
	}
}

static void on_agent(evutil_socket_t fd, short what, void *ctx)
{
	struct debugging *d = ctx;
	int rc = ctl_client_read(d->agent, on_line, d);

	fflush(stdout);
	if (!rc)
		return;
	d->rc = cli_fail("the agent closed the connection");
	event_base_loopbreak(d->base);
}

static void on_signal(evutil_socket_t signo, short what, void *ctx)
{
	event_base_loopbreak(ctx);
}

static int listen_to(struct debugging *d)
{
	struct event *intr = evsignal_new(d->base, SIGINT, on_signal, d->base);
	struct event *term = evsignal_new(d->base, SIGTERM, on_signal, d->base);
	struct event *in = event_new(d->base, ctl_client_fd(d->agent), EV_READ | EV_PERSIST,
				     on_agent, d);

	event_add(intr, NULL);
	event_add(term, NULL);
	event_add(in, NULL);
	event_base_dispatch(d->base);
	event_free(in);
	event_free(term);
	event_free(intr);
	return d->rc;
}

/* NULL: both. */
static json_t *topics(const struct exec_line *line)
{
	if (exec_has(line, "ipsec"))
		return json_pack("[s]", "ipsec");
	return exec_has(line, "ikev2") || exec_has(line, "isakmp") ? json_pack("[s]", "ikev2") :
								     NULL;
}

int debug_crypto(const struct exec_line *line)
{
	struct cli compact = *line->cli;
	struct debugging d = { .cli = &compact,
			       .peer = exec_after(line, "peer"),
			       .map = exec_after(line, "map") };
	json_t *request = json_pack("{s:s, s:o*}", "cmd", "debug", "topics", topics(line));
	int rc = ctl_client_open(ctl_path(line->cli->control), &d.agent);

	compact.pretty = false; /* one object per line */
	if (rc)
		rc = cli_fail("no agent on %s: %s", ctl_path(line->cli->control), strerror(-rc));
	else if (ctl_client_send(d.agent, request, SEND_TIMEOUT_MS))
		rc = cli_fail("the agent does not read");
	json_decref(request);
	d.base = rc ? NULL : event_base_new();
	if (d.base)
		rc = listen_to(&d);
	if (d.base)
		event_base_free(d.base);
	if (d.agent)
		ctl_client_close(d.agent);
	return rc;
}

/* undebug all: for fingers that are used to it; in a shell the stream ends with Ctrl-C. */
int undebug_all(const struct exec_line *line)
{
	printf("All possible debugging has been turned off\n");
	return CLI_OK;
}
