/* SPDX-License-Identifier: MIT */
/* campaign - changes one bit of a finished image at a time, in every region of it, and asks
 * image_verify(): each must be noticed, and the sentence must name the region. Prints a table.
 *
 * Usage: campaign IMAGE MANIFEST CERTIFICATES PROCESSES [PARTS PART]; fails when any change went
 * unnoticed. PARTS: each region's changes are dealt out to so many runs, of which this is PART,
 * from 0 on; that one has some of every region. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "artifact/verify_checks.h"
#include "base/io.h"

enum { MANIFEST_BYTES_MAX = 16 << 20, PROCESSES_MAX = 64, PARTS_MAX = 1000, SHOWN_MAX = 20 };

/* @want: one of these, separated by '|', stands in the sentence. */
struct region {
	const char *name, *want;
	uint64_t start, size_bytes;
	unsigned n_flips;
};

struct flip {
	const struct region *region;
	uint64_t byte;
	uint8_t mask;
};

struct outcome {
	bool noticed, named;
	char said[160];
};

struct campaign {
	struct arena *a;
	uint8_t *image;
	size_t n;
	struct verify_input in;
	struct image_parts parts;
	uint64_t n_parts, part;
	VEC(struct region) regions;
	VEC(struct flip) flips;
	struct outcome *outcomes; /* shared by all processes */
};

static void add(struct campaign *c, unsigned n_flips, const char *name, const char *want,
		uint64_t start, uint64_t size_bytes)
{
	if (size_bytes > 0)
		vec_push(c->a, &c->regions) =
			(struct region){ name, want, start, size_bytes, n_flips };
}

static uint64_t at(const struct campaign *c, enum image_partition p)
{
	return (uint64_t)((const uint8_t *)c->parts.bytes[p].p - c->image);
}

static void add_tables(struct campaign *c)
{
	uint64_t entries = GPT_ENTRIES_MAX * 128, end = c->n - GPT_SECTOR_BYTES;
	uint64_t used = IMAGE_PARTITIONS * 128;

	add(c, 30, "protective MBR", "partition table|protective MBR", 0, GPT_SECTOR_BYTES);
	add(c, 40, "partition table: header", "partition table", 512, 92);
	add(c, 10, "partition table: rest of the header's sector", "partition table", 604, 420);
	add(c, 40, "partition table: entries", "partition table", 1024, used);
	add(c, 10, "partition table: unused entries", "partition table", 1024 + used,
	    entries - used);
	add(c, 40, "backup table: header", "partition table", end, 92);
	add(c, 10, "backup table: rest of the header's sector", "partition table", end + 92, 420);
	add(c, 40, "backup table: entries", "partition table", end - entries, used);
	add(c, 10, "backup table: unused entries", "partition table", end - entries + used,
	    entries - used);
}

static void add_gaps(struct campaign *c)
{
	static const char *const before[] = { "the ESP", "the root", "the hash tree",
					      "the verity signature", "the backup table" };
	uint64_t from = 34 * GPT_SECTOR_BYTES, to;

	for (unsigned i = 0; i <= IMAGE_PARTITIONS; i++) {
		to = i < IMAGE_PARTITIONS ? at(c, (enum image_partition)i)
					  : c->n - 33 * GPT_SECTOR_BYTES;
		add(c, 8, str_z(c->a, str_printf(c->a, "gap before %s", before[i])), "gap", from,
		    to - from);
		if (i < IMAGE_PARTITIONS)
			from = to + c->parts.bytes[i].n;
	}
}

/* Where a file lies: our writer puts each into one run, at a multiple of 4 KiB of the image. */
static uint64_t file_at(struct campaign *c, struct str data)
{
	struct str esp = c->parts.bytes[PARTITION_ESP];

	for (size_t i = 0; i + data.n <= esp.n; i += GPT_SECTOR_BYTES)
		if (memcmp(esp.p + i, data.p, data.n) == 0)
			return at(c, PARTITION_ESP) + i;
	fprintf(stderr, "campaign: a file of %zu bytes is not in one run on the ESP\n", data.n);
	exit(2);
}

/* A program's headers, what stands in each section, and its signature. */
static void add_program(struct campaign *c, const char *what, const struct fat_file *f,
			unsigned n_flips)
{
	uint64_t start = file_at(c, f->data), end = 0;
	const char *want = str_z(c->a, f->path);
	struct pe pe;
	struct err e;

	if (pe_read(c->a, f->data, &pe, &e) < 0) {
		fprintf(stderr, "campaign: %s\n", e.msg);
		exit(2);
	}
	add(c, n_flips, str_z(c->a, str_printf(c->a, "%s: headers", what)), want, start, 1024);
	for (size_t i = 0; i < pe.n_sections; i++) {
		const struct pe_section *s = &pe.sections[i];
		uint64_t offset = s->data.n ? (uint64_t)(s->data.p - f->data.p) : 0;

		add(c, n_flips, str_z(c->a, str_printf(c->a, "%s: %.*s", what, STR_FMT(s->name))),
		    want, start + offset, s->data.n);
		if (offset + s->data.n > end)
			end = offset + s->data.n;
	}
	add(c, 2 * n_flips, str_z(c->a, str_printf(c->a, "%s: padding and signature", what)), want,
	    start + end, f->data.n - end);
}

