// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Known answers that others have published: NIST's ACVP server for the IKEv2 KDF,
 * RFC 5903 §8 and RFC 7748 §6 for Diffie-Hellman, RFC 8439 §2.8.2 for ChaCha20 and
 * Poly1305, RFC 4231 for HMAC. None of it is our own output.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "prefpeerd/engine_ike/keymat.h"

static struct chunk unhex(const char *text, uint8_t *out)
{
	size_t n = strlen(text) / 2;

	for (size_t i = 0; i < n; i++) {
		char byte[3] = { text[2 * i], text[2 * i + 1], 0 };

		out[i] = (uint8_t)strtoul(byte, NULL, 16);
	}
	return (struct chunk){ out, n };
}

/* ---- SKEYSEED, prf+, KEYMAT: ACVP-Server, IKEv2, SHA2-256 ---- */

static const char acvp_ni[] =
	"0a58fea9c1d4fee2e74e1aad6fb02dd5f318eb127465a112be8dc3c04d5dba62"
	"eae708f9dc1b2362afd6ba4bda3cf5000f4979fbcbadbcfda9291593829c4e90"
	"5c21db0c2ee15175ce77a8a0dadf25c7f175bc53fd91b636a9b3c50b203de9b9"
	"d6dc463dcb4048f101e26498ceaed3afbcd931394a7e099392dfff82e5d6fa85"
	"c2e8a8ab90ad363a66795dc32798847e405acd87988140f973058917273a6b0b"
	"afb962c75e2b1a21e79c08beeb82168bf8b4b57f3dce867bf7862a7b8acbc21b"
	"e838021913daf64340c055ed17aaf7b6e1d0ca33ae890ddbdb83f4e615aad5e3"
	"bff58c3db70bac81a0dfbabe5391fc62bca4659e22a0741e01d8d06e67d9bb41";
static const char acvp_nr[] =
	"e4fdfa68df6171d9eaff8b7b5ad31e7c6098d259f3397c9854cbefe7449b0864"
	"c1df16ddece8b26567560f8d59182a44c19149c2d0d72606a160021ade3d23c7"
	"c6936c91a4b6bec37adf38cfc84b851c68dcee06f81306f63abbefc07e231e30"
	"58c49437a557df617eac01663593d2a3e594699284c0a35eae6931492ccb2a43"
	"db72a600a3899205d681d2b76b1280e456339bb10e0c584aecfdae31c77a4c40"
	"dbcb345f782ac32835d4c220c1e97254ded6a40075dd717b00b69c86a49e8017"
	"73026536ae02d58a649827f1ba67610ee936dffd11c9d5a9156631916a0a0046"
	"ec0ba42f56f2a18de83d5d71a985b0cc9eec2c06b3d907ca58454419f374069d";
static const char acvp_gir[] =
	"9d469de41b4739c7dd01f19aa94f17e48150ae9dbede94832142db19";
static const char acvp_gir_new[] =
	"c2987b0767006c3b9aea491bfed1646a3d7194639492b8d45b23b383";
/* Of DKM, DKM (Child SA) and DKM (Child SA D-H) as much as a suite takes. */
static const char acvp_dkm[] =
	"bc83518f63b762874ac57947cdfae33a8d9724df0b83ee4b6df38c23fc2ad829"
	"f4d70b5a68dd1f5a52416f09758638aedf919c09a17c5298cdb703bb75b1005c"
	"ba0109739aaa4efd2fe7534c95ad05e546e4419931270eddcab68ac1589d7fde"
	"47f5b9e8d5b614cb24ec3caf515497a9e99ee6f1b318ff153b539ef071dcaff9"
	"b41945dcb780700d69e5dc888a91de195c52825badfd0ab4c33cec71ab5c2b4b"
	"adefe5455455ce5d8ae91721a2091bcccc1514e69482c9c8da1d9f0f187eedda"
	"916393570a8c0a8dfabc26d8ed31e8ea47662515972a22d11d692bc1fac6395a";
