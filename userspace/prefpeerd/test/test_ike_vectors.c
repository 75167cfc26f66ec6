// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Known answers that others have published, none of it our own output:
 *
 *   IKEv2 KDF        NIST's ACVP server: IkeV2Tests.cs with SHA2-256, and the sample of
 *                    kdf-components-ikev2-1.0 with SHA2-512 (tgId 13, tcId 241), which
 *                    OpenSSL has in evpkdf_ikev2.txt
 *   Diffie-Hellman   RFC 5903 §8, RFC 7748 §6; strongSwan's test_vectors/modp.c for MODP
 *   AES-GCM          McGrew and Viega's submission to NIST, test cases 4 and 16
 *   AES-CBC          NIST SP 800-38A, F.2
 *   ChaCha20         RFC 8439 §2.8.2
 *   HMAC             RFC 4231
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

/* ---- SKEYSEED, prf+, KEYMAT: IkeV2Tests.cs of ACVP-Server, SHA2-256 ---- */

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

static const char acvp_rekey[] =
	"05f796c8df322a7e33283ae5fa2f376d8d5efa0ac3745fc548e430031424c121";

/* tgId 13, tcId 241: SHA2-512 */
static const char acvp512_ni[] =
	"834ea4753e9a06832072fa15e89e799035a1285ce241caf3b5c724ece8ecd0d2"
	"d1ac46fab3d9d86bf2ebf4cc8f93e06c5342415e14dfcbc949574e1606f96f14"
	"3e8aa8c80bccd376ff3d3bae0b134a04dd2ae557010e5d7a7552c6864fd8a82d"
	"99ffdfda97be97389a426d7259411b10dd9eefae2709141e654087a2056eb86d"
	"af95ef262328a2cdd90c61152dc2bbfcf4ccf4084557c3892603023a8b7045fc"
	"589a35143e10dcd1a73406ea923b21687a12134b6a1007e4aa2e37fffa4901df"
	"f6f3514e2b350f08175e194d3c6db75e03fd838d503cefa9e9604a4e18f330c0"
	"8142574a992465fea063875abaf144f47c50f32a0a83224e3eea739033af6b9f";
static const char acvp512_nr[] =
	"f833709de457fb58abe1d26e8decc8fe889d503954c4812ac0f41271394af7c1"
	"48b15a241c2d6d6502c3c57dae854a97bfb3ccdcec650153578ccb51bdfe1c71"
	"5e81f3d78488b1547a3c9e5617d9b78b46d06f56bb56423c88deaccd82e7a2a1"
	"1add56651091682f0987332ea28a32045a4d39609f364eb5e70468ecb7bbdcad"
	"6b41e04add11d97f300e8d0a0c2941f1cb64885f940ee2fa273477e910983e96"
	"913f58e37bfd68e3adcd6e813176e95fee7985f5526eedc3245c4746f5864d9e"
	"90bf80f6882f6a505adacd81d106576f7a6c705e37ce551235e012e64ec3be7b"
	"4f3f8889e664cc5ed7bcc4a88022a437439609b3019cde1948665a548e420d1e";
static const char acvp512_gir[] =
	"9566a04bf95f433c6497b3ae8cb0f600043f8438eb2b9e97e912af1c5ace9a73"
	"a8884bf1ff80a895eb97a6f5494b6cea5b1c3123c3a9cbe057a0cba2f52fd40a"
	"8dfdf9f99b521d356347e2b70cf637b5b4a44c2ed92770a281e6431cb50bddce"
	"4fb2ec8100218fa84b0a4a344c4dc79bbc81add2fd23bc797efa1b2afa6840ad"
	"7b2e04d391f33662774a5296a0ef9c9c113e84f5b958fd54857e75378406f29d"
	"a1eb23e9e9d9d94177672bfa7742f7f4319f31ed06e1999e17eeac6b35adc9a2"
	"45cad998e3ce3c422b8ad752f7144332e9aae44ea837677a8406b7261c04cb4e"
	"b9230fba75e09e16eeda246d5b1da5cf14c96f00fc83c555854e7982e52a1d4f";
