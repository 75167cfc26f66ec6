#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernel: 6.12
#
# The configuration while it runs: `prefpeer config` shows, compares, replaces and saves
# it; nothing that goes on loses a packet, no key is shown, the file is whole at any time.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 9

patience=600
conf=$tmp/prefpeer.conf

# p ARGUMENTS…: the command line, in the branch. Both streams in $tmp/out.log, $tmp/err.log
p() { pp "$@" >"$tmp/out.log" 2>"$tmp/err.log"; }

told() { echo "$(cat "$tmp/out.log" "$tmp/err.log")"; }

has() { grep -qxF -- "$1" "$tmp/out.log" || fail "no line is: $1: $(told)"; }

lacks() { ! grep -qF -- "$1" "$tmp/out.log" "$tmp/err.log" || fail "it says: $1"; }

# said STATUS TEXT ARGUMENTS…
said()
{
	local want=$1 text=$2 status

	shift 2
	p "$@"
	status=$?
	[ $status -eq "$want" ] || fail "status $status, not $want: $*: $(told)" || return
	grep -qF -- "$text" "$tmp/out.log" "$tmp/err.log" || fail "$* says: $(told)"
}

is() { json_is "$1" "$(<"$tmp/out.log")" || fail "not so: $1: $(told)"; }

spi_of() { sa_spis "$branch" $branch_addr "$1"; }

checks_without_an_agent()
{
	e2e_up 1 && quiet_listeners || return
	e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h2"
	cp -p "$conf" "$tmp/good.conf"
	said 0 "good.conf: valid" config check "$tmp/good.conf" || return
	sed 's/dpd 10/dpd 9/' "$conf" >"$tmp/bad.conf"
	chmod 0640 "$tmp/bad.conf"
	said 1 "bad.conf:4:18: error: dpd interval 9 is below 10" config check "$tmp/bad.conf" || return
	said 1 "valid" config check "$tmp/good.conf" "$tmp/bad.conf" || return
	p -j config check "$tmp/good.conf" "$tmp/bad.conf"
	is "[f['valid'] for f in d] == [True, False] and d[1]['diags'][0]['line'] == 4" || return
	sed 's/^crypto ikev2 dpd.*//' "$conf" >"$tmp/warned.conf"
	chmod 0640 "$tmp/warned.conf"
	said 0 "warning" config check "$tmp/warned.conf" && said 1 "warning" config check strict "$tmp/warned.conf"
}

start()
{
	e2e_agent && flow_listen flow && flow_start flow 10000 || return
	up_with $h1 60 || fail "not up"
}

shown_without_keys()
{
	p config show || fail "$(told)" || return
	has "crypto isakmp key <hidden> address $h1" && has " set peer $h1 default" && lacks "$psk" || return
	p config show startup && has " set peer $h1 default" && lacks "$psk" || return
	p config diff && [ ! -s "$tmp/out.log" ] || fail "they differ: $(told)"
}

# What `show` prints is taken back, with the keys that are in force.
replaced_under_traffic()
{
	local spis

	spis=$(spi_of $h1)
	[ -n "$spis" ] || return
	p config show && cp "$tmp/out.log" "$tmp/new.conf"
	sed -i "s/^ set peer $h2\$/ set peer $h3/" "$tmp/new.conf"
	p config diff "$tmp/new.conf" && has " crypto map tohub 1 ipsec-isakmp" &&
		has " -set peer $h2" && has " +set peer $h3" || return
	p config replace check "$tmp/new.conf" && p config show && has " set peer $h2" || return
	p config replace "$tmp/new.conf" || fail "$(told)" || return
	p config show && has " set peer $h3" && lacks " set peer $h2" || return
	[ "$(spi_of $h1)" = "$spis" ] || fail "another pair: $(spi_of $h1)" || return
	p config diff && has " +set peer $h3" && lacks "$psk"
}

errors_change_nothing()
{
	p config show && cp "$tmp/out.log" "$tmp/before.log"
	sed 's/dpd 10/dpd 9/; s/match address 101/match address 102/' "$tmp/new.conf" >"$tmp/wrong.conf"
	said 1 "dpd interval 9 is below 10" config replace "$tmp/wrong.conf" || return
	grep -q "access list 102 does not exist" "$tmp/err.log" || fail "not all: $(told)" || return
	echo "crypto isakmp key <hidden> address 10.9.9.9" >>"$tmp/new.conf"
	said 1 "there is none" config replace "$tmp/new.conf" || return
	sed -i '$d' "$tmp/new.conf"
	p config show && cmp -s "$tmp/out.log" "$tmp/before.log" || fail "changed: $(diff "$tmp/before.log" "$tmp/out.log")"
}

# Killed with changes that nobody saved: the file is in force again.
unsaved_is_undone()
{
	agent_kill && e2e_agent || return
	p config show && has " set peer $h2" || return
	p config replace "$tmp/new.conf" && p config show && has " set peer $h3" || return
	said 0 "not saved are gone" reload && p config show && has " set peer $h2"
}

saved_survives()
{
	local before

	before=$(stat -c '%a %U %G' "$conf")
	p config replace "$tmp/new.conf" && p config write || fail "$(told)" || return
	expect "mode and owner" "stat -c '%a %U %G' $conf" "$before" || return
	grep -qF "crypto isakmp key 0 $psk address $h1" "$conf" || fail "no key in it" || return
	[ ! -e "$tmp/.prefpeer.conf.new" ] || fail "something is left" || return
	p config diff && [ ! -s "$tmp/out.log" ] || fail "they differ: $(told)" || return
	agent_kill && e2e_agent && p config show && has " set peer $h3" || return
	up_with $h1 60 || fail "not up with the keys that were saved"
}

# A file that breaks later: what was saved last is used in its place.
saved_is_what_is_kept()
{
	echo "no such line" >>"$conf"
	agent_kill && e2e_agent && p config show && has " set peer $h3" || return
	said 1 "unknown word" config diff || return
	p config write || fail "$(told)" || return
	p config diff && [ ! -s "$tmp/out.log" ] || fail "$(told)"
}

others_get_no_keys()
{
	local status

	install -d -o prefpeer -g prefpeer -m 0755 "$tmp/theirs"
	in_ns "$branch" setpriv --reuid nobody --regid prefpeer --clear-groups "$prefpeer" config show \
		>"$tmp/out.log" 2>"$tmp/err.log" && has " set peer $h3" || fail "$(told)" || return
	chmod 0777 "$tmp/theirs"
	in_ns "$branch" setpriv --reuid nobody --regid prefpeer --clear-groups "$prefpeer" config write \
		"$tmp/theirs/mine" >"$tmp/out.log" 2>"$tmp/err.log"
	status=$?
	[ $status -eq 1 ] && [ ! -e "$tmp/theirs/mine" ] || fail "status $status: $(told)" || return
	grep -q "only root" "$tmp/err.log" || fail "$(told)"
}

test_case "config check judges files, without an agent" checks_without_an_agent
test_case "the agent, up with a hub under traffic" start || { finish; exit; }
test_case "it is shown, and no key" shown_without_keys
test_case "replaced by what was shown, with one line changed; the pair goes on" replaced_under_traffic
test_case "a text with errors: all are told, nothing is changed" errors_change_nothing
test_case "unsaved changes end with the process, or with a reload" unsaved_is_undone
test_case "what is saved is whole, as private as before, and in force after kill -9" saved_survives
test_case "a file that breaks later: what was saved last takes its place" saved_is_what_is_kept
test_case "who is not root is shown it, and not given the keys" others_get_no_keys
finish
