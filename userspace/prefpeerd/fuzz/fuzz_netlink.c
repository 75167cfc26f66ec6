// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libFuzzer target: what the kernel might answer or notify. First byte: 0 for the
 * attributes of our own family, else XFRM messages, with their header as netlink
 * guarantees it: no longer than what was received.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/pp_nl.h"
#include "lib/xfrm_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void to_xfrm(const uint8_t *data, size_t size)
{
	union {
		struct nlmsghdr h;
		uint8_t bytes[8192];
	} *buf = malloc(sizeof(*buf));
	struct kernel_policy pol;
	struct xfrm_sa_info sa;
	struct xfrm_notice n;

	if (size > sizeof(*buf) - sizeof(buf->h))
		size = sizeof(*buf) - sizeof(buf->h);
	memset(&buf->h, 0, sizeof(buf->h));
	buf->h.nlmsg_len = (uint32_t)(sizeof(buf->h) + size);
	buf->h.nlmsg_type = XFRM_MSG_BASE + (size ? data[0] % 32 : 0);
	memcpy(buf->bytes + sizeof(buf->h), data, size);
	xfrm_parse_sa(&buf->h, &sa);
	xfrm_parse_policy(&buf->h, &pol);
	xfrm_parse_notice(&buf->h, &n);
	free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pp_attrs *a;

	if (!size)
		return 0;
	if (data[0]) {
		to_xfrm(data + 1, size - 1);
		return 0;
	}
	a = malloc(sizeof(*a));
	if (a && !pp_attrs_decode(data + 1, size - 1, a)) {
		uint8_t out[16384];

		pp_attrs_encode(a, out, sizeof(out));
	}
	free(a);
	return 0;
}