static const char acvp_child[] =
	"c725012285d56e53244a9baaaf95abfca543708d333a3f3a86ba660e00edd4d4"
	"89bcd631819fda0413382edd9f53d1ed718e056c2ad91d38de90f06cd434de70"
	"141d051c021e7ddd6e4137946b4770dca59a4decabdd866852eb557fdd995646"
	"613ff2923f5f23aa58c8fbd5ad52cf2eac9bda97faad5596695f4a747a0f1cc6";
static const char acvp_child_dh[] =
	"140a1f2a3c94318ece6edfa8c63f37d8d45982de8b6cbfe34011150db0253e34"
	"de3796d4aa579954a0bbf234794eb6e7ece2a8f91100f5507df4ee8e66c7813d"
	"4c0ff64d484a3494c54b0d9c605ea24234a49a010ce5c352feb9e1060c8c7872"
	"29466296cdc9d11bb9d221ed2bb39544572464254ec02a0fbe777b07402c775e";

struct acvp {
	uint8_t ni[256], nr[256], gir[64], gir_new[64], spi_i[8], spi_r[8];
	struct chunk n_i, n_r, g, g_new;
};

static void acvp_load(struct acvp *v)
{
	v->n_i = unhex(acvp_ni, v->ni);
	v->n_r = unhex(acvp_nr, v->nr);
	v->g = unhex(acvp_gir, v->gir);
	v->g_new = unhex(acvp_gir_new, v->gir_new);
	unhex("c8de93111750e409", v->spi_i);
	unhex("32d51b33508997fa", v->spi_r);
}

static void ike_keys(struct ike_keys *out)
{
	static const struct ike_suite suite = { ENCR_AES_CBC, 256, INTEG_HMAC_SHA2_256_128,
						PRF_HMAC_SHA2_256, DH_ECP_256 };
	struct acvp v;

	acvp_load(&v);
	assert_int_equal(ike_keys_derive(&suite, v.n_i, v.n_r, v.g, v.spi_i, v.spi_r, out), 0);
}

/* SKEYSEED = prf(Ni | Nr, g^ir), and its expansion dealt out in the order of §2.14. */
static void keys_of_an_ike_sa(void **state)
{
	uint8_t want[256];
	struct ike_keys k;

	unhex(acvp_dkm, want);
	ike_keys(&k);
	assert_memory_equal(k.d, want, 32);
	assert_memory_equal(k.i.a, want + 32, 32);
	assert_memory_equal(k.r.a, want + 64, 32);
	assert_memory_equal(k.i.e, want + 96, 32);
	assert_memory_equal(k.r.e, want + 128, 32);
	assert_memory_equal(k.i.p, want + 160, 32);
	assert_memory_equal(k.r.p, want + 192, 32);
}

static void check_child(struct chunk shared, const char *hex)
{
	static const struct esp_suite suite = { ENCR_AES_CBC, 256, INTEG_HMAC_SHA2_256_128, false };
	struct esp_keys i2r, r2i;
	uint8_t want[128];
	struct ike_keys k;
	struct acvp v;

	acvp_load(&v);
	ike_keys(&k);
	unhex(hex, want);
	assert_int_equal(esp_keys_derive(PRF_HMAC_SHA2_256, k.d, &suite, shared, v.n_i, v.n_r, &i2r,
					 &r2i), 0);
	assert_memory_equal(i2r.encr, want, 32);
	assert_memory_equal(i2r.integ, want + 32, 32);
	assert_memory_equal(r2i.encr, want + 64, 32);
	assert_memory_equal(r2i.integ, want + 96, 32);
}

static void keys_of_a_child_sa(void **state)
{
	struct acvp v;

	acvp_load(&v);
	check_child((struct chunk){ NULL, 0 }, acvp_child);
	check_child(v.g_new, acvp_child_dh);
}

/* ---- Diffie-Hellman ---- */

