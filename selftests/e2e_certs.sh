#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernel: 6.12
#
# Certificates with strongSwan: each kind of key both ways by way of an issuing
# CA, a hub with a certificate and one with a pre-shared key in one list. Then
# hubs that must not pass: another one of the same CA, one that is revoked, one
# whose certificate ends in use. The private key is in the process that signs,
# and nowhere else.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
. "$selftests_dir/lib_pki.sh"
module_need
agent_need
[ -n "$(command -v openssl)" ] || skip_all "no openssl"

plan 19

######## The CA of lib_pki.sh, and its revocation lists

# Root's list names nobody: openssl ca wants a database of its own for it.
pki_crls()
{
	: >"$pki/none.txt"
	openssl ca -gencrl -config "$pki/ca.cnf" -out "$pki/mid.crl" 2>>"$tmp/openssl.log" &&
	sed "s/index.txt/none.txt/; s/mid\./root./" "$pki/ca.cnf" >"$pki/root.cnf" &&
	openssl ca -gencrl -config "$pki/root.cnf" -out "$pki/root.crl" 2>>"$tmp/openssl.log" &&
	cat "$pki/mid.crl" "$pki/root.crl" >"$pki/all.crl"
}

pki_all()
{
	local kind

	pki_root && pki_issue hub3 p256 DNS:hub3.example || return
	for kind in rsa p256 p384 ed25519; do
		pki_issue "branch-$kind" $kind DNS:branch.example &&
		pki_issue "hub1-$kind" $kind DNS:hub1.example || return
	done
	pki_issue branch-old p256 DNS:branch.example -startdate 20200101000000Z -enddate 20210101000000Z &&
	pki_issue branch-sha1 p256 DNS:branch.example -md sha1 &&
	pki_crls || fail "openssl: $(tail -n 5 "$tmp/openssl.log")"
}

######## Both ends

# branch_is KIND AUTHENTICATION: our certificate; CRL lines from $crl
crl=
branch_is()
{
	cat "$pki/branch-$1.pem" "$pki/mid.pem" >"$pki/branch.pem"
	cat "$pki/branch-$1.key" >"$pki/branch.key" && chmod 0600 "$pki/branch.key"
	e2e_globals="crypto ikev2 keyring K
 peer two
  address $h2
  pre-shared-key $psk
crypto pki trustpoint CORP
 ca file $pki/root.pem
 certificate file $pki/branch.pem
 key file $pki/branch.key
$crl
crypto ikev2 profile CERT
 match identity remote fqdn hub1.example
 identity local fqdn branch.example
 authentication local $2
 authentication remote rsa-sig
 authentication remote ecdsa-sig
 authentication remote eddsa-sig
 pki trustpoint CORP
crypto ikev2 profile KEY
 authentication local pre-share
 authentication remote pre-share
 keyring local K"
	e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h2 ikev2-profile KEY" \
		"set ikev2-profile CERT"
}

agent_conf_keys() { :; }

# hub1_is NAME [ID [OPTION=VALUE…]]: its certificate; options of hub_start
hub1_is()
{
	local dir

	for dir in x509 x509ca private; do
		rm -rf "$tmp/hub1/$dir" && mkdir -p "$tmp/hub1/$dir" || return
	done
	cp "$pki/root.pem" "$tmp/hub1/x509ca/" && cp "$pki/$1.pem" "$tmp/hub1/x509/hub1.pem" &&
	cp "$pki/mid.pem" "$tmp/hub1/x509/mid.pem" && cp "$pki/$1.key" "$tmp/hub1/private/hub1.key" &&
	hub_start 1 auth=pubkey cert=hub1.pem id="${2:-hub1.example}" remote_id=branch.example "${@:3}"
}

hub1_anew() { peer_stop hub1 && hub1_is "$@"; }

start()
{
	e2e_hub=hub_first
	pki_all && e2e_up 2 && flow_listen flow || return
	branch_is rsa rsa-sig
	e2e_agent && flow_start flow 50000 || return
	up_with $h1 60 || fail "not up with the certificate"
}

hub_first()
{
	if [ "$1" = 1 ]; then hub1_is hub1-rsa; else hub_start "$1"; fi
}

