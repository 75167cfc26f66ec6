/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A peer whose messages are made by hand, for what our own engine never sends:
 * it holds the keys of an IKE SA that right set up with left, sends requests to
 * left and opens the answers.
 */
#ifndef TEST_IKE_PEER_H
#define TEST_IKE_PEER_H

#include "prefpeerd/engine_ike/ike.h"
#include "prefpeerd/test/ike_fixture.h"

struct ike_peer {
	struct fixture *f;
	struct session *s; /* right's end */
	conn_id conn;	   /* left's names */
	child_id child;
	uint32_t child_spi_in; /* of the first child, at the peer: left's outbound SPI */
	struct msg_out m;      /* the last request */
	struct {
		uint16_t error; /* error notify of the answer; 0 = none; UINT16_MAX = no answer */
		uint8_t data[64];
		size_t data_len;
		struct payloads p;
		uint8_t bytes[MOCKNET_BYTES];
	} reply;
};

/* right opened the IKE SA and its child; left accepted. */
struct ike_peer *ike_peer_up(void);
void ike_peer_free(struct ike_peer *p);

/* Begin a request; put payloads to p->m; send it and open the answer. */
void ike_peer_begin(struct ike_peer *p, uint8_t exchange);
void ike_peer_send(struct ike_peer *p);
/* The last request once more; the answer is not looked at. */
void ike_peer_repeat(struct ike_peer *p);

/* SA, nonce and selectors of a child. */
void ike_peer_put_child(struct ike_peer *p, uint32_t spi);
void ike_peer_probe(struct ike_peer *p);
void ike_peer_open_child(struct ike_peer *p);
void ike_peer_rekey_child(struct ike_peer *p, uint32_t spi);
void ike_peer_rekey_ike(struct ike_peer *p);
void ike_peer_delete_child(struct ike_peer *p, uint32_t spi);
void ike_peer_critical(struct ike_peer *p, uint8_t type);

#endif
