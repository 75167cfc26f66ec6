// SPDX-License-Identifier: GPL-2.0-or-later
/* `show`, the same for every object of the module and of the agent. */
#include "prefpeer/cells.h"
#include "prefpeer/cli.h"

int show_objects(const struct cli *cli, struct args *args, const struct object *o)
{
	const struct word *const words[] = { o->filter, NULL };
	struct pp_attrs filter = { 0 };
	struct attr_list l;
	int rc = words_take(args, words, &filter);

	if (rc)
		return rc;
	rc = o->names_one(&filter) ? ask_one(o->get, &filter, &l)
				   : ask_dump(o->get, filter.has ? &filter : NULL, &l);
	if (rc)
		return rc;
	if (cli->json)
		json_list_out(cli, &l);
	else
		o->text(cli, &l);
	attr_list_free(&l);
	return CLI_OK;
}

int show_answer(const struct cli *cli, json_t *request, const char *member,
		void (*text)(const struct cli *cli, const json_t *list))
{
	json_t *reply, *list;
	int rc;

	if (!request)
		return CLI_USAGE;
	rc = ask_agent(cli, request, &reply);
	if (rc)
		return rc;
	list = json_object_get(reply, member);
	if (cli->json)
		json_out(cli, json_incref(list ? list : reply));
	else
		text(cli, list);
	json_decref(reply);
	return CLI_OK;
}

int show_done(const struct cli *cli, json_t *request)
{
	json_t *reply;
	int rc;

	if (!request)
		return CLI_USAGE;
	rc = ask_agent(cli, request, &reply);
	return rc ? rc : done_out(cli, reply);
}
