/* SPDX-License-Identifier: MIT */
#include "agent/init/controllers.h"

#include <fnmatch.h>

#include "base/io.h"

enum { ATTRIBUTE_BYTES_MAX = 4096 };

/* Kinds of devices by what they ask for a driver with. PCI's classes: mass storage, and USB's hosts
 * (PCI Code and ID Assignment Specification, 1.2 and 1.13). VMBus' are GUIDs as they lie in memory
 * (include/linux/hyperv.h): SCSI, IDE, and PCI devices that a host passes on, as Azure does NVMe.
 */
static const struct kind {
	const char *bus, *modalias;
} kinds[] = {
	{ "pci", "pci:*bc01*" },
	{ "pci", "pci:*bc0Csc03*" },
	{ "vmbus", "vmbus:d96361baa104294db60572e2ffb1dc7f" },
	{ "vmbus", "vmbus:32264132cb86a2449b5c50d1417354f5" },
	{ "vmbus", "vmbus:1df6c444444400449d52802e27ede19f" },
	{ "virtio", "virtio:d00000002v*" },
	{ "virtio", "virtio:d00000008v*" },
	{ "xen", "xen:vbd" },
	{ "xen", "xen:vscsi" },
	{ "usb", "usb:*ic08*" },
	{ "scsi", "scsi:t-0x00" },
	{ "mmc", "mmc:block" },
};

static struct str attribute(struct arena *a, const char *dir, const char *name)
{
	struct err ignored;
	struct str text;

	if (file_read(a, path_join(a, dir, name), ATTRIBUTE_BYTES_MAX, &text, &ignored) < 0)
		return (struct str){ 0 };
	return str_trim(text);
}

/* PCI's numbers are what people search for; elsewhere it is what a module's alias would match. */
static struct str identity(struct arena *a, const char *dir, struct str modalias)
{
	struct str vendor = attribute(a, dir, "vendor"), device = attribute(a, dir, "device");

	if (!str_starts(modalias, "pci:") || !str_starts(vendor, "0x") || !str_starts(device, "0x"))
		return modalias;
	return str_printf(a, "%.*s:%.*s", STR_FMT(str_from(vendor, 2)),
			  STR_FMT(str_from(device, 2)));
}

static void kind_put(struct buf *b, const char *sys, const struct kind *kind)
{
	const char *devices = str_z(b->a, str_printf(b->a, "%s/bus/%s/devices", sys, kind->bus));
	struct err ignored;
	vec_str names;

	if (dir_list(b->a, devices, &names, &ignored) < 0)
		return;
	vec_each(name, &names) {
		const char *dir = path_join(b->a, devices, str_z(b->a, *name));
		struct str modalias = attribute(b->a, dir, "modalias");

		if (file_exists(path_join(b->a, dir, "driver")) ||
		    fnmatch(kind->modalias, str_z(b->a, modalias), 0) != 0)
			continue;
		buf_printf(b, "%s%s %.*s (%.*s)", b->v.n > 0 ? ", " : "", kind->bus, STR_FMT(*name),
			   STR_FMT(identity(b->a, dir, modalias)));
	}
}

struct str controllers_text(struct arena *a, const char *sys)
{
	struct buf b = { .a = a };

	for (const struct kind *kind = kinds; kind < kinds + sizeof(kinds) / sizeof(*kinds); kind++)
		kind_put(&b, sys, kind);
	return (struct str){ (const char *)b.v.p, b.v.n };
}
