#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernel: 6.12
#
# vm: --mem 2560
#
# "On a gateway of your own", as the README has it: its commands and its
# configuration are taken from it and done, in the branch of the topology, up to
# a tunnel with a hub; then systemd starts it, with the units that we install.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 19

conf=/etc/prefpeer/prefpeer.conf
stage=$tmp/stage
staged="etc/prefpeer
usr/lib/systemd/system/prefpeer-lock.service
usr/lib/systemd/system/prefpeerd.service
usr/sbin/prefpeer
usr/sbin/prefpeerd
usr/share/bash-completion/completions/prefpeer
usr/share/man/man5/prefpeer.conf.5
usr/share/man/man7/prefpeer-netlink.7
usr/share/man/man8/prefpeer.8
usr/share/man/man8/prefpeerd.8"

# Programs are paged in from the host's disk, in virtual time.
patience=600

# readme_block TITLE: the first literal block of that section.
readme_block()
{
	awk -v title="$1" '
		within && /::$/     { block = 1; next }
		within && /^[-=]+$/ && n++ { exit }
		$0 == title         { within = 1 }
		block && /^[^ ]/    { exit }
		block               { sub(/^    /, ""); print }' "$top_dir/README.rst" |
		sed -e '1{/^$/d}' -e '${/^$/d}'
}

# readme_command PATTERN: that command of "The module and the programs".
readme_command()
{
	readme_block "The module and the programs" | sed -e ':a; /\\$/{N; s/\\\n */ /; ba}' |
		grep -E -- "$1" || fail "the README has no command like $1"
}

# readme_do PATTERN: does it, in the checkout, as a person would.
readme_do()
{
	local command

	command=$(readme_command "$1") || return
	diag "\$ $command"
	(cd "$top_dir" && eval "$command") >"$tmp/command.log" 2>&1 ||
		fail "status $?: $(tail -n 15 "$tmp/command.log")"
}

######## What the README names

packages_are_named()
{
	local command

	command=$(readme_command '^apt-get install ') || return
	eval "dpkg-query -W -f '\${db:Status-Abbrev} \${Package}\n' ${command#apt-get install}" \
		>"$tmp/packages.log" 2>&1 || fail "$(cat "$tmp/packages.log")" || return
	! grep -v '^ii' "$tmp/packages.log" || fail "not all of them are what Debian has"
}

######## A staged installation

stage_list()
{
	(cd "$stage" && find . \( -type f -o -name prefpeer -type d -empty \) -printf '%P\n' | sort)
}

staged_whole()
{
	make -s -C "$top_dir" install DESTDIR="$stage" >"$tmp/stage.log" 2>&1 ||
		fail "$(tail "$tmp/stage.log")" || return
	[ "$(stage_list)" = "$staged" ] ||
		fail "not what is expected: $(diff <(echo "$staged") <(stage_list))" || return
	[ ! -e /usr/sbin/prefpeerd ] && [ ! -e /etc/prefpeer ] || fail "DESTDIR= is not all that was written to"
}

staged_elsewhere()
{
	make -s -C "$top_dir" install DESTDIR="$stage" PREFIX=/opt/pp >"$tmp/stage.log" 2>&1 || return
	grep -q '^ExecStart=/opt/pp/sbin/prefpeerd' "$stage/opt/pp/lib/systemd/system/prefpeerd.service" ||
		fail "the unit starts another prefpeerd than was installed" || return
	make -s -C "$top_dir" uninstall DESTDIR="$stage" PREFIX=/opt/pp
}

staged_module()
{
	make -s -C "$top_dir" modules_install INSTALL_MOD_PATH="$stage" >"$tmp/stage.log" 2>&1 ||
		fail "$(tail "$tmp/stage.log")" || return
	! grep -i error "$tmp/stage.log" || return
	[ "$(find "$stage/lib/modules" -type f -name 'prefpeer.ko*' | wc -l)" = 1 ] ||
		fail "no module in $(find "$stage/lib/modules")"
}

unstaged()
{
	make -s -C "$top_dir" uninstall modules_uninstall DESTDIR="$stage" INSTALL_MOD_PATH="$stage" || return
	[ -z "$(find "$stage" ! -type d)" ] || fail "left: $(find "$stage" ! -type d)" || return
	[ ! -e "$stage/etc/prefpeer" ]
}

