// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libFuzzer target: CREATE_CHILD_SA, under the keys of an IKE SA that is up, as
 * the answer to each thing that we ask for, and across it (RFC 7296 §2.25). First
 * byte: bit 0, a response to what left asked for, rather than a request; bits 1
 * and 2, what left asks for at that moment: nothing, to rekey the child, to rekey
 * the IKE SA, one more child; bit 3, in fragments; bit 4, a request begins with
 * REKEY_SA of the child that is there, whose SPI no input can know. Second byte:
 * type of the first payload. Whatever comes, no SA is in the kernel that no child
 * owns.
 *
 * reaches: take_place rekey_child_settle again_later child_verdict
 * reaches: child_delete_orphan inherit rekey_ike_failed crossing_judge
 */
#include <stdlib.h>
#include <string.h>

#include "prefpeerd/engine_ike/ike.h"
#include "prefpeerd/test/ike_speak.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum asked { ASKED_NOTHING, ASKED_CHILD_REKEY, ASKED_IKE_REKEY, ASKED_CHILD };

/* What the engines say of CREATE_CHILD_SA gets lost, so that ours is the first. */
static enum mock_fate no_child(void *ctx, struct datagram *d)
{
	return datagram_exchange(d) == XCHG_CREATE_CHILD_SA ? MOCK_DROP : MOCK_PASS;
}

static struct session *session_of(const struct side *s)
{
	return ((struct ike *)s->engine->impl)->sessions;
}

static void ask(struct fixture *f, enum asked what)
{
	const struct engine_pair *p = &side_last(&f->left, ENG_CHILD_UP)->ev.pair;
	struct kernel_sa_id id = { .dst = p->local, .spi = p->spi_in, .proto = IPPROTO_ESP };
	struct engine_child more = fixture_child(2, 2);

	switch (what) {
	case ASKED_CHILD_REKEY:
		/* A pair that carried nothing is not rekeyed. */
		fake_kernel_carry(&f->left.kernel, p->spi_in);
		engine_ike_expire(f->left.engine->impl, &id, false);
		break;
	case ASKED_IKE_REKEY:
		rekey_ike_start(session_of(&f->left));
		break;
	case ASKED_CHILD:
		f->left.engine->ops->child_open(f->left.engine->impl, 1, &more);
		break;
	default:
		break;
	}
	fixture_run_ms(f, 20);
}

static void begin(struct msg_out *m, const struct fixture *f, const struct session *as, bool response)
{
	struct ike_header h = { .exchange = XCHG_CREATE_CHILD_SA };
	struct msg_cipher c = session_cipher(as, true);

	h.flags = (as->initiator ? IKE_FLAG_INITIATOR : 0) | (response ? IKE_FLAG_RESPONSE : 0);
	h.id = response ? as->next_in : as->next_out;
	memcpy(h.spi_i, as->spi_i, IKE_SPI_LEN);
	memcpy(h.spi_r, as->spi_r, IKE_SPI_LEN);
	msg_begin_sk(m, &h, &c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fixture *f;
	struct session *as;
	struct msg_out m;

	if (size < 2 || size > 3000)
		return 0;
	f = fixture_new(AF_INET);
	if (!fixture_up(f))
		abort();
	f->net.filter = no_child;
	ask(f, (enum asked)(data[0] >> 1 & 3));
	as = session_of(&f->right);
	begin(&m, f, as, data[0] & 1);
	if (data[0] & 16)
		put_notify_child(&m, N_REKEY_SA, PROTO_ID_ESP, side_last(&f->left, ENG_CHILD_UP)->ev.pair.spi_out);
	wtr_patch_u8(&m.w, m.next_off, data[1]);
	wtr_bytes(&m.w, data + 2, size - 2);
	ike_speak(f, as, &m, data[0] & 8 ? 120 : 4000);
	fixture_run_ms(f, 200);
	ike_check_owned(&f->left);
	/* Until all that was begun has come to an end. */
	f->net.filter = NULL;
	fixture_run_ms(f, 60000);
	ike_check_owned(&f->left);
	ike_check_owned(&f->right);
	fixture_free(f);
	return 0;
}
