/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `show crypto …` costs with many entries: looks into the agent's JSON per entry, counted
 * (json_object_get is wrapped by the linker). With 1,000 entries as many as with 100.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "prefpeer/crypto.h"
#include "prefpeerd/test/view_help.h"

#define FEW 100
#define MANY 1000

json_t *__real_json_object_get(const json_t *object, const char *key);
json_t *__wrap_json_object_get(const json_t *object, const char *key);

static unsigned long looks;

json_t *__wrap_json_object_get(const json_t *object, const char *key)
{
	looks++;
	return __real_json_object_get(object, key);
}

#define CONF \
	"crypto isakmp key secret address 10.1.1.1\n" \
	"crypto ipsec transform-set T esp-aes 256 esp-sha256-hmac\n" \
	"access-list 101 permit ip 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255\n" \
	"crypto map tohub 1 ipsec-isakmp\n set peer 10.1.1.1\n set transform-set T\n" \
	" match address 101\ninterface wan\n crypto map tohub\n"

static json_t *numbered(const json_t *of, const char *key, unsigned n)
{
	json_t *o = json_deep_copy(of);

	json_object_set_new(o, key, json_integer(n));
	json_object_set_new(o, "conn", json_integer(n));
	return o;
}

/* Of one entry that is up, n with an IKE SA and a peer each. */
static struct crypto_facts many(struct branch *b, unsigned n)
{
	struct crypto_facts f = { json_array(), json_array(), NULL, NULL };
	json_t *maps = view_maps(b), *sessions = view_sessions(b), *m, *peer;
	char text[32];

	for (unsigned i = 1; i <= n; i++) {
		m = numbered(json_array_get(maps, 0), "seq", i);
		json_object_set_new(json_array_get(json_object_get(m, "sas"), 0), "conn",
				    json_integer(i));
		peer = json_array_get(json_object_get(m, "peers"), 0);
		snprintf(text, sizeof(text), "10.9.%u.%u", i / 250, i % 250);
		json_object_set_new(peer, "address", json_string(text));
		json_array_append_new(f.maps, m);
		json_array_append_new(f.sessions, numbered(json_array_get(sessions, 0), "conn", i));
	}
	json_decref(maps);
	json_decref(sessions);
	return f;
}

enum what { MAPS, IPSEC_SA, SESSIONS, N_WHAT };

static unsigned long cost(struct branch *b, unsigned n, enum what what)
{
	struct crypto_facts f = many(b, n);
	static char text[1 << 16];
	json_t *sessions;

	looks = 0;
	view_capture();
	if (what == MAPS)
		text_crypto_map(f.maps, NULL, NULL);
	else if (what == IPSEC_SA)
		text_crypto_ipsec_sa(&f, &(struct crypto_sa_choice){ 0 });
	if (what == SESSIONS) {
		sessions = crypto_sessions(&f);
		assert_int_equal(json_array_size(sessions), n);
		text_crypto_sessions(sessions, SESSION_DETAIL);
		json_decref(sessions);
	}
	view_captured(text, sizeof(text));
	crypto_facts_free(&f);
	return looks / n;
}

static void linear(void **state)
{
	static const char *const names[] = { "map", "ipsec sa", "session detail" };
	struct branch *b = view_branch(CONF, 2);

	branch_traffic_ms(b, 0, 1000, 100);
	for (enum what w = MAPS; w < N_WHAT; w++) {
		unsigned long few = cost(b, FEW, w), all = cost(b, MANY, w);

		print_message("# show crypto %s: %lu looks per entry of %d, %lu of %d\n", names[w],
			      few, FEW, all, MANY);
		assert_true(few > 10);
		assert_true(all <= few + few / 10);
	}
	branch_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(linear) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
