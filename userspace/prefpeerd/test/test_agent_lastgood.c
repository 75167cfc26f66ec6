// SPDX-License-Identifier: GPL-2.0-or-later
/* What was last in force, for when the file is not usable at the next start. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "prefpeerd/agent.h"
#include "prefpeerd/lastgood.h"

#define GOOD "hostname %s\ncrypto isakmp key of-%s address 10.1.1.1\n"

struct fixture {
	char top[64], dir[80], conf[80], other[80];
	struct agent_options opt;
	struct sandbox_user me;
	struct lastgood *l;
};

static void put(const char *path, const char *format, const char *name)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fprintf(f, format, name, name);
	fclose(f);
	chmod(path, 0640);
}

static int setup(void **state)
{
	struct fixture *fx = calloc(1, sizeof(*fx));

	strcpy(fx->top, "/tmp/test_agent_lastgood.XXXXXX");
	assert_non_null(mkdtemp(fx->top));
	snprintf(fx->dir, sizeof(fx->dir), "%s/state", fx->top);
	snprintf(fx->conf, sizeof(fx->conf), "%s/conf", fx->top);
	snprintf(fx->other, sizeof(fx->other), "%s/other", fx->top);
	fx->opt = (struct agent_options){ .conf_path = fx->conf, .state_dir = fx->dir };
	fx->me = (struct sandbox_user){ .uid = getuid(), .gid = getgid() };
	put(fx->conf, GOOD, "one");
	assert_int_equal(lastgood_open(fx->dir, fx->conf, &fx->me, &fx->l), 0);
	*state = fx;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fx = *state;
	char command[128];

	lastgood_close(fx->l);
	snprintf(command, sizeof(command), "rm -r %s", fx->top);
	assert_int_equal(system(command), 0);
	free(fx);
	return 0;
}

/* As the agent does with what came into force. */
static void keep(struct fixture *fx)
{
	struct config *conf = agent_load(&fx->opt);

	assert_non_null(conf);
	assert_int_equal(lastgood_keep(fx->l, conf), 0);
	config_free(conf);
}

static void loads(struct fixture *fx, const char *hostname)
{
	struct config *conf = agent_load(&fx->opt);

	assert_int_equal(conf != NULL, hostname != NULL);
	if (conf)
		assert_string_equal(conf->hostname, hostname);
	config_free(conf);
}

static void test_errors(void **state)
{
	struct fixture *fx = *state;

	put(fx->conf, "no such words\n", "");
	loads(fx, NULL);
	put(fx->conf, GOOD, "one");
	keep(fx);
	put(fx->conf, "no such words\n", "");
	loads(fx, "one");
	put(fx->conf, GOOD, "two");
	loads(fx, "two");
	keep(fx);
	put(fx->conf, "no such words\n", "");
	loads(fx, "two");
}

/* A file with keys that the world may read is not usable either. */
static void test_mode(void **state)
{
	struct fixture *fx = *state;

	keep(fx);
	put(fx->conf, GOOD, "two");
	chmod(fx->conf, 0644);
	loads(fx, "one");
}

/* Whoever takes the file away wants no tunnels. */
static void test_no_file(void **state)
{
	struct fixture *fx = *state;

	keep(fx);
	unlink(fx->conf);
	loads(fx, NULL);
}

static void test_other_file(void **state)
{
	struct fixture *fx = *state;

	keep(fx);
	put(fx->other, "no such words\n", "");
	fx->opt.conf_path = fx->other;
	loads(fx, NULL);
}

/* A write that was cut short, as by a loss of power. */
static void test_empty(void **state)
{
	struct fixture *fx = *state;

	put(fx->conf, "", "");
	loads(fx, "");
	put(fx->conf, GOOD, "one");
	keep(fx);
	put(fx->conf, "", "");
	loads(fx, "one");
	put(fx->conf, "! nothing, on purpose\n", "");
	loads(fx, "");
}

/* The same configuration, wherever its link leads. */
static void test_link(void **state)
{
	struct fixture *fx = *state;
	char v1[96], v2[96];

	snprintf(v1, sizeof(v1), "%s/v1", fx->top);
	snprintf(v2, sizeof(v2), "%s/v2", fx->top);
	put(v1, GOOD, "one");
	put(v2, GOOD, "two");
	unlink(fx->conf);
	assert_int_equal(symlink(v1, fx->conf), 0);
	keep(fx);
	unlink(fx->conf);
	assert_int_equal(symlink(v2, fx->conf), 0);
	keep(fx);
	put(v2, "no such words\n", "");
	loads(fx, "two");
}

/* What is used for something else stays as it is. */
static void test_not_ours(void **state)
{
	struct fixture *fx = *state;
	struct lastgood *l;
	struct stat st;

	chmod(fx->top, 0755);
	assert_int_equal(lastgood_open(fx->top, fx->conf, &fx->me, &l), -ENOTEMPTY);
	assert_null(l);
	assert_int_equal(stat(fx->top, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0755);
	/* A service manager may have given it, and the copies, to root. */
	keep(fx);
	chmod(fx->dir, 0755);
	assert_int_equal(lastgood_open(fx->dir, fx->conf, &fx->me, &l), 0);
	lastgood_close(l);
	assert_int_equal(stat(fx->dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
}

/* What was read from the copy does not make it newer, and what is in it is the agent's alone. */
static void test_the_copy(void **state)
{
	struct fixture *fx = *state;
	struct config *conf;
	struct stat st;
	time_t when;
	char *copy = NULL;

	keep(fx);
	put(fx->conf, "no such words\n", "");
	assert_int_equal(lastgood_load(fx->dir, fx->conf, &conf, &when), 0);
	copy = strdup(conf->path);
	assert_int_equal(stat(copy, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_mtime, when);
	unlink(copy);
	assert_int_equal(lastgood_keep(fx->l, conf), 0);
	assert_int_equal(stat(copy, &st), -1);
	config_free(conf);
	assert_int_equal(stat(fx->dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	/* A link that somebody else put there leads nowhere. */
	put(fx->other, GOOD, "other");
	assert_int_equal(symlink(fx->other, copy), 0);
	assert_int_equal(lastgood_load(fx->dir, fx->conf, &conf, &when), -EINVAL);
	loads(fx, NULL);
	free(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_errors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mode, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_empty, setup, teardown),
		cmocka_unit_test_setup_teardown(test_link, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_ours, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_copy, setup, teardown),
	};

	return cmocka_run_group_tests_name("what was last in force", tests, NULL, NULL);
}
