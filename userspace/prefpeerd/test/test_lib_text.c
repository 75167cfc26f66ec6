// SPDX-License-Identifier: GPL-2.0-or-later
/* Identities and log lines. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/id.h"
#include "lib/log.h"

static const char *printed(const struct ike_id *id)
{
	static char buf[IKE_ID_STRLEN];

	return ike_id_print(id, buf, sizeof(buf));
}

static void ids_of_addresses(void **state)
{
	struct ike_id four, six;
	struct addr a;

	assert_int_equal(addr_parse("10.1.1.1", &a), 0);
	four = ike_id_from_addr(&a);
	assert_int_equal(four.type, IKE_ID_IPV4_ADDR);
	assert_string_equal(printed(&four), "10.1.1.1");
	assert_int_equal(addr_parse("2001:db8::1", &a), 0);
	six = ike_id_from_addr(&a);
	assert_int_equal(six.type, IKE_ID_IPV6_ADDR);
	assert_string_equal(printed(&six), "2001:db8::1");
	assert_false(ike_id_equal(&four, &six));
}

static void ids_of_text(void **state)
{
	struct ike_id a, b, key;
	char longest[IKE_ID_MAX + 2];

	assert_int_equal(ike_id_from_text(IKE_ID_FQDN, "Hub.Example", &a), 0);
	assert_int_equal(ike_id_from_text(IKE_ID_FQDN, "hub.example", &b), 0);
	assert_true(ike_id_equal(&a, &b));
	assert_string_equal(printed(&b), "fqdn hub.example");
	assert_int_equal(ike_id_from_text(IKE_ID_KEY_ID, "Hub", &a), 0);
	assert_int_equal(ike_id_from_text(IKE_ID_KEY_ID, "hub", &key), 0);
	assert_false(ike_id_equal(&a, &key));
	assert_int_equal(ike_id_from_text(IKE_ID_FQDN, "", &a), -EINVAL);
	assert_int_equal(ike_id_from_text(IKE_ID_IPV4_ADDR, "10.1.1.1", &a), -EINVAL);
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(ike_id_from_text(IKE_ID_FQDN, longest, &a), -E2BIG);
	longest[IKE_ID_MAX] = '\0';
	assert_int_equal(ike_id_from_text(IKE_ID_FQDN, longest, &a), 0);
}

static void ids_from_the_wire_print_safely(void **state)
{
	struct ike_id id = { .type = IKE_ID_KEY_ID, .len = 4, .data = { 'a', 0, '\n', '\\' } };
	char small[12];

	assert_string_equal(printed(&id), "key-id a\\x00\\x0a\\x5c");
	assert_string_equal(ike_id_print(&id, small, sizeof(small)), "key-id a");
	id.type = 201;
	id.len = 1;
	assert_string_equal(printed(&id), "id-type 201 a");
	id.type = IKE_ID_IPV4_ADDR;
	id.len = 3;
	assert_string_equal(printed(&id), "id-type 1 a\\x00\\x0a");
	id.type = IKE_ID_KEY_ID;
	id.len = IKE_ID_MAX;
	memset(id.data, 0xff, sizeof(id.data));
	assert_true(strlen(printed(&id)) < IKE_ID_STRLEN);
}

/* Standard error into a pipe that nobody reads. */
static int stderr_to_pipe(int *saved)
{
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	*saved = dup(STDERR_FILENO);
	dup2(fds[1], STDERR_FILENO);
	close(fds[1]);
	return fds[0];
}

static size_t take(int fd, int saved, char *buf, size_t size)
{
	ssize_t n = read(fd, buf, size - 1);

	dup2(saved, STDERR_FILENO);
	close(saved);
	close(fd);
	assert_true(n > 0);
	buf[n] = '\0';
	return (size_t)n;
}

