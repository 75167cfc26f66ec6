/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * resolve.h against a name server of our own on the loopback interface: what is
 * asked, and what each kind of answer, silence included, comes to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <resolv.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/log.h"
#include "prefpeerd/loop.h"
#include "prefpeerd/resolve.h"
#include "prefpeerd/test/conf_help.h"

#define QUESTIONS 8

struct world {
	struct loop *loop;
	struct resolve *resolve;
	struct parsed conf;
	struct event *readable, *deadline;
	int fd;
	unsigned n_queries, wanted, n_answers;
	struct name_answer answers[QUESTIONS];
	char text[QUESTIONS][160];
	char hosts[64];
};

static struct world w;

static struct addr A(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

/* ---- a name server ------------------------------------------------------------- */

static size_t put_rr(uint8_t *at, uint16_t type, uint32_t ttl, const void *data, uint16_t len)
{
	uint8_t *p = at;

	NS_PUT16(0xc00c, p); /* of the question's name */
	NS_PUT16(type, p);
	NS_PUT16(ns_c_in, p);
	NS_PUT32(ttl, p);
	NS_PUT16(len, p);
	memcpy(p, data, len);
	return (size_t)(p - at) + len;
}

static size_t put_v4(uint8_t *at, uint32_t ttl, const char *addr)
{
	struct addr a = A(addr);

	return put_rr(at, ns_t_a, ttl, a.bytes, 4);
}

/* What it says follows from the first label. */
static size_t answer(uint8_t *msg, size_t question_end, const char *name, uint16_t type)
{
	HEADER *h = (HEADER *)msg;
	size_t n = question_end;
	struct addr six = A("2001:db8::9");

	h->qr = h->ra = 1;
	h->arcount = h->ancount = 0;
	if (!strncmp(name, "none.", 5))
		h->rcode = ns_r_nxdomain;
	else if (!strncmp(name, "broken.", 7))
		h->rcode = ns_r_servfail;
	else if (type == ns_t_aaaa && !strncmp(name, "two.", 4)) {
		n += put_rr(msg + n, ns_t_aaaa, 30, six.bytes, 16);
		h->ancount = htons(1);
	} else if (type == ns_t_a && !strncmp(name, "two.", 4)) {
		n += put_v4(msg + n, 300, "10.1.1.1");
		n += put_v4(msg + n, 300, "10.1.1.2");
		h->ancount = htons(2);
	} else if (type == ns_t_a && !strncmp(name, "odd.", 4)) {
		n += put_v4(msg + n, 60, "224.0.0.1");
		n += put_v4(msg + n, 60, "10.1.1.3");
		h->ancount = htons(2);
	}
	return n;
}

static void served(evutil_socket_t fd, short what, void *arg)
{
	uint8_t msg[NS_MAXMSG];
	char name[NS_MAXDNAME];
	struct sockaddr_storage from;
	socklen_t from_len = sizeof(from);
	ssize_t len = recvfrom(fd, msg, sizeof(msg), 0, (void *)&from, &from_len);
	ns_msg m;
	ns_rr q;
	int end;

	assert_true(len > 0);
	assert_int_equal(ns_initparse(msg, (int)len, &m), 0);
	assert_int_equal(ns_parserr(&m, ns_s_qd, 0, &q), 0);
	snprintf(name, sizeof(name), "%s", ns_rr_name(q));
	w.n_queries++;
	if (!strncmp(name, "silent.", 7))
		return;
	end = NS_HFIXEDSZ + dn_skipname(msg + NS_HFIXEDSZ, msg + len) + NS_QFIXEDSZ;
	len = (ssize_t)answer(msg, (size_t)end, name, ns_rr_type(q));
	assert_int_equal(sendto(fd, msg, (size_t)len, 0, (void *)&from, from_len), len);
}

static unsigned serve(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);

	w.fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(w.fd, (void *)&sin, sizeof(sin)), 0);
	getsockname(w.fd, (void *)&sin, &len);
	w.readable = event_new(loop_base(w.loop), w.fd, EV_READ | EV_PERSIST, served, NULL);
	event_add(w.readable, NULL);
	return ntohs(sin.sin_port);
}