static void add_esp(struct campaign *c)
{
	const struct image_parts *p = &c->parts;
	uint64_t esp = at(c, PARTITION_ESP), data = UINT64_MAX, end = 0;
	const char *want = "EFI system partition|of the ESP|FAT";

	for (size_t i = 0; i < p->esp.n_files; i++) {
		uint64_t start = file_at(c, p->esp.files[i].data);

		data = start < data ? start : data;
		end = start + p->esp.files[i].data.n > end ? start + p->esp.files[i].data.n : end;
		if (&p->esp.files[i] != p->uki && &p->esp.files[i] != p->boot_loader)
			add(c, 25, str_z(c->a, p->esp.files[i].path), want, start,
			    p->esp.files[i].data.n);
	}
	add(c, 60, "ESP: boot sectors", want, esp, 16 * GPT_SECTOR_BYTES);
	add(c, 100, "ESP: allocation tables, directories", want, esp, data - esp);
	add(c, 20, "ESP: behind the files", want, end, esp + p->bytes[PARTITION_ESP].n - end);
	add_program(c, "boot loader", p->boot_loader, 12);
	add_program(c, "UKI", p->uki, 16);
}

static void add_root(struct campaign *c)
{
	struct str hash = c->parts.bytes[PARTITION_VERITY], root = c->parts.bytes[PARTITION_ROOT],
		   sig = c->parts.bytes[PARTITION_VERITY_SIG];
	const char *tree = "hash tree", *partition = "root partition";
	uint64_t text = strnlen(sig.p, sig.n), h = at(c, PARTITION_VERITY);
	/* The lowest level has a digest for each block of the root. */
	uint64_t leaves = root.n / 4096 * SHA256_BYTES / 4096 * 4096;

	add(c, 20, "root: super block", partition, at(c, PARTITION_ROOT) + 1024, 128);
	add(c, 160, "root: everywhere", partition, at(c, PARTITION_ROOT), root.n);
	add(c, 40, "hash tree: super block", tree, h, 512);
	add(c, 10, "hash tree: behind the super block", tree, h + 512, 4096 - 512);
	add(c, 30, "hash tree: upper levels", partition, h + 4096, hash.n - 4096 - leaves);
	add(c, 60, "hash tree: lowest level", partition, h + hash.n - leaves, leaves);
	add(c, 100, "verity signature: text", "verity signature", at(c, PARTITION_VERITY_SIG),
	    text);
	add(c, 20, "verity signature: zeroes behind", "verity signature",
	    at(c, PARTITION_VERITY_SIG) + text, sig.n - text);
}

/* Spread evenly, at places within each share that look random and are the same in every run. */
static void flips_make(struct campaign *c)
{
	vec_each(r, &c->regions) {
		uint64_t bits = r->size_bytes * 8;
		uint64_t n = bits < r->n_flips ? bits : r->n_flips;

		for (uint64_t i = c->part; i < n; i += c->n_parts) {
			struct str seed =
				str_printf(c->a, "%s %llu", r->name, (unsigned long long)i);
			uint64_t first = bits / n * i + bits % n * i / n, random, bit;
			uint8_t digest[SHA256_BYTES];

			sha256(seed.p, seed.n, digest);
			memcpy(&random, digest, sizeof(random));
			bit = first + random % (bits / n);
			vec_push(c->a, &c->flips) =
				(struct flip){ r, r->start + bit / 8, (uint8_t)(1 << bit % 8) };
		}
	}
}

static bool names(const char *said, const char *want)
{
	char one[64];

	while (*want) {
		size_t n = strcspn(want, "|");

		snprintf(one, sizeof(one), "%.*s", (int)n, want);
		if (strstr(said, one))
			return true;
		want += n + (want[n] == '|');
	}
	return false;
}

static void flip_try(struct campaign *c, size_t i)
{
	const struct flip *f = &c->flips.p[i];
	_cleanup_arena_ struct arena a = { 0 };
	struct outcome *o = &c->outcomes[i];
	struct verify_report report;
	struct err e = { .msg = "" };

	c->image[f->byte] ^= f->mask;
	o->noticed = image_verify(&a, &c->in, &report, &e) < 0;
	c->image[f->byte] ^= f->mask;
	o->named = o->noticed && names(e.msg, f->region->want);
	snprintf(o->said, sizeof(o->said), "%.159s", e.msg);
}

