/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The history: its order, its bounds, and what is left of it after a restart or a crash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <signal.h>
#include <unistd.h>

#include "prefpeerd/history.h"
#include "prefpeerd/history_file.h"

static char where[] = "/tmp/prefpeer-history-XXXXXX";
static int dir = -1;

static int make_dir(void **state)
{
	strcpy(where + strlen(where) - 6, "XXXXXX");
	assert_non_null(mkdtemp(where));
	dir = open(where, O_RDONLY | O_DIRECTORY);
	return dir < 0;
}

static int remove_dir(void **state)
{
	unlinkat(dir, "%%history%a", 0);
	unlinkat(dir, "%%history-before%a", 0);
	unlinkat(dir, "%%history%b", 0);
	close(dir);
	return rmdir(where);
}

static struct history *run(unsigned *unreadable)
{
	struct history *h = history_new();

	assert_int_equal(history_keep(h, dir, "%a", unreadable), 0);
	return h;
}

static void add(struct history *h, int no)
{
	json_t *e = json_pack("{s:s, s:i, s:i, s:s}", "map", "m", "seq", 1, "no", no, "text",
			      "dead: 6 requests unanswered in 12.0 s; next attempt 10.1.1.1");

	history_add(h, e);
	json_decref(e);
}

static int no_of(const json_t *list, size_t i)
{
	return (int)json_integer_value(json_object_get(json_array_get(list, i), "no"));
}

/* The first and last number, and how many. */
static void has(const struct history *h, size_t n, int first, int last)
{
	json_t *list = history_list(h, NULL, 0, 0);

	assert_int_equal(json_array_size(list), n);
	if (n) {
		assert_int_equal(no_of(list, 0), first);
		assert_int_equal(no_of(list, n - 1), last);
	}
	json_decref(list);
}

static off_t bytes(const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, 0) ? -1 : st.st_size;
}

static void write_raw(const char *text)
{
	int fd = openat(dir, "%%history%a", O_WRONLY | O_APPEND);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void survives_a_restart(void **state)
{
	unsigned bad;
	struct history *h = run(&bad);
	json_t *list;

	add(h, 1);
	add(h, 2);
	history_free(h);
	h = run(&bad);
	assert_int_equal(bad, 0);
	has(h, 2, 1, 2);
	add(h, 3);
	has(h, 3, 1, 3);
	list = history_list(h, "m", 1, 0);
	assert_true(json_is_true(json_object_get(json_array_get(list, 0), "earlier_run")));
	assert_null(json_object_get(json_array_get(list, 2), "earlier_run"));
	json_decref(list);
	history_free(h);
	/* Said of what is recalled, not written into it. */
	h = run(&bad);
	has(h, 3, 1, 3);
	history_free(h);
	assert_int_equal(bytes("%%history%a"), 3 * (bytes("%%history%a") / 3));
}

static void is_its_configurations_own(void **state)
{
	struct history *other = history_new();
	unsigned bad;
	struct history *h = run(&bad);

	add(h, 1);
	assert_int_equal(history_keep(other, dir, "%b", &bad), 0);
	has(other, 0, 0, 0);
	history_free(other);
	history_free(h);
}

/* A crash in the middle of a line: the line is lost, the ones around it are not. */
static void torn_line(void **state)
{
	unsigned bad;
	struct history *h = run(&bad);

	add(h, 1);
	history_free(h);
	write_raw("{\"map\":\"m\",\"no\":2,\"te");
	h = run(&bad);
	assert_int_equal(bad, 1);
	has(h, 1, 1, 1);
	add(h, 3);
	history_free(h);
	h = run(&bad);
	assert_int_equal(bad, 1);
	has(h, 2, 1, 3);
	history_free(h);
}

static void rubbish(void **state)
{
	unsigned bad;
	struct history *h = run(&bad);

	add(h, 1);
	write_raw("[1,2]\n\n\"x\"\n{\"no\":1}{\n{\"a\":\n\001\377\n");
	add(h, 2);
	history_free(h);
	h = run(&bad);
	assert_int_equal(bad, 5);
	has(h, 2, 1, 2);
	history_free(h);
}

/* Whatever happens, two files of HISTORY_FILE_BYTES and a line, and the newest is among it. */
static void bounded(void **state)
{
	const int n = 3 * HISTORY_FILE_BYTES / 100;
	unsigned bad;
	struct history *h = run(&bad);

	for (int i = 1; i <= n; i++)
		add(h, i);
	has(h, HISTORY_LEN, n - HISTORY_LEN + 1, n);
	history_free(h);
	assert_in_range(bytes("%%history%a"), 1, HISTORY_FILE_BYTES + HISTORY_LINE_MAX);
	assert_in_range(bytes("%%history-before%a"), HISTORY_FILE_BYTES,
			HISTORY_FILE_BYTES + HISTORY_LINE_MAX);
	h = run(&bad);
	assert_int_equal(bad, 0);
	has(h, HISTORY_LEN, n - HISTORY_LEN + 1, n);
	history_free(h);
}

/* Between the rename and the first line of the new file. */
static void crash_at_the_turn(void **state)
{
	unsigned bad;
	struct history *h = run(&bad);

	add(h, 1);
	history_free(h);
	assert_int_equal(renameat(dir, "%%history%a", dir, "%%history-before%a"), 0);
	h = run(&bad);
	has(h, 1, 1, 1);
	add(h, 2);
	history_free(h);
	h = run(&bad);
	has(h, 2, 1, 2);
	history_free(h);
}

/* A full disk: what is in memory stays right, and once there is room it is kept again. */
static void full_disk(void **state)
{
	struct rlimit was, now;
	unsigned bad;
	struct history *h = run(&bad);

	add(h, 1);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &was);
	now = was;
	now.rlim_cur = (rlim_t)bytes("%%history%a") + 20;
	setrlimit(RLIMIT_FSIZE, &now);
	add(h, 2);
	add(h, 3);
	setrlimit(RLIMIT_FSIZE, &was);
	add(h, 4);
	has(h, 4, 1, 4);
	history_free(h);
	h = run(&bad);
	assert_int_equal(bad, 1);
	has(h, 2, 1, 4);
	history_free(h);
}

static void link_is_refused(void **state)
{
	struct history *h = history_new();
	unsigned bad;

	assert_int_equal(symlinkat("/dev/null", dir, "%%history%a"), 0);
	assert_int_equal(history_keep(h, dir, "%a", &bad), -ELOOP);
	add(h, 1);
	has(h, 1, 1, 1);
	history_free(h);
}

static void too_long_for_a_line(void **state)
{
	unsigned bad;
	struct history *h = run(&bad);
	char text[HISTORY_LINE_MAX + 1];
	json_t *e;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	e = json_pack("{s:i, s:s}", "no", 1, "text", text);
	history_add(h, e);
	json_decref(e);
	add(h, 2);
	has(h, 2, 1, 2);
	history_free(h);
	h = run(&bad);
	assert_int_equal(bad, 0);
	has(h, 1, 2, 2);
	history_free(h);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(survives_a_restart),
		TEST(is_its_configurations_own),
		TEST(torn_line),
		TEST(rubbish),
		TEST(bounded),
		TEST(crash_at_the_turn),
		TEST(full_disk),
		TEST(link_is_refused),
		TEST(too_long_for_a_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
