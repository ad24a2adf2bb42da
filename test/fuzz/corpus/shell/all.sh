a b
# c
d 'e f' "g"h\ i # j

a \
 b
c

a; b & c && d || e | f

a >x 2>&1 </y 3>>"$1"

cat <<EOF >x
rm -rf /
EOF
b

cat <<-'E' && b
	x
	E
c

if [ "$1" = configure ]; then a; else b; fi

if [ "$1" != configure ]; then exit 0; fi; a

if test -n "$2"; then a; fi

[ -z "$2" ] && a || b

! true || a

test "$1" = x -o "$1" = y || a

if [ -f /x ]; then a; exit 0; else b; fi; c

if [ -f /x ]; then exit 0; else exit 1; fi; c

if [ -d /run/systemd/system ]; then a; fi

dpkg --compare-versions "$2" lt-nl 1 && a

dpkg --compare-versions "$2" lt 1 && a

case "$1" in
 upgrade|configure) a ;;
 *) b ;;
esac

case "$1" in conf*) a;; esac; case $x in "$1") b;; *) c;; esac

x="$1"; if [ $x = upgrade ]; then a; fi

x=1; a || x=2; [ $x = 1 ] || b

x=0; while a; do [ $x = 0 ] || b; x=1; done

x=a; . /lib.sh; $x b

a ${x:-b} ${DPKG_ROOT:+--root=x} "$DPKG_ROOT/etc" $3

x='a b'; c $x "$x"

a /etc/*.conf '*'

a "$(b "$(c)")" `d`

x=$(a) || b

f() { a "$1" "$@"; }
if [ x = y ]; then f no; fi
f p q

f() { shift; a $1; return 0; b; }; f x y; c $1

if a; then f() { b; }; else f() { c; }; fi; f

f() { local x=1; }; x=2; f; [ $x = 1 ] || a

for i in a b; do c $i; done

{ a; } >x; ( b )
