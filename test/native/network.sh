# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The network's side of a machine: what a hostile neighbour can make of it, who listens, and that there is no network where
# there is no packet filter. In containers, whose one interface leads to the neighbour.
. "$(dirname "$0")/../lib.sh"
image_needed
native_needed
[ $CONTAINER = yes ] || { skip "run --container" "this machine does not allow containers"; exit 0; }

# machine NAME: a machine's folder, in whose /etc the container's interface is one of those that the image looks after.
machine() {
	etc=$WORK/$1/var/lib/ashlar/etc/upper
	mkdir -p "$etc/systemd/network/80-wired.network.d"
	printf '%s\n' '[Match]' Type= Kind= Name=wired0 >"$etc/systemd/network/80-wired.network.d/test.conf"
}

# leader: the first process in the container of the background job $1.
leader() { ps -eo pid,ppid,comm | awk -v top="$1" '$2 == top && $3 == "systemd-nspawn" { n = $1 } n && $2 == n { print $1; exit }'; }

# attacked NAME SECONDS INSIDE: starts the machine, with a neighbour who waits so long for being asked; INSIDE runs in it once
# the neighbour is done. What both say is in $WORK/NAME.inside and $WORK/NAME.neighbour, and the console in $WORK/NAME.console.
attacked() {
	local inside=$3 machine pid net
	of=$1
	"${GUEST[@]}" --machine "$WORK/$of" --console -- sh -c "touch /var/up
		for i in \$(seq 600); do [ -e /var/done ] && break; sleep 0.1; done
		$inside" >"$WORK/$of.inside" 2>"$WORK/$of.console" &
	machine=$!
	on_exit+=("stop $machine")
	for _ in $(seq 300); do
		[ -e "$WORK/$of/var/up" ] && break
		sleep 0.1
	done
	pid=$(leader $machine)
	unshare --net sh -c 'echo $$ >"$1.pid"; until ip link set dev neighbour0 up 2>/dev/null; do sleep 0.1; done
		ip addr add fe80::1/64 dev neighbour0 nodad
		exec python3 test/native/neighbour.py neighbour0 "$2"' sh "$WORK/$of" "$2" >"$WORK/$of.neighbour" 2>&1 &
	net=$!
	on_exit+=("stop $net")
	until [ -s "$WORK/$of.pid" ]; do sleep 0.1; done
	ip link add neighbour0 netns "$(cat "$WORK/$of.pid")" type veth peer name wired0 netns "$pid"
	for _ in $(seq 600); do
		grep -qs '^done' "$WORK/$of.neighbour" && break
		sleep 0.1
	done
	touch "$WORK/$of/var/done"
	wait $machine
	stop $net
}
said() { grep -q "$@" "$WORK/$of.inside"; }
neighbour() { grep -q "$@" "$WORK/$of.neighbour"; }
# never PATTERN: nowhere in what it said to its end
never() { said '^state ' && lacks -n "$@" "$WORK/$of.inside"; }

machine open
attacked open 30 '
	echo "hostname $(cat /proc/sys/kernel/hostname)"
	ip address show wired0; ip route; ip -6 route; resolvectl --no-pager
	sysctl net.ipv6.conf.wired0.hop_limit
	echo "flooded: $(ip -6 address show wired0 | grep -c "inet6 fd00:f")"
	echo "flooded at once: $(ip -6 address show wired0 | grep -c "inet6 fd00:e")"
	timedatectl show-timesync --no-pager -p LinkNTPServers; networkctl --no-pager status wired0; date +"zone %Z"
	ss -Hltnu | sed "s/^/listens /"
	journalctl -b --no-pager | grep -iE "unknown (key|lvalue)" | sed "s/^/not understood: /"
	ashlar-status | sed "s/^/status: /"
	sshd -T | sed "s/^/sshd /"
	mkdir -p -m 700 /root/.ssh && ssh-keygen -q -t ed25519 -N "" -f /tmp/key && cp /tmp/key.pub /root/.ssh/authorized_keys
	cp /tmp/key.pub /root/.ssh/authorized_keys2
	login() { ssh -i /tmp/key -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ExitOnForwardFailure=yes "$@" 2>&1; }
	me=root@127.0.0.1
	echo "echo rc ran" >/root/.ssh/rc
	echo "with a key: $(login $me "echo in" | tail -n 1)"
	echo "with SHA-1: $(login -c aes256-ctr -m hmac-sha1-etm@openssh.com,hmac-sha1 $me true | tail -n 1)"
	echo "with a password: $(login -o PubkeyAuthentication=no $me true | tail -n 1)"
	login -L 4000:127.0.0.1:22 -N -f $me
	echo "through a forwarded port: $(curl -sS -m 5 telnet://127.0.0.1:4000 </dev/null 2>&1 | head -c 4)."
	echo "a port here: $(login -R 4001:127.0.0.1:22 $me true | tail -n 1)"
	echo "a socket here: $(login -R /tmp/socket:127.0.0.1:22 $me true | tail -n 1)"
	mv /root/.ssh/authorized_keys /root/.ssh/x
	echo "with a second file of keys: $(login $me "echo in" | tail -n 1)"
	echo "state $(systemctl is-system-running)"
	echo "not a rule" >>/etc/nftables.conf
	systemctl reload nftables 2>/dev/null
	echo "after a reload of what is broken: $(nft list ruleset | grep -c "policy drop")"
	systemctl stop nftables
	echo "after a stop: $(nft list ruleset | grep -c "policy drop")"'
check "DHCP and a router: the machine takes addresses, routes and DNS servers" eval \
	"neighbour '^asks: yes' && said 'inet 10.9.0.7/24' && said 'inet6 fd00:a5::' && said 'default via 10.9.0.1' && said 'DNS Servers: 10.9.0.1 fe80::1'"
