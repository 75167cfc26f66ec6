#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernel: 6.12
#
# `prefpeer shell`, by a real terminal: the founding document's procedures typed key by
# key, help, abbreviations, filters and pages, the password of `enable`, and a whole
# operator's day, with a hub that dies in it.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 12

# Virtual time runs ahead while a program is paged in.
patience=600
conf=$tmp/prefpeer.conf

# session: what a person types and sees, shell_pty.py's script on standard input.
session()
{
	"$python" "$selftests_dir/shell_pty.py" "$tmp/transcript.log" $patience \
		ip netns exec "$branch" "$prefpeer" shell >"$tmp/session.log" 2>&1 || fail "$(cat "$tmp/session.log")"
}

# has LINE: in the configuration that is in force
has()
{
	pp config show >"$tmp/show.log" && grep -qxF -- "$1" "$tmp/show.log" ||
		fail "no line is: $1: $(cat "$tmp/show.log")"
}

# lines TEXT: one per line, to a shell that is no terminal
lines() { printf '%s\n' "$@" | pp shell >"$tmp/out.log" 2>&1; }

start()
{
	e2e_up 2 && quiet_listeners || return
	e2e_globals="hostname gw"
	e2e_conf "10 2 periodic" "set peer $h1"
	e2e_agent && in_memory "$prefpeer" "$python"
}

default_peer_procedure()
{
	session <<-'END' || return
	prompt gw>
	type enable
	prompt gw#
	type configure terminal
	see End with CNTL/Z
	prompt gw(config)#
	type crypto map mymap 10 ipsec-isakmp
	see ^% NOTE: This new crypto map will remain disabled until a peer$
	see ^        and a valid access list have been configured\.$
	prompt gw(config-crypto-map)#
	type set peer 10.0.0.2 default
	prompt gw(config-crypto-map)#
	type exit
	prompt gw(config)#
	keys \x1a
	prompt gw#
	type exit
	end
	END
	has "crypto map mymap 10 ipsec-isakmp" && has " set peer 10.0.0.2 default"
}

idle_timer_procedure()
{
	session <<-'END' || return
	type enable
	prompt gw#
	type configure terminal
	prompt gw(config)#
	type crypto map mymap 10
	prompt gw(config-crypto-map)#
	not NOTE
	type set security-association idletime 120 default
	prompt gw(config-crypto-map)#
	type exit
	prompt gw(config)#
	type no crypto map mymap
	prompt gw(config)#
	type end
	prompt gw#
	type logout
	end
	END
	! grep -q "mymap" <<<"$(pp config show)" || fail "it is still there"
}

# What is seen before `no` took it away: an entry of the procedures, whole.
procedures_in_force()
{
	lines enable "configure terminal" "crypto map mymap 10 ipsec-isakmp" " set peer 10.0.0.2 default" \
		" set security-association idletime 120 default" end ||
		fail "$(cat "$tmp/out.log")" || return
	has " set security-association idle-time 120 default" && has " set peer 10.0.0.2 default" || return
	lines enable "configure terminal" "no crypto map mymap 10" || fail "$(cat "$tmp/out.log")"
}

