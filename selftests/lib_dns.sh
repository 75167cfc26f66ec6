# SPDX-License-Identifier: GPL-2.0
#
# A name server of the branch's, in a namespace of its own beside the hubs:
#
#   branch ─ transit ─ dns   10.53.53.53
#
# It has the zones example. and signed.; the second is signed, or forged.
# Source after lib.sh, and make it after topology().

dns_addr=10.53.53.53
dns_pid=
# What the zones hold: one "NAME TTL TYPE DATA" a line.
dns_example= dns_signed=
dns_serial=1

dns_need()
{
	[ -n "$(command -v nsd)" ] && [ -n "$(command -v ldns-signzone)" ] ||
		skip_all "no nsd or ldnsutils: tools/lib/deps.sh"
}

# dns_namespace: in $dns, with a resolv.conf of the branch's that names it.
dns_namespace()
{
	setup_ns dns || return
	link "$dns" wan0 "$transit" dns
	addr "$dns" wan0 $dns_addr/24
	addr "$transit" dns 10.53.53.254/24
	step "$dns" route add default via 10.53.53.254
	neighbour "$dns" wan0 "$transit" dns 10.53.53.254
	neighbour "$transit" dns "$dns" wan0 $dns_addr
	steps_run || return
	mkdir -p "/etc/netns/$branch"
	on_exit "rm -rf /etc/netns/$branch"
	echo "nameserver $dns_addr" >"/etc/netns/$branch/resolv.conf"
}

# dns_zone NAME RECORDS: to standard output
dns_zone()
{
	printf '%s. 60 IN SOA ns.%s. root.%s. %s 3600 600 86400 5\n' "$1" "$1" "$1" $dns_serial
	printf '%s. 60 IN NS ns.%s.\nns.%s. 60 IN A %s\n' "$1" "$1" "$1" $dns_addr
	# A record that tells which version is served.
	printf 'serial.%s. 60 IN TXT "v%s."\n' "$1" $dns_serial
	awk 'NF { $2 = $2 " IN"; print }' <<<"$2"
}

# dns_write: the zone files from $dns_example and $dns_signed.
dns_write()
{
	dns_serial=$((dns_serial + 1))
	dns_zone example "$dns_example" >"$tmp/dns/example.zone" || return
	dns_zone signed "$dns_signed" >"$tmp/dns/signed.plain" &&
	(cd "$tmp/dns" && ldns-signzone -f signed.new signed.plain "$(<key)") &&
	mv "$tmp/dns/signed.new" "$tmp/dns/signed.zone"
}

dns_serves()
{
	in_ns "$branch" drill -Q "@$dns_addr" "serial.$1" TXT | grep -q "v$dns_serial\."
}

# dns_reload: what is written is what is served
dns_reload()
{
	kill -HUP "$dns_pid" && wait_for 20 dns_serves example && wait_for 20 dns_serves signed ||
		fail "the name server does not serve version $dns_serial: $(tail -n 3 "$tmp/nsd.log")"
}

# dns_set RECORDS of example.
dns_set()
{
	dns_example=$1
	dns_write && dns_reload
}

# dns_forge FROM TO: of signed.; the signatures are of what was there before
dns_forge()
{
	sed -i "s/$1/$2/" "$tmp/dns/signed.zone" && dns_reload
}

# dns_start: keys, zones, the server. The trust anchor is $tmp/signed.anchor.
dns_start()
{
	mkdir -p "$tmp/dns" && chmod 0755 "$tmp" "$tmp/dns"
	(cd "$tmp/dns" && ldns-keygen -k -a ECDSAP256SHA256 signed >key) || return
	cp "$tmp/dns/$(<"$tmp/dns/key").ds" "$tmp/signed.anchor"
	dns_write || return
	cat >"$tmp/dns/nsd.conf" <<-CONF
	server:
		server-count: 1
		ip-address: $dns_addr
		do-ip6: no
		username: root
		chroot: ""
		zonesdir: "$tmp/dns"
		database: ""
		pidfile: ""
		xfrdfile: ""
		xfrdir: "$tmp/dns"
		zonelistfile: "$tmp/dns/zone.list"
		cookie-secret-file: "$tmp/dns/cookie"
		round-robin: no
	remote-control:
		control-enable: no
	zone:
		name: "example."
		zonefile: "example.zone"
	zone:
		name: "signed."
		zonefile: "signed.zone"
	CONF
	bg "$tmp/nsd.log" ip netns exec "$dns" nsd -d -c "$tmp/dns/nsd.conf"
	dns_pid=$bg_pid
	wait_for 20 dns_serves example || fail "nsd does not answer: $(tail -n 5 "$tmp/nsd.log")"
}

# dns_cut, dns_back: silent, and heard again
dns_cut() { cut_address $dns_addr; }
dns_back() { restore_address $dns_addr; }

# dns_asked [FROM_NS]: questions of the branch on the wire; ours come from the agent alone
dns_asked()
{
	wire_log "$1" | grep -cE "^[0-9]+ udp $branch_addr $dns_addr .*dport=53 "
}

dns_first_ns() { wire_first " udp $branch_addr $dns_addr .*dport=53 " "$1"; }

# The last answer before a time
dns_answer_ns()
{
	wire_log "$1" "$2" | awk -v s=$dns_addr -v d=$branch_addr '
		$2 == "udp" && $3 == s && $4 == d && /sport=53 / { t = $1 } END { print t }'
}