passes_both_ways()
{
	in_ns "$lan" ping -c 5 -i 0.1 -W 1 $site_host >"$tmp/ping.log" &&
	grep -q ' 5 received' "$tmp/ping.log" || fail "not both ways: $(tail -n 2 "$tmp/ping.log")"
}

up_since() { [ "$(state_ns UP $h1)" -gt "$1" ] && peer_is_up $h1; }

reload() { pp reload >"$tmp/reload.log" 2>&1 || fail "reload: $(cat "$tmp/reload.log")"; }

hub1_said() { grep -E "$1" "$tmp/hub1.log" >"$tmp/said.log" || fail "hub1 did not say $1"; }

# key KIND AUTHENTICATION HUB-SAYS: both ends anew with that kind of key
key()
{
	local t

	hub1_anew "hub1-$1" && branch_is "$1" "$2" && reload || return
	: >"$tmp/hub1.log"
	t=$(now_ns)
	pp session clear || return
	wait_for 60 up_since "$t" || fail "not up again: $(state_event BACKOFF text)" || return
	hub1_said "authentication of 'branch.example' with $3 successful" && passes_both_ways
}

by_way_of_issuing()
{
	hub1_said "authentication of 'branch.example' with RSA_EMSA_PSS.* successful" &&
	hub1_said 'received issuer cert "O=Example, CN=Issuing"' &&
	hub1_said 'sending issuer cert "O=Example, CN=Issuing"' && passes_both_ways
}

# in_memory PID FILE: how often the bytes of FILE are in that process
in_memory()
{
	python3 - "$1" "$2" <<-'PY'
	import re, sys
	pid, path = sys.argv[1:]
	want = open(path, "rb").read()
	n = 0
	with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
	    for line in maps:
	        m = re.match(r"([0-9a-f]+)-([0-9a-f]+) r", line)
	        if not m or "[v" in line:
	            continue
	        lo, hi = (int(x, 16) for x in m.groups())
	        try:
	            mem.seek(lo)
	            n += mem.read(hi - lo).count(want)
	        except OSError:
	            pass
	print(n)
	PY
}

# The private scalar of ECDSA, as numbers are in memory: little end first.
key_is_elsewhere()
{
	local signer

	openssl ec -in "$pki/branch-p256.key" -outform DER 2>>"$tmp/openssl.log" |
		python3 -c 'import sys; d = sys.stdin.buffer.read(); sys.stdout.buffer.write(d[7:39][::-1])' >"$tmp/scalar"
	[ "$(stat -c %s "$tmp/scalar")" = 32 ] || fail "no scalar" || return
	signer=$(signer_pid) || fail "the agent has no child" || return
	expect "keys where they belong" '[ "$(in_memory '"$signer"' "$tmp/scalar")" -ge 1 ] && echo some' some || return
	expect "keys in the agent" 'in_memory '"$agent_pid"' "$tmp/scalar"' 0 || return
	grep -q 'Seccomp:.2' "/proc/$signer/status" && grep -q 'CapEff:.0*$' "/proc/$signer/status" ||
		fail "it is not shut off: $(grep -E 'Seccomp|Cap' "/proc/$signer/status")" || return
	expect "the agent may not read the file" \
		"setpriv --reuid prefpeer --clear-groups cat $pki/branch.key >/dev/null 2>&1 || echo no" no
}

# on_the_second TEXT: hub1 is refused and hub2, by its key, in use; why is said
on_the_second()
{
	up_with $h2 60 || fail "not with the second hub" || return
	pp map show >"$tmp/show.log"
	grep -qF "$1" "$tmp/show.log" || fail "map show does not say \"$1\": $(cat "$tmp/show.log")" || return
	grep -qF "$1" "$tmp/monitor.log" || fail "the monitor does not say \"$1\"" || return
	peer_is_gone $h1 || fail "SAs of the first hub are left" || return
	passes_both_ways
}