static const char acvp512_gir_new[] =
	"f34450ec9f4b07881ff17db4ae1681b26f2fc8cbecdb7ef0463b09c4fe79f841"
	"4fbea9fd3e7c18c845d04e283e1eeb7824484c72354a7a9c418e69b8134d596e"
	"1abcd2998ea5fabca1fd156678bf7fb0f31c1158e812fd215837a23938bac55b"
	"37c6e8becedf9435a03484326cd2d4e3c7a273d8a99135027aa17823da9bf026"
	"3082394ca3475266f5bae91d1577c3d15a7dd429e1f5de70138b05214589ef8a"
	"519aa930a42f609ccc54ce8701488e80c2beacca2542c0d9b2dd7c04e41ebbc3"
	"41eb65a3f786900747fa6ca2cf914e908fea40014d3175b73da1b63437a89638"
	"f69e184fd91e6a02c0f9fc9afafe7b6811b3ac7a57b2615a3b3fc26289500143";
static const char acvp512_dkm[] =
	"2bd66826c397a19618e3133ace96f6168a04ef9afa53f2f07cecda9e0f6139c3"
	"7cc6512551f523006b74d501c5dd1ae502689ece8a43ce7b3d866c7372176b1d"
	"5bc4a0b863f642351fd4822c79f0a8d97b03b09fa1393679149432798bea545f"
	"70c663675e751a68aeeb7b238ca790229c7775e6a074becdfaad324ac546eeb5"
	"d0a9480b1aa06b6f225cbfac7447de3d8d292b0beb7d9a5b709c02946a10f879"
	"9dd4e4b18c6d10ceda39a82b9dae01efebe6c31735590ef7d44e1c8dbbad98da"
	"fe620843065e5141d7c57770234128599e3223139656dbb3d0c494faba482ae9"
	"740faa3d3957efd9d90fd24144bc9b317c7955722426a6719d0095d068fd0b63"
	"469140d1ef9ddefc43b2bcfff971a08a7e67e75b8f0ded8c4737175abf04c32b"
	"906fe7d53e8c3b11b3829db0082b73f44c042c285f079a3bd6c33f91559f3104"
	"3e23bb0a79b83c93aaf1cfeaf6c5996e717869c2d7f6528c8acae6656a843016"
	"4886385441484107261de0d9a9b6b39a24812ccfa24c1f964aeac69ce6d00541";
static const char acvp512_child[] =
	"0b0d01a13515ac0727f7d90456d3d2fd9c1172096cded4a20bda43fc796184ba"
	"eb3a7f34ffc09c584dd9beebc7629a36a5d143dfb1c2931f369e6702769b6a01"
	"aa20b7b955c30481d7894df2aebab0dd669c3e1e168be5f122f8a9d8a589f3c6"
	"c48efc031129481e2dea1f6fc10e07f3e39a1fcc3d660e289778458e75280250"
	"1dbde1eb0ede3d2227de7fae3f265d66986b1ae4cf407edc3a5168a6179ed8ca"
	"2006acc2d9104749c3e2231482374e5f0ce3da3c8b8520d37f37092669fbb78e";
static const char acvp512_child_dh[] =
	"48e185dc18e52193e01eca3c0d739c3070a73b89a4d0fac7b40e4d51250eeae7"
	"232c2031daa700e3a2d570ba67eca56f1dbe5de5b96cd718faf2fcc7ebca08d1"
	"fefa2db5b024cc9a03f50ef310d43a3e66d53912af846cff6bb039cbff37bdd1"
	"c2d329993a98d3faf9026a32ebf6747e347115aa3c604d187a25204407db7e3f"
	"d4e1d28300e898028542c4b8d3c4eb26bd0adf87439ccb7c0230351d38c92772"
	"ca234b887ca8f7667b4fbb9619151d75fecb2c30f570bc0eedd5c6d89f39de1a";
static const char acvp512_rekey[] =
	"1cc9237ebb1704d703952b6edbe275ca51ac17e2e224f13e38f4c49f5fa9af00"
	"f8ecb96fa0ecd6ff282c08a29d3e313ab4a4ee1022580118b8deff0cd8432a00";

