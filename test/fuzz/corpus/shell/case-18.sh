case "$1" in conf*) a;; esac; case $x in "$1") b;; *) c;; esac
