#!/bin/sh
# Writes an assembly file that embeds programs. Arguments: OUTPUT, then NAME PROGRAM of each: from NAME to NAME_end.
output=$1
shift
{
	echo '	.section .rodata'
	while [ $# -gt 0 ]; do
		cat <<END
	.global $1, $1_end
$1:
	.incbin "$(realpath "$2")"
$1_end:
	.byte 0
END
		shift 2
	done
	echo '	.section .note.GNU-stack,"",%progbits'
} >"$output"