/* What a case gives, and what comes of it: of each DKM as much as its suite takes. */
static const struct acvp_case {
	struct ike_suite ike;
	struct esp_suite esp;
	const char *ni, *nr, *gir, *gir_new, *spi_i, *spi_r;
	const char *dkm, *child, *child_dh, *rekey;
} acvp_cases[] = {
	{ { ENCR_AES_CBC, 256, INTEG_HMAC_SHA2_256_128, PRF_HMAC_SHA2_256, DH_ECP_256 },
	  { ENCR_AES_CBC, 256, INTEG_HMAC_SHA2_256_128, false },
	  acvp_ni, acvp_nr, acvp_gir, acvp_gir_new, "c8de93111750e409", "32d51b33508997fa",
	  acvp_dkm, acvp_child, acvp_child_dh, acvp_rekey },
	{ { ENCR_AES_CBC, 256, INTEG_HMAC_SHA2_512_256, PRF_HMAC_SHA2_512, DH_MODP_2048 },
	  { ENCR_AES_CBC, 256, INTEG_HMAC_SHA2_512_256, false },
	  acvp512_ni, acvp512_nr, acvp512_gir, acvp512_gir_new, "6e5f49d279f4fbbb",
	  "ff7ae472aa4dd7af", acvp512_dkm, acvp512_child, acvp512_child_dh, acvp512_rekey },
};

#define ACVP_CASES (sizeof(acvp_cases) / sizeof(acvp_cases[0]))

struct acvp {
	const struct acvp_case *c;
	uint8_t ni[256], nr[256], gir[256], gir_new[256], spi_i[8], spi_r[8];
	struct chunk n_i, n_r, g, g_new;
	struct ike_keys keys; /* of the IKE SA */
};

static void acvp_load(struct acvp *v, const struct acvp_case *c)
{
	v->c = c;
	v->n_i = unhex(c->ni, v->ni);
	v->n_r = unhex(c->nr, v->nr);
	v->g = unhex(c->gir, v->gir);
	v->g_new = unhex(c->gir_new, v->gir_new);
	unhex(c->spi_i, v->spi_i);
	unhex(c->spi_r, v->spi_r);
	assert_int_equal(ike_keys_derive(&c->ike, v->n_i, v->n_r, v->g, v->spi_i, v->spi_r,
					 &v->keys), 0);
}

/* The keys are @stream, dealt out in the order of §2.14. */
static void expect_dealt(const struct ike_suite *s, const struct ike_keys *k, const uint8_t *stream)
{
	const size_t p = prf_len(s->prf), a = integ_key_len(s->integ), e = s->key_bits / 8;
	const struct {
		const uint8_t *key;
		size_t len;
	} dealt[] = { { k->d, p },   { k->i.a, a }, { k->r.a, a }, { k->i.e, e },
		      { k->r.e, e }, { k->i.p, p }, { k->r.p, p } };

	for (size_t i = 0; i < sizeof(dealt) / sizeof(dealt[0]); i++) {
		assert_memory_equal(dealt[i].key, stream, dealt[i].len);
		stream += dealt[i].len;
	}
}

/* SKEYSEED = prf(Ni | Nr, g^ir), and its expansion. */
static void keys_of_an_ike_sa(void **state)
{
	for (size_t n = 0; n < ACVP_CASES; n++) {
		uint8_t want[384];
		struct acvp v;

		acvp_load(&v, &acvp_cases[n]);
		unhex(v.c->dkm, want);
		expect_dealt(&v.c->ike, &v.keys, want);
	}
}

/*
 * SKEYSEED = prf(SK_d (old), g^ir (new) | Ni | Nr), §2.18. Only this is published, not what it
 * expands to; the expansion is the one that the case's first keys have proved.
 */
static void keys_of_a_rekeyed_ike_sa(void **state)
{
	for (size_t n = 0; n < ACVP_CASES; n++) {
		uint8_t seed[CRYPTO_PRF_MAX], stream[7 * CRYPTO_KEY_MAX];
		struct ike_keys rekeyed;
		struct acvp v;

		acvp_load(&v, &acvp_cases[n]);
		assert_int_equal(ike_keys_rekey(v.c->ike.prf, v.keys.d, &v.c->ike, v.n_i, v.n_r,
						v.g_new, v.spi_i, v.spi_r, &rekeyed), 0);
		assert_int_equal(crypto_prf_plus(v.c->ike.prf, unhex(v.c->rekey, seed),
						 (struct chunk[]){ v.n_i, v.n_r, { v.spi_i, 8 }, { v.spi_r, 8 } },
						 4, stream, sizeof(stream)), 0);
		expect_dealt(&v.c->ike, &rekeyed, stream);
	}
}