/* ---- asking --------------------------------------------------------------------- */

static void on_answer(void *ctx, uint32_t query, const struct name_answer *a, mono_t now)
{
	assert_in_range(query, 1, QUESTIONS);
	w.answers[query - 1] = *a;
	snprintf(w.text[query - 1], sizeof(w.text[0]), "%s", a->text ? a->text : "");
	if (++w.n_answers == w.wanted)
		loop_stop(w.loop);
}

static void too_late(evutil_socket_t fd, short what, void *arg)
{
	loop_stop(w.loop);
}

static void run_s(int seconds)
{
	const struct timeval tv = { seconds, 0 };

	evtimer_add(w.deadline, &tv);
	loop_run(w.loop);
	evtimer_del(w.deadline);
}

static void ask(uint32_t query, const char *name, sa_family_t family)
{
	unsigned before = w.n_answers;

	w.wanted++;
	resolve_ask(w.resolve, name, family, query);
	assert_int_equal(w.n_answers, before); /* never from within */
}

static void answered(void)
{
	run_s(20);
	assert_int_equal(w.n_answers, w.wanted);
}

static int start(void **state)
{
	FILE *f;
	int fd;

	w = (struct world){ .hosts = "/tmp/prefpeer-hosts.XXXXXX" };
	log_init(LOG_LVL_ERR);
	fd = mkstemp(w.hosts);
	assert_true(fd >= 0);
	f = fdopen(fd, "w");
	fputs("10.9.9.9 file.example\n", f);
	fclose(f);
	w.loop = loop_new();
	w.deadline = evtimer_new(loop_base(w.loop), too_late, NULL);
	return resolve_open(loop_base(w.loop), loop_timers(w.loop),
			    &(struct resolve_sources){ w.hosts, "/nonexistent", serve() }, on_answer,
			    NULL, &w.resolve);
}

static void configured(const char *conf)
{
	w.conf = conf_help_parse(conf);
	conf_help_valid(&w.conf);
	resolve_config(w.resolve, w.conf.c);
}

static int end(void **state)
{
	resolve_close(w.resolve);
	conf_help_free(&w.conf);
	event_free(w.readable);
	event_free(w.deadline);
	close(w.fd);
	loop_free(w.loop);
	unlink(w.hosts);
	return 0;
}

static void expect_addr(unsigned i, const char *addr, uint32_t ttl, enum name_trust trust)
{
	struct addr want = A(addr);

	assert_int_equal(w.answers[i - 1].result, NAME_ADDR);
	assert_true(addr_equal(&w.answers[i - 1].addr, &want));
	assert_int_equal(w.answers[i - 1].ttl_s, ttl);
	assert_int_equal(w.answers[i - 1].trust, trust);
}

static void every_kind(void **state)
{
	configured("ip name-server 127.0.0.1\nip host table.example 10.7.7.7 2001:db8::7\n");
	ask(1, "two.example", AF_INET);
	ask(2, "two.example", AF_INET6);
	ask(3, "none.example", AF_INET);
	ask(4, "broken.example", AF_INET);
	ask(5, "odd.example", AF_INET);
	ask(6, "odd.example", AF_INET6);
	ask(7, "file.example", AF_INET);
	ask(8, "Table.EXAMPLE", AF_INET6);
	answered();
	expect_addr(1, "10.1.1.1", 300, TRUST_UNCHECKED); /* the first */
	expect_addr(2, "2001:db8::9", 30, TRUST_UNCHECKED);
	assert_int_equal(w.answers[2].result, NAME_DENIED);
	assert_string_equal(w.text[2], "there is no such name (NXDOMAIN)");
	assert_int_equal(w.answers[3].result, NAME_SILENT);
	expect_addr(5, "10.1.1.3", 60, TRUST_UNCHECKED); /* the first that a peer can have */
	assert_int_equal(w.answers[5].result, NAME_DENIED);
	assert_string_equal(w.text[5], "the name has no IPv6 address that a peer can have");
	expect_addr(7, "10.9.9.9", 3600, TRUST_UNCHECKED);
	expect_addr(8, "2001:db8::7", 3600, TRUST_LOCAL);
}

