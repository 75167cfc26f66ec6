/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For the fuzz targets behind the encryption: to speak as an end of an IKE SA that is
 * up, and what must hold whatever was said.
 */
#ifndef TEST_IKE_SPEAK_H
#define TEST_IKE_SPEAK_H

#include "prefpeerd/engine_ike/ike.h"
#include "prefpeerd/test/ike_fixture.h"

/* @m under the keys of @as, to its peer; in fragments where it is longer than @max bytes. */
void ike_speak(struct fixture *f, struct session *as, const struct msg_out *m, size_t max);
/* Aborts unless the SAs in the kernel of @side are those of its children. */
void ike_check_owned(const struct side *side);

#endif
