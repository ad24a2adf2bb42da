/* SPDX-License-Identifier: MIT */
#include "cmd/cmd.h"

#include <string.h>

static const char usual_exit_status[] =
	"0: done. 1: the work failed, and one sentence says why. 2: wrong usage.";

static struct str buf_text(const struct buf *b)
{
	return (struct str){ (const char *)b->v.p, b->v.n };
}

struct str help_main(struct arena *a)
{
	struct buf b = { .a = a };

	buf_printf(&b, "Usage: ashlar VERB [options] [arguments]\n\n"
		       "Makes, runs and checks Ashlar Linux images from definitions.\n\nVerbs:\n");
	for (const struct verb *const *v = verbs; *v; v++)
		buf_printf(&b, "  %-9s %s\n", (*v)->name, (*v)->help);
	buf_printf(&b,
		   "\n'ashlar VERB --help' explains one; 'ashlar --version' prints the version.\n"
		   "Exit status: 0 done, 1 the work failed, 2 wrong usage.\n");
	return buf_text(&b);
}

/* Breaks @text at blanks so that no line is longer than 79 columns, each begun by @indent
 * blanks. */
static void wrapped(struct buf *b, const char *text, int indent)
{
	struct str rest = str_c(text), word;
	int column = indent;

	while ((word = str_word(&rest)).n > 0) {
		if (column > indent && column + 1 + (int)word.n > 79) {
			buf_printf(b, "\n%*s", indent, "");
			column = indent;
		}
		if (column > indent) {
			buf_u8(b, ' ');
			column++;
		}
		buf_put(b, word.p, word.n);
		column += (int)word.n;
	}
	buf_u8(b, '\n');
}

static void option_help(struct buf *b, const struct option_def *d)
{
	char left[64], letter[8] = "    ";

	if (d->letter)
		snprintf(letter, sizeof(letter), "-%c, ", d->letter);
	snprintf(left, sizeof(left), "  %s--%s%s%s", letter, d->name, d->arg ? " " : "",
		 d->arg ? d->arg : "");
	buf_printf(b, "%-24s ", left);
	wrapped(b, d->help, 25);
}

struct str help_verb(struct arena *a, const struct verb *verb)
{
	struct buf b = { .a = a };

	buf_printf(&b, "Usage: ashlar %s [options] %s\n\n", verb->name, verb->args);
	wrapped(&b, verb->help, 0);
	if (verb->options && verb->options->name)
		buf_printf(&b, "\nOptions:\n");
	for (const struct option_def *d = verb->options; d && d->name; d++)
		option_help(&b, d);
	buf_printf(&b, "\nOptions of every verb (also as ASHLAR_OUT and so on):\n");
	for (const struct option_def *d = common_option_defs; d->name; d++)
		option_help(&b, d);
	if (verb->exit_status) {
		buf_printf(&b, "\nExit status:\n  ");
		wrapped(&b, verb->exit_status, 2);
	}
	if (verb->example)
		buf_printf(&b, "\nExample:\n  %s\n", verb->example);
	return buf_text(&b);
}

/* roff reads '\' and a '.' or '\'' that begins a line. */
static void roff(struct buf *b, const char *text)
{
	bool start = true;

	for (; *text; text++) {
		if (start && (*text == '.' || *text == '\''))
			buf_put(b, "\\&", 2);
		if (*text == '\\' || *text == '-')
			buf_u8(b, '\\');
		if (*text == '\n' && text[1] == '\n') {
			buf_put(b, "\n.PP\n", 5);
			text++;
			start = true;
			continue;
		}
		buf_u8(b, (uint8_t)*text);
		start = *text == '\n';
	}
	buf_u8(b, '\n');
}

