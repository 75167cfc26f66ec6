// SPDX-License-Identifier: GPL-2.0-or-later
/* `enable`, and the hash that the configuration keeps of its password. */
#include <crypt.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "prefpeer/shell.h"

#define TRIES 3
#define PASSWORD_MAX 256

bool shell_hash(const char *password, char *out, size_t size)
{
	struct crypt_data d = { 0 };
	char salt[CRYPT_GENSALT_OUTPUT_SIZE];
	const char *hash = NULL;

	/* The system's best method, with a salt of the system's randomness. */
	if (crypt_gensalt_rn(NULL, 0, NULL, 0, salt, sizeof(salt)))
		hash = crypt_rn(password, salt, &d, sizeof(d));
	if (hash && strlen(hash) < size)
		strcpy(out, hash);
	else
		hash = NULL;
	explicit_bzero(&d, sizeof(d));
	return hash;
}

static bool matches(const char *password, const char *hash)
{
	struct crypt_data d = { 0 };
	const char *got = crypt_rn(password, hash, &d, sizeof(d));
	size_t len = strlen(hash);
	bool same = got && *got != '*' && strlen(got) == len && !CRYPTO_memcmp(got, hash, len);

	explicit_bzero(&d, sizeof(d));
	return same;
}

/* Without an echo; without a terminal the next line is it. */
static bool read_password(struct shell *s, char *buf, size_t size)
{
	struct termios old, silent;
	bool ok;

	if (!s->tty)
		return fgets(buf, (int)size, s->in);
	if (tcgetattr(STDIN_FILENO, &old))
		return false;
	silent = old;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	silent.c_lflag |= ICANON;
	/* What is typed from the prompt on counts. */
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
	fputs("Password: ", stdout);
	fflush(stdout);
	ok = fgets(buf, (int)size, stdin);
	tcsetattr(STDIN_FILENO, TCSADRAIN, &old);
	putchar('\n');
	return ok;
}

static int ask_for(struct shell *s, const char *hash)
{
	char password[PASSWORD_MAX];
	bool right = false;

	for (int i = 0; !right && i < (s->tty ? TRIES : 1); i++) {
		if (!read_password(s, password, sizeof(password)))
			break;
		password[strcspn(password, "\r\n")] = '\0';
		right = matches(password, hash);
	}
	explicit_bzero(password, sizeof(password));
	return right ? CLI_OK : shell_say("Bad secrets");
}

/* Who cannot ask what the password is, is not let in. */
int shell_enable(struct shell *s)
{
	const char *hash;
	json_t *reply;
	int rc = ask_agent(&s->cli, json_pack("{s:s}", "cmd", "config-enable"), &reply);

	if (rc)
		return rc;
	hash = json_string_value(json_object_get(reply, "hash"));
	rc = hash ? ask_for(s, hash) : CLI_OK;
	json_decref(reply);
	return rc;
}
