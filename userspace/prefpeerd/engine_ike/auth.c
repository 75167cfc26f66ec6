// SPDX-License-Identifier: GPL-2.0-or-later
#include "prefpeerd/engine_ike/auth.h"

static const char key_pad[] = "Key Pad for IKEv2";

int auth_octets(const struct auth_in *in, uint8_t maced_id[CRYPTO_PRF_MAX], struct chunk out[3])
{
	size_t n = prf_len(in->prf);

	out[0] = in->message;
	out[1] = in->nonce;
	out[2] = (struct chunk){ maced_id, n };
	return crypto_prf(in->prf, (struct chunk){ in->sk_p, n }, &in->id_body, 1, maced_id);
}

int auth_psk(const struct auth_in *in, uint8_t out[CRYPTO_PRF_MAX])
{
	uint8_t key[CRYPTO_PRF_MAX], maced_id[CRYPTO_PRF_MAX];
	size_t n = prf_len(in->prf);
	struct chunk pad = { key_pad, sizeof(key_pad) - 1 };
	struct chunk octets[3];
	int err;

	err = crypto_prf(in->prf, in->psk, &pad, 1, key);
	if (!err)
		err = auth_octets(in, maced_id, octets);
	if (!err)
		err = crypto_prf(in->prf, (struct chunk){ key, n }, octets, 3, out);
	crypto_wipe(key, sizeof(key));
	crypto_wipe(maced_id, sizeof(maced_id));
	return err;
}