static void option_man(struct buf *b, const struct option_def *d)
{
	buf_printf(b, ".TP\n");
	if (d->letter)
		buf_printf(b, ".BR \\-%c \", \" \\-\\-%s%s%s%s\n", d->letter, d->name,
			   d->arg ? " \" \\fI" : "", d->arg ? d->arg : "", d->arg ? "\\fR\"" : "");
	else
		buf_printf(b, ".BR \\-\\-%s%s%s%s\n", d->name, d->arg ? " \" \\fI" : "",
			   d->arg ? d->arg : "", d->arg ? "\\fR\"" : "");
	roff(b, d->help);
}

struct str man_verb(struct arena *a, const struct verb *verb, const char *version)
{
	struct buf b = { .a = a };

	buf_printf(&b, ".TH ASHLAR\\-%s 1 \"\" \"ashlar %s\"\n.SH NAME\nashlar\\-%s \\- ",
		   verb->name, version, verb->name);
	roff(&b, verb->help);
	buf_printf(&b, ".SH SYNOPSIS\n.B ashlar %s\n[options] ", verb->name);
	roff(&b, verb->args);
	if (verb->description) {
		buf_printf(&b, ".SH DESCRIPTION\n");
		roff(&b, verb->description);
	}
	buf_printf(&b, ".SH OPTIONS\n");
	for (const struct option_def *d = verb->options; d && d->name; d++)
		option_man(&b, d);
	buf_printf(
		&b,
		".SS Options of every verb\nEach can be given as a variable too: \\fBASHLAR_OUT\\fR and so on.\n");
	for (const struct option_def *d = common_option_defs; d->name; d++)
		option_man(&b, d);
	buf_printf(&b, ".SH EXIT STATUS\n");
	roff(&b, verb->exit_status ? verb->exit_status : usual_exit_status);
	if (verb->example) {
		buf_printf(&b, ".SH EXAMPLE\n.nf\n");
		roff(&b, verb->example);
		buf_printf(&b, ".fi\n");
	}
	return buf_text(&b);
}

struct str man_main(struct arena *a, const char *version)
{
	struct buf b = { .a = a };

	buf_printf(
		&b,
		".TH ASHLAR 1 \"\" \"ashlar %s\"\n.SH NAME\nashlar \\- makes, runs and checks Ashlar Linux images\n"
		".SH SYNOPSIS\n.B ashlar\nVERB [options] [arguments]\n.SH VERBS\n",
		version);
	for (const struct verb *const *v = verbs; *v; v++) {
		buf_printf(&b, ".TP\n.BR ashlar\\-%s (1)\n", (*v)->name);
		roff(&b, (*v)->help);
	}
	buf_printf(&b, ".SH EXIT STATUS\n%s\n", usual_exit_status);
	return buf_text(&b);
}

struct str completion_bash(struct arena *a)
{
	struct buf b = { .a = a };

	buf_printf(
		&b,
		"# bash completion for ashlar, written by ashlar itself\n_ashlar() {\n"
		"\tlocal word=${COMP_WORDS[COMP_CWORD]} list\n\tif ((COMP_CWORD == 1)); then\n\t\tlist='");
	for (const struct verb *const *v = verbs; *v; v++)
		buf_printf(&b, "%s ", (*v)->name);
	buf_printf(&b, "'\n\telse case ${COMP_WORDS[1]} in\n");
	for (const struct verb *const *v = verbs; *v; v++) {
		buf_printf(&b, "\t%s) list='", (*v)->name);
		for (const struct option_def *d = (*v)->options; d && d->name; d++)
			buf_printf(&b, "--%s ", d->name);
		buf_printf(&b, "' ;;\n");
	}
	buf_printf(&b, "\tesac; list+=' ");
	for (const struct option_def *d = common_option_defs; d->name; d++)
		buf_printf(&b, "--%s ", d->name);
	buf_printf(&b, "'; fi\n\tmapfile -t COMPREPLY < <(compgen -W \"$list\" -- \"$word\")\n"
		       "}\ncomplete -o default -F _ashlar ashlar\n");
	return buf_text(&b);
}
