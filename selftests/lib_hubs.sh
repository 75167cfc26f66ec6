# SPDX-License-Identifier: GPL-2.0
#
# Hubs of three makes behind the same few words. Source after lib_e2e.sh.
#
# hub_make MAKE N [KEY=VALUE…]: MAKE is strongswan, libreswan or openiked. Keys,
# with what they are otherwise:
#   auth=psk (psk rsa ecdsa ed25519: hub1.example and branch.example of lib_pki.sh,
#     certificates hubN-AUTH)
#   suite=gcm (gcm cbc chacha, of the IKE SA and of the child)
#   family=4 (of both addresses outside and both networks inside)
#   role=responder (initiator: hub_call opens the IKE SA)
#   branch=the branch's address (what the hub sees of it, behind a NAT)
#   dpd=0 rekey=0 ike_rekey=0 (s; 0: never of itself)

. "$selftests_dir/lib_pluto.sh"
. "$selftests_dir/lib_iked.sh"

declare -A hub_makes=()

hub_make()
{
	local make=$1 n=$2 kv ns
	local m_auth=psk m_suite=gcm m_family=4 m_role=responder m_dpd=0 m_rekey=0 m_ike_rekey=0 m_branch=
	local m_us m_them m_us_id m_id m_lan m_site m_dir=$tmp/hub$2

	for kv in "${@:3}"; do
		printf -v "m_${kv%%=*}" %s "${kv#*=}"
	done
	eval "ns=\$hub$n"
	if [ "$m_family" = 6 ]; then
		m_us=$(hub_addr6 "$n") m_them=$branch_addr6 m_lan=$lan_net6 m_site=$site_net6
	else
		m_us=$(hub_addr "$n") m_them=$branch_addr m_lan=$lan_net m_site=$site_net
	fi
	m_us_id=$m_us m_id=$m_them
	[ "$m_auth" = psk ] || m_us_id=hub1.example m_id=branch.example
	m_them=${m_branch:-$m_them}
	hub_makes[$n]=$make
	mkdir -p "$m_dir"
	"hub_make_$make" "$n" "$ns"
}

# site_route N [FAMILY]: answers of the site go by hub N, whose daemon sets no route
site_route()
{
	if [ "$2" = 6 ]; then
		ip -n "$site" -6 route replace $lan_net6 via "fd00:2::$1"
	else
		ip -n "$site" route replace $lan_net via "192.168.2.$1"
	fi
}

hub_make_strongswan()
{
	local ike esp

	case $m_suite in
	gcm)    ike=aes128gcm16-prfsha256-x25519 esp=aes128gcm16 ;;
	cbc)    ike=aes256-sha256-ecp256 esp=aes256-sha256 ;;
	chacha) ike=chacha20poly1305-prfsha256-x25519 esp=chacha20poly1305 ;;
	esac
	[ "$m_auth" = psk ] || hub_certs_strongswan || return
	hub_start "$1" proposals=$ike esp=$esp dpd="${m_dpd}s" rekey="$m_rekey" ike_rekey="$m_ike_rekey" \
		id="$m_us_id" remote_id="$m_id" conn="remote_addrs = $m_them" \
		"$([ "$m_auth" = psk ] && echo auth=psk || echo auth=pubkey)" \
		"$([ "$m_auth" = psk ] && echo cert= || echo cert=hub.pem)"
}

hub_certs_strongswan()
{
	mkdir -p "$m_dir/x509" "$m_dir/x509ca" "$m_dir/private" &&
	cp "$pki/root.pem" "$m_dir/x509ca/" && cp "$pki/hub1-$m_auth.pem" "$m_dir/x509/hub.pem" &&
	cp "$pki/mid.pem" "$m_dir/x509/mid.pem" && cp "$pki/hub1-$m_auth.key" "$m_dir/private/hub.key"
}