static void log_has_threshold_and_area(void **state)
{
	char buf[4096];
	int saved, fd = stderr_to_pipe(&saved);

	log_init(LOG_LVL_NOTICE);
	log_info("dpd", "not this");
	log_warn("dpd", "peer %s is\nsilent", "10.1.1.1");
	take(fd, saved, buf, sizeof(buf));
	assert_null(strstr(buf, "not this"));
	assert_non_null(strstr(buf, " dpd: warning: peer 10.1.1.1 is silent\n"));
}

static void log_gives_the_journal_its_level(void **state)
{
	char buf[4096];
	int saved, fd = stderr_to_pipe(&saved);

	setenv("JOURNAL_STREAM", "8:1", 1);
	log_init(LOG_LVL_ERR);
	unsetenv("JOURNAL_STREAM");
	log_err("main", "no");
	take(fd, saved, buf, sizeof(buf));
	log_init(LOG_LVL_NOTICE);
	assert_string_equal(buf, "<3>main: no\n");
}

/* A journal of our own; its datagrams in @buf. */
static int journal_new(char *path, size_t size)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	snprintf(path, size, "/tmp/prefpeer-journal-%d", (int)getpid());
	unlink(path);
	strcpy(un.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	return fd;
}

static void log_fields_go_to_the_journal(void **state)
{
	const struct log_field fields[] = {
		{ "CRYPTO_MAP", "tohub" }, { "CRYPTO_ID", NULL }, { "CRYPTO_PEER", "a\nb" }, { 0 }
	};
	char path[64], buf[4096], line[4096];
	int saved, fd, journal = journal_new(path, sizeof(path));
	ssize_t n;

	log_init(LOG_LVL_NOTICE);
	assert_int_equal(log_journal_open(path), 0);
	log_fields(LOG_LVL_NOTICE, "map", fields, "%s", "%CRYPTO-5-PEER_CHANGE: it did");
	n = recv(journal, buf, sizeof(buf) - 1, 0);
	assert_true(n > 0);
	buf[n] = '\0';
	assert_non_null(strstr(buf, "MESSAGE=map: %CRYPTO-5-PEER_CHANGE: it did\n"));
	assert_non_null(strstr(buf, "\nPRIORITY=5\n"));
	assert_non_null(strstr(buf, "\nCRYPTO_MAP=tohub\nCRYPTO_PEER=a b\n"));
	assert_null(strstr(buf, "CRYPTO_ID"));
	/* A journal that does not read costs nothing but the fields. */
	close(journal);
	unlink(path);
	fd = stderr_to_pipe(&saved);
	log_fields(LOG_LVL_NOTICE, "map", fields, "%s", "still said");
	take(fd, saved, line, sizeof(line));
	assert_non_null(strstr(line, " map: still said\n"));
}

static void log_line_is_cut_not_lost(void **state)
{
	char big[5000], buf[8192];
	int saved, fd = stderr_to_pipe(&saved);
	size_t n;

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	log_err("main", "%s", big);
	n = take(fd, saved, buf, sizeof(buf));
	assert_int_equal(n, 2048);
	assert_int_equal(buf[n - 1], '\n');
}

static void log_never_waits_for_its_reader(void **state)
{
	char buf[4096];
	int saved, fd = stderr_to_pipe(&saved);
	uint64_t before = log_dropped();

	for (int i = 0; i < 5000; i++)
		log_err("main", "%0100d", i);
	take(fd, saved, buf, sizeof(buf));
	assert_true(log_dropped() > before);
	assert_true(log_dropped() < before + 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_of_addresses),
		cmocka_unit_test(ids_of_text),
		cmocka_unit_test(ids_from_the_wire_print_safely),
		cmocka_unit_test(log_has_threshold_and_area),
		cmocka_unit_test(log_gives_the_journal_its_level),
		cmocka_unit_test(log_fields_go_to_the_journal),
		cmocka_unit_test(log_line_is_cut_not_lost),
		cmocka_unit_test(log_never_waits_for_its_reader),
	};

	return cmocka_run_group_tests_name("lib text", tests, NULL, NULL);
}
