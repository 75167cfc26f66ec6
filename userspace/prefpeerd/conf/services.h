/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names that IOS has for protocols, ports and types of ICMP; private to conf/. */
#ifndef CONF_SERVICES_H
#define CONF_SERVICES_H

#include "prefpeerd/conf/lex.h"
#include "lib/selector.h"

/* -1: @w is none of @proto's. */
int port_by_name(uint8_t proto, const struct word *w);
const char *port_name(uint8_t proto, uint16_t port); /* NULL: it has none */
/* Type and code; false: no such name. */
bool icmp_by_name(uint8_t proto, const struct word *w, struct port_range *type,
		  struct port_range *code);
const char *icmp_name(uint8_t proto, const struct port_range *type, const struct port_range *code);
/* "tcp", "ospf"; NULL: a number is all that there is. */
const char *protocol_name(sa_family_t family, uint8_t proto);

#endif
