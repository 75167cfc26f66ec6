/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `prefpeer status`: what the agent says of its entries → an exit status and what is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "prefpeer/status.h"

#define PEERS(first, second)                                                                     \
	"\"peers\":[{\"peer\":\"10.0.0.1\",\"status\":\"up\",\"status_text\":\"dead\"," first "}," \
	"{\"peer\":\"10.0.0.2\"," second "}]"
#define ON_FIRST PEERS("\"current\":true", "\"current\":false")
#define ON_SECOND PEERS("\"current\":false", "\"current\":true")
#define ENTRY "{\"map\":\"m\",\"seq\":1,\"reachable\":true,"

static const struct {
	const char *maps;
	enum status_level level;
	unsigned home, backup, idle, down, incomplete;
	const char *problems; /* of all, in order: "problem problem" */
	const char *text;     /* in the first of them */
} rows[] = {
	{ "[]", STATUS_UNKNOWN, 0, 0, 0, 0, 0, "", NULL },
	{ "[" ENTRY "\"state\":\"UP\",\"peer\":\"10.0.0.1\"," ON_FIRST "}]", STATUS_OK, 1, 0, 0, 0, 0, "", NULL },
	{ "[" ENTRY "\"state\":\"UP\",\"peer\":\"10.0.0.2\"," ON_SECOND "}]", STATUS_WARNING, 0, 1, 0, 0, 0,
	  "on-backup", "on the backup 10.0.0.2; 10.0.0.1: dead" },
	{ "[" ENTRY "\"state\":\"UP\",\"peer\":\"10.0.0.1\",\"lines\":[{\"no\":2,\"text\":\"permit a\","
	  "\"backoff_ms\":100,\"backoff_text\":\"TS_UNACCEPTABLE\"}]," ON_FIRST "}]",
	  STATUS_CRITICAL, 1, 0, 0, 0, 0, "line-refused", "line 2, permit a, is refused by 10.0.0.1: TS_UNACCEPTABLE" },
	{ "[" ENTRY "\"state\":\"DOWN\",\"lines\":[{\"wanted\":false}]}]", STATUS_OK, 0, 0, 1, 0, 0, "", NULL },
	{ "[" ENTRY "\"state\":\"DOWN\",\"why\":\"no route\",\"lines\":[{\"wanted\":true}]}]", STATUS_CRITICAL,
	  0, 0, 0, 1, 0, "down", "DOWN: no route" },
	{ "[{\"map\":\"m\",\"seq\":1,\"reachable\":false,\"state\":\"DOWN\",\"why\":\"no route\"}]", STATUS_CRITICAL,
	  0, 0, 0, 1, 0, "unreachable", "no route" },
	{ "[" ENTRY "\"state\":\"WALK\",\"trying\":\"10.0.0.2\",\"why\":\"no answer\"}]", STATUS_CRITICAL,
	  0, 0, 0, 1, 0, "down", "WALK 10.0.0.2: no answer" },
	{ "[" ENTRY "\"state\":\"BACKOFF\",\"why\":\"nobody\"}]", STATUS_CRITICAL, 0, 0, 0, 1, 0, "down", "BACKOFF: nobody" },
	{ "[" ENTRY "\"state\":\"DOWN\",\"incomplete\":\"no key\",\"blocks\":true}]", STATUS_CRITICAL, 0, 0, 0, 0, 1,
	  "incomplete", "is dropped: no key" },
	{ "[" ENTRY "\"state\":\"DOWN\",\"incomplete\":\"no list\",\"blocks\":false}]", STATUS_WARNING, 0, 0, 0, 0, 1,
	  "incomplete", "protects nothing: no list" },
	/* A template is nothing by itself; what the kernel's counters warn of is. */
	{ "[" ENTRY "\"state\":\"DOWN\",\"dynamic\":true}]", STATUS_OK, 0, 0, 0, 0, 0, "", NULL },
	{ "[" ENTRY "\"state\":\"DOWN\",\"warnings\":[{\"reason\":\"nat\",\"text\":\"in clear\"}]}]", STATUS_WARNING,
	  0, 0, 1, 0, 0, "nat", "in clear" },
	/* The worst decides, and stands first. */
	{ "[" ENTRY "\"state\":\"UP\",\"peer\":\"10.0.0.2\"," ON_SECOND "}," ENTRY "\"state\":\"BACKOFF\",\"why\":\"x\"},"
	  ENTRY "\"state\":\"BACKOFF\",\"why\":\"y\"}]",
	  STATUS_CRITICAL, 0, 1, 0, 2, 0, "down down on-backup", "BACKOFF: x" },
};

static void judged(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *maps = json_loads(rows[i].maps, 0, NULL), *p;
		char all[200] = "";
		const char *first;
		struct status s;
		size_t at;

		assert_non_null(maps);
		s = status_judge(maps);
		json_array_foreach(s.problems, at, p)
			snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", at ? " " : "",
				 json_string_value(json_object_get(p, "problem")));
		first = json_string_value(json_object_get(json_array_get(s.problems, 0), "text"));
		if (s.level != rows[i].level || s.home != rows[i].home || s.backup != rows[i].backup ||
		    s.idle != rows[i].idle || s.down != rows[i].down ||
		    s.incomplete != rows[i].incomplete || strcmp(all, rows[i].problems))
			fail_msg("row %zu: %s: %u %u %u %u %u, problems: %s", i,
				 status_word(s.level), s.home, s.backup, s.idle, s.down,
				 s.incomplete, all);
		if (rows[i].text && (!first || !strstr(first, rows[i].text)))
			fail_msg("row %zu: no \"%s\" in %s", i, rows[i].text, first ? first : "nothing");
		json_decref(s.problems);
		json_decref(maps);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(judged) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
