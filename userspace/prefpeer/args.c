// SPDX-License-Identifier: GPL-2.0-or-later
/* Words of the command line, one value each. */
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prefpeer/cli.h"

static const char *said_by = "prefpeer: ";

void cli_said_by(const char *prefix)
{
	said_by = prefix;
}

static void say(const char *fmt, va_list ap)
{
	fputs(said_by, stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

int cli_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	return CLI_FAIL;
}

int cli_usage(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	return CLI_USAGE;
}

const char *args_next(struct args *a)
{
	if (!a->n)
		return NULL;
	a->n--;
	return *a->v++;
}

int args_end(struct args *a)
{
	return a->n ? cli_usage("nothing may follow here, but \"%s\" does", a->v[0]) : CLI_OK;
}

/* A number from @text up to @end, which must lie behind at least one digit. */
static int scan_u64(const char *text, uint64_t *out, const char **end)
{
	unsigned long long v;
	char *e;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	/* No octal: 010 is ten to everybody who types it. */
	v = strtoull(text, &e, text[0] == '0' && (text[1] | 0x20) == 'x' ? 16 : 10);
	if (errno)
		return -ERANGE;
	*end = e;
	*out = v;
	return 0;
}

int parse_u64(const char *text, uint64_t *out)
{
	const char *end;
	uint64_t v;
	int rc = scan_u64(text, &v, &end);

	if (rc)
		return rc;
	if (*end)
		return -EINVAL;
	*out = v;
	return 0;
}

int parse_u32(const char *text, uint32_t *out)
{
	uint64_t v;
	int rc = parse_u64(text, &v);

	if (rc)
		return rc;
	if (v > UINT32_MAX)
		return -ERANGE;
	*out = (uint32_t)v;
	return 0;
}

int parse_time_ms(const char *text, uint32_t *out)
{
	const char *unit;
	uint64_t v;
	int rc = scan_u64(text, &v, &unit);

	if (rc)
		return rc;
	if (!*unit || !strcmp(unit, "s")) {
		if (v > UINT32_MAX / 1000)
			return -ERANGE;
		v *= 1000;
	} else if (strcmp(unit, "ms")) {
		return -EINVAL;
	}
	if (v > UINT32_MAX)
		return -ERANGE;
	*out = (uint32_t)v;
	return 0;
}

int parse_mark(const char *text, uint32_t *v, uint32_t *mask, bool *has_mask)
{
	const char *slash = strchr(text, '/');
	uint32_t value, m = UINT32_MAX;
	char head[24];
	int rc;

	if (!slash) {
		rc = parse_u32(text, &value);
	} else {
		if ((size_t)(slash - text) >= sizeof(head))
			return -EINVAL;
		memcpy(head, text, (size_t)(slash - text));
		head[slash - text] = '\0';
		rc = parse_u32(head, &value);
		if (!rc)
			rc = parse_u32(slash + 1, &m);
	}
	if (rc)
		return rc;
	*v = value;
	*mask = m;
	*has_mask = slash != NULL;
	return 0;
}

int parse_proto(const char *text, uint8_t *out)
{
	if (!strcmp(text, "esp"))
		*out = IPPROTO_ESP;
	else if (!strcmp(text, "ah"))
		*out = IPPROTO_AH;
	else
		return -EINVAL;
	return 0;
}