check "DHCP does not name the machine" said '^hostname ashlar$'
check "DHCP and a router name no domain" never -E 'evil|search\.example'
check "DHCP names no time server" never '10\.9\.0\.66'
check "DHCP sets no time zone" said '^zone UTC$'
check "DHCP does not make packets tiny" said 'wired0.*mtu 1500'
check "a router does not shorten the way" said 'hop_limit = 64'
check "who is no neighbour is no router" never 'fd00:bad'
check "nobody redirects" never -E 'fd00:77|fe80::66'
check "a neighbour reaches SSH, and no other port of 1024" neighbour '^open: 22$'
check "a flood of routers gives few addresses" said -E '^flooded: ([1-9]|[1-3][0-9])$'
check "a router that names many prefixes gives no address" said '^flooded at once: 0$'
check "closed ports say nothing" neighbour '^told about closed ports: 0$'
check "a flood of echoes is not answered" neighbour '^echoes: few few$'
check "nothing else listens" test -z "$(grep ^listens "$WORK/open.inside" | grep -vE ':22 |127.0.0.5[34](%lo)?:53 |10.9.0.7%wired0:68 |%wired0:546 ')"
check "ashlar-status says that it is filtered" said '^status:   - what comes in from the network is filtered'
check "networkd understands each of its settings" never 'not understood'
for setting in 'maxauthtries 4' 'logingracetime 60' 'maxstartups 20:30:60' 'persourcemaxstartups 10' 'persourcenetblocksize 32:64' 'allowtcpforwarding no' 'allowstreamlocalforwarding no' \
	'allowagentforwarding no' 'x11forwarding no' 'permittunnel no' 'permituserrc no' 'permituserenvironment no' \
	'authenticationmethods publickey' 'passwordauthentication no' 'permitrootlogin without-password'; do
	check "sshd: $setting" said -x "sshd $setting"
done
check "SSH: a key lets in" said '^with a key: in$'
check "SSH: nothing in a home runs unasked" never 'rc ran'
check "SSH: no MAC with SHA-1" said '^with SHA-1: .*no matching MAC found'
check "SSH: no password" said '^with a password: .*Permission denied (publickey)'
check "SSH: no way into the network behind" said '^through a forwarded port: \.$'
check "SSH: no port and no socket is opened here" eval "said '^a port here: Error: remote port' && said '^a socket here: Error: remote port'"
check "SSH: no second file of keys" said '^with a second file of keys: .*Permission denied'
check "a broken file: the filter that is there stays" said '^after a reload of what is broken: 2$'
check "the filter's unit is stopped: the filter stays" said '^after a stop: 2$'

# Without a filter, in four ways at a time
closings=()
closed='
	for unit in nftables systemd-networkd ssh; do echo "$unit $(systemctl is-active $unit)"; done
	echo "link $(cat /sys/class/net/wired0/operstate)"
	ip address show wired0
	ss -Hltnu | sed "s/^/listens /"
	cat /run/issue.d/*
	ashlar-status | sed "s/^/status: /"
	systemctl unmask nftables
	rm -rf /etc/systemd/system/nftables.service.d && systemctl daemon-reload
	sed -i "/not a rule/d" /etc/nftables.conf
	[ -s /etc/nftables.conf ] || printf "table inet x {\nchain x {\ntype filter hook input priority 0; policy drop;\n}\n}\n" >/etc/nftables.conf
	systemctl start nftables systemd-networkd ssh
	echo "tried $(journalctl -b -u nftables -o cat | grep -c ^Starting) times"
	for unit in nftables systemd-networkd ssh; do echo "then $unit $(systemctl is-active $unit)"; done
	systemctl stop network-closed
	echo "told until the end: $(ls /run/issue.d)"
	echo "state $(systemctl is-system-running)"'
no_network() { # WHAT
	check "$1: no network and no SSH" eval "said '^systemd-networkd inactive' && said '^ssh inactive' && said '^link down' && never inet && never 'listens tcp.*:22 '"
	check "$1: the neighbour is asked nothing and finds nothing" eval "neighbour '^asks: no' && ! neighbour '^open'"
	check "$1: who stands at the console is told" eval "said 'network is closed, as there is no packet filter' &&
		grep 'network is closed, as there is no packet filter' '$WORK/$of.console'"
	check "$1: ashlar-status says so" said '^status:   - the packet filter is not in force'
	check "$1: it is not tried again and again" said -E '^tried [12] times'
	check "$1: what is told there helps" eval "said '^told until the end: $' && said '^then nftables active' && said '^then systemd-networkd active' && said '^then ssh active'"
}
machine broken
{ sed -n '/nftables.conf$/,/^  -/p' distro/features/firewall.yaml | sed -n 's/^      //p'; echo 'not a rule'; } >"$etc/nftables.conf"
machine empty
: >"$etc/nftables.conf"
machine masked
mkdir -p "$etc/systemd/system" && ln -s /dev/null "$etc/systemd/system/nftables.service"
machine skipped
mkdir -p "$etc/systemd/system/nftables.service.d" && printf '[Unit]\nConditionPathExists=/nowhere\n' >"$etc/systemd/system/nftables.service.d/x.conf"
for of in broken empty masked skipped; do
	(trap 'for command in "${on_exit[@]}"; do eval "$command"; done' EXIT; attacked $of 6 "$closed") &
	on_exit+=("stop $!")
	closings+=($!)
done
wait "${closings[@]}"
of=broken && no_network "a filter that is broken"
of=empty && no_network "a filter without rules"
of=masked && no_network "a filter that is masked"
of=skipped && no_network "a filter that is skipped"