static const struct {
	enum ike_dh group;
	const char *i, *gi, *r, *gr, *gir;
} agreed[] = {
	{ DH_ECP_256,
	  "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433",
	  "dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180"
	  "5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3",
	  "c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53",
	  "d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"
	  "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab",
	  "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de" },
	{ DH_ECP_384,
	  "099f3c7034d4a2c699884d73a375a67f7624ef7c6b3c0f160647b67414dce655"
	  "e35b538041e649ee3faef896783ab194",
	  "667842d7d180ac2cde6f74f37551f55755c7645c20ef73e31634fe72b4c55ee6"
	  "de3ac808acb4bdb4c88732aee95f41aa9482ed1fc0eeb9cafc4984625ccfc23f"
	  "65032149e0e144ada024181535a0f38eeb9fcff3c2c947dae69b4c634573a81c",
	  "41cb0779b4bdb85d47846725fbec3c9430fab46cc8dc5060855cc9bda0aa2942"
	  "e0308312916b8ed2960e4bd55a7448fc",
	  "e558dbef53eecde3d3fccfc1aea08a89a987475d12fd950d83cfa41732bc509d"
	  "0d1ac43a0336def96fda41d0774a3571dcfbec7aacf3196472169e838430367f"
	  "66eebe3c6e70c416dd5f0c68759dd1fff83fa40142209dff5eaad96db9e6386c",
	  "11187331c279962d93d604243fd592cb9d0a926f422e47187521287e7156c5c4"
	  "d603135569b9e9d09cf5d4a270f59746" },
	{ DH_ECP_521,
	  "0037ade9319a89f4dabdb3ef411aaccca5123c61acab57b5393dce47608172a0"
	  "95aa85a30fe1c2952c6771d937ba9777f5957b2639bab072462f68c27a57382d"
	  "4a52",
	  "0015417e84dbf28c0ad3c278713349dc7df153c897a1891bd98bab4357c9ecbe"
	  "e1e3bf42e00b8e380aeae57c2d107564941885942af5a7f4601723c4195d176c"
	  "ed3e017cae20b6641d2eeb695786d8c946146239d099e18e1d5a514c739d7cb4"
	  "a10ad8a788015ac405d7799dc75e7b7d5b6cf2261a6a7f1507438bf01beb6ca3"
	  "926f9582",
	  "0145ba99a847af43793fdd0e872e7cdfa16be30fdc780f97bccc3f078380201e"
	  "9c677d600b343757a3bdbf2a3163e4c2f869cca7458aa4a4effc311f5cb15168"
	  "5eb9",
	  "00d0b3975ac4b799f5bea16d5e13e9af971d5e9b984c9f39728b5e5739735a21"
	  "9b97c356436adc6e95bb0352f6be64a6c2912d4ef2d0433ced2b6171640012d9"
	  "460f015c68226383956e3bd066e797b623c27ce0eac2f551a10c2c724d985207"
	  "7b87220b6536c5c408a1d2aebb8e86d678ae49cb57091f4732296579ab44fcd1"
	  "7f0fc56a",
	  "01144c7d79ae6956bc8edb8e7c787c4521cb086fa64407f97894e5e6b2d79b04"
	  "d1427e73ca4baa240a34786859810c06b3c715a3a8cc3151f2bee417996d19f3"
	  "ddea" },
	{ DH_X25519,
	  "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
	  "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
	  "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
	  "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
	  "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742" },
	{ DH_X448,
	  "9a8f4925d1519f5775cf46b04b5800d4ee9ee8bae8bc5565d498c28dd9c9baf5"
	  "74a9419744897391006382a6f127ab1d9ac2d8c0a598726b",
	  "9b08f7cc31b7e3e67d22d5aea121074a273bd2b83de09c63faa73d2c22c5d9bb"
	  "c836647241d953d40c5b12da88120d53177f80e532c41fa0",
	  "1c306a7ac2a0e2e0990b294470cba339e6453772b075811d8fad0d1d6927c120"
	  "bb5ee8972b0d3e21374c9c921b09d1b0366f10b65173992d",
	  "3eb7a829b0cd20f5bcfc0b599b6feccf6da4627107bdb0d4f345b43027d8b972"
	  "fc3e34fb4232a13ca706dcb57aec3dae07bdc1c67bf33609",
	  "07fff4181ac6cc95ec1c16a94a0f74d12da232ce40a77552281d282bb60c0b56"
	  "fd2464c335543936521c24403085d59a449a5037514a879d" },
};

