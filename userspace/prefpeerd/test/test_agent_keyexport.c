// SPDX-License-Identifier: GPL-2.0-or-later
/* The file of exported keys is its owner's alone, or there is none. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "prefpeerd/keyexport.h"

struct place {
	char dir[64], file[80], other[80];
};

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	strcpy(p->dir, "/tmp/keyexport.XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->file, sizeof(p->file), "%s/keys", p->dir);
	snprintf(p->other, sizeof(p->other), "%s/other", p->dir);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;

	unlink(p->file);
	unlink(p->other);
	rmdir(p->dir);
	free(p);
	return 0;
}

static void there_is(const char *path, mode_t mode)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs("before\n", f);
	fclose(f);
	assert_int_equal(chmod(path, mode), 0);
}

static void refused(const char *path, int err)
{
	struct keyexport *x = NULL;
	struct stat before = { 0 }, after = { 0 };

	stat(path, &before);
	assert_int_equal(keyexport_open(path, &x), err);
	assert_null(x);
	stat(path, &after);
	assert_int_equal(before.st_size, after.st_size);
	assert_int_equal(before.st_mode, after.st_mode);
}

static void made_for_its_owner(void **state)
{
	struct place *p = *state;
	struct keyexport *x;
	struct stat st;
	mode_t mask = umask(0);

	assert_int_equal(keyexport_open(p->file, &x), 0);
	umask(mask);
	keyexport_close(x);
	assert_int_equal(stat(p->file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void goes_on_in_its_own(void **state)
{
	struct place *p = *state;
	struct keyexport *x;
	struct stat st;

	there_is(p->file, 0600);
	assert_int_equal(keyexport_open(p->file, &x), 0);
	keyexport_close(x);
	assert_int_equal(stat(p->file, &st), 0);
	assert_int_equal(st.st_size, 7);
}

static void not_where_others_read(void **state)
{
	struct place *p = *state;

	there_is(p->file, 0640);
	refused(p->file, -EPERM);
	assert_int_equal(chmod(p->file, 0604), 0);
	refused(p->file, -EPERM);
}

static void not_by_another_name(void **state)
{
	struct place *p = *state;

	there_is(p->other, 0600);
	assert_int_equal(symlink(p->other, p->file), 0);
	refused(p->file, -ELOOP);
	assert_int_equal(unlink(p->file), 0);
	assert_int_equal(link(p->other, p->file), 0);
	refused(p->file, -EPERM);
}

static void not_into_a_fifo(void **state)
{
	struct place *p = *state;

	/* Nobody reads it: it must not wait for who does. */
	assert_int_equal(mkfifo(p->file, 0600), 0);
	refused(p->file, -ENXIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(made_for_its_owner, set_up, tear_down),
		cmocka_unit_test_setup_teardown(goes_on_in_its_own, set_up, tear_down),
		cmocka_unit_test_setup_teardown(not_where_others_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(not_by_another_name, set_up, tear_down),
		cmocka_unit_test_setup_teardown(not_into_a_fifo, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