static void check_child(const struct acvp *v, struct chunk shared, const char *hex)
{
	const struct esp_suite *esp = &v->c->esp;
	size_t e = esp->key_bits / 8, a = integ_key_len(esp->integ);
	struct esp_keys i2r, r2i;
	uint8_t want[256];

	unhex(hex, want);
	assert_int_equal(esp_keys_derive(v->c->ike.prf, v->keys.d, esp, shared, v->n_i, v->n_r,
					 &i2r, &r2i), 0);
	assert_memory_equal(i2r.encr, want, e);
	assert_memory_equal(i2r.integ, want + e, a);
	assert_memory_equal(r2i.encr, want + e + a, e);
	assert_memory_equal(r2i.integ, want + 2 * e + a, a);
}

/* Without and with a Diffie-Hellman exchange of its own. */
static void keys_of_a_child_sa(void **state)
{
	for (size_t n = 0; n < ACVP_CASES; n++) {
		struct acvp v;

		acvp_load(&v, &acvp_cases[n]);
		check_child(&v, (struct chunk){ NULL, 0 }, v.c->child);
		check_child(&v, v.g_new, v.c->child_dh);
	}
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
	{ DH_MODP_2048,
	  "af3bfd3862caa11774ce2b74840807c1de5cd6a7619bb3a0c7af39eedaa6eb89"
	  "e2e9c144b3625b2731879cb58fa3766d",
	  "1a27c5a7237ae8fe0a71c0af6494faeccdd4a5031d47a1a6b7162dfcdf03bb17"
	  "b7bb089bd652a5f31b3661bb114d7c48d83d244f46db64870c9c8327f1a830ab"
	  "f531e518dd521a2e94e7061e944209ba5331012b3dff00849eaab58c7c7af152"
	  "65210fbcf0f87b9dd932f8ba4e9a9f91b63294530a1200b88b3a03e1a0c7fd34"
	  "deec6fad501ede06ce7ec9e291d47b69b3a4b61bb08763b6d46bfbdab97bdece"
	  "a0ff09a872221fb4b6ccca6b5c6faad8eb873b9a2f39b63e62cfadd47607e68e"
	  "2c290583f7268fb43fc00a7dc8810ecdac1a59bd1b477aaf41cb4b24ada3e5f7"
	  "b8cb986f1ae476afc7677aa62570a1b1838dda26be7863ee2f40b5e538a4e181",
	  "77a48e4772e23e284ce4af81399dcd589beb7cefbcc9d196f06dcfdfc3a88e3b"
	  "4c1c82befec0e64ba495ccde329936ce",
	  "667282318d65cb05cd323c25091e664cc75a3a20c014b2f6389d3b27f5c1e908"
	  "e0d40ff8552bd587752550302285b49f75f8ffaec937fb2e69c8150f88d6508b"
	  "f0fb1f16e9676f5ecf718f874f3d8de3c8688749dbcf1affd4d62ff9ea5d9e30"
	  "35b2ce4a6eae281c408fc8084ae235d998a037610a8cb48c878cd0635fa1369f"
	  "c90b864c532367384597fdeefdb6742b006adedae2015bc4ce2f9c5451c9636a"
	  "16ed7d10b4e40d825b50aa7633a0e8fb813bebc049f7ff6a71ecfb14e880f509"
	  "d38b571a809808a496b451b5b5567a3608b01a22e4998355f181b879de262304"
	  "f29de142ff5e52cc564f3a2d1e84a0c33d8f3da7bf6412b3f018e00d90fa5b94",
	  "26f9e8457cf2d7d56dd819c2a867d7c3a90aa2b944e20b8bded3a5bf91aa1ff8"
	  "1a7ea89d524c365f3823510835cd8644c4d5dacf893e610d2c1a140616d1c8c1"
	  "d35f46de2c5faad9aecec6b677acd984098142a8aa0c8542e9ac98b3bc7b577c"
	  "59b8ec53346e1567a90039ac92b224635ab216731b06353925642c330a201ba4"
	  "b31284a9515860f35e9308f5515a779984fbd9f5ce4177db78d1cb0384b63c73"
	  "9c6d744ad7a700b95a531b29f3b744ed38e69aee67072c45a91cee6b14215e04"
	  "f27c31358c86dce448d60a223bdc554edaa3e4072ef603a0f4619f8db39cec29"
	  "1c860174155d8abf9e1082931df58ed9ee9c1215dd2393de02f5c1767f070e28" },
};