static void agreed_secrets(void **state)
{
	for (size_t n = 0; n < sizeof(agreed) / sizeof(agreed[0]); n++) {
		uint8_t i[80], r[80], gi[160], gr[160], want[80], got[CRYPTO_DH_SHARED_MAX];
		struct chunk ki = unhex(agreed[n].i, i), kr = unhex(agreed[n].r, r);
		struct chunk pi = unhex(agreed[n].gi, gi), pr = unhex(agreed[n].gr, gr);
		struct chunk secret = unhex(agreed[n].gir, want);
		struct crypto_dh *a = crypto_dh_import(agreed[n].group, i, ki.len, gi);
		struct crypto_dh *b = crypto_dh_import(agreed[n].group, r, kr.len, gr);
		uint8_t pub[CRYPTO_DH_PUB_MAX];
		size_t len;

		assert_non_null(a);
		assert_non_null(b);
		assert_int_equal(pi.len, dh_pub_len(agreed[n].group));
		assert_int_equal(crypto_dh_public(a, pub), 0);
		assert_memory_equal(pub, gi, pi.len);
		assert_int_equal(crypto_dh_derive(a, gr, pr.len, got, &len), 0);
		assert_int_equal(len, secret.len);
		assert_memory_equal(got, want, len);
		assert_int_equal(crypto_dh_derive(b, gi, pi.len, got, &len), 0);
		assert_memory_equal(got, want, len);
		crypto_dh_free(a);
		crypto_dh_free(b);
	}
}

/* ---- ciphers ---- */

/* The nonce's first four bytes are the salt at the key's end, as RFC 7634 §2 has it. */
static void chacha20_poly1305(void **state)
{
	static const char text[] =
		"Ladies and Gentlemen of the class of '99: If I could offer you "
		"only one tip for the future, sunscreen would be it.";
	static const char sealed[] =
		"d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
		"3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
		"92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
		"3ff4def08e4b7a9de576d26586cec64b6116";
	uint8_t key[36], iv[8], aad[16], buf[128], want[128], icv[16], tag[16];
	size_t len = sizeof(text) - 1;
	struct chunk a = unhex("50515253c0c1c2c3c4c5c6c7", aad);

	unhex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f07000000", key);
	unhex("4041424344454647", iv);
	unhex(sealed, want);
	unhex("1ae10b594f09e26a7e902ecbd0600691", tag);
	memcpy(buf, text, len);
	assert_int_equal(encr_keymat_len(ENCR_CHACHA20_POLY1305, 0), 36);
	assert_int_equal(crypto_seal(ENCR_CHACHA20_POLY1305, 0, key, iv, a, buf, len, icv), 0);
	assert_memory_equal(buf, want, len);
	assert_memory_equal(icv, tag, 16);
	assert_int_equal(crypto_open(ENCR_CHACHA20_POLY1305, 0, key, iv, a, buf, len, icv), 0);
	assert_memory_equal(buf, text, len);
}

/* RFC 4231, test case 1, and its first half as RFC 4868 §2.1.2 cuts it. */
static void hmac_sha512(void **state)
{
	static const char want_text[] =
		"87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
		"daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854";
	uint8_t key[64], want[64], got[64];
	struct chunk k = unhex("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", key);
	struct chunk d = { "Hi There", 8 };

	unhex(want_text, want);
	assert_int_equal(prf_len(PRF_HMAC_SHA2_512), 64);
	assert_int_equal(crypto_prf(PRF_HMAC_SHA2_512, k, &d, 1, got), 0);
	assert_memory_equal(got, want, 64);
	/* HMAC pads a key with zeros, so the vector's is one of 64 bytes too. */
	memset(key + k.len, 0, sizeof(key) - k.len);
	assert_int_equal(integ_icv_len(INTEG_HMAC_SHA2_512_256), 32);
	assert_int_equal(crypto_integ(INTEG_HMAC_SHA2_512_256, key, &d, 1, got), 0);
	assert_memory_equal(got, want, 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_of_an_ike_sa), cmocka_unit_test(keys_of_a_child_sa),
		cmocka_unit_test(agreed_secrets),    cmocka_unit_test(chacha20_poly1305),
		cmocka_unit_test(hmac_sha512),
	};

	return cmocka_run_group_tests_name("ike vectors", tests, NULL, NULL);
}
