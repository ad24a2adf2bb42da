/* SPDX-License-Identifier: MIT */
#include "trust/pkcs11.h"

#include <stdlib.h>

#include "trust/secret.h"

enum { SLOTS_MAX = 256, PIN_BYTES_MAX = 255, URI_BYTES_MAX = 4096 };

void pkcs11_uri_freep(P11KitUri **uri)
{
	p11_kit_uri_free(*uri);
}

/* What may be shown of a URI that cannot be read: a PIN would get into logs. */
static struct str without_pin(struct str text)
{
	const char *pin = memmem(text.p, text.n, "pin-value", strlen("pin-value"));

	return pin ? (struct str){ text.p, (size_t)(pin - text.p) } : text;
}

int pkcs11_uri_parse(struct str text, P11KitUri **ret, struct err *e)
{
	_cleanup_arena_ struct arena a = { 0 };
	_cleanup_pkcs11_uri_ P11KitUri *uri = p11_kit_uri_new();
	int r;

	if (text.n > URI_BYTES_MAX)
		return err_set(e, -EINVAL, "PKCS#11 URI of %zu bytes, want at most %d", text.n,
			       URI_BYTES_MAX);
	if (!uri)
		return err_set(e, -ENOMEM, "PKCS#11 URI: out of memory");
	r = p11_kit_uri_parse(str_z(&a, text), P11_KIT_URI_FOR_ANY, uri);
	/* A misspelt attribute would choose more than was meant. */
	if (r != P11_KIT_URI_OK || p11_kit_uri_any_unrecognized(uri))
		return err_set(e, -EINVAL, "'%.*s' is no PKCS#11 URI (RFC 7512): %s",
			       STR_FMT(without_pin(text)),
			       r == P11_KIT_URI_OK ? "it has an unknown attribute"
						   : p11_kit_uri_message(r));
	*ret = uri;
	uri = NULL;
	return 0;
}

struct str pkcs11_uri_format(struct arena *a, P11KitUri *uri)
{
	struct str ret = STR("pkcs11:");
	char *text = NULL;

	p11_kit_uri_set_pin_value(uri, NULL);
	if (p11_kit_uri_format(uri, P11_KIT_URI_FOR_ANY, &text) == P11_KIT_URI_OK)
		ret = str_dup(a, str_c(text));
	free(text);
	return ret;
}

int pkcs11_err(struct err *e, const struct pkcs11_token *t, const char *doing, CK_RV rv)
{
	return err_set(e, -EIO, "token '%s': %s: %s", t->name, doing, p11_kit_strerror(rv));
}

/* Whether the administrator of this machine installed it, or whoever calls says that it may run: a
 * folder of keys may come with somebody's checkout, and a module is code. */
static int module_check(const char *path, struct err *e)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str allowed = str_c(getenv("ASHLAR_PKCS11_MODULES")), real;
	char *found = realpath(path, NULL);

	real = str_dup(&a, str_c(found ? found : path));
	free(found);
	if (str_starts(real, "/usr/") && !str_has(real, "/../"))
		return 0;
	while (allowed.n > 0) {
		struct str one = str_cut(&allowed, ':');

		if (one.n > 0 && (str_eqz(one, path) || str_eq(one, real)))
			return 0;
	}
	return err_set(
		e, -EPERM,
		"the URI names the PKCS#11 module '%s', whose code would run here and which no package "
		"of this machine installed; ASHLAR_PKCS11_MODULES=%s allows it",
		path, path);
}

static int module_load(struct pkcs11_token *t, const char *path, struct err *e)
{
	CK_FUNCTION_LIST *module;
	CK_RV rv;
	int r = module_check(path, e);

	if (r < 0)
		return r;
	module = p11_kit_module_load(path, 0);
	if (!module)
		return err_set(e, -ENOENT, "cannot load the PKCS#11 module '%s': %s", path,
			       p11_kit_message() ? p11_kit_message() : "no reason given");
	rv = p11_kit_module_initialize(module);
	if (rv != CKR_OK) {
		p11_kit_module_release(module);
		return err_set(e, -EIO, "PKCS#11 module '%s' does not start: %s", path,
			       p11_kit_strerror(rv));
	}
	t->modules = arena_array(&t->a, 2, sizeof(CK_FUNCTION_LIST *));
	t->modules[0] = module;
	return 0;
}

static int modules_load(struct pkcs11_token *t, P11KitUri *uri, struct err *e)
{
	const char *path = p11_kit_uri_get_module_path(uri),
		   *name = p11_kit_uri_get_module_name(uri);

	p11_kit_be_quiet();
	if (path)
		return module_load(t, path, e);
	t->configured = true;
	t->modules = p11_kit_modules_load_and_initialize(0);
	if (!t->modules || !t->modules[0])
		return err_set(e, -ENOENT,
			       "p11-kit's configuration names no PKCS#11 module that works; "
			       "'?module-path=FILE' at the end of the URI names one");
	if (name && !p11_kit_module_for_name(t->modules, name))
		return err_set(e, -ENOENT, "p11-kit's configuration has no PKCS#11 module '%s'",
			       name);
	return 0;
}

static char *label(struct arena *a, const CK_TOKEN_INFO *info)
{
	size_t n = p11_kit_space_strlen(info->label, sizeof(info->label));

	return str_z(a, (struct str){ (const char *)info->label, n });
}

/* Notes what fits the URI in *t, and the names of all. */
static unsigned slots_look(struct pkcs11_token *t, CK_FUNCTION_LIST *module, P11KitUri *uri,
			   struct buf *names)
{
	CK_SLOT_ID slots[SLOTS_MAX], want = p11_kit_uri_get_slot_id(uri);
	CK_ULONG n = SLOTS_MAX;
	unsigned n_fit = 0;

