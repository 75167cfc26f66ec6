# SPDX-License-Identifier: GPL-2.0
#
# A CA for tests of certificates: Root, below it Issuing, which gives all others.
# Everything is in $pki. Source after lib_e2e.sh.

pki=$tmp/pki
# What strongSwan needs beyond pre-shared keys.
peer_plugins="random nonce x509 pubkey pem pkcs1 pkcs8 openssl kdf kernel-netlink socket-default vici updown"

# pki_make_key FILE KIND
pki_make_key()
{
	case $2 in
	rsa)     openssl genrsa -traditional -out "$1" 2048 ;;
	p256)    openssl ecparam -name prime256v1 -genkey -noout -out "$1" ;;
	p384)    openssl ecparam -name secp384r1 -genkey -noout -out "$1" ;;
	ed25519) openssl genpkey -algorithm ed25519 -out "$1" ;;
	esac 2>>"$tmp/openssl.log" && chmod 0600 "$1"
}

# pki_issue NAME KIND SAN [DATES of openssl ca…]: $pki/NAME.key and NAME.pem
pki_issue()
{
	pki_make_key "$pki/$1.key" "$2" &&
	openssl req -new -key "$pki/$1.key" -subj "/O=Example/CN=$1" -out "$pki/$1.csr" 2>>"$tmp/openssl.log" &&
	printf 'subjectAltName=%s\nkeyUsage=digitalSignature\n' "$3" >"$pki/$1.ext" &&
	openssl ca -batch -notext -config "$pki/ca.cnf" -extfile "$pki/$1.ext" -in "$pki/$1.csr" \
		-out "$pki/$1.pem" "${@:4}" 2>>"$tmp/openssl.log"
}

pki_root()
{
	mkdir -p "$pki"
	: >"$pki/index.txt"
	cat >"$pki/ca.cnf" <<-CONF
	[ca]
	default_ca = issuing
	[issuing]
	database = $pki/index.txt
	new_certs_dir = $pki
	rand_serial = yes
	certificate = $pki/mid.pem
	private_key = $pki/mid.key
	default_md = sha256
	default_days = 300
	default_crl_days = 300
	policy = policy
	[policy]
	organizationName = supplied
	commonName = supplied
	[req]
	distinguished_name = dn
	[dn]
	CONF
	pki_make_key "$pki/root.key" p256 && pki_make_key "$pki/mid.key" p256 || return
	openssl req -x509 -new -config "$pki/ca.cnf" -key "$pki/root.key" -subj "/O=Example/CN=Root" -days 3000 \
		-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign \
		-addext subjectKeyIdentifier=hash -out "$pki/root.pem" 2>>"$tmp/openssl.log" &&
	openssl req -new -config "$pki/ca.cnf" -key "$pki/mid.key" -subj "/O=Example/CN=Issuing" \
		-out "$pki/mid.csr" 2>>"$tmp/openssl.log" || return
	printf 'basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n' >"$pki/mid.ext"
	openssl x509 -req -in "$pki/mid.csr" -CA "$pki/root.pem" -CAkey "$pki/root.key" -days 3000 \
		-set_serial 2 -extfile "$pki/mid.ext" -out "$pki/mid.pem" 2>>"$tmp/openssl.log"
}