/* Each question goes to the server, whatever the TTL of the last answer was. */
static void nothing_is_kept(void **state)
{
	configured("ip name-server 127.0.0.1\n");
	ask(1, "two.example", AF_INET);
	answered();
	assert_int_equal(w.n_queries, 1);
	usleep(150000);
	ask(2, "two.example", AF_INET);
	answered();
	assert_int_equal(w.n_queries, 2);
}

/* A server that was silent is asked again as if it had not been, and at once. */
static void silence(void **state)
{
	configured("ip name-server 127.0.0.1\n");
	ask(1, "silent.example", AF_INET);
	run_s(3);
	assert_int_equal(w.n_answers, 0);
	assert_true(w.n_queries >= 3);
	ask(2, "two.example", AF_INET);
	w.wanted = 1;
	answered();
	expect_addr(2, "10.1.1.1", 300, TRUST_UNCHECKED);
	w.wanted = 2;
	answered(); /* in the end libunbound gives up */
	assert_int_equal(w.answers[0].result, NAME_SILENT);
	assert_string_equal(w.text[0], "no answer from the name servers");
}

static void no_port(void **state)
{
	configured("ip name-server 127.0.0.1\n");
	close(w.fd); /* ICMP port unreachable is not an answer, and not a crash */
	event_del(w.readable);
	w.fd = -1;
	ask(1, "two.example", AF_INET);
	answered();
	assert_int_equal(w.answers[0].result, NAME_SILENT);
}

static void anchor_missing(void **state)
{
	configured("ip name-server 127.0.0.1\nip dnssec trust-anchor /nonexistent/root.key\n");
	ask(1, "two.example", AF_INET);
	answered();
	assert_int_equal(w.answers[0].result, NAME_BOGUS); /* unproved is not good enough */
	assert_non_null(strstr(w.text[0], "trust anchor cannot be read: No such file"));
	assert_int_equal(w.n_queries, 0);
}

static void closed_with_questions(void **state)
{
	configured("ip name-server 127.0.0.1\nip host table.example 10.7.7.7\n");
	ask(1, "silent.example", AF_INET);
	ask(2, "table.example", AF_INET);
	run_s(1);
	assert_int_equal(w.n_answers, 1);
}

/* ---- reading ----------------------------------------------------------------------- */

/* Anything at all from the wire: an answer or a refusal, and nothing out of bounds (ASan). */
static void hostile(void **state)
{
	uint8_t msg[512] = { 0 };
	uint64_t seed = 1;
	HEADER *h = (HEADER *)msg;
	struct name_answer a;
	size_t len;

	msg[12] = 3;
	memcpy(msg + 13, "two", 3);
	h->qdcount = htons(1);
	msg[18] = ns_t_a;
	msg[20] = ns_c_in;
	len = answer(msg, 21, "two.", ns_t_a);
	resolve_read(msg, len, AF_INET, &a);
	assert_int_equal(a.result, NAME_ADDR);
	for (size_t n = 0; n < len; n++) {
		uint8_t *cut = malloc(n ? n : 1);

		memcpy(cut, msg, n);
		resolve_read(cut, n, AF_INET, &a);
		assert_int_not_equal(a.result, NAME_ADDR);
		free(cut);
	}
	for (int i = 0; i < 100000; i++) {
		uint8_t *bad = malloc(len);

		memcpy(bad, msg, len);
		for (int k = 0; k < 3; k++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			bad[(seed >> 33) % len] = (uint8_t)(seed >> 50);
		}
		resolve_read(bad, len, i & 1 ? AF_INET : AF_INET6, &a);
		assert_true(a.result == NAME_ADDR || a.text);
		free(bad);
	}
}

#define CASE(fn) { #fn, fn, start, end, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(every_kind), CASE(nothing_is_kept), CASE(silence),
		CASE(no_port),	  CASE(anchor_missing),	 CASE(closed_with_questions),
		cmocka_unit_test(hostile),
	};

	return cmocka_run_group_tests_name("agent: resolve", tests, NULL, NULL);
}