	if (module->C_GetSlotList(CK_TRUE, slots, &n) != CKR_OK)
		return 0;
	for (CK_ULONG i = 0; i < n; i++) {
		CK_TOKEN_INFO info;

		if (module->C_GetTokenInfo(slots[i], &info) != CKR_OK ||
		    !(info.flags & CKF_TOKEN_INITIALIZED))
			continue;
		buf_printf(names, "%s'%s'", names->v.n > 0 ? ", " : "", label(&t->a, &info));
		if (!p11_kit_uri_match_token_info(uri, &info) ||
		    (want != (CK_SLOT_ID)-1 && want != slots[i]))
			continue;
		t->module = module;
		t->slot = slots[i];
		t->info = info;
		n_fit++;
	}
	return n_fit;
}

static int token_find(struct pkcs11_token *t, P11KitUri *uri, struct err *e)
{
	const char *name = p11_kit_uri_get_module_name(uri);
	struct buf names = { .a = &t->a };
	unsigned n_fit = 0;
	struct str there, wanted;

	for (CK_FUNCTION_LIST **m = t->modules; *m; m++) {
		/* Lists of certificates are tokens, too, but not what anybody looks for here. */
		if (t->configured && p11_kit_module_get_flags(*m) & P11_KIT_MODULE_TRUSTED)
			continue;
		if (!name || *m == p11_kit_module_for_name(t->modules, name))
			n_fit += slots_look(t, *m, uri, &names);
	}
	if (n_fit == 1) {
		t->name = label(&t->a, &t->info);
		return 0;
	}
	there = (struct str){ (const char *)names.v.p, names.v.n };
	wanted = pkcs11_uri_format(&t->a, uri);
	if (n_fit > 1)
		return err_set(e, -ENOTUNIQ,
			       "%u tokens fit '%.*s'; name one with token= or serial=", n_fit,
			       STR_FMT(wanted));
	return err_set(e, -ENODEV, "no token fits '%.*s'; there %s%.*s", STR_FMT(wanted),
		       there.n > 0 ? "are: " : "is none", STR_FMT(there));
}

/* *ret NULL: none is given. */
static int pin_get(struct arena *a, P11KitUri *uri, const char **ret, struct err *e)
{
	const char *source = p11_kit_uri_get_pin_source(uri);
	struct str pin = str_c(p11_kit_uri_get_pin_value(uri)), file = { 0 };
	int r;

	if (!pin.p && source) {
		if (!str_starts(str_c(source), "file:"))
			return err_set(e, -EINVAL, "pin-source=%s; want file:PATH", source);
		source += strlen("file:");
		if (str_starts(str_c(source), "//")) /* file:///PATH */
			source += 2;
		r = secret_read(a, source, PIN_BYTES_MAX, &pin, e);
		if (r < 0)
			return err_wrap(e, r, "pin-source");
		file = pin;
		pin = str_trim(pin);
	} else if (!pin.p) {
		pin = str_c(getenv("ASHLAR_PIN"));
	}
	*ret = pin.n > 0 ? str_z(a, pin) : NULL;
	secret_wipe(file);
	return 0;
}

/* A wrong PIN is never tried again: after a few of them tokens lock themselves, or erase their
 * keys. */
static int login(struct pkcs11_token *t, P11KitUri *uri, struct err *e)
{
	CK_RV rv;
	int r;

	if (!(t->info.flags & CKF_LOGIN_REQUIRED))
		return 0;
	r = pin_get(&t->a, uri, &t->pin, e);
	if (r < 0)
		return r;
	if (!t->pin)
		return err_set(
			e, -ENOKEY,
			"token '%s' needs a PIN: set ASHLAR_PIN, or add pin-source=file:PATH "
			"to the URI",
			t->name);
	rv = t->module->C_Login(t->session, CKU_USER, (unsigned char *)t->pin, strlen(t->pin));
	switch (rv) {
	case CKR_OK:
	case CKR_USER_ALREADY_LOGGED_IN: /* by another key of this command */
		return 0;
	case CKR_PIN_INCORRECT:
	case CKR_PIN_INVALID:
	case CKR_PIN_LEN_RANGE:
		return err_set(e, -EACCES, "wrong PIN for token '%s'; it was not tried again",
			       t->name);
	case CKR_PIN_LOCKED:
		return err_set(e, -EACCES, "the PIN of token '%s' is locked after wrong ones",
			       t->name);
	default:
		return pkcs11_err(e, t, "log in", rv);
	}
}

int pkcs11_open(struct pkcs11_token *t, P11KitUri *uri, bool write, struct err *e)
{
	CK_FLAGS flags = CKF_SERIAL_SESSION | (write ? CKF_RW_SESSION : 0);
	CK_RV rv;
	int r;

	*t = (struct pkcs11_token){ 0 };
	r = modules_load(t, uri, e);
	if (r == 0)
		r = token_find(t, uri, e);
	if (r < 0)
		return r;
	rv = t->module->C_OpenSession(t->slot, flags, NULL, NULL, &t->session);
	if (rv != CKR_OK) {
		t->session = 0;
		return pkcs11_err(e, t, "open a session", rv);
	}
	return login(t, uri, e);
}

void pkcs11_close(struct pkcs11_token *t)
{
	if (t->session)
		t->module->C_CloseSession(t->session);
	if (t->configured && t->modules) {
		p11_kit_modules_finalize_and_release(t->modules);
	} else if (t->modules) {
		p11_kit_module_finalize(t->modules[0]);
		p11_kit_module_release(t->modules[0]);
	}
	secret_wipe(str_c(t->pin));
	arena_done(&t->a);
	*t = (struct pkcs11_token){ 0 };
}
