#!/bin/sh
# Writes an assembly file that embeds a program as agent_init. Arguments: PROGRAM OUTPUT.
cat >"$2" <<END
	.section .rodata
	.global agent_init, agent_init_end
agent_init:
	.incbin "$(realpath "$1")"
agent_init_end:
	.byte 0
	.section .note.GNU-stack,"",%progbits
END
