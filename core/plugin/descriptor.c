#include "plugin/descriptor.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/label.h"
#include "base/mem.h"
#include "odeon/layer.h"
#include "option/kinds.h"
#include "option/option_table.h"
#include "plugin/tableau_check.h"

/* Everything that the rest of the host knows of a plugin passes here once. What a plugin gives is
 * read through its own struct_size and never written to; what is kept is a copy in the host's
 * layout. Strings and functions stay where they are: the code is never unloaded. */

enum { MAX_STRUCT_BYTES = 4096, MAX_ENTRIES = 256 };

static const size_t root_bytes_first = ODEON_SIZE_THROUGH(odeon_plugin, shutdown);
static const size_t component_bytes_first = ODEON_SIZE_THROUGH(odeon_component, fini);
static const size_t option_bytes_first = ODEON_SIZE_THROUGH(odeon_option, bytes);

/* A descriptor under construction, and where in the plugin we are. */
typedef struct copying {
    descriptor *d;
    const char *file;
    char component[2 * LABEL_MAX_ID_BYTES + 32]; /* "layer dense", or "" */
    char option[LABEL_MAX_ID_BYTES + 16];        /* "option units", or "" */
} copying;

static odeon_status refuse(const copying *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static odeon_status refuse(const copying *c, const char *format, ...)
{
    char text[ODEON_MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return diag_fail(ODEON_ERR_PLUGIN, "%s: %s%s%s%s%s", c->file, c->component,
                     c->component[0] != '\0' ? ": " : "", c->option,
                     c->option[0] != '\0' ? ": " : "", text);
}

/* ---- copying ---- */

/* Zeroed memory that lives as long as the descriptor; NULL without memory. */
static void *keep(const copying *c, size_t count, size_t size)
{
    descriptor *d = c->d;
    void **blocks = mem_grow(d->blocks, d->n_blocks, sizeof *blocks);
    if (blocks == NULL) {
        return NULL;
    }
    d->blocks = blocks;
    void *block = mem_zalloc(count, size);
    if (block != NULL) {
        d->blocks[d->n_blocks++] = block;
    }
    return block;
}

static odeon_status no_memory(const copying *c)
{
    return diag_fail(ODEON_ERR_NOMEM, "%s: no memory for the plugin's tables", c->file);
}

/* Copies a structure whose struct_size stands at byte size_at into own_bytes at to. */
static odeon_status copy_struct(const copying *c, const char *what, const void *from,
                                size_t size_at, size_t first_bytes, void *to, size_t own_bytes)
{
    uint32_t bytes;
    memcpy(&bytes, (const char *)from + size_at, sizeof bytes);
    if (bytes < first_bytes || bytes > MAX_STRUCT_BYTES || bytes % 4 != 0) {
        return refuse(c, "%s has struct_size %u, expected %zu to %d and a multiple of 4", what,
                      (unsigned)bytes, first_bytes, MAX_STRUCT_BYTES);
    }
    uint32_t known = bytes < own_bytes ? bytes : (uint32_t)own_bytes;
    memset(to, 0, own_bytes);
    memcpy(to, from, known);
    memcpy((char *)to + size_at, &known, sizeof known);
    return ODEON_OK;
}

/* Entries of a list that ends with NULL; more than MAX_ENTRIES: one that has no end. */
static size_t count_entries(const void *const *list)
{
    size_t n = 0;
    while (n <= MAX_ENTRIES && list[n] != NULL) {
        n++;
    }
    return n;
}

/* ---- tables of operations ---- */

/* By its bytes: a pointer to a function cannot be read as one of another type. */
static bool is_null_slot(const void *table, size_t offset)
{
    static const unsigned char zero[sizeof(void (*)(void))];
    return memcmp((const char *)table + offset, zero, sizeof zero) == 0;
}

enum { HINT_BYTES = 192 };

/* What looks wrong in a table may be right in another interface's of the same size. */
static const char *other_interface(const interface_info *own, const void *table,
                                   char text[HINT_BYTES])
{
    uint32_t bytes;
    size_t used = 0;
    memcpy(&bytes, table, sizeof bytes);
    text[0] = '\0';
    for (uint32_t i = 1; i <= INTERFACE_COUNT; i++) {
        const interface_info *other = interface_of(i);
        if (other != own && other->ops_bytes == bytes) {
            (void)snprintf(text + used, HINT_BYTES - used, "%s%s",
                           used == 0 ? "; is the kind right? tables of this size have " : ", ",
                           other->name);
            used = strlen(text);
        }
    }
    return text;
}

/* Reserved words and flags come before missing slots, since a table of another sort most often
 * fails there first, and the hint helps. */
static odeon_status check_slots(const copying *c, const interface_info *kind, const void *table)
{
    uint32_t reserved = 0, flags = 0;
    char hint[HINT_BYTES];
    if (kind->reserved_at != 0) {
        memcpy(&reserved, (const char *)table + kind->reserved_at, sizeof reserved);
    }
    if (reserved != 0) {
        return refuse(c, "its %s table has a reserved field that is not 0: reserved0%s", kind->name,
                      other_interface(kind, table, hint));
    }
    if (kind->flags_at != 0) {
        memcpy(&flags, (const char *)table + kind->flags_at, sizeof flags);
    }
    if ((flags & ~kind->flags_known) != 0) {
        return refuse(c, "its %s table has flag bits that this host does not know: 0x%x in flags%s",
                      kind->name, (unsigned)(flags & ~kind->flags_known),
                      other_interface(kind, table, hint));
    }
    for (const kind_slot *slot = kind->needed; slot->name != NULL; slot++) {
        if (is_null_slot(table, slot->offset)) {
            return refuse(c, "its %s table lacks %s%s", kind->name, slot->name,
                          other_interface(kind, table, hint));
        }
    }
    return ODEON_OK;
}

/* A longer table would be read as far as this interface's goes, and its slots be called as what
 * they are not. One of a draft is as long as the host's own, of the same headers; one of a frozen
 * interface may be as long as another's by having grown. */
static odeon_status check_size(const copying *c, const interface_info *kind, const void *table)
{
    uint32_t bytes;
    char hint[HINT_BYTES];
    memcpy(&bytes, table, sizeof bytes);
    if (bytes == kind->ops_bytes || interface_is_frozen(kind) ||
        other_interface(kind, table, hint)[0] == '\0') {
        return ODEON_OK;
    }
    return refuse(c, "its %s table has struct_size %u, expected %zu%s", kind->name, (unsigned)bytes,
                  kind->ops_bytes, hint);
}

/* The copy has the host's size, zero beyond what the plugin knows: an optional slot that an older
 * plugin lacks is NULL. */
static odeon_status copy_table(const copying *c, const interface_info *kind, const void *from,
                               void **out)
{
    void *table = keep(c, 1, kind->ops_bytes);
    if (table == NULL) {
        return no_memory(c);
    }
    char what[32];
    (void)snprintf(what, sizeof what, "its %s table", kind->name);
    ODEON_TRY(check_size(c, kind, from));
    ODEON_TRY(copy_struct(c, what, from, 0, kind->ops_bytes_first, table, kind->ops_bytes));
    ODEON_TRY(check_slots(c, kind, table));
    *out = table;
    return ODEON_OK;
}

/* They become names of sections, so only such are taken. */
static odeon_status check_body_names(const copying *c, const odeon_layer_ops *ops)
{
    size_t n = count_entries((const void *const *)ops->body_names);
    bool chain = ops->bodies == ODEON_BODIES_CHAIN || ops->bodies == ODEON_BODIES_FIELD;
    if (!chain || n > MAX_ENTRIES) {
        return refuse(c,
                      "its layer table has body_names, which go with bodies = %d or %d and end "
                      "with NULL",
                      ODEON_BODIES_FIELD, ODEON_BODIES_CHAIN);
    }
    for (size_t i = 0; i < n; i++) {
        if (!label_is_id(ops->body_names[i])) {
            return refuse(c, "one of its body_names is not of letters, digits and _, a letter "
                             "first");
        }
    }
    return ODEON_OK;
}

static odeon_status check_layer(const copying *c, const odeon_layer_ops *ops)
{
    if (ops->bodies < ODEON_BODIES_NONE || ops->bodies > ODEON_BODIES_BRANCHES) {
        return refuse(c, "bodies is %d, expected 0 to %d", (int)ops->bodies, ODEON_BODIES_BRANCHES);
    }
    if (ops->bodies != ODEON_BODIES_NONE && ops->attach == NULL) {
        return refuse(c, "it has bodies, but its layer table lacks attach");
    }
    return ops->body_names == NULL ? ODEON_OK : check_body_names(c, ops);
}

static odeon_status check_tableau(const copying *c, const odeon_tableau *tableau)
{
    char path[ODEON_MESSAGE_BYTES];
    (void)snprintf(path, sizeof path, "%s: %s", c->file, c->component);
    return tableau_check(tableau, path);
}

static odeon_status copy_ops(const copying *c, odeon_component *component)
{
    if (component->ops == NULL) {
        return refuse(c, "ops is NULL");
    }
    void *copy = NULL;
    ODEON_TRY(copy_table(c, interface_of(component->interface), component->ops, &copy));
    component->ops = copy;
    switch (component->interface) {
    case ODEON_INTERFACE_LAYER:
        return check_layer(c, copy);
    case ODEON_INTERFACE_TABLEAU:
        return check_tableau(c, copy);
    default:
        return ODEON_OK;
    }
}

/* ---- options ---- */

/* Whether the default can be parsed is asked later, once all options have been copied. */
static odeon_status copy_option(copying *c, const odeon_option *from, odeon_option *to)
{
    ODEON_TRY(copy_struct(c, "an option", from, 0, option_bytes_first, to, sizeof *to));
    if (!label_is_option_name(to->name)) {
        return refuse(c, "an option's name is not of a-z, 0-9 and _, a letter first");
    }
    (void)snprintf(c->option, sizeof c->option, "option %s", to->name);
    const char *fault = option_fault(to);
    if (fault != NULL) {
        return refuse(c, "it %s", fault);
    }
    c->option[0] = '\0';
    return ODEON_OK;
}

/* Names are unique and replacements lead to another option of the table: schema.h looks both up
 * without asking again. */
static odeon_status copy_options(copying *c, odeon_component *component)
{
    if (component->options == NULL) {
        return ODEON_OK;
    }
    size_t n = count_entries((const void *const *)component->options);
    if (n > MAX_ENTRIES) {
        return refuse(c, "it has more than %d options", MAX_ENTRIES);
    }
    const odeon_option **list = keep(c, n + 1, sizeof *list);
    odeon_option *copies = keep(c, n + 1, sizeof *copies);
    if (list == NULL || copies == NULL) {
        return no_memory(c);
    }
    for (size_t i = 0; i < n; i++) {
        ODEON_TRY(copy_option(c, component->options[i], &copies[i]));
        for (size_t j = 0; j < i; j++) {
            if (strcmp(copies[i].name, copies[j].name) == 0) {
                return refuse(c, "it has two options named %s", copies[i].name);
            }
        }
        list[i] = &copies[i];
    }
    component->options = list;
    for (size_t i = 0; i < n; i++) {
        const char *fault = option_replaces_fault(list, list[i]);
        if (fault != NULL) {
            return refuse(c, "its option %s %s", list[i]->name, fault);
        }
    }
    return ODEON_OK;
}

/* ---- instances in the host's memory ---- */

/* What an option of each type is written into; 0: no field can hold one. */
static uint32_t field_bytes(const odeon_option *o)
{
    switch (o->type) {
    case ODEON_OPTION_CHOICE:
        return strchr(o->choices, '(') != NULL ? sizeof(odeon_choice) : sizeof(int64_t);
    case ODEON_OPTION_F64:
        return sizeof(double);
    case ODEON_OPTION_STRING:
    case ODEON_OPTION_PATH:
    case ODEON_OPTION_COMPONENT:
        return sizeof(void *);
    case ODEON_OPTION_I64_LIST:
        return sizeof(odeon_i64_list);
    case ODEON_OPTION_F64_LIST:
        return sizeof(odeon_f64_list);
    default:
        return sizeof(int64_t);
    }
}

static bool overlap(const odeon_option *a, const odeon_option *b)
{
    return a->bytes != 0 && b->bytes != 0 && a->offset < b->offset + b->bytes &&
           b->offset < a->offset + a->bytes;
}

/* A field outside of the instance, or over another, would be written into blindly. */
static odeon_status check_field(const copying *c, const odeon_component *component, size_t i)
{
    const odeon_option *o = component->options[i];
    if (o->bytes == 0 && o->offset == 0) {
        return ODEON_OK;
    }
    if (component->instance_bytes == 0 || o->bytes != field_bytes(o) ||
        o->offset < sizeof(void *) || o->offset % sizeof(void *) != 0 ||
        (uint64_t)o->offset + o->bytes > component->instance_bytes) {
        return refuse(c,
                      "its option %s is %u bytes at %u of an instance of %llu, expected %u bytes "
                      "behind the host table",
                      o->name, (unsigned)o->bytes, (unsigned)o->offset,
                      (unsigned long long)component->instance_bytes, (unsigned)field_bytes(o));
    }
    for (size_t j = 0; j < i; j++) {
        if (overlap(o, component->options[j])) {
            return refuse(c, "its options %s and %s are written to the same place", o->name,
                          component->options[j]->name);
        }
    }
    return ODEON_OK;
}

/* 16 MiB are far more than options and handles need; what is beyond is a wrong number. */
static odeon_status check_instance(const copying *c, const odeon_component *component)
{
    enum { MOST_BYTES = 16 * 1024 * 1024 };
    if (component->instance_bytes == 0) {
        if (component->init != NULL || component->fini != NULL) {
            return refuse(c, "it has init or fini, but instance_bytes is 0");
        }
    } else if (component->instance_bytes < sizeof(void *) ||
               component->instance_bytes > MOST_BYTES) {
        return refuse(c, "instance_bytes is %llu, expected %zu to %d",
                      (unsigned long long)component->instance_bytes, sizeof(void *), MOST_BYTES);
    }
    for (size_t i = 0; component->options != NULL && component->options[i] != NULL; i++) {
        ODEON_TRY(check_field(c, component, i));
    }
    return ODEON_OK;
}

/* ---- components ---- */

/* Its options, and what it holds, are those of the layer whose place it takes. */
static odeon_status check_kernel(const copying *c, const odeon_component *kernel)
{
    const odeon_layer_ops *ops = kernel->ops;
    int length = (int)(strchr(kernel->id, '@') - kernel->id);
    if (kernel->options != NULL) {
        return refuse(c, "it has options, but takes those of layer %.*s: options must be NULL",
                      length, kernel->id);
    }
    return ops->bodies == ODEON_BODIES_NONE
               ? ODEON_OK
               : refuse(c, "it holds other layers, which a kernel cannot");
}

/* What its ops are, and whether both sides mean the same by it. */
static odeon_status check_interface(const copying *c, const odeon_component *component)
{
    const interface_info *own = interface_of(component->interface);
    if (own == NULL || own->kind != component->kind) {
        return refuse(c, "its interface is %u, which is none of %s that this host knows",
                      (unsigned)component->interface, kind_name(component->kind));
    }
    return component->interface_version == own->version
               ? ODEON_OK
               : refuse(c,
                        "it was built with other draft headers of %s (%08x, this host has %08x): "
                        "build it again with this host's headers",
                        own->name, (unsigned)component->interface_version, (unsigned)own->version);
}

/* The id is checked before it is used in messages, which go to terminals. */
static odeon_status copy_component(copying *c, const odeon_component *from, odeon_component *to)
{
    c->component[0] = '\0';
    ODEON_TRY(copy_struct(c, "a component", from, 0, component_bytes_first, to, sizeof *to));
    const char *kind = kind_name(to->kind);
    if (kind == NULL) {
        return refuse(c, "a component is of kind %d, which this host does not know", (int)to->kind);
    }
    bool is_kernel = to->kind == ODEON_KIND_LAYER && label_is_kernel(to->id);
    if (!is_kernel && !label_is_id(to->id)) {
        return refuse(c, "the id of its %s is not of letters, digits and _, a letter first", kind);
    }
    (void)snprintf(c->component, sizeof c->component, "%s %s", kind, to->id);
    ODEON_TRY(check_interface(c, to));
    if (!label_is_line(to->summary) || !label_is_line(to->version) || !label_is_line(to->license) ||
        (to->source != NULL && !label_is_line(to->source))) {
        return refuse(c, "summary, version, license or source is missing or no line of UTF-8");
    }
    if (!label_is_aliases(to->aliases)) {
        return refuse(c, "its aliases are no words \"a|b\" of letters, digits and underscores");
    }
    ODEON_TRY(copy_options(c, to));
    ODEON_TRY(check_instance(c, to));
    ODEON_TRY(copy_ops(c, to));
    return is_kernel ? check_kernel(c, to) : ODEON_OK;
}

/* The copies stand in one array, their list in another: others point to components for as long as
 * the plugin is loaded, which is for ever. */
static odeon_status copy_components(copying *c, odeon_plugin *root)
{
    size_t n = root->components != NULL ? count_entries((const void *const *)root->components) : 0;
    if (n == 0 || n > MAX_ENTRIES) {
        return refuse(c, "it has no components, or more than %d", MAX_ENTRIES);
    }
    const odeon_component **list = keep(c, n + 1, sizeof *list);
    odeon_component *copies = keep(c, n, sizeof *copies);
    if (list == NULL || copies == NULL) {
        return no_memory(c);
    }
    for (size_t i = 0; i < n; i++) {
        ODEON_TRY(copy_component(c, root->components[i], &copies[i]));
        for (size_t j = 0; j < i; j++) {
            if (copies[i].kind == copies[j].kind && strcmp(copies[i].id, copies[j].id) == 0) {
                return refuse(c, "the plugin has it twice");
            }
        }
        list[i] = &copies[i];
    }
    root->components = list;
    return ODEON_OK;
}

/* ---- the root ---- */

/* Magic, then size, then ABI: each says whether what follows can be read at all. */
static odeon_status copy_root(copying *c, const odeon_plugin *from, odeon_plugin *to)
{
    if (from->magic != ODEON_MAGIC) {
        return refuse(c, "%s does not start with ODEON_MAGIC", ODEON_PLUGIN_SYMBOL);
    }
    ODEON_TRY(copy_struct(c, ODEON_PLUGIN_SYMBOL, from, offsetof(odeon_plugin, struct_size),
                          root_bytes_first, to, sizeof *to));
    if (to->abi_major != ODEON_ABI_MAJOR || to->host_minor_required > ODEON_ABI_MINOR) {
        return refuse(c, "it needs ABI %u.%u, this host has %d.%d", (unsigned)to->abi_major,
                      (unsigned)to->host_minor_required, ODEON_ABI_MAJOR, ODEON_ABI_MINOR);
    }
    if (to->reserved0 != 0) {
        return refuse(c, "a reserved field of %s is not 0: reserved0", ODEON_PLUGIN_SYMBOL);
    }
    if (to->layouts == NULL) {
        return refuse(c, "%s has no layouts: set them to ODEON_LAYOUTS", ODEON_PLUGIN_SYMBOL);
    }
    if (!label_is_line(to->name) || !label_is_line(to->version) || !label_is_line(to->vendor)) {
        return refuse(c, "its name, version or vendor is missing or no line of UTF-8");
    }
    return copy_components(c, to);
}

odeon_status descriptor_create(const odeon_plugin *root, const char *file, descriptor **out)
{
    *out = NULL;
    descriptor *d = mem_zalloc(1, sizeof *d);
    copying c = {.d = d, .file = file};
    if (d == NULL) {
        return no_memory(&c);
    }
    odeon_status status = copy_root(&c, root, &d->root);
    if (status != ODEON_OK) {
        descriptor_destroy(d);
        return status;
    }
    *out = d;
    return ODEON_OK;
}

void descriptor_destroy(descriptor *d)
{
    if (d == NULL) {
        return;
    }
    for (size_t i = 0; i < d->n_blocks; i++) {
        mem_free(d->blocks[i]);
    }
    mem_free(d->blocks);
    mem_free(d);
}