/* Each process has its own copy of what it changes. */
static bool flips_try(struct campaign *c, unsigned n_processes)
{
	pid_t pids[PROCESSES_MAX];
	bool good = true;
	int status;

	for (unsigned p = 0; p < n_processes; p++) {
		pids[p] = fork();
		if (pids[p] == 0) {
			for (size_t i = p; i < c->flips.n; i += n_processes)
				flip_try(c, i);
			_exit(0);
		}
		good = good && pids[p] > 0;
	}
	for (unsigned p = 0; p < n_processes; p++)
		good = pids[p] > 0 && waitpid(pids[p], &status, 0) == pids[p] && status == 0 &&
		       good;
	return good;
}

/* One line a region, and what was said of changes that were not named. */
static bool report(const struct campaign *c)
{
	size_t noticed = 0, named = 0, shown = 0, i = 0;

	printf("%-48s %7s %8s %6s\n", "region", "changes", "noticed", "named");
	vec_each(r, &c->regions) {
		size_t n[3] = { 0 };

		for (; i < c->flips.n && c->flips.p[i].region == r; i++) {
			n[0]++;
			n[1] += c->outcomes[i].noticed;
			n[2] += c->outcomes[i].named;
		}
		printf("%-48s %7zu %8zu %6zu\n", r->name, n[0], n[1], n[2]);
		noticed += n[1];
		named += n[2];
	}
	printf("%-48s %7zu %8zu %6zu\n", "all", c->flips.n, noticed, named);
	for (i = 0; i < c->flips.n && shown < SHOWN_MAX; i++)
		if (!c->outcomes[i].named) {
			printf("byte %llu, mask %#x, in %s: %s\n",
			       (unsigned long long)c->flips.p[i].byte, c->flips.p[i].mask,
			       c->flips.p[i].region->name,
			       c->outcomes[i].noticed ? c->outcomes[i].said : "not noticed");
			shown++;
		}
	return noticed == c->flips.n && named == c->flips.n;
}

static int image_map(const char *path, struct campaign *c, struct err *e)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *p;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "open '%s'", path);
	p = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return err_sys(e, "map '%s'", path);
	c->image = p;
	c->n = (size_t)st.st_size;
	c->in.image = (struct str){ p, c->n };
	return 0;
}

/* The image is good before anything is changed. */
static int prepare(struct campaign *c, char **argv, struct err *e)
{
	vec_str *trusted = arena_array(c->a, KEY_ROLES, sizeof(*trusted));
	struct verify_report good;
	int r = image_map(argv[1], c, e);

	if (r == 0)
		r = file_read(c->a, argv[2], MANIFEST_BYTES_MAX, &c->in.manifest, e);
	if (r == 0)
		r = keys_trusted(c->a, argv[3], trusted, e);
	c->in.trusted = trusted;
	c->in.jobs = 1;
	if (r == 0)
		r = image_verify(c->a, &c->in, &good, e);
	if (r == 0)
		r = image_parts_read(c->a, c->in.image, &c->parts, e);
	return r;
}

static bool parts_parse(char **argv, struct campaign *c)
{
	return str_u64(str_c(argv[0]), PARTS_MAX, &c->n_parts) && c->n_parts > 0 &&
	       str_u64(str_c(argv[1]), c->n_parts - 1, &c->part);
}

int main(int argc, char **argv)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct campaign c = { .a = &a, .n_parts = 1 };
	uint64_t n_processes;
	struct err e;

	if ((argc != 5 && argc != 7) || !str_u64(str_c(argv[4]), PROCESSES_MAX, &n_processes) ||
	    n_processes == 0 || (argc == 7 && !parts_parse(argv + 5, &c))) {
		fprintf(stderr,
			"usage: campaign IMAGE MANIFEST CERTIFICATES PROCESSES [PARTS PART]\n");
		return 2;
	}
	if (prepare(&c, argv, &e) < 0) {
		fprintf(stderr, "campaign: %s\n", e.msg);
		return 2;
	}
	add_tables(&c);
	add_gaps(&c);
	add_esp(&c);
	add_root(&c);
	flips_make(&c);
	c.outcomes = mmap(NULL, c.flips.n * sizeof(*c.outcomes), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (c.outcomes == MAP_FAILED || !flips_try(&c, (unsigned)n_processes)) {
		fprintf(stderr, "campaign: a process failed\n");
		return 2;
	}
	return report(&c) ? 0 : 1;
}
