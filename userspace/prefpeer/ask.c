// SPDX-License-Identifier: GPL-2.0-or-later
/* Asking the module and the agent, with the sentence when it fails. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ctl.h"
#include "prefpeer/cli.h"

#define AGENT_TIMEOUT_MS 10000
#define DUMP_TRIES 5

struct pp_nl *ask_module(void)
{
	struct pp_nl *nl;
	int rc = pp_nl_open(&nl);

	if (!rc)
		return nl;
	if (rc == -ENOENT)
		cli_fail("the kernel module is not loaded: modprobe prefpeer");
	else
		cli_fail("cannot talk to the kernel module: %s", strerror(-rc));
	return NULL;
}

int ask_failed(struct pp_nl *nl, int rc)
{
	if (rc == -EINTR)
		return cli_fail("the rules kept changing while they were listed: try again");
	if (!*pp_nl_error(nl))
		return cli_fail("%s", strerror(-rc));
	return cli_fail("%s", pp_nl_error(nl));
}

static int keep(void *ctx, const struct pp_attrs *a)
{
	struct attr_list *l = ctx;

	if (l->n == l->room) {
		size_t room = l->room ? l->room * 2 : 64;
		struct pp_attrs *v = realloc(l->v, room * sizeof(*v));

		if (!v)
			return -ENOMEM;
		l->v = v;
		l->room = room;
	}
	l->v[l->n++] = *a;
	return 0;
}

int ask_dump(int cmd, const struct pp_attrs *filter, struct attr_list *out)
{
	struct pp_nl *nl = ask_module();
	int rc = -EINTR;

	*out = (struct attr_list){ 0 };
	if (!nl)
		return CLI_FAIL;
	for (int i = 0; rc == -EINTR && i < DUMP_TRIES; i++) {
		out->n = 0;
		rc = pp_nl_dump(nl, cmd, filter, keep, out);
	}
	if (rc) {
		rc = ask_failed(nl, rc);
		attr_list_free(out);
	}
	pp_nl_close(nl);
	return rc;
}

int ask_one(int cmd, const struct pp_attrs *req, struct attr_list *out)
{
	struct pp_nl *nl = ask_module();
	struct pp_attrs reply;
	int rc;

	*out = (struct attr_list){ 0 };
	if (!nl)
		return CLI_FAIL;
	rc = pp_nl_do(nl, cmd, req, &reply);
	if (!rc)
		rc = keep(out, &reply);
	if (rc)
		rc = ask_failed(nl, rc);
	pp_nl_close(nl);
	return rc;
}

int ask_do(int cmd, const struct pp_attrs *req)
{
	struct pp_nl *nl = ask_module();
	int rc;

	if (!nl)
		return CLI_FAIL;
	rc = pp_nl_do(nl, cmd, req, NULL);
	if (rc)
		rc = ask_failed(nl, rc);
	pp_nl_close(nl);
	return rc;
}

void attr_list_free(struct attr_list *l)
{
	free(l->v);
	*l = (struct attr_list){ 0 };
}

/* ---- the agent ----------------------------------------------------------- */

static int no_agent(const char *path, int rc)
{
	switch (rc) {
	case -ENOENT:
	case -ECONNREFUSED:
		return cli_fail(
			"no agent listens on %s: start prefpeerd, or name its socket with -S",
			path);
	case -EACCES:
		return cli_fail("%s may not be opened: be root, or of the socket's group", path);
	default:
		return cli_fail("%s: %s", path, strerror(-rc));
	}
}

static int exchange(struct ctl_client *c, const json_t *request, int fd, json_t **reply)
{
	int rc = ctl_client_request_fd(c, request, fd, AGENT_TIMEOUT_MS, reply);

	if (rc == -ETIMEDOUT)
		return cli_fail("the agent did not answer within %d s", AGENT_TIMEOUT_MS / 1000);
	if (rc == -ECONNRESET)
		return cli_fail("the agent closed the connection without an answer");
	if (rc)
		return cli_fail("the agent's answer cannot be read: %s", strerror(-rc));
	return CLI_OK;
}

int ask_agent(const struct cli *cli, json_t *request, json_t **reply)
{
	int rc = ask_agent_fd(cli, request, -1, reply);
	const char *text;

	if (rc || json_is_true(json_object_get(*reply, "ok")))
		return rc;
	text = json_string_value(json_object_get(*reply, "error"));
	cli_fail("%s", text ? text : "the agent refused and gave no reason");
	json_decref(*reply);
	*reply = NULL;
	return CLI_FAIL;
}

int ask_agent_quietly(const struct cli *cli, json_t *request, json_t **reply)
{
	struct ctl_client *c;
	int rc = request ? ctl_client_open(ctl_path(cli->control), &c) : -ENOMEM;

	if (!rc) {
		rc = ctl_client_request(c, request, AGENT_TIMEOUT_MS, reply);
		ctl_client_close(c);
	}
	json_decref(request);
	if (!rc && !json_is_true(json_object_get(*reply, "ok"))) {
		json_decref(*reply);
		rc = -EPROTO;
	}
	return rc;
}

int ask_agent_fd(const struct cli *cli, json_t *request, int fd, json_t **reply)
{
	const char *path = ctl_path(cli->control);
	struct ctl_client *c;
	int rc;

	if (!request)
		return cli_fail("out of memory");
	rc = ctl_client_open(path, &c);
	if (rc) {
		json_decref(request);
		return no_agent(path, rc);
	}
	rc = exchange(c, request, fd, reply);
	json_decref(request);
	ctl_client_close(c);
	return rc;
}

static int take_remote(struct args *args, json_t *req)
{
	const char *peer = args_next(args);
	struct addr a;

	if (!peer || addr_parse(peer, &a))
		return cli_usage("remote needs an IP address, not \"%s\"", peer ? peer : "");
	json_object_set_new(req, "remote", json_string(peer));
	return CLI_OK;
}

static int take_map(struct args *args, json_t *req)
{
	const char *name = args_next(args), *seq;
	uint32_t n;

	if (!name)
		return cli_usage("map needs the name of a crypto map, as in \"map tohub 1\"");
	json_object_set_new(req, "map", json_string(name));
	if (!args->n || !strcmp(args->v[0], "remote"))
		return CLI_OK;
	seq = args_next(args);
	if (parse_u32(seq, &n) || n < 1 || n > 131071)
		return cli_usage("the sequence number of an entry is 1..131071, not \"%s\"", seq);
	json_object_set_new(req, "seq", json_integer(n));
	return CLI_OK;
}

json_t *ask_selection(struct args *args, const char *cmd)
{
	json_t *req = json_pack("{s:s}", "cmd", cmd);
	const char *word;
	int rc = CLI_OK;

	while (!rc && (word = args_next(args))) {
		if (!strcmp(word, "remote"))
			rc = take_remote(args, req);
		else if (!strcmp(word, "map"))
			rc = take_map(args, req);
		else
			rc = cli_usage("\"%s\" is no word here; these are: remote ADDRESS, map NAME [SEQ]",
				       word);
	}
	if (rc) {
		json_decref(req);
		return NULL;
	}
	return req;
}
