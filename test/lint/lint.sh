# SPDX-License-Identifier: MIT
# What tools/lint finds without a compiler. (Warnings: those of gcc when the program is built, those of clang when it is
# built with sanitizers. The analyzers take too long: `make lint`.)
. "$(dirname "$0")/../lib.sh"
tools/lint --quick
