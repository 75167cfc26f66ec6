// SPDX-License-Identifier: GPL-2.0-or-later
/* prefpeer doctor: each check with what is so and what to do; status 0, 1 warnings, 2 faults. */
#include <stdio.h>
#include <string.h>

#include "prefpeer/cli.h"
#include "prefpeer/doctor.h"

#define CONF_DEFAULT "/etc/prefpeer/prefpeer.conf"

static void print_text(const struct cli *cli, const struct doctor_finding *d)
{
	static const enum tone tones[] = { TONE_GOOD, TONE_WARN, TONE_BAD };
	char word[32];

	printf("%s%-*s %-14s %s",
	       toned(cli, tones[d->level], doctor_level_name(d->level), word, sizeof(word)),
	       4 - (int)strlen(doctor_level_name(d->level)), "", d->check, d->text);
	if (*d->cure)
		printf("%s                    → %s", cli->opts & OPT_ONELINE ? "\\" : "\n",
		       d->cure);
	putchar('\n');
}

/* The agent's answer, or NULL; that it gives none is a finding, not an error. */
static json_t *ask_maps(const struct cli *cli)
{
	json_t *reply = NULL;

	return ask_agent_quietly(cli, json_pack("{s:s}", "cmd", "map-show"), &reply) ? NULL : reply;
}

static void judge_all(const struct cli *cli, const struct doctor_facts *f, json_t *list,
		      enum doctor_level *worst)
{
	for (const doctor_judge *judge = doctor_judges; *judge; judge++) {
		struct doctor_finding d;

		(*judge)(f, &d);
		if (d.level > *worst)
			*worst = d.level;
		if (cli->json)
			json_array_append_new(list,
					      json_pack("{s:s, s:s, s:s, s:s}", "check", d.check,
							"level", doctor_level_name(d.level), "text",
							d.text, "cure", d.cure));
		else
			print_text(cli, &d);
	}
}

int cmd_doctor(const struct cli *cli, struct args *args)
{
	enum doctor_level worst = DOCTOR_OK;
	const char *word = args_next(args);
	json_t *answer, *list = json_array();
	static struct doctor_facts f;

	if (word && !strcmp(word, "help")) {
		printf("prefpeer doctor [FILE]\n");
		return CLI_OK;
	}
	if (args_end(args))
		return CLI_USAGE;
	answer = ask_maps(cli);
	doctor_look(&f, answer, word ? word : CONF_DEFAULT);
	judge_all(cli, &f, list, &worst);
	if (cli->json)
		json_out(cli, json_incref(list));
	json_decref(list);
	json_decref(answer);
	doctor_forget(&f);
	return (int)worst;
}
