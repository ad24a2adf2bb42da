x=0123456789abcdef
x="$x$x"
x="$x$x"
x="$x$x"
x="$x$x"
x="$x$x"
x="$x$x"
x="$x$x"
x="$x$x"
x="$x$x"
x="$x$x"
x="$x$x"
x="$x$x"
x="$x$x"
x="$x$x"
case "$x" in
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
y*z) a ;;
esac