######## On this machine

installed()
{
	readme_do 'make install' || return
	[ "$(command -v prefpeerd)" = /usr/sbin/prefpeerd ] || fail "prefpeerd is not to be found" || return
	cmp /usr/sbin/prefpeerd "$prefpeerd" && cmp /usr/sbin/prefpeer "$prefpeer"
}

loads_by_name()
{
	readme_do '^modprobe ' && module_loaded || return
	case $(modinfo -n prefpeer) in
	/lib/modules/*|/usr/lib/modules/*) ;;
	*) fail "modprobe took $(modinfo -n prefpeer)" || return ;;
	esac
	modprobe -r prefpeer && ! module_loaded && modprobe prefpeer && module_loaded
}

user_is_made()
{
	# This machine's accounts are those of the one that tests.
	! getent passwd prefpeer >/dev/null || userdel prefpeer || return
	readme_do '^useradd ' && id prefpeer >/dev/null
}

configured()
{
	readme_block "A configuration" >"$tmp/readme.conf"
	install -o root -g prefpeer -m 0640 "$tmp/readme.conf" $conf || return
	cp "$tmp/readme.conf" "$tmp/nobodys.conf" && chmod 0600 "$tmp/nobodys.conf" &&
		chown nobody "$tmp/nobodys.conf" && chmod 0755 "$tmp" || return
	setpriv --reuid=nobody --regid=nogroup --clear-groups \
		prefpeerd -t -f "$tmp/nobodys.conf" >"$tmp/check.log" 2>&1 ||
		fail "prefpeerd -t says: $(cat "$tmp/check.log")" || return
	! grep -E ' (error|warning): ' "$tmp/check.log" || fail "the README's configuration is not clean"
}

module_alone()
{
	local command

	command=$(readme_block "The module alone" | grep '^prefpeer rule add ') || fail "no rule in the README" || return
	eval "$command" >"$tmp/rule.log" 2>&1 || fail "$(cat "$tmp/rule.log")" || return
	prefpeer rule show | grep -q '10\.0\.0\.0/8' || fail "$(prefpeer rule show)" || return
	prefpeer sa show >"$tmp/sa.log" 2>&1 || fail "$(cat "$tmp/sa.log")" || return
	prefpeer rule del remote 10.0.0.0/8
}

man_pages_are_found()
{
	local page words="prefpeer.conf:idle-time prefpeerd:SIGHUP prefpeer:monitor" path

	for page in $words; do
		path=$(man -w "${page%:*}") || fail "no manual page of ${page%:*}" || return
		[[ $path == /usr/share/man/* ]] || fail "another manual: $path" || return
		MANWIDTH=80 man -P cat --warnings "${page%:*}" >"$tmp/man.log" 2>"$tmp/man.err.log" || return
		[ ! -s "$tmp/man.err.log" ] || fail "$(cat "$tmp/man.err.log")" || return
		grep -q "${page#*:}" "$tmp/man.log" || fail "nothing about ${page#*:} in it" || return
	done
}

# complete WORD…: what bash offers for the last of them, one a line.
complete_words()
{
	bash -c '
		. /usr/share/bash-completion/bash_completion
		_completion_loader prefpeer
		[ "$(complete -p prefpeer)" = "complete -F _prefpeer prefpeer" ] || exit
		COMP_WORDS=(prefpeer "$@") COMP_CWORD=$#
		_prefpeer prefpeer
		printf "%s\n" "${COMPREPLY[@]}"' complete "$@"
}

completes()
{
	[ "$(complete_words mon)" = monitor ] || fail "mon: $(complete_words mon 2>&1)" || return
	[ "$(complete_words map con)" = connect ] || fail "map con: $(complete_words map con 2>&1)" || return
	[ "$(complete_words rule add idl)" = idle-time ] || fail "rule add idl: $(complete_words rule add idl 2>&1)"
}

agent_by_hand()
{
	topology 2 && hub_start 1 psk=MyPreSharedKey && hub_start 2 psk=MyPreSharedKey || return
	# The branch is a gateway of its own: what it finds by name is what was installed.
	prefpeer=/usr/sbin/prefpeer prefpeerd=/usr/sbin/prefpeerd
	agent_pid=$("$udpflow" notify "$tmp/agent.notify" 60 ip netns exec "$branch" \
		prefpeerd -f $conf 2>>"$tmp/agent.log") ||
		fail "prefpeerd -f $conf: $(tail -n 8 "$tmp/agent.log")" || return
	on_exit "kill -KILL $agent_pid"
	[ "$(awk '/^Uid/ { print $2 }' "/proc/$agent_pid/status")" = "$(id -u prefpeer)" ] ||
		fail "it still runs as root" || return
	tunnel_of_the_first_packet
}

tunnel_of_the_first_packet()
{
	ip netns exec "$lan" ping -q -c 1 -W 1 $site_host >/dev/null
	wait_for $patience peer_is_up $h1 || fail "no SAs with $h1" || return
	wait_for $patience pp map show || return
	pp map show >"$tmp/show.log"
	grep -q '^tohub 1   UP 10\.1\.1\.1 ' "$tmp/show.log" || fail "map show: $(cat "$tmp/show.log")" || return
	wait_for 10 ip netns exec "$lan" ping -q -c 1 -W 1 $site_host || fail "nothing comes back from $site_host"
}

reloads_without_root()
{
	sed -i 's/ idle-time 120 default/ idle-time 180 default/' $conf
	pp reload >"$tmp/reload.log" 2>&1 || fail "$(cat "$tmp/reload.log")" || return
	pp map show | grep -q 'idle  *180 s' || fail "$(pp map show)" || return
	peer_is_up $h1 || fail "the tunnel is gone"
}

ends_clean()
{
	agent_stop || return
	peer_is_gone $h1 || fail "SAs are left" || return
	in_ns "$branch" prefpeerd --flush >"$tmp/flush.log" || return
	[ -z "$(ip -n "$branch" xfrm policy)" ] || fail "policies are left: $(ip -n "$branch" xfrm policy)"
}

######## systemd

units_are_valid()
{
	# It reads all units of the machine: those of others are others' to mend.
	systemd-analyze verify --man=yes /usr/lib/systemd/system/prefpeer{d,-lock}.service \
		>"$tmp/verify.log" 2>&1 && ! grep -v 'system/[^:]*:[0-9]*: ' "$tmp/verify.log" &&
		! grep 'system/prefpeer' "$tmp/verify.log" || fail "$(cat "$tmp/verify.log")"
}

# A systemd of its own, as a container has it, in the branch: process ids, mounts
# and control groups are its own; what an administrator had enabled is not.
systemd_boots()
{
	mkdir -p /sys/fs/cgroup/gateway "$tmp/etc"
	cat >"$tmp/boot" <<-BOOT
	echo \$\$ >/sys/fs/cgroup/gateway/cgroup.procs
	exec ip netns exec $branch unshare --pid --mount --cgroup --fork bash -c '
		mount -t proc proc /proc
		umount /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup
		mount -t tmpfs etc /etc/systemd/system
		mount -t tmpfs run /run -o mode=755
		for u in prefpeerd prefpeer-lock; do systemctl --root=/ enable \$u; done
		exec env container=prefpeer /lib/systemd/systemd --unit=multi-user.target --show-status=yes'
	BOOT
	bg "$tmp/systemd.log" bash "$tmp/boot"
	wait_for $patience systemd_pid || fail "no systemd: $(cat "$tmp/systemd.log")" || return
	wait_for $patience unit_is prefpeerd ActiveState active ||
		fail "$(systemd_does systemctl status prefpeerd prefpeer-lock 2>&1)" \
			"$(tail "$tmp/systemd.log")"
}

systemd_pid()
{
	pgrep -f '^/lib/systemd/systemd --unit=multi-user.target' | tail -n 1 | grep .
}

# systemd_does COMMAND…: beside it.
systemd_does()
{
	nsenter -t "$(systemd_pid)" -a "$@"
}

unit_is()
{
	[ "$(systemd_does systemctl show -P "$2" "$1")" = "$3" ]
}

started_by_systemd()
{
	local locked ready

	unit_is prefpeerd Type notify && unit_is prefpeerd StatusErrno 0 || return
	unit_is prefpeer-lock Result success && unit_is prefpeer-lock ActiveState active ||
		fail "$(systemd_does systemctl status prefpeer-lock)" || return
	locked=$(systemd_does systemctl show -P ActiveEnterTimestampMonotonic prefpeer-lock)
	ready=$(systemd_does systemctl show -P InactiveExitTimestampMonotonic prefpeerd)
	[ "$locked" -gt 0 ] && [ "$locked" -le "$ready" ] ||
		fail "locked at $locked us, the agent started at $ready us"
}

systemd_tunnel()
{
	ip netns exec "$lan" ping -q -c 1 -W 1 $site_host >/dev/null
	peer_is_up $h1
}

main_pid_is_other_than()
{
	local pid

	pid=$(systemd_does systemctl show -P MainPID prefpeerd)
	[ "$pid" -gt 0 ] && [ "$pid" != "$1" ] && unit_is prefpeerd ActiveState active
}

# A file with errors makes it fail, and changes nothing.
reloads_by_systemd()
{
	systemd_does systemctl reload prefpeerd || fail "the reload failed" || return
	echo "set peer 10.9.9.9 default" >>$conf
	! systemd_does systemctl reload prefpeerd 2>/dev/null || fail "a file with errors is taken" || return
	sed -i '$d' $conf
	unit_is prefpeerd ActiveState active && peer_is_up $h1 || fail "the tunnel is gone"
}

keeps_what_is_in_force()
{
	local copy=/var/lib/prefpeer/%etc%prefpeer%prefpeer.conf

	[ "$(systemd_does stat -c '%U %a' $copy)" = "prefpeer 600" ] ||
		fail "what was in force is not kept: $(systemd_does ls -la /var/lib/prefpeer 2>&1)
			$(systemd_does journalctl -u prefpeerd | grep -m 3 "cannot be")" || return
	[ "$(systemd_does stat -c '%U %a' /var/lib/prefpeer)" = "prefpeer 700" ] &&
		systemd_does cmp $copy $conf || fail "the copy is another"
}

serves_under_systemd()
{
	local pid

	wait_for $patience systemd_tunnel || fail "$(systemd_does journalctl -u prefpeerd | tail)" || return
	systemd_does prefpeer map show | grep -q '^tohub 1   UP 10\.1\.1\.1 ' ||
		fail "$(systemd_does prefpeer map show)" || return
	reloads_by_systemd && keeps_what_is_in_force || return
	# Within the bounds of the unit a file that somebody broke is no end of the tunnel.
	echo "set peer 10.9.9.9 default" >>$conf
	pid=$(systemd_does systemctl show -P MainPID prefpeerd)
	systemd_does kill -KILL "$pid"
	wait_for $patience main_pid_is_other_than "$pid" || fail "it was not started again" || return
	wait_for $patience systemd_tunnel || fail "no tunnel after the crash" || return
	systemd_does journalctl -u prefpeerd | grep -q "what was last in force, kept .* is used" ||
		fail "$(systemd_does journalctl -u prefpeerd | tail)" || return
	sed -i '$d' $conf
	systemd_does systemctl reload prefpeerd && keeps_what_is_in_force || return
	systemd_does systemctl stop prefpeerd && peer_is_gone $h1 || fail "SAs are left" || return
	[ -n "$(ip -n "$branch" xfrm policy)" ] || fail "stopped, and traffic would go in clear"
}

test_case "every package that the README names is there" packages_are_named
test_case "DESTDIR= holds all of it, and nothing else was written" staged_whole
test_case "PREFIX= is in the units too" staged_elsewhere
test_case "the module is staged by INSTALL_MOD_PATH=" staged_module
test_case "uninstall leaves nothing" unstaged
test_case "the README's make, make install, make modules_install, depmod" installed
test_case "modprobe by name, away and again" loads_by_name
test_case "the README's rule, without an agent" module_alone
test_case "the README's user" user_is_made
test_case "its configuration is valid, checked by nobody" configured
test_case "manual pages are found and free of warnings" man_pages_are_found
test_case "bash completes objects, commands and words" completes
test_case "prefpeerd from where it is installed, up to a tunnel" agent_by_hand
test_case "a reload without root reads the file again" reloads_without_root
test_case "the agent ends, and --flush takes its policies" ends_clean
test_case "systemd takes the units without complaint" units_are_valid
test_case "systemd boots with the units enabled" systemd_boots
test_case "the lines were locked before the agent came" started_by_systemd
test_case "a tunnel under systemd, a reload, a kill, a stop" serves_under_systemd
finish