# A certificate of the same CA, as good as any, for hub3.
another_hub()
{
	# With one name only, we ask for it (IDr), and a proper hub would not even answer.
	sed -i "s/^ match identity remote .*/&\n match identity remote address $h1/" "$tmp/prefpeer.conf"
	reload && hub1_anew hub3 hub3.example && pp session clear || return
	on_the_second "the peer identifies itself as fqdn hub3.example, expected is fqdn hub1.example or 1 more"
}

# The address, the name and a certificate of the same CA: the hub that it is not. strongSwan
# would take the name of its certificate instead, so that this is prefpeerd with that fault.
impostor_start()
{
	cat >"$tmp/impostor.conf" <<-CONF
	crypto pki trustpoint CORP
	 ca file $pki/root.pem
	 certificate file $pki/impostor.pem
	 key file $pki/hub3.key
	crypto ikev2 profile CERT
	 match identity remote fqdn branch.example
	 identity local fqdn hub1.example
	 authentication local ecdsa-sig
	 authentication remote ecdsa-sig
	 pki trustpoint CORP
	crypto ipsec transform-set ts esp-gcm 128
	access-list 101 permit ip $site_net $lan_net
	crypto map tobranch 1 ipsec-isakmp
	 set peer $branch_addr
	 set ikev2-profile CERT
	 set transform-set ts
	 match address 101
	interface wan0
	 crypto map tobranch
	CONF
	cat "$pki/hub3.pem" "$pki/mid.pem" >"$pki/impostor.pem"
	chmod 0640 "$tmp/impostor.conf" && chgrp prefpeer "$tmp/impostor.conf" || return
	impostor=$("$udpflow" notify "$tmp/impostor.notify" 60 ip netns exec "$hub1" "$prefpeerd" \
		-f "$tmp/impostor.conf" --control "$tmp/impostor.control" --state "$tmp/impostor.state" \
		2>>"$tmp/impostor.log") ||
		fail "the impostor did not start: $(tail -n 8 "$tmp/impostor.log")" || return
	on_exit "kill -KILL $impostor"
}

impostor_is_gone() { [ ! -d "/proc/$impostor" ]; }

impostor_stop()
{
	kill -TERM "$impostor" && wait_for 30 impostor_is_gone || fail "the impostor does not end" || return
	in_ns "$hub1" "$prefpeerd" --flush >>"$tmp/impostor.log"
}

another_hub_as_this_one()
{
	peer_stop hub1 && impostor_start && pp session clear || return
	on_the_second "the peer identifies itself as fqdn hub1.example, and its certificate, of O=Example, CN=hub3, does not name that" &&
	impostor_stop && hub1_is hub1-p256
}

# It verifies by what we send unasked: it has no certificate of ours, and sends no CERTREQ.
unasked()
{
	local t

	hub1_anew hub1-p256 hub1.example conn="send_certreq = no" || return
	: >"$tmp/hub1.log"
	t=$(now_ns)
	pp session clear || return
	wait_for 60 up_since "$t" || fail "not up: $(state_event BACKOFF text)" || return
	! grep -q "sending cert request" "$tmp/hub1.log" || fail "the hub asks after all" || return
	hub1_said 'received end entity cert "O=Example, CN=branch-p256"' && passes_both_ways
}

home_again()
{
	hub1_anew "${1:-hub1-p256}" && pp session clear || return
	up_with $h1 60 || fail "not home" || return
	passes_both_ways
}

# The first in the list by certificate, the second by key, after a death.
over_to_the_key()
{
	local t

	t=$(now_ns)
	hub_cut 1
	up_with $h2 40 || fail "not over to $h2" || return
	passes_both_ways || return
	hub_restore 1
	hub_cut 2
	wait_for 40 up_since "$t" || fail "not back by certificate" || return
	hub_restore 2
	passes_both_ways
}

revoked()
{
	openssl ca -config "$pki/ca.cnf" -revoke "$pki/hub1-p256.pem" 2>>"$tmp/openssl.log" && pki_crls || return
	crl=" crl file $pki/all.crl"
	branch_is p256 ecdsa-sig && reload && pp session clear || return
	on_the_second "the certificate of O=Example, CN=hub1-p256 is revoked"
}

# The list is in force, and another certificate of that hub is good.
not_revoked() { home_again hub1-p384; }

