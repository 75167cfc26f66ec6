/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control socket's server side: requests to verbs, events to subscribers (lib/ctl.h). */
#ifndef PREFPEERD_CONTROL_H
#define PREFPEERD_CONTROL_H

#include <jansson.h>

#include "lib/ctl.h"
#include "prefpeerd/agent.h"
#include "prefpeerd/sandbox.h"

#define CONTROL_PATH_DEFAULT CTL_PATH_DEFAULT

/*
 * Listen at @path (its directory is made if missing), owned by @owner, mode
 * 0660: whoever may open it may command. As root, before rights are dropped.
 */
int control_open(struct agent *a, const char *path, const struct sandbox_user *owner,
		 struct control **out);
void control_close(struct control *c); /* NULL is fine */
/* To every client that asked for `monitor`. @event stays the caller's. */
/* What anybody debugs: debug.h's topics. */
unsigned control_topics(const struct control *c);
/* @event stays the caller's. */
void control_topic(struct control *c, unsigned topic, json_t *event);
void control_event(struct control *c, json_t *event);

/*
 * control_config.c: the requests `config-…`, NULL for any other. What is typed and what
 * is saved goes by descriptor, never in JSON: it holds keys.
 */
json_t *control_config(struct agent *a, struct ctl_server *server, const char *cmd,
		       const json_t *req);

#endif
