# SPDX-License-Identifier: GPL-2.0
#
# libreswan, one pluto per namespace. Sourced after lib.sh.
#
# Its package cannot be installed beside strongSwan's, so it is unpacked
# (deps_unpack of tools/lib/deps.sh) and run from there. Every file of an
# instance is in its own directory, $tmp/NAME.

pluto_root=$build_dir/foreign/libreswan
pluto_bin=$pluto_root/usr/libexec/ipsec

pluto_version() { "$pluto_bin/pluto" --version | awk '{ print $2; exit }'; }

# pluto_start NAME NS: with $tmp/NAME/ipsec.conf and ipsec.secrets as they are.
# Its pid in peer_pid_NAME, so that peer_stop and peer_kill end it.
pluto_start()
{
	local name=$1 dir=$tmp/$1

	[ -x "$pluto_bin/pluto" ] || fail "no libreswan in $pluto_root" || return
	# Where it looks for its helpers is compiled in.
	[ -e /usr/libexec/ipsec ] || { mkdir -p /usr/libexec && ln -s "$pluto_bin" /usr/libexec/ipsec; } || return
	in_memory "$pluto_bin/pluto" "$pluto_bin/whack" "$pluto_bin/addconn"
	mkdir -p "$dir/nss"
	[ -e "$dir/nss/cert9.db" ] || certutil -N -d "sql:$dir/nss" --empty-password || return
	bg "$tmp/$name.log" ip netns exec "$2" "$pluto_bin/pluto" --nofork --stderrlog \
		--rundir "$dir" --nssdir "sql:$dir/nss" --ipsecdir "$dir" --dumpdir "$dir" --no-dnssec \
		--nhelpers 0 --secretsfile "$dir/ipsec.secrets"
	printf -v "peer_pid_$name" %s "$bg_pid"
	wait_for 60 pluto_listens "$name" ||
		fail "pluto of $name did not start: $(tail -n 5 "$tmp/$name.log")"
}

# pluto_certs DIR NAME: of lib_pki.sh, with its key and the CAs, into the store of DIR
pluto_certs()
{
	local store=sql:$1/nss

	mkdir -p "$1/nss"
	[ -e "$1/nss/cert9.db" ] || certutil -N -d "$store" --empty-password || return
	openssl pkcs12 -export -in "$pki/$2.pem" -inkey "$pki/$2.key" -certfile "$pki/mid.pem" \
		-name "$2" -passout pass:x -out "$1/$2.p12" 2>>"$tmp/openssl.log" &&
	pk12util -i "$1/$2.p12" -d "$store" -W x >/dev/null &&
	certutil -A -d "$store" -n root -t CT,, -i "$pki/root.pem" ||
		fail "the store of libreswan does not take $2"
}

pluto_listens()
{
	[ -S "$tmp/$1/pluto.ctl" ] && whack_of "$1" --listen >/dev/null 2>&1
}

# whack_of NAME ARGUMENTS…
whack_of()
{
	"$pluto_bin/whack" --rundir "$tmp/$1" "${@:2}"
}

# pluto_add NAME CONNECTION…: those of its ipsec.conf; their auto= is not followed.
pluto_add()
{
	local name=$1 connection

	shift
	for connection; do
		"$pluto_bin/addconn" --config "$tmp/$name/ipsec.conf" \
			--ctlsocket "$tmp/$name/pluto.ctl" "$connection" ||
			fail "pluto of $name did not take $connection" || return
	done
}
