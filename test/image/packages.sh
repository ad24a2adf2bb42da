# SPDX-License-Identifier: MIT
# The repository beside an image: rpm and dnf take its packages for what they are, signed by the key beside them.
. "$(dirname "$0")/../lib.sh"
image_needed
have "rpm" rpm || exit 0

db=$WORK/db
mkdir "$db"
rpm --dbpath "$db" --initdb 2>/dev/null
check "rpm imports the key" rpm --dbpath "$db" --import "$REPOSITORY/package-signing.asc"
signatures() {
	rpm --dbpath "$db" -K "$REPOSITORY"/*.rpm >"$WORK/signatures" 2>&1
	local status=$?
	grep -v ': digests signatures OK$' "$WORK/signatures"
	[ $status = 0 ] && [ "$(grep -c ': digests signatures OK$' "$WORK/signatures")" = "$(manifest "len(m['packages'])")" ]
}
check "rpm -K accepts every package" signatures
check "without the key it does not" eval "! rpm --dbpath '$WORK/db' --define '_keyringpath $WORK/none' --dbpath '$WORK/nodb' -K '$REPOSITORY'/netbase-*.rpm"

manifest "[p['rpm-sha256'] for p in m['packages']]" | sort >"$WORK/want"
sha256sum "$REPOSITORY"/*.rpm | cut -d' ' -f1 | sort >"$WORK/have"
check "the manifest has each package's digest" diff "$WORK/want" "$WORK/have"

# Headers: spot checks of what each kind of package must say
query() { rpm --dbpath "$db" -qp "$@" 2>&1; }
package() { echo "$REPOSITORY/$1"-[0-9]*.rpm; }
says() { # NAME PACKAGE QUERY PATTERN
	query "$3" $(package "$2") >"$WORK/answer"
	check "$1" grep -E -- "$4" "$WORK/answer"
}
says "requires: libraries by soname" curl --requires '^libc\.so\.6\(GLIBC_2\.[0-9]+\)\(64bit\)$'
says "requires: packages with versions" openssh-server --requires '^openssh-client = 1:'
says "provides: the package itself" curl --provides '^curl = [0-9]'
says "provides: sonames" libc6 --provides '^libc\.so\.6\(GLIBC_2\.34\)\(64bit\)$'
says "provides: loader" libc6 --provides '^libc\.so\.6\(\)\(64bit\)$'
says "changelog" netbase --changelog '^\* [A-Z][a-z]+ [A-Z][a-z]+ [0-9 ]+ 20[0-9][0-9] .*<.*@.*>'
says "licence" netbase "--qf=%{LICENSE}\n" 'GPL|Expat|MIT|BSD'
says "description" curl -i '^Summary +: command line tool'
says "configuration files are marked" netbase --configfiles '^/etc/services$'
says "documentation is marked" netbase --docfiles '^/usr/share/doc/netbase/'
no_unknown_license() { query --qf='%{NAME}: %{LICENSE}\n' "$REPOSITORY"/*.rpm >"$WORK/licenses" && lacks -E ': (\(none\)|unknown)?$' "$WORK/licenses"; }
check "every package says its licence" no_unknown_license
origin() { query --qf='%{NAME} %{VENDOR} %{SOURCERPM} %{PAYLOADCOMPRESSOR} %{FILEDIGESTALGO}\n' "$REPOSITORY"/*.rpm; }
other_origin() { origin | awk '!/ zstd (8|\(none\))$/'; }
check "each package says where it is from" test "$(origin | grep -c '^[^ ]* [^ ]')" = "$(manifest "len(m['packages'])")"
nothing "payloads are zstd, file digests SHA-256" other_origin
nothing "file lists need no scriptlets" query --scripts "$REPOSITORY"/*.rpm

if have "the repository's signatures" gpg; then
	mkdir -m 700 "$WORK/gpg"
	gpg --homedir "$WORK/gpg" --batch --quiet --import "$REPOSITORY/package-signing.asc" 2>"$WORK/said" || not_ok "gpg imports the key" "$WORK/said"
	signed() { gpg --homedir "$WORK/gpg" --batch --verify "$1.asc" "$1"; }
	check "gpg: the metadata is signed" signed "$REPOSITORY/repodata/repomd.xml"
	check "gpg: the list of digests is signed" signed "$REPOSITORY/SHA256SUMS"
	check "sha256sum: all files but the list and its signature are in it" eval "cd '$REPOSITORY' && sha256sum --quiet -c SHA256SUMS &&
		test \"\$(sed 's/^[0-9a-f]*  //' SHA256SUMS | sort)\" = \"\$(find . -type f ! -name 'SHA256SUMS*' -printf '%P\n' | sort)\""
	gpgconf --homedir "$WORK/gpg" --kill all
fi
have "dnf" dnf || exit 0
mkdir -p "$WORK/dnf"
arch=$(uname -m)
from=$REPOSITORY
run_dnf() {
	dnf --quiet --assumeyes --releasever=1 --forcearch="$arch" --disablerepo='*' --repofrompath="ashlar,file://$from" \
		--enablerepo=ashlar --setopt=reposdir="$WORK/dnf" --setopt=cachedir="$WORK/dnf/cache" --setopt=logdir="$WORK/dnf" \
		--setopt=persistdir="$WORK/dnf/persist" --setopt=ashlar.gpgcheck=1 --setopt=ashlar.repo_gpgcheck=1 \
		--setopt="ashlar.gpgkey=file://$REPOSITORY/package-signing.asc" --installroot="$WORK/installed" "$@"
}
mkdir -p "$WORK/installed"
run_dnf repoquery --qf '%{name} %{evr} %{arch}' 2>"$WORK/said" | sed 's/ 0:/ /' | sort >"$WORK/listed"
manifest "[p['name'] + ' ' + p['evr'] + ' ' + p['arch'] for p in m['packages']]" | sort >"$WORK/chosen"
check "dnf lists exactly the manifest's packages" diff "$WORK/chosen" "$WORK/listed"
check "dnf finds what provides a soname" grep -q '^libc6-' <<<"$(run_dnf repoquery --whatprovides 'libc.so.6()(64bit)' 2>/dev/null)"
check "dnf finds which package has a file" grep -q '^netbase-' <<<"$(run_dnf repoquery --file /etc/services 2>/dev/null)"
check "dnf can install all of them, and checks each" run_dnf install --downloadonly '*'
if [ "$(id -u)" = 0 ]; then
	check "dnf installs a package" run_dnf install netbase
	check "the installed package is in place" test -s "$WORK/installed/etc/services"
	check "rpm -V finds it unchanged" rpm --root "$WORK/installed" -V --nodeps netbase
else
	skip "dnf installs a package" "needs root"
fi

# A mirror that holds other metadata than what was signed, or takes the signature away.
mirror() { # NAME EDIT: dnf does not take what the shell command EDIT made of the folder it runs in
	rm -rf "$WORK/mirror" "$WORK/dnf/cache"
	cp -a --reflink=auto "$REPOSITORY" "$WORK/mirror"
	(cd "$WORK/mirror/repodata" && eval "$2")
	from=$WORK/mirror
	check "$1" eval "run_dnf repoquery netbase >'$WORK/listed'; lacks netbase '$WORK/listed'"
	from=$REPOSITORY
}
mirror "dnf: metadata that was changed is refused" "sed -i 's/<revision>/<revision>1/' repomd.xml"
mirror "dnf: metadata without its signature is refused" "rm repomd.xml.asc"
mirror "dnf: a list of packages of another day is refused" "zcat primary.xml.gz | sed 's/netbase/netbose/' | gzip -n >x && mv x primary.xml.gz"
