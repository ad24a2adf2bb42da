# SPDX-License-Identifier: MIT
# The unit tests, and the corpora of the fuzz targets, as the program is built.
. "$(dirname "$0")/../lib.sh"
meson_tests "${BUILD:-build}"