help_is_everywhere()
{
	session <<-'END'
	prompt gw>
	keys ?
	see ^  enable +privileged mode$
	not configure
	prompt gw>
	type enable
	prompt gw#
	keys c?
	see ^clear  configure  copy$
	prompt gw#c
	keys onf t\t
	see erminal $
	enter
	prompt gw(config)#
	type cry map tohub 1
	prompt gw(config-crypto-map)#
	keys set security-association ?
	see ^  idle-time +delete SAs that carry nothing$
	see ^  lifetime +of SAs$
	prompt gw(config-crypto-map)#set security-association 
	keys idle-time ?
	see ^  SECONDS +60\.\.86400$
	see ^  milliseconds +in milliseconds$
	keys 120 ?
	see ^  default +when all SAs are idle, the next attempt is at the default peer$
	see ^  <cr>$
	keys \x03
	prompt gw(config-crypto-map)#
	type set sec idle 59
	see ^ {35}\^$
	see ^% Invalid input detected at '\^' marker\.$
	see ^% idle time 59 is below 60 \(60\.\.86400 s\)$
	prompt gw(config-crypto-map)#
	type set per 10.1.1.1
	see ^ {26}\^$
	see ^% Invalid input detected at '\^' marker\.$
	prompt gw(config-crypto-map)#
	type set i 100
	see ^% Ambiguous command:  "set i 100"$
	prompt gw(config-crypto-map)#
	type set peer
	see ^% Incomplete command\.$
	prompt gw(config-crypto-map)#
	type match address 199
	see ^% access list 199 does not exist$
	prompt gw(config-crypto-map)#
	keys \x1b[A
	see match address 199$
	keys \x03
	type ip access-list extended LAN
	prompt gw(config-ext-nacl)#
	type no ip access-list extended LAN
	prompt gw(config)#
	type end
	prompt gw#
	type exit
	end
	END
}

output_is_filtered_and_paged()
{
	session <<-'END'
	type enable
	prompt gw#
	type show running-config | include set peer
	see ^ set peer 10\.1\.1\.1$
	prompt gw#
	lines 1
	type show running-config | count crypto isakmp key
	see ^Number of lines which match regexp = 3$
	type sh run | exclude crypto|!|set|match|access|host|mode
	prompt gw#
	not ^crypto
	type show running-config | section interface
	prompt gw#
	lines 2
	type show running-config section crypto map
	see ^crypto map tohub 1 ipsec-isakmp$
	see ^ match address 101$
	not interface
	type show running-config | begin interface
	see ^ crypto map tohub$
	prompt gw#
	not transform-set
	type terminal length 6
	prompt gw#
	type show running-config
	see ^ --More-- $
	not transform-set
	keys \x20
	see ^ --More-- $
	keys q
	prompt gw#
	type terminal length 0
	prompt gw#
	type show running-config
	see ^end$
	prompt gw#
	not More
	not cyclops
	type configure terminal
	prompt gw(config)#
	type do show running-config | include hostname
	see ^hostname gw$
	prompt gw(config)#
	type end
	type exit
	end
	END
}

# A keyring's peer is in force when it is whole, all of it at once.
held_until_whole()
{
	session <<-'END' || return
	type enable
	type configure terminal
	prompt gw(config)#
	type crypto ikev2 keyring K
	prompt gw(config-ikev2-keyring)#
	type peer p
	see ^% NOTE: not in force until it is whole:$
	see ^% peer p of keyring K has no address$
	prompt gw(config-ikev2-keyring-peer)#
	type address 10.66.0.1
	see ^% peer p of keyring K has no pre-shared-key$
	prompt gw(config-ikev2-keyring-peer)#
	type do show running-config | include keyring
	prompt gw(config-ikev2-keyring-peer)#
	lines 0
	type pre-shared-key RingSecret
	prompt gw(config-ikev2-keyring-peer)#
	not NOTE
	type do show running-config | include keyring
	see ^crypto ikev2 keyring K$
	prompt gw(config-ikev2-keyring-peer)#
	keys \x1b[A\x1b[A
	not RingSecret
	keys \x03
	type peer q
	prompt gw(config-ikev2-keyring-peer)#
	type end
	see is given up
	prompt gw#
	type configure terminal
	type no crypto ikev2 keyring K
	prompt gw(config)#
	type end
	type exit
	end
	END
	! grep -q keyring <<<"$(pp config show)" || fail "$(pp config show)"
}

password_is_asked_for()
{
	session <<-'END' || return
	type enable
	type configure terminal
	prompt gw(config)#
	type enable secret OpenSesame
	prompt gw(config)#
	type do write memory
	see ^\[OK\]$
	type end
	prompt gw#
	type show running-config | include enable
	see ^enable secret <hidden>$
	type disable
	prompt gw>
	type configure terminal
	see Invalid input
	prompt gw>
	type enable
	prompt Password: 
	secret opensesame
	prompt Password: 
	secret x
	prompt Password: 
	secret 
	see ^% Bad secrets$
	prompt gw>
	type enable
	prompt Password: 
	secret OpenSesame
	prompt gw#
	type exit
	end
	END
	grep -qE '^enable secret \$[0-9a-z]+\$' "$conf" || fail "no hash in the file" || return
	! grep -q OpenSesame "$conf" "$tmp/agent.log" || fail "the password is in them" || return
	! lines enable wrong "configure terminal" || fail "a wrong password: $(cat "$tmp/out.log")" || return
	grep -q "Bad secrets" "$tmp/out.log" || fail "$(cat "$tmp/out.log")" || return
	lines enable OpenSesame "configure terminal" "no enable secret" end "write memory" || fail "$(cat "$tmp/out.log")"
}

# login ARGUMENTS…: as sshd starts a login shell, or runs a command by it.
login() { in_ns "$branch" bash -c 'exec -a "$0" "$@"' "$1" "$prefpeer" "${@:2}" >"$tmp/out.log" 2>&1; }

login_shell()
{
	login prefpeer-shell -c "show crypto map" && grep -q '"tohub" 1 ipsec-isakmp' "$tmp/out.log" ||
		fail "$(cat "$tmp/out.log")" || return
	! login prefpeer-shell -c "configure terminal" || fail "a user configures" || return
	! login prefpeer-shell -c '/bin/sh' || return
	grep -q "Invalid input" "$tmp/out.log" || fail "$(cat "$tmp/out.log")" || return
	echo "show crypto map" | login -prefpeer-shell && grep -q '"tohub" 1' "$tmp/out.log" ||
		fail "$(cat "$tmp/out.log")" || return
	session <<-'END'
	prompt gw>
	keys enab
	hangup
	END
}

# Read from a file: the first error ends it, with a status.
stops_at_an_error()
{
	! lines enable "configure terminal" "hostname other" "crypto map tohub 1" \
		" set security-association idle-time 59" "hostname third" ||
		fail "no status: $(cat "$tmp/out.log")" || return
	grep -q "idle time 59 is below 60" "$tmp/out.log" || fail "$(cat "$tmp/out.log")" || return
	has "hostname other" || return
	lines enable "configure terminal" "hostname gw" || fail "$(cat "$tmp/out.log")"
}

######## The operator's day

day_begins()
{
	session <<-'END' || return
	type enable
	type configure terminal
	prompt gw(config)#
	type crypto map tohub 1
	prompt gw(config-crypto-map)#
	type set peer 10.1.1.1 default
	prompt gw(config-crypto-map)#
	type set peer 10.2.2.2
	prompt gw(config-crypto-map)#
	type set security-association idle-time 600 default
	prompt gw(config-crypto-map)#
	type end
	prompt gw#
	type show archive config differences
	see ^ crypto map tohub 1 ipsec-isakmp$
	see ^ \+set peer 10\.2\.2\.2$
	type exit
	end
	END
	flow_listen flow && flow_start flow 10000 || return
	up_with $h1 60 || fail "not up" || return
	# Changed while it runs: the pair goes on.
	spis=$(sa_spis "$branch" $branch_addr $h1)
	lines enable "configure terminal" "crypto map tohub 1" " description the way home" || return
	[ "$(sa_spis "$branch" $branch_addr $h1)" = "$spis" ] || fail "another pair" || return
	hub_cut 1 || return
	up_with $h2 120 || fail "the second does not take over" || return
	hub_restore 1
}

day_goes_on()
{
	session <<-'END' || return
	type enable
	prompt gw#
	type show crypto map
	see Current peer: 10\.2\.2\.2
	prompt gw#
	type clear crypto session
	prompt gw#
	type exit
	end
	END
	up_with $h1 120 || fail "not home after clear" || return
	pp config show >"$tmp/before.log"
	pp config write "$tmp/whole.conf" || return
	sed 's/^ set peer 10.2.2.2$/ set peer 10.2.2.2 defalt/' "$tmp/whole.conf" >"$conf"
	! pp reload >"$tmp/reload.log" 2>&1 && grep -q "unknown word defalt" "$tmp/reload.log" ||
		fail "the bad line: $(cat "$tmp/reload.log")" || return
	[ "$(pp config show)" = "$(cat "$tmp/before.log")" ] || fail "a bad file changed something" || return
	sed 's/ defalt$//' "$conf" >"$tmp/mended" && cat "$tmp/mended" >"$conf"
	pp reload >"$tmp/reload.log" 2>&1 || fail "$(cat "$tmp/reload.log")" || return
	session <<-'END' || return
	type enable
	prompt gw#
	type write memory
	see ^\[OK\]$
	type show archive config differences
	see ^!No changes were found$
	type exit
	end
	END
	agent_kill && e2e_agent || return
	[ "$(pp config show)" = "$(cat "$tmp/before.log")" ] ||
		fail "another state: $(diff "$tmp/before.log" <(pp config show))" || return
	has " set peer 10.1.1.1 default" && has " description the way home" || return
	up_with $h1 120 || fail "not up after the restart"
}

test_case "an agent and two hubs" start || { finish; exit; }
test_case "the procedure of the default peer, key by key" default_peer_procedure
test_case "the procedure of the idle timer, key by key" idle_timer_procedure
test_case "both, read from a file, are in force" procedures_in_force
test_case "?, completion, abbreviations, history, and what is wrong, where" help_is_everywhere
test_case "output is filtered and comes in pages" output_is_filtered_and_paged
test_case "what is not whole is held, and in force when it is" held_until_whole
test_case "enable asks for its secret, of which a hash is kept" password_is_asked_for
test_case "it is a login shell, and starts nothing" login_shell
test_case "lines of a file: the first error ends it" stops_at_an_error
test_case "a day: configured, failed over" day_begins
test_case "cleared, a bad line refused, mended, saved, restarted: the same state" day_goes_on
finish