# refused_at_check NAME WHY: neither -t nor a reload takes that certificate of ours
refused_at_check()
{
	branch_is "$1" ecdsa-sig
	! pp reload >"$tmp/reload.log" 2>&1 || fail "the certificate was taken" || return
	grep -q "prefpeer.conf:.*error: certificate file .*: the certificate of O=Example, CN=branch-$1 $2" "$tmp/reload.log" ||
		fail "reload said: $(cat "$tmp/reload.log")" || return
	! "$prefpeerd" -t -f "$tmp/prefpeer.conf" >"$tmp/test.log" || fail "-t is content" || return
	grep -q "$2" "$tmp/test.log" || fail "-t said: $(cat "$tmp/test.log")" || return
	peer_is_up $h1 || fail "the tunnel is gone" || return
	branch_is p256 ecdsa-sig && reload
}

# hub1's certificate ends under traffic: so does what it proved, and it cannot prove that again.
ends_with_certificate()
{
	pki_issue hub1-brief p256 DNS:hub1.example -enddate "$(date -u -d '+200 seconds' +%Y%m%d%H%M%SZ)" ||
		fail "openssl: $(tail -n 5 "$tmp/openssl.log")" || return
	home_again hub1-brief || return
	up_with $h2 300 || fail "it is used beyond its end" || return
	on_the_second "the certificate of O=Example, CN=hub1-brief expired on" || return
	grep -qF "a certificate that it was proved by has expired" "$tmp/agent.log" "$tmp/monitor.log" ||
		fail "why it ended is not said"
}

# The hub begins: we are the responder, our certificate goes in the answer.
hub_begins()
{
	local t

	flow_stop
	pp session clear || return
	wait_for 30 is_down || fail "not down" || return
	: >"$tmp/hub1.log"
	t=$(now_ns)
	swanctl_of hub1 --initiate --child branch4-net4 >"$tmp/initiate.log" 2>&1
	wait_for 30 up_since "$t" || fail "not up: $(tail -n 5 "$tmp/initiate.log")" || return
	hub1_said "authentication of 'branch.example' with ECDSA_WITH_SHA256_DER successful" &&
	passes_both_ways
}

no_secret_is_said()
{
	! grep -q "$psk" "$tmp/agent.log" "$tmp/monitor.log" "$tmp/reload.log" "$tmp/show.log" ||
		fail "a key is in a log" || return
	! grep -q 'PRIVATE KEY' "$tmp/agent.log" || fail "a key is in the log"
}

test_case "RSA, PSS, by way of an issuing CA" start || { finish; exit; }
test_case "the chain both ways" by_way_of_issuing
test_case "RSA by PKCS #1 v1.5" key rsa "rsa-sig pkcs1" RSA_EMSA_PKCS1_SHA2_256
test_case "ECDSA on P-384" key p384 ecdsa-sig ECDSA_WITH_SHA384_DER
test_case "Ed25519" key ed25519 eddsa-sig ED25519
test_case "ECDSA on P-256" key p256 ecdsa-sig ECDSA_WITH_SHA256_DER
test_case "the private key is with who signs, and nowhere else" key_is_elsewhere
test_case "another hub of the same CA is refused, and the next one tried" another_hub
test_case "another hub that claims to be this one is refused, and the next one tried" \
	another_hub_as_this_one
test_case "home by certificate" home_again
test_case "a hub that asks for no certificate gets ours all the same" unasked
test_case "certificate and pre-shared key in one list" over_to_the_key
test_case "a revoked certificate is refused, and the next one tried" revoked
test_case "another certificate of the hub, not revoked" not_revoked
test_case "our own certificate expired: said, and nothing is lost" \
	refused_at_check old "expired on 2021-01-01"
test_case "our own signed with SHA-1: said, with what would be right, and nothing is lost" \
	refused_at_check sha1 "is signed with a hash that is too weak, as SHA-1 is; SHA2-256 would do"
test_case "the hub's certificate expires under traffic: its IKE SA ends" ends_with_certificate
test_case "home by one that is good" not_revoked
test_case "the hub begins; case 30: nothing in clear; no secret in a log" \
	eval "hub_begins && nothing_in_clear && no_secret_is_said"
finish
