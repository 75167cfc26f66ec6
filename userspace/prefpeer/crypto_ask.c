// SPDX-License-Identifier: GPL-2.0-or-later
/* What the commands of `crypto` ask of the agent. */
#include <string.h>

#include "prefpeer/crypto.h"
#include "prefpeer/facts.h"

json_t *crypto_ask(const struct exec_line *line, const char *cmd, const char *member)
{
	json_t *reply, *out;

	if (ask_agent(line->cli, json_pack("{s:s}", "cmd", cmd), &reply))
		return NULL;
	out = json_incref(json_object_get(reply, member));
	json_decref(reply);
	if (!out)
		cli_fail("the agent is older than this program: it does not say \"%s\"", member);
	return out;
}

int crypto_facts_ask(const struct exec_line *line, struct crypto_facts *out)
{
	json_t *reply;

	*out = (struct crypto_facts){ 0 };
	if (ask_agent(line->cli, json_pack("{s:s}", "cmd", "map-show"), &reply))
		return CLI_FAIL;
	out->maps = json_incref(json_object_get(reply, "maps"));
	out->global = json_incref(json_object_get(reply, "global"));
	json_decref(reply);
	out->sessions = crypto_ask(line, "session-show", "sessions");
	if (out->sessions)
		return CLI_OK;
	crypto_facts_free(out);
	return CLI_FAIL;
}

void crypto_facts_free(struct crypto_facts *f)
{
	json_decref(f->maps);
	json_decref(f->sessions);
	json_decref(f->global);
	json_decref(f->by_conn);
	*f = (struct crypto_facts){ 0 };
}

bool crypto_map_chosen(const json_t *entry, const char *interface, const char *tag)
{
	const json_t *stands = fact_get(fact_get(entry, "config"), "interfaces"), *name;
	size_t i;

	if (tag && strcmp(fact_str(entry, "map"), tag))
		return false;
	json_array_foreach(stands, i, name)
		if (interface && !strcmp(json_string_value(name), interface))
			return true;
	return !interface;
}

json_t *crypto_chosen(const json_t *maps, const char *interface, const char *tag)
{
	json_t *list = json_array(), *m;
	size_t i;

	json_array_foreach(maps, i, m)
		if (crypto_map_chosen(m, interface, tag))
			json_array_append(list, m);
	return list;
}
