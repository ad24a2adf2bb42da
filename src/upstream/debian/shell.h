/* SPDX-License-Identifier: MIT */
/* shell.h - reads shell scripts (POSIX XCU 2) and finds the commands that a run could reach.
 * Executes nothing.
 *
 * A script is parsed to a tree; the tree is walked as a shell would, with every condition true,
 * false or unknown. Known are the positional parameters, variables that were set to known text on
 * the way, and what follows from them: so `if [ "$1" = upgrade ]` is no way to go when the first
 * argument is "configure". Of an unknown condition both ways are gone. Functions are walked where
 * they are called. What a here-document holds is not looked at. Bash's own syntax beyond POSIX is
 * mostly a syntax error here. */
#pragma once

#include "base/str.h"

enum { SHELL_BYTES_MAX = 1 << 20, SHELL_DEPTH_MAX = 48 };

/* ---- the tree (shell_parse.c) ---- */

enum shell_kind {
	SHELL_SIMPLE,   /* words, with assignments in front */
	SHELL_AND,      /* a && b */
	SHELL_OR,       /* a || b */
	SHELL_NOT,      /* ! a */
	SHELL_PIPE,     /* a | b */
	SHELL_IF,       /* if a; then b; else c */
	SHELL_WHILE,    /* while or until a; do b */
	SHELL_FOR,      /* for name in words; do b */
	SHELL_CASE,     /* case words[0] in b: a list of arms */
	SHELL_ARM,      /* words: patterns; a */
	SHELL_GROUP,    /* { a } */
	SHELL_SUBSHELL, /* ( a ) */
	SHELL_FUNCTION, /* name() a */
};

struct shell_node {
	enum shell_kind kind;
	unsigned line;
	struct str name;
	vec_str words;  /* as written, with quotes; borrowed from the script */
	vec_str writes; /* targets of >, >>, >|, <> and &> */
	struct shell_node *a, *b, *c;
	struct shell_node *next; /* in a list */
};

/* @line: the number of @script's first line. *ret may be NULL, the empty list. */
must_check int shell_parse(struct arena *a, struct str script, unsigned line,
			   struct shell_node **ret, struct err *e);
/* Where the quotes, parentheses or braces that open at s.p[i] end: the index behind them, or 0 when
 * they do not. Known openings: ' " ` $( ${ and \. */
size_t shell_skip(struct str s, size_t i);
bool shell_is_name(struct str s);
/* How many bytes at the start of @s are a name; 0 when none is there. */
size_t shell_name_length(struct str s);

/* ---- the walk (shell.c) ---- */

struct shell_word {
	struct str text; /* expanded when known, else as written */
	bool known;
};

/* A command that the script may run. */
struct shell_command {
	unsigned line;
	VEC(struct shell_word) words;  /* none: only redirections */
	VEC(struct shell_word) writes; /* files it writes to */
};

/* Returns a negative errno to end the walk. */
typedef int (*shell_visit)(void *arg, const struct shell_command *command, struct err *e);

/* Walks @script as called with @args ($1 ...). @visit sees every simple command on the way, except
 * calls of functions. Fails, naming the line, for syntax that is not understood, nesting deeper
 * than SHELL_DEPTH_MAX, or too much work. */
must_check int shell_walk(struct arena *a, struct str script, const struct str *args, size_t n_args,
			  shell_visit visit, void *arg, struct err *e);