hub_make_libreswan()
{
	local ike esp

	case $m_suite in
	gcm)    ike=aes_gcm128-sha2_256-dh31 esp=aes_gcm128 ;;
	cbc)    ike=aes256-sha2_256-dh19 esp=aes256-sha2_256 ;;
	chacha) ike=chacha20_poly1305-sha2_256-dh31 esp=chacha20_poly1305 ;;
	esac
	cat >"$m_dir/ipsec.conf" <<-CONF
	config setup

	conn branch
	  left=$m_us
	  leftid=$([ "$m_auth" = psk ] || echo @)$m_us_id
	  leftsubnet=$m_site
	  right=$m_them
	  rightid=$([ "$m_auth" = psk ] || echo @)$m_id
	  rightsubnet=$m_lan
	  $(hub_auth_libreswan)
	  ikev2=insist
	  ike=$ike
	  esp=$esp
	  pfs=no
	  leftupdown=/bin/true
	  ikelifetime=$( ((m_ike_rekey)) && echo $((m_ike_rekey * 11 / 10)) || echo 24h)
	  salifetime=$( ((m_rekey)) && echo $((m_rekey * 11 / 10)) || echo 24h)
	  rekey=$( ((m_rekey || m_ike_rekey)) && echo yes || echo no)
	  rekeymargin=60s
	  rekeyfuzz=0%
	  auto=add
	  $( ((m_dpd)) && printf 'dpddelay=%s\n  dpdtimeout=%s\n  dpdaction=clear' "$m_dpd" $((m_dpd * 6)))
	CONF
	echo ": PSK \"$psk\"" >"$m_dir/ipsec.secrets"
	[ "$m_auth" = psk ] || pluto_certs "$m_dir" "hub1-$m_auth" || return
	pluto_start "hub$1" "$2" && pluto_add "hub$1" branch && site_route "$1" "$m_family"
}

# With rightca=%any it knows no CA to ask for, and sends no CERTREQ; who is not asked
# sends no certificate.
hub_auth_libreswan()
{
	case $m_auth in
	psk)   echo "authby=secret" ;;
	rsa)   echo "authby=rsa-sha2" ;;
	ecdsa) echo "authby=ecdsa-sha2" ;;
	esac
	[ "$m_auth" = psk ] || printf '  %s\n' "leftcert=hub1-$m_auth" "leftsendcert=always" \
		"sendca=issuer" "rightca=%same"
}

# For children it has only CBC, of which its PF_KEY ("unsupported integrity algorithm")
# takes none with SHA-2: no SA comes to be. Pre-shared keys alone.
hub_make_openiked()
{
	local ike esp="auth hmac-sha2-256 enc aes-256"

	case $m_suite in
	gcm) ike="enc aes-128-gcm prf hmac-sha2-256 group curve25519" ;;
	cbc) ike="auth hmac-sha2-256 enc aes-256 prf hmac-sha2-256 group ecp256" ;;
	esac
	{
		[ "$m_dpd" = 0 ] || echo "set dpd_check_interval $m_dpd"
		echo "set fragmentation"
		echo "set nomobike"
		echo "ikev2 branch $([ "$m_role" = responder ] && echo passive || echo active) esp \\"
		echo " from $m_site to $m_lan local $m_us peer $m_them \\"
		echo " ikesa $ike \\"
		echo " childsa $esp \\"
		echo " srcid $m_us dstid $m_id \\"
		[ "$m_ike_rekey" = 0 ] || echo " ikelifetime $m_ike_rekey \\"
		[ "$m_rekey" = 0 ] || echo " lifetime $m_rekey \\"
		echo " psk \"$psk\""
	} >"$m_dir/iked.conf"
	iked_start "hub$1" "$2" && site_route "$1" "$m_family"
}

# hub_rekey N [FAMILY]: it rekeys its child now
hub_rekey()
{
	case ${hub_makes[$1]} in
	strongswan) swanctl_of "hub$1" --rekey --child "branch${2:-4}-net${2:-4}" >"$tmp/hub$1.call" 2>&1 ;;
	libreswan)  whack_of "hub$1" --rekey-ipsec --name branch --asynchronous >"$tmp/hub$1.call" 2>&1 ;;
	*) false ;;
	esac || fail "hub $1 does not rekey: $(tail -n 3 "$tmp/hub$1.call")"
}

# hub_call N: it opens an IKE SA to the branch, if its role is initiator
hub_call()
{
	case ${hub_makes[$1]} in
	strongswan) swanctl_of "hub$1" --initiate --child "branch${2:-4}-net${2:-4}" --timeout 20 >"$tmp/hub$1.call" 2>&1 ;;
	libreswan)  whack_of "hub$1" --initiate --name branch --asynchronous >"$tmp/hub$1.call" 2>&1 ;;
	openiked)   ikectl_of "hub$1" active >"$tmp/hub$1.call" 2>&1 ;;
	esac || fail "hub $1 does not call: $(tail -n 3 "$tmp/hub$1.call")"
}