static void agreed_secrets(void **state)
{
	for (size_t n = 0; n < sizeof(agreed) / sizeof(agreed[0]); n++) {
		uint8_t i[80], r[80], gi[256], gr[256], want[256], got[CRYPTO_DH_SHARED_MAX];
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

/* The nonce's first four bytes are the salt at the key's end, as RFC 4106 §8.1 has it. */
static void aes_gcm(void **state)
{
	static const char text[] =
		"d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
		"1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";
	static const struct {
		unsigned bits;
		const char *sealed, *tag;
	} cases[] = {
		{ 128,
		  "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
		  "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
		  "5bc94fbc3221a5db94fae95ae7121a47" },
		{ 256,
		  "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
		  "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
		  "76fc6ece0f4e1768cddf8853bb2d551b" },
	};
	uint8_t iv[8], aad[20], plain[60];
	struct chunk a = unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2", aad);

	unhex("facedbaddecaf888", iv);
	unhex(text, plain);
	for (size_t n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
		uint8_t key[36], buf[60], want[60], icv[16], tag[16];
		unsigned bits = cases[n].bits;

		unhex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", key);
		unhex("cafebabe", key + bits / 8);
		unhex(cases[n].sealed, want);
		unhex(cases[n].tag, tag);
		memcpy(buf, plain, sizeof(buf));
		assert_int_equal(crypto_seal(ENCR_AES_GCM_16, bits, key, iv, a, buf, sizeof(buf), icv), 0);
		assert_memory_equal(buf, want, sizeof(buf));
		assert_memory_equal(icv, tag, sizeof(tag));
		assert_int_equal(crypto_open(ENCR_AES_GCM_16, bits, key, iv, a, buf, sizeof(buf), icv), 0);
		assert_memory_equal(buf, plain, sizeof(buf));
	}
}

static void aes_cbc(void **state)
{
	static const char text[] =
		"6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
		"30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";
	static const struct {
		unsigned bits;
		const char *key, *sealed;
	} cases[] = {
		{ 192, "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
		  "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a"
		  "571b242012fb7ae07fa9baac3df102e008b0e27988598881d920a9e64f5615cd" },
		{ 256, "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
		  "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"
		  "39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b" },
	};
	uint8_t key[32], iv[16], plain[64], buf[64], want[64];

	unhex("000102030405060708090a0b0c0d0e0f", iv);
	unhex(text, plain);
	for (size_t n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
		unhex(cases[n].key, key);
		unhex(cases[n].sealed, want);
		memcpy(buf, plain, sizeof(buf));
		assert_int_equal(crypto_cbc(true, cases[n].bits, key, iv, buf, sizeof(buf)), 0);
		assert_memory_equal(buf, want, sizeof(buf));
		assert_int_equal(crypto_cbc(false, cases[n].bits, key, iv, buf, sizeof(buf)), 0);
		assert_memory_equal(buf, plain, sizeof(buf));
	}
}

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
		cmocka_unit_test(keys_of_an_ike_sa),
		cmocka_unit_test(keys_of_a_rekeyed_ike_sa),
		cmocka_unit_test(keys_of_a_child_sa),
		cmocka_unit_test(agreed_secrets),
		cmocka_unit_test(aes_gcm),
		cmocka_unit_test(aes_cbc),
		cmocka_unit_test(chacha20_poly1305),
		cmocka_unit_test(hmac_sha512),
	};

	return cmocka_run_group_tests_name("ike vectors", tests, NULL, NULL);
}
